"""Resampling by group. Knows arrays, not metrics.

Items that share a prompt are not independent, so whole groups are drawn (error bars: Miller 2024, arXiv 2411.00640).
A bootstrap only re-weights rows, so one set of weights serves every statistic that is made of sums.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from rmbench.types import Floats

UNDEFINED = 0.05  # an interval is refused where more than this share of the resamples has no value


@dataclass(frozen=True, slots=True)
class Resamples:
    """How often each group is drawn: `weights` has shape (draws, groups), `codes` gives each item's group.

    `memory` keeps what several metrics need of the same resamples.
    """

    weights: Floats
    codes: NDArray[np.intp]
    memory: dict[Hashable, Floats] = field(default_factory=dict, compare=False, repr=False)

    def replicates(self, rows: Floats, combine: Callable[[Floats], Floats], kept: NDArray[np.bool_]) -> Floats:
        """The statistic on every resample, shape (draws,), from the rows (n, k) of the items in `kept`."""
        sums = np.zeros((self.weights.shape[1], rows.shape[1]))
        np.add.at(sums, self.codes[kept], rows)
        # einsum and not @: BLAS sums in another order with another number of threads
        return combine(np.einsum("bg,gk->bk", self.weights, sums))

    def item_weights(self, kept: NDArray[np.bool_]) -> Floats:
        """How often each item in `kept` is drawn, shape (draws, items)."""
        return self.weights[:, self.codes[kept]]

    def shared(self, key: Hashable, make: Callable[[], Floats]) -> Floats:
        """What `make` gives, made once per key. The key must hold all that it depends on but the resamples."""
        if key not in self.memory:
            self.memory[key] = make()
        return self.memory[key]


def resample(groups: Sequence[str], *, draws: int, seed: int, name: str) -> Resamples:
    """Multinomial counts per group, decided by the set of groups, `seed` and `name` alone: models stay paired."""
    labels, codes = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    size = len(labels)
    rng = np.random.default_rng([seed, int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])])
    drawn = rng.integers(0, max(size, 1), (draws, size)) + size * np.arange(draws)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=draws * size).reshape(draws, size)
    return Resamples(counts.astype(np.float64), codes)


def widened(replicates: Floats, value: float, groups: int, level: float = 0.95) -> Floats:
    """The replicates with the spread that a sample of `groups` groups really has around its value.

    Resamples vary by sqrt((G - 1) / G) too little, and have the quantiles of a normal where it takes Student's t: the
    expanded percentile interval (Hesterberg 2015, arXiv 1411.5279: 1.12 times as wide for 16 groups, 1.03 for 64,
    1.004 for 400). The replicates are moved and not the quantiles, so that means over tasks and
    differences between models inherit it. None is moved beyond the range of all: an accuracy stays at or below 1.
    """
    defined = replicates[np.isfinite(replicates)]
    if groups < 2 or not defined.size:
        return replicates
    upper = (1 + level) / 2
    factor = np.sqrt(groups / (groups - 1)) * stdtrit(groups - 1, upper) / ndtri(upper)
    moved: Floats = np.clip(value + factor * (replicates - value), defined.min(), defined.max())
    return moved


def interval(replicates: Floats, level: float = 0.95) -> tuple[float, float] | None:
    """Percentile interval of the replicates; None where too many of them have no value.

    Its ends are the (B + 1) a-th smallest of the B replicates (Davison and Hinkley 1997, section 2.4), as in `p_value`.
    """
    defined = replicates[np.isfinite(replicates)]
    if defined.size == 0 or defined.size < (1 - UNDEFINED) * replicates.size:
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2], method="weibull")
    return float(low), float(high)


def difference(first: Floats, second: Floats, level: float = 0.95) -> tuple[float, float] | None:
    """Percentile interval of first - second, for replicates of two models made with the same resamples."""
    return interval(first - second, level)


def p_value(replicates: Floats) -> float | None:
    """Two-sided p-value of the hypothesis that the value is 0, from its bootstrap replicates; None without an interval.

    The test that belongs to the percentile interval: p <= 0.05 where the 95 % interval leaves 0 out. With B draws the
    smallest value is 2 / (B + 1) (Davison and Hinkley 1997, section 4.2, for the added one).
    """
    defined = replicates[np.isfinite(replicates)]
    if interval(replicates) is None:
        return None
    tail = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (defined.size + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that control the chance of any false claim (Holm 1979), in the order given."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    out = np.empty(p.size)
    out[order] = np.minimum(1.0, stepped)
    return [float(x) for x in out]


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that control the share of false claims (Benjamini and Hochberg 1995), in the order given."""
    from scipy.stats import false_discovery_control

    return [float(x) for x in false_discovery_control(p_values)] if len(p_values) else []


def folds(groups: Sequence[str], k: int) -> NDArray[np.intp]:
    """A fold in 0..k-1 for every item: groups stay whole, folds are even, and the order of items does not matter."""
    ranked = sorted(set(groups), key=lambda group: hashlib.sha256(group.encode()).digest())
    fold = {group: rank % k for rank, group in enumerate(ranked)}
    return np.array([fold[group] for group in groups], dtype=np.intp)
