"""Best-of-n: draw n candidates, keep the one with the highest proxy reward. Exact, on a pool of N >= n.

The unbiased estimator without replacement of Nakano 2021 (arXiv 2112.09332) and Gao 2022 (2210.10760), with ties
averaged so that the order of rows never matters, and with the KL that is spent on the pool itself: the textbook
log n - (n - 1)/n is only an upper bound for a continuous reward (Beirami 2024, 2401.01879).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from rmbench.optimizers.pool import Ranked, Spent, Weighed, impossible, kl_from_uniform
from rmbench.types import Floats

POOL_SHARE = 16  # beyond n = N/16 the draws overlap too much to stand for fresh ones


@dataclass(frozen=True, slots=True)
class BestOfN:
    """Keep the best of n candidates."""

    name: ClassVar[str] = "best_of_n"
    n: int

    @property
    def budget(self) -> float:
        return self.n

    @property
    def bound(self) -> float:
        """The textbook KL, log n - (n - 1)/n."""
        return math.log(self.n) - (self.n - 1) / self.n

    def limited(self, size: int) -> bool:
        """Whether a pool of this size is too small for n draws to stand for fresh ones."""
        return self.n * POOL_SHARE > size

    def spend(self, scores: Floats) -> Spent:
        """Each candidate's chance to be the best of n drawn without replacement. Costs N log N."""
        ranked = Ranked.of(scores)
        found = self.weigh(ranked)
        if found is None:
            return impossible(
                scores.size, f"best of {self.n} needs {self.n} candidates, and the pool has {scores.size}"
            )
        return ranked.spent(found, bound=self.bound, pool_limited=self.limited(scores.size))

    def weigh(self, ranked: Ranked) -> Weighed | None:
        """As `spend`, for ranked pools. Where nothing is tied, every pool has the same chances."""
        size, pools = ranked.size, len(ranked.values)
        if self.n > size:
            return None
        ways = _ways(size, self.n)
        if ranked.ties is None:
            chances = np.diff(ways)[None]
        else:
            first, last = ranked.ties
            chances = (ways[last] - ways[first]) / (last - first)
        kl = np.broadcast_to(kl_from_uniform(chances), pools)
        # as for the tilt: the nats asked for are more than ties at the top allow anyone to spend
        saturated = (self.n > 1) & (self.bound >= np.log(size / ranked.top))
        return Weighed(np.broadcast_to(chances, ranked.values.shape), kl, saturated)


@lru_cache(maxsize=32)
def _ways(size: int, n: int) -> Floats:
    """The chance that all n fall among the k lowest, C(k, n) / C(N, n), for k = 0..N: no big integer, no gamma.

    Summed downwards from log 1 = 0 at k = N, so that the top, which alone counts for a large n, is the most exact.
    """
    chance = np.zeros(size + 1)
    chance[size] = 1.0
    lower = np.cumsum(np.log1p(-n / np.arange(size, n, -1.0)))
    chance[n:size] = np.exp(lower)[::-1]
    chance.flags.writeable = False
    return chance
