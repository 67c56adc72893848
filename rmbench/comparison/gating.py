"""A gate for continuous integration: may this run take the place of the baseline?

Drop = baseline - run, paired. Every gated number has to be shown to have dropped by no more than what is allowed, so
passing needs no correction for several numbers (an intersection-union test, Berger 1982); failing does (Holm).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from rmbench.comparison.paired import ROUNDING, compare
from rmbench.comparison.types import Comparison, Difference
from rmbench.errors import RunError, UsageError
from rmbench.scores import Run
from rmbench.stats import holm
from rmbench.types import AXES, Estimate, Floats

On = Literal["overall", "axes", "tasks"]
Outcome = Literal["pass", "regression", "insufficient evidence"]
LEVEL = 0.025  # one-sided, as the upper end of a 95 % interval
EXIT: Mapping[Outcome, int] = {"pass": 0, "regression": 1, "insufficient evidence": 3}
FACTOR = 2.8  # standard errors between the drop and its limit that give 80 % power to decide


@dataclass(frozen=True, slots=True)
class Gated:
    """One number under the gate. `p` is the one-sided p-value of "the drop is at most what is allowed", `adjusted` the
    same after Holm's correction over the gated numbers. `more`: how many times as many groups would decide, if the drop
    stayed as it is; None where it is decided, or no number of groups would.
    """

    drop: Estimate
    p: float | None
    adjusted: float | None
    outcome: Outcome
    more: float | None


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate's answer, and the numbers behind it."""

    outcome: Outcome
    max_drop: float
    on: On
    numbers: Mapping[str, Gated]
    comparison: Comparison

    @property
    def exit_code(self) -> int:
        """0 pass, 1 regression, 3 insufficient evidence."""
        return EXIT[self.outcome]


def gate(
    run: str | Path | Run,
    baseline: str | Path | Run,
    *,
    max_drop: float,
    on: On = "axes",
    max_missing: float = 0.0,
    bootstrap: int = 4000,
    seed: int = 0,
) -> Gate:
    """Whether the run may drop below the baseline by no more than `max_drop` in any gated number.

    "axes" gates the axes and, where all three were run, overall. Raises UsageError for arguments or runs with which the
    question cannot be asked, RunError for a run that cannot be trusted, lacks a task or an item of the baseline or the
    scores of more than `max_missing` of a task's items, or has no number to gate.
    """
    _check("max-drop", max_drop)
    _check("max-missing", max_missing)
    found = compare(run, baseline, bootstrap=bootstrap, seed=seed)
    _check_whole(found)
    _check_missing(found, max_missing)
    differences = gated(found, on)
    for name, one in differences.items():
        if one.difference.value is None:
            raise RunError(f"{name} has no number to gate: {one.difference.reason}")
    drops = {name: -one.replicates[np.isfinite(one.replicates)] for name, one in differences.items() if _bounded(one)}
    tests = {name: _p_value(drop, max_drop) for name, drop in drops.items()}
    adjusted = dict(zip(tests, holm([*tests.values()]), strict=True))
    numbers = {
        name: _gated(one, drops.get(name), max_drop, tests.get(name), adjusted.get(name))
        for name, one in differences.items()
    }
    return Gate(_outcome(numbers), max_drop, on, numbers, found)


def gated(found: Comparison, on: On) -> dict[str, Difference]:
    """The numbers that a gate looks at. Raises UsageError for overall without all three axes."""
    held = [axis for axis in AXES if any(task.card.axis == axis for task in found.tasks.values())]
    whole = len(held) == len(AXES)
    if on == "overall" and not whole:
        raise UsageError(f"overall needs tasks of all three axes, and both runs hold only {', '.join(held)}; use axes")
    if on == "tasks":
        return {name: task.headline for name, task in found.tasks.items()}
    names: list[str] = [*held] if on == "axes" else []
    return {name: found.skills[name] for name in [*names, *(["overall"] if whole else [])]}


def _check(name: str, value: float) -> None:
    if not math.isfinite(value) or value < 0:
        raise UsageError(f"--{name} is {value:g}; give a proportion from 0 to 1")
    if value > 1:
        hint = f"for {value:g} points of a hundred give {value / 100:g}" if value <= 100 else "0.02 is 2 in a hundred"
        raise UsageError(f"--{name} is {value:g}; give a proportion from 0 to 1 ({hint})")


def _check_whole(found: Comparison) -> None:
    """A run that leaves out what it is bad at must not pass; what it has beyond the baseline is no concern."""
    if found.only_b:
        raise RunError(f"the run lacks the baseline's task {found.only_b[0]}; run it on the same suite as the baseline")
    for name, task in found.tasks.items():
        if task.alone.b:
            raise RunError(
                f"task {name}: the run lacks {task.alone.b} of the baseline's items; run both with the same --suite and"
                " --limit"
            )


def _check_missing(found: Comparison, most: float) -> None:
    for name, task in found.tasks.items():
        for role, count in (("the run", task.missing.a), ("the baseline", task.missing.b)):
            if count > most * task.items:
                raise RunError(
                    f"task {name}: {role} lacks a score on {count} of {task.items} items, more than --max-missing"
                    f" {most:g} allows; score them or run it again"
                )


def _bounded(one: Difference) -> bool:
    return one.difference.low is not None


def _p_value(drop: Floats, most: float) -> float:
    """One-sided: how well the resamples agree with a drop of at most `most`."""
    return (int((drop <= most + ROUNDING).sum()) + 1) / (drop.size + 1)


def _gated(one: Difference, drops: Floats | None, most: float, p: float | None, adjusted: float | None) -> Gated:
    d = one.difference
    low, high = (None if bound is None else 0.0 - bound for bound in (d.high, d.low))
    value = 0.0 - (d.value or 0.0)
    drop = Estimate(value, low, high, d.n, d.missing, d.reason)
    if high is None or adjusted is None or drops is None:
        return Gated(drop, p, adjusted, "insufficient evidence", None)
    if high <= most + ROUNDING:
        return Gated(drop, p, adjusted, "pass", None)
    if adjusted < LEVEL:
        return Gated(drop, p, adjusted, "regression", None)
    distance = abs(most - value)
    more = (FACTOR * float(drops.std(ddof=1)) / distance) ** 2 if distance > ROUNDING else None
    return Gated(drop, p, adjusted, "insufficient evidence", more)


def _outcome(numbers: Mapping[str, Gated]) -> Outcome:
    found = {one.outcome for one in numbers.values()}
    if "regression" in found:
        return "regression"
    return "pass" if found == {"pass"} else "insufficient evidence"
