"""Gold, proxy and KL along the budget, as the report draws them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rmbench.optimizers import BestOfN, PoolOptimizer, Tilt
from rmbench.optimizers.sweep import Sweep, sweep
from rmbench.stats import Resamples, interval, resample
from rmbench.types import Budgets, ScoredItem

STEPS = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0)


@dataclass(frozen=True, slots=True)
class Point:
    """Means over prompts at one budget. `kl` and `kl_bound` in nats, `proxy` in standard deviations within the prompt.

    `kl_bound` is None where the method has no textbook value. `saturated_share` is the share of prompts that could not
    spend the budget (see `Spent`), `saturated` whether there is any.
    """

    optimizer: str
    budget: float
    kl: float
    kl_bound: float | None
    proxy: float
    gold: float
    gold_low: float | None
    gold_high: float | None
    oracle: float
    saturated_share: float
    pool_limited: bool

    @property
    def saturated(self) -> bool:
        return self.saturated_share > 0


def curves(
    items: Sequence[ScoredItem], budgets: Budgets | None = None, *, bootstrap: int = 200, seed: int = 0
) -> dict[str, list[Point]]:
    """Points per optimiser name, by rising budget, on the complete items; empty if there are none.

    Best-of-n doubles n up to the smallest pool; tilt stops below log N, the most that a pool without ties can spend.
    The budgets of the card are points too, all but an n above the smallest pool.
    """
    complete = [item for item in items if item.complete]
    if not complete:
        return {}
    size = min(item.gold.size for item in complete)
    own_n, own_nats = (budgets.best_of_n, budgets.tilt) if budgets else ((), ())
    draws = doubled(size) | {n for n in own_n if n <= size}
    nats = {0.0, *(step for step in STEPS if step < math.log(size)), *own_nats}
    grid: list[PoolOptimizer] = [*map(Tilt, sorted(nats)), *map(BestOfN, sorted(draws))]
    sample = resample([item.group for item in complete], draws=bootstrap, seed=seed, name="curves")
    points = points_of(sweep([i.scores for i in complete], [i.gold for i in complete], grid), sample, size)
    return {name: [point for point in points if point.optimizer == name] for name in (Tilt.name, BestOfN.name)}


def doubled(size: int) -> set[int]:
    """1, 2, 4 ... up to the size of a pool."""
    return {2**k for k in range(size.bit_length())}


def points_of(swept: Sweep, sample: Resamples, size: int) -> list[Point]:
    """The mean over pools at every budget of a sweep, with intervals from `sample`; `size` is the smallest pool's.

    A single group gives no interval.
    """
    rows = np.concatenate([swept.gold, np.ones((len(swept.gold), 1))], axis=1)
    replicates = sample.replicates(rows, lambda sums: sums[..., :-1] / sums[..., -1:], np.ones(len(rows), dtype=bool))
    several = sample.weights.shape[1] > 1
    bounds = [(several and interval(column)) or (None, None) for column in replicates.T]
    return [_point(swept, k, bound, size) for k, bound in enumerate(bounds)]


def _point(swept: Sweep, k: int, bounds: tuple[float | None, float | None], size: int) -> Point:
    optimizer = swept.optimizers[k]
    draws = optimizer if isinstance(optimizer, BestOfN) else None
    return Point(
        optimizer=optimizer.name,
        budget=optimizer.budget,
        kl=float(np.mean(swept.kl[:, k])),
        kl_bound=draws.bound if draws else None,
        proxy=float(np.mean(swept.proxy[:, k])),
        gold=float(np.mean(swept.gold[:, k])),
        gold_low=bounds[0],
        gold_high=bounds[1],
        oracle=float(np.mean(swept.oracle[:, k])),
        saturated_share=float(np.mean(swept.saturated[:, k])),
        pool_limited=draws is not None and draws.limited(size),
    )
