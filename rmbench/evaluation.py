"""From raw scores to numbers with intervals. It reads a run folder and nothing else: no model, no torch, no GPU."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rmbench.errors import UsageError
from rmbench.metrics import metrics_for
from rmbench.metrics.base import TOO_MANY, Estimated, estimate
from rmbench.scores import VERSION, Manifest, Run, read_run, sha256
from rmbench.stats import Resamples, benjamini_hochberg, interval, p_value, resample
from rmbench.types import AXES, Card, Estimate, Result, ScoredItem, TaskResult


def evaluate(run: str | Path | Run, *, bootstrap: int = 1000, seed: int = 0) -> Result:
    """Every metric of every task of a run, and the skills; the same run and arguments give the same bits.

    Intervals are 95 % percentile intervals over `bootstrap` resamples of groups. The resamples depend on `seed` and
    the task alone, never on the model. Raises RunError for a run folder that cannot be trusted.
    """
    check_resampling(bootstrap, seed)
    run = run if isinstance(run, Run) else read_run(Path(run))
    tasks: dict[str, TaskResult] = {}
    headlines: dict[str, Estimated] = {}
    sides: dict[str, dict[str, Estimated]] = {}
    for name, card in run.cards.items():
        items = run.items(name)
        sample = resample([item.group for item in items], draws=bootstrap, seed=seed, name=name)
        metrics = metrics_for(card, items)
        found = {repr(metric): estimate(metric, items, sample) for metric in metrics}
        headline = next(iter(found))
        headlines[name] = found[headline]
        sides[name] = {side: found[side] for side in ("BaseSkill", "RetainedSkill") if side in found}
        tests = {repr(metric): p_value(found[repr(metric)].replicates) for metric in metrics if metric.tested}
        tasks[name] = TaskResult(card, headline, {key: value.estimate for key, value in found.items()}, _family(tests))
    manifest = run.manifest
    return Result(
        model=manifest.settings["name"],
        signature=signature(manifest, bootstrap=bootstrap, seed=seed),
        skills={name: found.estimate for name, found in skills(run.cards, headlines).items()},
        tasks=tasks,
        settings={
            "model": manifest.settings,
            "suite": manifest.suite,
            "limit": manifest.limit,
            "bootstrap": bootstrap,
            "seed": seed,
        },
        track=_distances(run.cards, sides) if manifest.track == "closed" else {},
    )


def headlines(
    cards: Mapping[str, Card],
    items: Mapping[str, Sequence[ScoredItem]],
    resamples: Callable[[str], Resamples],
) -> dict[str, Estimated]:
    """The skill of every task and nothing else: what a table of many models needs. `resamples` gives a task's own."""
    metrics = {name: metrics_for(card, items[name])[0] for name, card in cards.items()}
    return {name: estimate(metric, items[name], resamples(name)) for name, metric in metrics.items()}


def check_resampling(bootstrap: int, seed: int) -> None:
    """Raises UsageError for a number of resamples, or a seed of theirs, that cannot be meant."""
    if bootstrap < 1:
        raise UsageError(f"bootstrap is {bootstrap}; an interval needs at least 1 resample")
    if seed < 0:
        raise UsageError(f"seed is {seed}; the seed of the resamples is 0 or more")


def skills(cards: Mapping[str, Card], headlines: Mapping[str, Estimated]) -> dict[str, Estimated]:
    """The mean over tasks per axis, and over the axes, of the tasks' headlines (or of differences between those)."""
    axes: dict[str, Estimated] = {}
    for axis in AXES:
        parts = {name: headlines[name] for name, card in cards.items() if card.axis == axis}
        axes[axis] = _mean(parts, f"no {axis} task was run")
    return {**axes, "overall": _mean(axes, "no task was run")}


