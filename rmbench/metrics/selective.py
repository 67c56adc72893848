"""Selective prediction: how wrong are the pairs that the reward is surest about? Risk against coverage by |margin|.

AURC after Geifman 2018 (arXiv 1805.08206): the mean, over k = 1..n, of the error among the k pairs with the largest
|margin|. 0 = no error; a reward whose margins say nothing about its errors gets its plain error rate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rmbench.metrics.base import TOO_MANY, Estimated
from rmbench.metrics.preference import credit, decided
from rmbench.metrics.temperature import pairs
from rmbench.stats import Resamples, interval
from rmbench.types import Estimate, Floats, ScoredItem


def aurc(confidence: Floats, errors: Floats, counts: Floats | None = None) -> float:
    """Area under the risk-coverage curve; NaN for no pairs. Costs n log n.

    `confidence` and `errors` (0..1) have shape (n,), `counts` says how often each pair is there (default once). Equal
    confidences may come in any order, so the mean over all their orders is taken: after W pairs with E errors, c pairs
    with mean error e add sum_i (E + i e) / (W + i) = c e + (E - W e) (H(W + c) - H(W)), H the harmonic numbers.
    """
    level = np.unique(-confidence, return_inverse=True)[1]
    return _area(level, errors, np.ones(errors.size) if counts is None else counts)


def aurc_estimate(items: Sequence[ScoredItem], sample: Resamples) -> Estimated:
    """AURC of the complete pairs whose gold prefers one side; equal scores are half an error. The interval resamples
    groups (`sample` was made from all the items), and ranks anew in every resample.
    """
    counted = np.array([decided(item) for item in items], dtype=bool)
    complete = np.array([item.complete for item in items], dtype=bool)
    kept = np.flatnonzero(counted & complete).tolist()
    n, missing = len(kept), int((counted & ~complete).sum())
    nothing = np.full(len(sample.weights), np.nan)
    if n == 0:
        reason = "no pair has both its scores" if missing else "no pair has a better side"
        return Estimated(Estimate(None, None, None, 0, missing, reason), nothing)
    whole = [items[k] for k in kept]
    errors = np.array([1 - credit(item) for item in whole])
    level = np.unique(-np.abs(pairs(whole).margins), return_inverse=True)[1]
    value = _area(level, errors, np.ones(n))
    if sample.weights.shape[1] < 2:
        return Estimated(Estimate(value, None, None, n, missing, "a single group: no interval"), nothing)
    replicates = np.array([_area(level, errors, weights[sample.codes[kept]]) for weights in sample.weights])
    low, high = interval(replicates) or (None, None)
    return Estimated(Estimate(value, low, high, n, missing, TOO_MANY if low is None else None), replicates)


def _area(level: np.ndarray[tuple[int], np.dtype[np.intp]], errors: Floats, counts: Floats) -> float:
    """As `aurc`, with the rank of each pair's confidence, 0 the highest."""
    count = np.bincount(level, counts)
    wrong = np.bincount(level, counts * errors)
    ends, sums = np.cumsum(count).astype(np.intp), np.cumsum(wrong)
    if not ends.size or ends[-1] == 0:
        return float("nan")
    before, mean = ends - count, wrong / np.maximum(count, 1)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, ends[-1] + 1))])
    added = harmonic[ends] - harmonic[before.astype(np.intp)]
    return float((wrong + (sums - wrong - before * mean) * added).sum() / ends[-1])
