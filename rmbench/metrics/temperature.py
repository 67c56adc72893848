"""From margins to probabilities: P(first beats second) = sigmoid((r_first - r_second) / T).

The scale of a Bradley-Terry reward is not identified by accuracy, so T is fitted, on other groups than it is used on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from rmbench.errors import TaskError
from rmbench.metrics.base import Bools
from rmbench.stats import folds
from rmbench.types import Floats, ScoredItem

# Two halves are independent. More folds share training pairs, which pulls a random reward below 0: over 200 random
# rewards on 200 pairs, the 95 % interval of the skill held 0 in 92 % with 2 folds, 87 % with 5, 79 % with 10.
FOLDS = 2
LARGE = 1e300  # margins are kept finite


class Pairs(NamedTuple):
    """What calibration needs of pairs: margins, the probability aimed at, its noise variance, the side of the shift."""

    margins: Floats
    target: Floats
    noise: Floats
    base: Bools


def pairs(items: Sequence[ScoredItem]) -> Pairs:
    """The known probability; else the share of votes; else the gold's own order, a tie as one half.

    The noise is the variance of a share of votes, p(1 - p)/votes, estimated without bias; 0 for the other kinds.
    """
    for item in items:
        if item.scores.size != 2:
            raise TaskError(f"item {item.id} has {item.scores.size} responses; calibration needs pairs")
    scores = np.array([item.scores for item in items], dtype=np.float64).reshape(-1, 2)
    with np.errstate(over="ignore"):
        margins = np.clip(scores[:, 0] - scores[:, 1], -LARGE, LARGE)
    targets = np.array([_target(item) for item in items], dtype=np.float64).reshape(-1, 2)
    base = np.array([item.tags.get("split") == "base" for item in items], dtype=bool)
    return Pairs(margins, targets[:, 0], targets[:, 1], base)


def _target(item: ScoredItem) -> tuple[float, float]:
    if item.probability is not None:
        return item.probability, 0.0
    if item.votes is not None and sum(item.votes) > 0:
        count = sum(item.votes)
        share = item.votes[0] / count
        return share, share * (1 - share) / (count - 1) if count > 1 else 0.0
    return (1 + float(np.sign(item.gold[0] - item.gold[1]))) / 2, 0.0


def is_shifted(items: Sequence[ScoredItem]) -> bool:
    """Whether there is a base split to fit T on and a shifted one to measure."""
    return 0 < sum(item.tags.get("split") == "base" for item in items) < len(items)


def fit(margins: Floats, target: Floats) -> float:
    """1/T >= 0 that minimises the soft cross-entropy, to machine precision; 0 where margins do not point the right way.

    The loss is convex in 1/T, so its slope sum((sigmoid(m/T) - p) m) has one root. Where the margins are `separated`
    there is none, and the fit stops where the sigmoid can no longer tell.
    """
    scale = float(np.abs(margins).max(initial=0.0))
    if scale == 0:
        return 0.0
    unit = margins / scale

    def slope(inverse: float) -> float:
        return float((residual(inverse * unit, target) * unit).sum())

    if slope(0.0) >= 0:
        return 0.0
    if separated(unit, target):
        return _saturating(unit, target) / scale
    low, high = 1.0, 1.0
    while slope(high) < 0 and high < LARGE:
        low, high = high, 4 * high
    while slope(low) > 0 and low > 1 / LARGE:
        low, high = low / 4, low
    if not slope(low) < 0 < slope(high):  # on the root, or beyond what doubles hold
        return (high if slope(high) <= 0 else low) / scale
    # a slope that falls by orders of magnitude within the bracket takes Brent far more than the usual ten steps
    return float(brentq(slope, low, high, xtol=1e-300, rtol=1e-15, maxiter=10_000)) / scale


def residual(log_odds: Floats, target: Floats) -> Floats:
    """sigmoid(log_odds) - target without cancellation: neither near 0 nor in the tail next to a target of 1."""
    near: Floats = np.tanh(log_odds / 2) / 2 + (0.5 - target)
    far: Floats = (1 - target) * expit(log_odds) - target * expit(-log_odds)
    return np.where(np.abs(log_odds) < 1, near, far)


def separated(margins: Floats, target: Floats) -> bool:
    """Whether every margin points to a target that is certain: then the best T is 0."""
    return bool(np.all((margins == 0) | ((margins > 0) & (target == 1)) | ((margins < 0) & (target == 0))))


def _saturating(unit: Floats, target: Floats) -> float:
    """The first power of 4 at which the sigmoid of every separated margin rounds to its target."""
    high = 1.0
    while ((expit(high * unit) - target) * unit).sum() < 0 and high < LARGE:
        high *= 4
    return high


def inverse_temperatures(items: Sequence[ScoredItem], data: Pairs, *, shifted: bool) -> Floats:
    """1/T for every pair, fitted without it: on the base split under shift, else on the other folds of groups.

    NaN where there is nothing to fit on.
    """
    margins, target, _, base = data
    if shifted:
        return np.full(len(items), fit(margins[base], target[base]) if base.any() else np.nan)
    fold = folds([item.group for item in items], FOLDS)
    out = np.full(len(items), np.nan)
    for k in np.unique(fold):
        others = fold != k
        if others.any():
            out[~others] = fit(margins[others], target[others])
    return out


def logits(items: Sequence[ScoredItem], data: Pairs, *, fitted: bool, shifted: bool) -> Floats:
    """The model's log-odds that the first response is preferred, at the fitted T or at T = 1."""
    inverse = inverse_temperatures(items, data, shifted=shifted) if fitted else np.ones(len(items))
    with np.errstate(over="ignore"):
        return np.clip(inverse * data.margins, -LARGE, LARGE)
