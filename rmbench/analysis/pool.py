"""A person's own pools: candidates per prompt, each with a proxy reward and a gold value, in one table.

What they hold under best-of-n and tilt is worked out once for all budgets; every metric is the benchmark's own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rmbench.analysis.plain import plain, rounded
from rmbench.analysis.tables import read_table
from rmbench.errors import UsageError
from rmbench.metrics.base import Measure, estimate
from rmbench.metrics.curves import Point, doubled, points_of
from rmbench.metrics.diagnostics import WithinPromptAUC
from rmbench.metrics.goodhart import GoodhartDrop, HackingThreshold
from rmbench.metrics.overoptimization import MeanRecovery, Recovery, flat
from rmbench.metrics.reach import Optimizer, remember
from rmbench.optimizers import BestOfN, PoolOptimizer, Tilt
from rmbench.optimizers.sweep import sweep
from rmbench.stats import resample
from rmbench.types import Budgets, Estimate, Floats, ScoredItem

LARGEST = 1e100  # gold beyond this would overflow where it is squared and summed
NATS = (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0)


@dataclass(frozen=True, slots=True)
class Pools:
    """Prompts with at least two scored candidates, as items. `missing` counts candidates without a finite proxy.

    `single` and `unscored` count the prompts that were set aside: one scored candidate, or none.
    """

    items: tuple[ScoredItem, ...]
    missing: int
    single: int = 0
    unscored: int = 0


@dataclass(frozen=True, slots=True)
class PoolAnalysis:
    """What optimising the proxy does to the gold. `recovery` is the mean over `budgets`, `recoveries` hold each."""

    prompts: int
    candidates: int
    missing: int
    ties: int
    points: tuple[Point, ...]
    budgets: tuple[PoolOptimizer, ...]
    recovery: Estimate
    recoveries: Mapping[PoolOptimizer, Estimate]
    goodhart_drop: Estimate
    hacking_threshold: Estimate
    within_prompt_auc: Estimate
    notes: tuple[str, ...]


def read_pools(path: Path, prompt: str, proxy: str, gold: str) -> Pools:
    """Read pools from a table with a row per candidate. Raises DataError for what cannot be read, with its row."""
    table = read_table(path, [prompt, proxy, gold], names=[prompt])
    golds = table.complete(gold, "the gold")
    table.check(gold, golds, np.abs(golds) <= LARGEST, f"the gold must lie within ±{LARGEST:g}; rescale it")
    codes, labels = table.names(prompt)
    return pools_of(codes, labels, table.numbers(proxy), golds)


def pools_of(codes: np.ndarray[Any, np.dtype[np.intp]], labels: Sequence[str], proxy: Floats, gold: Floats) -> Pools:
    """Pools from columns: the place of each candidate's prompt in `labels`, its proxy (NaN = missing) and its gold."""
    finite = np.isfinite(proxy)
    missing = int((~finite).sum())
    if missing:
        codes, proxy, gold = codes[finite], proxy[finite], gold[finite]
    if np.any(np.diff(codes) < 0):  # not yet prompt by prompt
        order = np.argsort(codes, kind="stable")
        codes, proxy, gold = codes[order], proxy[order], gold[order]
    sizes = np.bincount(codes, minlength=len(labels))
    ends = np.cumsum(sizes)
    items = tuple(
        ScoredItem(labels[k], labels[k], proxy[ends[k] - sizes[k] : ends[k]], gold[ends[k] - sizes[k] : ends[k]])
        for k in np.flatnonzero(sizes > 1).tolist()
    )
    return Pools(items, missing, single=int((sizes == 1).sum()), unscored=int((sizes == 0).sum()))


def analyze_pool(pools: Pools, *, n: Sequence[int] | None = None, bootstrap: int = 1000, seed: int = 0) -> PoolAnalysis:
    """All numbers of the pools, with intervals over `bootstrap` resamples of prompts.

    `n` are the draws of best-of-n; by default 1, 2, 4 ... up to the smallest pool. Raises UsageError for an n that is
    below 1 or above the smallest pool.
    """
    if bootstrap < 1:
        raise UsageError(f"bootstrap is {bootstrap}; an interval needs at least 1 resample")
    if seed < 0:
        raise UsageError(f"seed is {seed}; the seed of the resamples is 0 or more")
    items = pools.items
    draws = _draws(items, n)
    size = min((item.gold.size for item in items), default=1)
    tilts = [Tilt(nats) for nats in NATS if nats < math.log(size)]
    grid: list[PoolOptimizer] = [Tilt(0.0), *tilts, *map(BestOfN, draws)]
    budgets = _budgets(grid, n)
    swept = sweep([item.scores for item in items], [item.gold for item in items], grid)
    remember(items, swept)
    sample = resample([item.id for item in items], draws=bootstrap, seed=seed, name="pool")

    def measured(metric: Measure) -> Estimate:
        if not items:
            reason = "no candidate has a score" if not pools.single else "no prompt has two scored candidates"
            return Estimate(None, None, None, 0, pools.missing, reason)
        return estimate(metric, items, sample).estimate

    course: tuple[Optimizer, ...] = (Tilt(0.0), *tilts)
    return PoolAnalysis(
        prompts=len(items),
        candidates=sum(item.gold.size for item in items),
        missing=pools.missing,
        ties=int(swept.tied.sum()),
        points=tuple(points_of(swept, sample, size)) if items else (),
        budgets=budgets,
        recovery=measured(MeanRecovery(budgets)),
        recoveries={one: measured(Recovery(one)) for one in grid if one.budget > (one.name == BestOfN.name)},
        goodhart_drop=measured(GoodhartDrop(course)),
        hacking_threshold=measured(HackingThreshold(course)),
        within_prompt_auc=measured(WithinPromptAUC()),
        notes=tuple(_notes(pools, size, draws, n)),
    )