def signature(manifest: Manifest, *, bootstrap: int, seed: int) -> str:
    """All that made the numbers, in one readable line (after sacrebleu, Post 2018): no time, no machine."""
    tasks = [(c.name, c.axis, c.version, c.sha256, c.budgets.model_dump()) for c in manifest.cards.values()]
    name = re.sub(r"[^\w./@:+-]", "_", manifest.settings["name"])
    parts = {
        "rmbench": VERSION,
        "suite": manifest.suite or "none",
        "model": f"{name}@{sha256(manifest.settings)[:8]}",
        "track": manifest.track if manifest.track != "open" else None,
        "tasks": sha256(sorted(tasks, key=lambda task: task[0]))[:8],
        "limit": manifest.limit,
        "seed": manifest.seed,
        "scores": manifest.scores[:8],
        "courses": manifest.trajectory[:8] if manifest.trajectory else None,
        "boot": f"{bootstrap}@{seed}",
    }
    return "|".join(f"{key}:{value}" for key, value in parts.items() if value is not None)


def to_json(result: Result) -> dict[str, Any]:
    """The result as plain values for strict JSON.

    Keys: model, signature, skills.AXIS, tasks.NAME.METRIC, headlines.NAME (the metric that is the task's skill),
    p_values.NAME.METRIC (corrected together, where a task's metrics are a family of tests), track.in_distribution,
    near_shift and far_shift (empty on the open track). Every estimate is {value, low, high, n, missing}, with a reason
    where a value or an interval is null. Numbers are rounded to 12 decimals: beyond them, machines disagree.
    """
    return {
        "model": result.model,
        "signature": result.signature,
        "skills": {name: plain(estimate) for name, estimate in result.skills.items()},
        "tasks": {
            name: {metric: plain(estimate) for metric, estimate in task.metrics.items()}
            for name, task in result.tasks.items()
        },
        "headlines": {name: task.headline for name, task in result.tasks.items()},
        "p_values": {name: dict(task.p_values) for name, task in result.tasks.items() if task.p_values},
        "track": {name: plain(estimate) for name, estimate in result.track.items()},
    }


def _family(tests: Mapping[str, float | None]) -> dict[str, float]:
    """The p-values that there are, corrected together."""
    known = {name: p for name, p in tests.items() if p is not None}
    return dict(zip(known, benjamini_hochberg([*known.values()]), strict=True))


def _distances(cards: Mapping[str, Card], sides: Mapping[str, Mapping[str, Estimated]]) -> dict[str, Estimate]:
    """Mean skill by distance from the closed track's training data: on base items, and on those shifted near and far.

    Only cards that state their `shift` are asked: the base items of others may be anything.
    """
    parts: dict[str, dict[str, Estimated]] = {"in_distribution": {}, "near_shift": {}, "far_shift": {}}
    for name in (name for name, card in cards.items() if card.shift):
        for key, side in (("in_distribution", "BaseSkill"), (f"{cards[name].shift}_shift", "RetainedSkill")):
            parts[key] |= {name: sides[name][side]} if side in sides[name] else {}
    return {key: _mean(found, "no task of this kind was run").estimate for key, found in parts.items()}


def plain(found: Estimate) -> dict[str, Any]:
    """An estimate for strict JSON; see `to_json`."""
    numbers = {key: getattr(found, key) for key in ("value", "low", "high")}
    told: dict[str, Any] = {key: None if x is None else round(x, 12) + 0.0 for key, x in numbers.items()}
    told |= {"n": found.n, "missing": found.missing}
    return told if found.reason is None else told | {"reason": found.reason}


def _mean(parts: Mapping[str, Estimated], nothing: str) -> Estimated:
    """The mean of estimates that were made with independent resamples; None where a part has no value."""
    n = sum(part.estimate.n for part in parts.values())
    missing = sum(part.estimate.missing for part in parts.values())
    without = [f"{name}: {part.estimate.reason}" for name, part in parts.items() if part.estimate.value is None]
    if without or not parts:
        empty = Estimate(None, None, None, n, missing, without[0] if without else nothing)
        return Estimated(empty, np.full(1, np.nan))
    value = float(np.mean([part.estimate.value for part in parts.values()]))
    replicates = np.mean([part.replicates for part in parts.values()], axis=0)
    bounds = interval(replicates)
    if bounds is None:
        reasons = [f"{name}: {part.estimate.reason}" for name, part in parts.items() if part.estimate.reason]
        # each part may have an interval of its own, while together they lack a value on too many resamples
        return Estimated(Estimate(value, None, None, n, missing, [*reasons, TOO_MANY][0]), replicates)
    return Estimated(Estimate(value, *bounds, n, missing), replicates)
