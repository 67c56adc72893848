"""Best-of-n: draw n candidates, keep the one with the highest proxy reward. Exact, on a pool of N >= n.

The unbiased estimator without replacement of Nakano 2021 (arXiv 2112.09332) and Gao 2022 (2210.10760), with ties
averaged so that the order of rows never matters, and with the KL that is spent on the pool itself: the textbook
log n - (n - 1)/n is only an upper bound for a continuous reward (Beirami 2024, 2401.01879).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import gammaln

from rmbench.optimizers.pool import Spent, impossible, kl_from_uniform
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

    def spend(self, scores: Floats) -> Spent:
        """Each candidate's chance to be the best of n drawn without replacement. Costs N log N."""
        size = scores.size
        if self.n > size:
            return impossible(size, f"best of {self.n} needs {self.n} candidates, and the pool has {size}")
        _, group, counts = np.unique(scores, return_inverse=True, return_counts=True)
        below = np.cumsum(counts)
        # chance that all n fall among the `below` lowest: C(below, n) / C(N, n); exactly 1 for the last group
        log_ways = gammaln(below + 1.0) - gammaln(np.maximum(below - self.n, 0) + 1.0)
        chance = np.where(below >= self.n, np.exp(log_ways - log_ways[-1]), 0.0)
        weights = (np.diff(chance, prepend=0.0) / counts)[group]
        kl = kl_from_uniform(weights)
        # as for the tilt: the nats asked for are more than ties at the top allow anyone to spend
        saturated = self.n > 1 and self.bound >= math.log(size / counts[-1])
        limited = self.n * POOL_SHARE > size
        return Spent(weights, kl, bound=self.bound, saturated=saturated, pool_limited=limited)