def to_json(found: PoolAnalysis) -> dict[str, Any]:
    """The analysis as plain values for strict JSON, with the keys of docs/analyze.md."""
    drawn = [point for point in found.points if point.optimizer == BestOfN.name]
    tilted = [point for point in found.points if point.optimizer == Tilt.name and point.budget > 0]
    gaps = {one: gap(recovery) for one, recovery in found.recoveries.items()}
    return {
        "prompts": found.prompts,
        "candidates": found.candidates,
        "missing": found.missing,
        "ties": found.ties,
        "curves": {"best_of_n": [_drawn(point) for point in drawn], "tilt": [_tilted(point) for point in tilted]},
        "recovery": plain(found.recovery) | _by_budget(found.recoveries),
        "overoptimization_gap": plain(gap(found.recovery)) | _by_budget(gaps),
        "goodhart_drop": plain(found.goodhart_drop),
        "hacking_threshold_kl": plain(found.hacking_threshold),
        "within_prompt_auc": plain(found.within_prompt_auc),
        "notes": list(found.notes),
    }


def gap(recovery: Estimate) -> Estimate:
    """The overoptimization gap, 1 - recovery."""
    value, low, high = (None if x is None else 1 - x for x in (recovery.value, recovery.high, recovery.low))
    return Estimate(value, low, high, recovery.n, recovery.missing, recovery.reason)


def _draws(items: Sequence[ScoredItem], n: Sequence[int] | None) -> list[int]:
    smallest = min(items, key=lambda item: item.gold.size, default=None)
    if n is None:
        return sorted(doubled(smallest.gold.size)) if smallest else []
    if low := [one for one in n if one < 1]:
        raise UsageError(f"--n {low[0]}: the best of {low[0]} is nothing; n is 1 or more")
    if smallest and max(n, default=0) > smallest.gold.size:
        size = smallest.gold.size
        raise UsageError(
            f"--n {max(n)}: the best of {max(n)} needs as many candidates, and the pool of prompt"
            f" {smallest.id!r} has {size}; give n up to {size}, or leave --n out"
        )
    return sorted(set(n))


def _budgets(grid: Sequence[PoolOptimizer], n: Sequence[int] | None) -> tuple[PoolOptimizer, ...]:
    """What the headline is the mean of: the benchmark's own budgets that these pools hold, and the n that was asked."""
    usual = Budgets()
    some = {one for one in grid if one.name == Tilt.name and one.budget in usual.tilt}
    some |= {one for one in grid if isinstance(one, BestOfN) and one.n > 1 and (n or one.n in usual.best_of_n)}
    spent = [one for one in grid if one.budget > (one.name == BestOfN.name)]
    return tuple(one for one in spent if one in some) or tuple(spent)


def _notes(pools: Pools, size: int, draws: Sequence[int], n: Sequence[int] | None) -> list[str]:
    """What a reader must know beside the numbers."""
    items, notes = pools.items, []
    largest = max((item.gold.size for item in items), default=1)
    if pools.unscored:
        notes.append(f"prompts without any score, left out: {pools.unscored}")
    if pools.single:
        notes.append(f"prompts with a single scored candidate, left out as there is nothing to choose: {pools.single}")
    if n is None and doubled(largest) != doubled(size):
        where = next(item.id for item in items if item.gold.size == size)
        notes.append(f"n above {max(draws)} left out: the smallest pool (prompt {where!r}) has {size} candidates")
    if limited := [one for one in draws if one > 1 and BestOfN(one).limited(size)]:
        notes.append(f"pool-limited from n = {limited[0]}: more than a sixteenth of the smallest pool ({size})")
    if equal := sum(np.ptp(item.scores) == 0 for item in items):
        notes.append(f"prompts whose proxies are all equal, so that nothing can be optimised: {equal}")
    if level := len(flat(items)):
        notes.append(f"prompts whose gold is all equal, so that there is no headroom: {level}")
    if len(items) == 1:
        notes.append("a single prompt: no intervals")
    return notes


def _gold(point: Point) -> dict[str, float | None]:
    return {"value": rounded(point.gold), "low": rounded(point.gold_low), "high": rounded(point.gold_high)}


def _drawn(point: Point) -> dict[str, Any]:
    told = {"kl": point.kl, "kl_bound": point.kl_bound, "proxy": point.proxy, "oracle": point.oracle}
    numbers = {key: rounded(value) for key, value in told.items()}
    return {
        "n": int(point.budget),
        "kl": numbers["kl"],
        "kl_bound": numbers["kl_bound"],
        "proxy": numbers["proxy"],
        "gold": _gold(point),
        "oracle": numbers["oracle"],
    }


def _tilted(point: Point) -> dict[str, Any]:
    return {
        "nats": rounded(point.budget),
        "kl": rounded(point.kl),
        "gold": _gold(point),
        "oracle": rounded(point.oracle),
        "saturated": rounded(point.saturated_share),
    }


def _by_budget(found: Mapping[PoolOptimizer, Estimate]) -> dict[str, dict[str, Any]]:
    return {
        name: {f"{one.budget:g}": plain(told) for one, told in found.items() if one.name == name}
        for name in (BestOfN.name, Tilt.name)
    }
