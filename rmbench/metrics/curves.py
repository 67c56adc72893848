"""Gold, proxy and KL along the budget, as the report draws them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rmbench.optimizers import BestOfN, PoolOptimizer, Tilt
from rmbench.stats import interval, resample
from rmbench.types import Budgets, Floats, ScoredItem

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
    sample = resample([item.group for item in complete], draws=bootstrap, seed=seed, name="curves")
    everything = np.ones(len(complete), dtype=bool)

    def bounds(gold: Floats) -> tuple[float, float] | None:
        rows = np.stack([gold, np.ones_like(gold)], axis=1)
        return interval(sample.replicates(rows, lambda sums: sums[..., 0] / sums[..., 1], everything))

    own_n, own_nats = (budgets.best_of_n, budgets.tilt) if budgets else ((), ())
    draws = {2**k for k in range(size.bit_length())} | {n for n in own_n if n <= size}
    nats = {0.0, *(step for step in STEPS if step < math.log(size)), *own_nats}
    grids: list[list[PoolOptimizer]] = [[Tilt(k) for k in sorted(nats)], [BestOfN(n) for n in sorted(draws)]]
    return {grid[0].name: [_point(complete, optimizer, bounds) for optimizer in grid] for grid in grids}


def _point(
    items: Sequence[ScoredItem],
    optimizer: PoolOptimizer,
    bounds: Callable[[Floats], tuple[float, float] | None],
) -> Point:
    spent = [optimizer.spend(item.scores) for item in items]
    gold = np.array([s.weights @ item.gold for s, item in zip(spent, items, strict=True)])
    proxy = [float(s.weights @ _standard(item.scores)) for s, item in zip(spent, items, strict=True)]
    oracle = [float(optimizer.spend(item.gold).weights @ item.gold) for item in items]
    low, high = bounds(gold) or (None, None)
    return Point(
        optimizer=optimizer.name,
        budget=optimizer.budget,
        kl=float(np.mean([s.kl for s in spent])),
        kl_bound=spent[0].bound,
        proxy=float(np.mean(proxy)),
        gold=float(gold.mean()),
        gold_low=low,
        gold_high=high,
        oracle=float(np.mean(oracle)),
        saturated_share=float(np.mean([s.saturated for s in spent])),
        pool_limited=any(s.pool_limited for s in spent),
    )


def _standard(scores: Floats) -> Floats:
    """Scores in standard deviations from the prompt's mean; 0 for a constant reward."""
    scaled = scores / (np.abs(scores).max() or 1.0)
    centred: Floats = scaled - scaled.mean()
    spread = centred.std()
    return centred / spread if np.ptp(scaled) > 0 and spread > 0 else np.zeros_like(scores)
