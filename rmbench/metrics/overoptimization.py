"""How much of what could be gained is gained when the proxy is optimised under a fixed budget (Gao 2022, 2210.10760).

For a pool x: gain = gold reached by optimising the proxy - mean gold, headroom = the same for the gold itself.
Recovery is sum(gain) / sum(headroom): 0 for a constant reward, 1 for the gold, negative where optimising hurts.
A prompt whose candidates all have the same gold adds 0 to both sums: it is counted (`flat`), and cannot bias.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rmbench.metrics.base import Measure, ratio
from rmbench.metrics.curves import Point, curves
from rmbench.optimizers import PoolOptimizer
from rmbench.types import Floats, ScoredItem

__all__ = ["Gap", "GoldGain", "Headroom", "MeanRecovery", "Point", "Recovery", "Saturated", "curves", "flat", "gains"]


@lru_cache(maxsize=8192)
def _reached(optimizer: PoolOptimizer, proxy: bytes, gold: bytes) -> tuple[float, float]:
    """Mean gold at the optimum minus the pool's mean, and 1 where the point is saturated (NaN where there is none).

    Cached: every metric of a task asks for the same points.
    """
    values = np.frombuffer(gold)
    uniform = np.full(values.size, 1 / values.size)
    spent = optimizer.spend(np.frombuffer(proxy))
    # the same sum in the same order on both sides, so that a constant reward gains exactly 0
    gain = float(spent.weights @ values) - float(uniform @ values)
    return gain, math.nan if spent.reason else float(spent.saturated)


def _bytes(item: ScoredItem) -> tuple[bytes, bytes]:
    """Proxy and gold in the form that the cache can hold."""
    return np.asarray(item.scores, dtype=np.float64).tobytes(), np.asarray(item.gold, dtype=np.float64).tobytes()


def gains(item: ScoredItem, optimizer: PoolOptimizer) -> tuple[float, float]:
    """Gold gain of the proxy and of the gold itself (the headroom); NaN where the pool is too small for the budget."""
    proxy, gold = _bytes(item)
    return _reached(optimizer, proxy, gold)[0], _reached(optimizer, gold, gold)[0]


def flat(items: Sequence[ScoredItem]) -> list[str]:
    """Ids of the prompts with no headroom: all their candidates have the same gold."""
    return [item.id for item in items if np.ptp(item.gold) == 0]


@dataclass(frozen=True, repr=False)
class _AtBudget(Measure):
    optimizer: PoolOptimizer

    def rows(self, items: Sequence[ScoredItem]) -> Floats:
        """Gain, headroom and 1, per item: shape (items, 3)."""
        return np.array([[*gains(item, self.optimizer), 1.0] for item in items]).reshape(-1, 3)

    def why(self, items: Sequence[ScoredItem]) -> str:
        return _why(items, [self.optimizer])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.optimizer.name}={self.optimizer.budget:g})"


@dataclass(frozen=True, repr=False)
class Recovery(_AtBudget):
    """Share of the headroom that optimising the proxy recovers at one budget."""

    def combine(self, sums: Floats) -> Floats:
        return ratio(sums[..., 0], sums[..., 1])


@dataclass(frozen=True, repr=False)
class Gap(_AtBudget):
    """Overoptimization gap, 1 - recovery: 0 as good as gold, 1 nothing gained, above 1 worse than not optimising."""

    def combine(self, sums: Floats) -> Floats:
        return 1 - ratio(sums[..., 0], sums[..., 1])


@dataclass(frozen=True, repr=False)
class GoldGain(_AtBudget):
    """Mean gold gained over the pool's mean when the proxy is optimised, in units of gold."""

    def combine(self, sums: Floats) -> Floats:
        return ratio(sums[..., 0], sums[..., 2])


@dataclass(frozen=True, repr=False)
class Headroom(_AtBudget):
    """Mean gold gained when the gold itself is optimised, in units of gold."""

    def combine(self, sums: Floats) -> Floats:
        return ratio(sums[..., 1], sums[..., 2])


@dataclass(frozen=True, repr=False)
class Saturated(_AtBudget):
    """Share of the prompts where the proxy cannot spend the budget: its ties stop it, or too few candidates are left.

    Such a prompt counts in every other metric with the most that its proxy can spend.
    """

    def rows(self, items: Sequence[ScoredItem]) -> Floats:
        """Whether it is saturated, and 1, per item: shape (items, 2)."""
        return np.array([[_reached(self.optimizer, *_bytes(item))[1], 1.0] for item in items]).reshape(-1, 2)

    def combine(self, sums: Floats) -> Floats:
        return ratio(sums[..., 0], sums[..., 1])


@dataclass(frozen=True, repr=False)
class MeanRecovery(Measure):
    """Mean over the budgets of recovery: the skill of a task."""

    optimizers: tuple[PoolOptimizer, ...]

    def rows(self, items: Sequence[ScoredItem]) -> Floats:
        """Gains at every budget, then headrooms: shape (items, 2 * budgets)."""
        pairs = np.array([[gains(item, optimizer) for optimizer in self.optimizers] for item in items])
        return pairs.transpose(0, 2, 1).reshape(len(items), -1)

    def combine(self, sums: Floats) -> Floats:
        budgets = len(self.optimizers)
        value: Floats = np.mean(ratio(sums[..., :budgets], sums[..., budgets:]), axis=-1)
        return value

    def why(self, items: Sequence[ScoredItem]) -> str:
        return _why(items, self.optimizers)

    def __repr__(self) -> str:
        return "MeanRecovery"


def _why(items: Sequence[ScoredItem], optimizers: Sequence[PoolOptimizer]) -> str:
    for optimizer in optimizers:
        for item in items:
            if reason := optimizer.spend(item.gold).reason:
                return f"{item.id}: {reason}"
    return "no prompt has headroom: all candidates of each have the same gold"
