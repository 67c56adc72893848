"""Paired differences between two runs: the same items, the same resamples, and a verdict that allows for many tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from rmbench.comparison.flips import flips
from rmbench.comparison.joined import Joined, join, shared_tasks
from rmbench.comparison.types import Comparison, Difference, Side, TaskComparison, Verdict
from rmbench.errors import UsageError
from rmbench.evaluation import check_resampling, signature, skills
from rmbench.metrics import metrics_for
from rmbench.metrics.base import TOO_MANY, Estimated, Measure, estimate
from rmbench.scores import Run, read_run
from rmbench.stats import Resamples, benjamini_hochberg, holm, interval, p_value, resample
from rmbench.types import AXES, Estimate, Floats

LEVEL = 0.05  # of the tests; the intervals are 95 %
POWER = 0.8
ROUNDING = 1e-9  # less than this is what two orders of summing differ by
Correction = Callable[[Sequence[float]], list[float]]


class Paired(NamedTuple):
    """One number of both runs on the items that both scored, and their difference."""

    a: Estimated
    b: Estimated
    difference: Estimated
    identical: bool


def compare(run_a: str | Path | Run, run_b: str | Path | Run, *, bootstrap: int = 4000, seed: int = 0) -> Comparison:
    """A - B for every task that both runs hold, every axis of those tasks, and overall.

    An item counts where both runs scored all its responses. Both runs are resampled alike (by `seed`, the task and its
    groups), so differences are paired. Verdicts go by p-values that Holm's method corrects over the tasks, over the
    axes, and (overall) not at all; metrics that are a family of tests are corrected per task (Benjamini-Hochberg).
    Raises UsageError where the runs cannot be compared, RunError for a run folder that cannot be trusted.
    """
    check_resampling(bootstrap, seed)
    a, b = _read(run_a), _read(run_b)
    names = shared_tasks(a, b)
    check_draws(bootstrap, len(names))
    joined = {name: join(a, b, name) for name in names}
    samples = {
        name: resample([item.group for item in items.a], draws=bootstrap, seed=seed, name=name)
        for name, items in joined.items()
    }
    metrics = {name: metrics_for(a.cards[name], items.a) for name, items in joined.items()}
    headlines = {name: paired(metrics[name][0], joined[name], samples[name]) for name in names}
    judged = _judge(headlines, holm)
    tasks = {
        name: TaskComparison(
            card=a.cards[name],
            metric=repr(metrics[name][0]),
            headline=judged[name],
            tested=_tested(metrics[name], items, samples[name]),
            items=len(items.a),
            missing=items.missing(metrics[name][0]),
            alone=items.alone,
            flips=flips(name, items.a, items.b),
        )
        for name, items in joined.items()
    }
    only_a, only_b = (tuple(n for n in one.cards if n not in other.cards) for one, other in ((a, b), (b, a)))
    return Comparison(
        a=_side(a, run_a, bootstrap, seed),
        b=_side(b, run_b, bootstrap, seed),
        skills=_skills(a, headlines),
        tasks=tasks,
        only_a=only_a,
        only_b=only_b,
        settings={"bootstrap": bootstrap, "seed": seed},
    )


def check_draws(bootstrap: int, tests: int) -> None:
    """Raises UsageError where no p-value could be small enough after correction: the smallest is 2 / (draws + 1)."""
    least = int(np.ceil(2 * tests / LEVEL)) - 1
    if bootstrap < least:
        raise UsageError(
            f"bootstrap is {bootstrap}; no difference over {tests} tasks can be found with fewer than {least} resamples"
        )


def paired(metric: Measure, items: Joined, sample: Resamples) -> Paired:
    """A metric on the items that are complete in both runs, with the resamples of all their groups."""
    kept = items.kept(metric)
    left_out = int((metric.concerns(items.a) & ~kept).sum())
    if not kept.any():
        reason = "no item has all its scores in both runs"
        nothing = Estimated(Estimate(None, None, None, 0, left_out, reason), np.full(len(sample.weights), np.nan))
        return Paired(nothing, nothing, nothing, identical=False)
    part = Resamples(sample.weights, sample.codes[kept])
    a, b = items.only(kept)
    one, two = (estimate(metric, side, part) for side in (a, b))
    return Paired(one, two, _minus(one, two, left_out), identical=items.identical(kept))


def _minus(one: Estimated, two: Estimated, left_out: int) -> Estimated:
    n = one.estimate.n
    without = [(side, e.reason) for side, e in (("A", one.estimate), ("B", two.estimate)) if e.value is None]
    if without or one.estimate.value is None or two.estimate.value is None:
        reason = " and ".join(f"{side}: {reason}" for side, reason in without)
        return Estimated(Estimate(None, None, None, n, left_out, reason), np.full_like(one.replicates, np.nan))
    value = float(_exact(np.array(one.estimate.value - two.estimate.value)))
    replicates = _exact(one.replicates - two.replicates)
    bounds = interval(replicates)
    if bounds is None:
        reason = one.estimate.reason or two.estimate.reason or TOO_MANY
        return Estimated(Estimate(value, None, None, n, left_out, reason), replicates)
    return Estimated(Estimate(value, *bounds, n, left_out), replicates)


def _exact(values: Floats) -> Floats:
    """The values, with 0 for what is only rounding: a test must not see a difference in it."""
    return np.where(np.abs(values) < ROUNDING, 0.0, values)


def _skills(run: Run, headlines: Mapping[str, Paired]) -> dict[str, Difference]:
    """The axes and overall: means over the tasks, of A, of B and of the differences."""
    cards = {name: run.cards[name] for name in headlines}
    a, b, differences = (
        skills(cards, {name: getattr(found, part) for name, found in headlines.items()})
        for part in ("a", "b", "difference")
    )
    parts = {
        axis: [headlines[name].identical for name, card in cards.items() if axis in (card.axis, "overall")]
        for axis in differences
    }
    means = {
        axis: Paired(a[axis], b[axis], differences[axis], identical=bool(parts[axis]) and all(parts[axis]))
        for axis in differences
    }
    return _judge({axis: means[axis] for axis in AXES}, holm) | _judge({"overall": means["overall"]}, holm)


def _tested(metrics: Sequence[Measure], items: Joined, sample: Resamples) -> dict[str, Difference]:
    found = {repr(metric): paired(metric, items, sample) for metric in metrics if metric.tested}
    return _judge(found, benjamini_hochberg, said=("A higher", "B higher"))


def _judge(
    family: Mapping[str, Paired], correct: Correction, said: tuple[Verdict, Verdict] = ("A better", "B better")
) -> dict[str, Difference]:
    """The verdicts on differences that are tested together."""
    tests = {name: p_value(found.difference.replicates) for name, found in family.items()}
    known = {name: p for name, p in tests.items() if p is not None}
    adjusted = dict(zip(known, correct([*known.values()]), strict=True))
    return {
        name: Difference(
            a=found.a.estimate,
            b=found.b.estimate,
            difference=found.difference.estimate,
            p=tests[name],
            adjusted=adjusted.get(name),
            verdict=_verdict(found.difference.estimate, adjusted.get(name), said),
            resolves=_resolves(found.difference.replicates, len(known)) if name in known else None,
            identical=found.identical,
            replicates=found.difference.replicates,
        )
        for name, found in family.items()
    }


def _verdict(difference: Estimate, adjusted: float | None, said: tuple[Verdict, Verdict]) -> Verdict:
    if difference.value is None or difference.low is None or difference.high is None or adjusted is None:
        return "no number"
    if adjusted > LEVEL or difference.low <= 0 <= difference.high:
        return "insufficient evidence"
    return said[0] if difference.low > 0 else said[1]


def _resolves(replicates: Floats, tests: int) -> float:
    """The smallest difference found with 80 % power: 2.8 standard errors for one test, more for one of several.

    The factor is z(1 - 0.05 / (2 tests)) + z(0.8): the first step of Holm's correction, the strictest one.
    """
    normal = NormalDist()
    error = float(np.std(replicates[np.isfinite(replicates)], ddof=1)) if replicates.size > 1 else 0.0
    return (normal.inv_cdf(1 - LEVEL / (2 * tests)) + normal.inv_cdf(POWER)) * error


def _read(run: str | Path | Run) -> Run:
    return run if isinstance(run, Run) else read_run(Path(run))


def _side(run: Run, given: str | Path | Run, bootstrap: int, seed: int) -> Side:
    model: str = run.manifest.settings["name"]
    label = model if isinstance(given, Run) else str(given)
    return Side(model, label, signature(run.manifest, bootstrap=bootstrap, seed=seed))
