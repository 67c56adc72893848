"""Rank statistics in which an item counts as often as it was drawn: plain functions, one value per row of weights.

`weights` have shape (draws, n). Values that stay the same in every draw are ranked once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rmbench.types import Floats


def below(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """The weight of the items with a lower value than each item's own, and that of all; both have shape (…, n)."""
    order = np.argsort(values, axis=-1, kind="stable")
    ranked, counts = np.take_along_axis(values, order, axis=-1), np.take_along_axis(weights, order, axis=-1)
    before = np.cumsum(counts, axis=-1) - counts
    fresh = np.ones(ranked.shape, dtype=bool)
    fresh[..., 1:] = ranked[..., 1:] != ranked[..., :-1]
    first = np.maximum.accumulate(np.where(fresh, before, 0.0), axis=-1)
    out = np.empty_like(first)
    np.put_along_axis(out, order, first, axis=-1)
    return out, np.broadcast_to(weights.sum(axis=-1, keepdims=True), out.shape)


def auc(high: Floats, low: Floats, high_weights: Floats, low_weights: Floats) -> Floats:
    """P(a value of `high` > a value of `low`), ties one half, shape (draws,); NaN where one side was not drawn."""
    order = np.argsort(low, kind="stable")
    upto = np.concatenate([np.zeros((len(low_weights), 1)), np.cumsum(low_weights[:, order], axis=1)], axis=1)
    ends = [np.searchsorted(low[order], high, side=side) for side in ("left", "right")]
    won = (upto[:, ends[0]] + upto[:, ends[1]]) / 2
    with np.errstate(invalid="ignore"):
        found: Floats = (high_weights * won).sum(axis=1) / (high_weights.sum(axis=1) * upto[:, -1])
    return found


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The risk-coverage curve of every draw: how many items (weights are counts) and errors, level by level.

    A level is all the items of one confidence, the highest first; `count` and `wrong` have shape (draws, levels).
    """

    count: Floats
    wrong: Floats

    def area(self) -> Floats:
        """Mean, over k = 1..W, of the error among the k surest, shape (draws,); NaN where nothing was drawn.

        Items of one level may come in any order, so the mean over all their orders is taken: after W items with E
        errors, c items with mean error e add sum_i (E + i e) / (W + i) = c e + (E - W e) (H(W + c) - H(W)), H the
        harmonic numbers.
        """
        ends, sums = np.cumsum(self.count, axis=1), np.cumsum(self.wrong, axis=1)
        before, mean = ends - self.count, self.wrong / np.maximum(self.count, 1)
        added = _harmonic(ends) - _harmonic(before)
        return _over((self.wrong + (sums - self.wrong - before * mean) * added).sum(axis=1), self.every)

    def best(self) -> Floats:
        """The least area that so many errors allow: every right item before every wrong one."""
        right = self.every - self.wrong.sum(axis=1)
        whole = np.floor(right + 1e-9)
        return _over(self.every - whole - right * (_harmonic(self.every) - _harmonic(whole)), self.every)

    def risk(self, coverage: float) -> Floats:
        """The error among the given share of the items, the surest ones."""
        ends, sums = np.cumsum(self.count, axis=1), np.cumsum(self.wrong, axis=1)
        asked = coverage * self.every
        level = np.minimum((ends < asked[:, None] - 1e-9).sum(axis=1), ends.shape[1] - 1)
        at = np.arange(len(ends)), level
        before, mean = (ends - self.count)[at], self.wrong[at] / np.maximum(self.count[at], 1)
        return _over((sums - self.wrong)[at] + (asked - before) * mean, asked)

    @property
    def every(self) -> Floats:
        """How many items there are, shape (draws,)."""
        count: Floats = self.count.sum(axis=1)
        return count


def risk_coverage(confidence: Floats, errors: Floats, weights: Floats) -> RiskCoverage:
    """The curves for errors from 0 to 1, shape (n,), by falling confidence."""
    order = np.argsort(-confidence, kind="stable")
    starts = np.flatnonzero(np.diff(-confidence[order], prepend=-np.inf) != 0)
    counts = weights[:, order]
    return RiskCoverage(
        np.add.reduceat(counts, starts, axis=1), np.add.reduceat(counts * errors[order], starts, axis=1)
    )


def _harmonic(counts: Floats) -> Floats:
    """1 + 1/2 + ... + 1/n for whole n."""
    whole = np.rint(counts).astype(np.intp)
    table = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, whole.max(initial=0) + 1))])
    found: Floats = table[whole]
    return found


def _over(above: Floats, count: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        found: Floats = above / np.where(count > 0, count, np.nan)
    return found
