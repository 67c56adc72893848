"""Resampling by group. Knows arrays, not metrics.

Items that share a prompt are not independent, so whole groups are drawn (error bars: Miller 2024, arXiv 2411.00640).
A bootstrap only re-weights rows, so one set of weights serves every statistic that is made of sums.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmbench.types import Floats

UNDEFINED = 0.05  # an interval is refused where more than this share of the resamples has no value


@dataclass(frozen=True, slots=True)
class Resamples:
    """How often each group is drawn: `weights` has shape (draws, groups), `codes` gives each item's group."""

    weights: Floats
    codes: NDArray[np.intp]

    def replicates(self, rows: Floats, combine: Callable[[Floats], Floats], kept: NDArray[np.bool_]) -> Floats:
        """The statistic on every resample, shape (draws,), from the rows (n, k) of the items in `kept`."""
        sums = np.zeros((self.weights.shape[1], rows.shape[1]))
        np.add.at(sums, self.codes[kept], rows)
        # einsum and not @: BLAS sums in another order with another number of threads
        return combine(np.einsum("bg,gk->bk", self.weights, sums))


def resample(groups: Sequence[str], *, draws: int, seed: int, name: str) -> Resamples:
    """Multinomial counts per group, decided by the set of groups, `seed` and `name` alone: models stay paired."""
    labels, codes = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    size = len(labels)
    rng = np.random.default_rng([seed, int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])])
    drawn = rng.integers(0, max(size, 1), (draws, size)) + size * np.arange(draws)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=draws * size).reshape(draws, size)
    return Resamples(counts.astype(np.float64), codes)


def interval(replicates: Floats, level: float = 0.95) -> tuple[float, float] | None:
    """Percentile interval of the replicates; None where too many of them have no value."""
    defined = replicates[np.isfinite(replicates)]
    if defined.size == 0 or defined.size < (1 - UNDEFINED) * replicates.size:
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def difference(first: Floats, second: Floats, level: float = 0.95) -> tuple[float, float] | None:
    """Percentile interval of first - second, for replicates of two models made with the same resamples."""
    return interval(first - second, level)


def folds(groups: Sequence[str], k: int) -> NDArray[np.intp]:
    """A fold in 0..k-1 for every item: groups stay whole, folds are even, and the order of items does not matter."""
    ranked = sorted(set(groups), key=lambda group: hashlib.sha256(group.encode()).digest())
    fold = {group: rank % k for rank, group in enumerate(ranked)}
    return np.array([fold[group] for group in groups], dtype=np.intp)
