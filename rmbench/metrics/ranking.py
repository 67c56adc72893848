"""Order and tails within one prompt: plain functions of arrays of rewards and gold, shape (N,)."""

from __future__ import annotations

import numpy as np
from scipy.stats import kendalltau, rankdata

from rmbench.metrics.base import Bools
from rmbench.types import Floats

FEW = 32  # up to here all pairs are simply compared


def auc(scores: Floats, gold: Floats) -> float:
    """P(r_i > r_j given g_i > g_j), ties one half; NaN where no two differ in gold. Costs N log N.

    Kendall's tau-b is (concordant - discordant) / sqrt(pairs that differ in r * pairs that differ in g).
    """
    apart, apart_proxy = _pairs_apart(gold), _pairs_apart(scores)
    if apart == 0:
        return float("nan")
    if apart_proxy == 0:
        return 0.5
    if gold.size <= FEW:
        surplus = float((np.sign(scores[:, None] - scores) * np.sign(gold[:, None] - gold)).sum() / 2)
    else:  # asymptotic: the p-value is not used, and an exact one is slow
        tau = kendalltau(scores, gold, method="asymptotic").statistic
        surplus = round(tau * np.sqrt(apart) * np.sqrt(apart_proxy))
    return 0.5 + surplus / (2 * apart)


def spearman(scores: Floats, gold: Floats) -> float:
    """Rank correlation with mean ranks; NaN where the gold does not vary, 0 where only the reward does not."""
    if gold.size == 0 or np.ptp(gold) == 0:
        return float("nan")
    if np.ptp(scores) == 0:
        return 0.0
    return float(np.corrcoef(rankdata(scores), rankdata(gold))[0, 1])


def top(scores: Floats) -> Bools:
    """The tenth with the highest rewards (at least two), and all that tie with the last of them."""
    if not scores.size:
        return np.zeros(0, dtype=bool)
    kept = min(scores.size, max(2, -(-scores.size // 10)))
    best: Bools = scores >= np.partition(scores, -kept)[-kept]
    return best


def hill(values: Floats, k: int) -> float:
    """Hill 1975: mean of log x_(i) - log x_(k+1) over the k largest values; estimates 1/alpha of a power tail.

    NaN where the (k+1)-th largest is not above 0, or there is none.
    """
    if values.size <= k:
        return float("nan")
    tail = np.sort(values)[-k - 1 :]
    return float(np.log(tail[1:] / tail[0]).mean()) if tail[0] > 0 else float("nan")


def standard(values: Floats) -> Floats:
    """Standard deviations from the mean; all 0 for equal values."""
    if not values.size or np.ptp(values) == 0:
        return np.zeros_like(values)
    scaled = values / np.abs(values).max()
    centred: Floats = scaled - scaled.mean()
    return centred / (centred.std() or 1.0)


def _pairs_apart(values: Floats) -> int:
    """Number of pairs that differ."""
    _, counts = np.unique(values, return_counts=True)
    return (values.size**2 - int((counts.astype(np.int64) ** 2).sum())) // 2
