"""What every optimiser on a pool of candidates has in common.

An optimiser turns the proxy rewards of a pool into a distribution over its candidates. Whatever it reaches (gold,
proxy, or the gold's own optimum) is then `weights @ values`. Adding one = one file with one such class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rmbench.types import Floats


@dataclass(frozen=True, slots=True)
class Spent:
    """The distribution that was reached, shape (N,), and what it cost in nats of KL from the uniform pool.

    `bound` is the textbook KL of the method, where there is one. `saturated`: the budget could not be spent, or too few
    candidates carry the result. `pool_limited`: the pool is too small for the point to say much about the policy.
    `reason` tells why there is no distribution; weights and KL are NaN then.
    """

    weights: Floats
    kl: float
    bound: float | None = None
    saturated: bool = False
    pool_limited: bool = False
    reason: str | None = None


class PoolOptimizer(Protocol):
    """A frozen value: `name` and `budget` are its identity."""

    @property
    def name(self) -> str: ...

    @property
    def budget(self) -> float: ...

    def __hash__(self) -> int: ...

    def spend(self, scores: Floats) -> Spent:
        """Optimise finite rewards, shape (N,)."""
        ...


def kl_from_uniform(weights: Floats) -> float:
    """KL in nats between weights over a pool and the uniform distribution: sum w log(N w)."""
    held = weights[weights > 0]
    return max(0.0, float(held @ np.log(held * weights.size)))


def impossible(size: int, reason: str) -> Spent:
    """The outcome where the budget has no meaning on a pool of this size."""
    return Spent(np.full(size, np.nan), float("nan"), reason=reason)
