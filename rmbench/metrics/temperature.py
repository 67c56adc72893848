"""From margins to probabilities: P(first beats second) = sigmoid((r_first - r_second) / T).

The scale of a Bradley-Terry reward is not identified by accuracy, so T is fitted, on other groups than it is used on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from rmbench.errors import TaskError
from rmbench.metrics.base import Bools
from rmbench.stats import Resamples, folds
from rmbench.types import Floats, ScoredItem

# Two halves are independent. More folds share training pairs, which pulls a random reward below 0: over 200 random
# rewards on 200 pairs, the plain 95 % interval (T held fixed) held 0 in 92 % with 2 folds, 87 % with 5, 79 % with 10.
FOLDS = 2
TIED_VOTES = "tied_votes"
LARGE = 1e300  # margins are kept finite
STEPS = 60  # of Newton's method, of which it takes about five
BLOCK = 30_000  # draws x pairs that are worked on at once


class Pairs(NamedTuple):
    """What calibration needs of pairs: margins, the probability aimed at, its noise variance, the side of the shift."""

    margins: Floats
    target: Floats
    noise: Floats
    base: Bools


def pairs(items: Sequence[ScoredItem]) -> Pairs:
    """The known probability; else the share of votes; else the gold's own order, a tie as one half.

    A vote for neither response (tag `tied_votes`) is half a vote for each. The noise is the variance of the share of
    votes, estimated without bias; 0 for the other kinds.
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
    if raters(item) > 0:
        return votes(item)
    return (1 + float(np.sign(item.gold[0] - item.gold[1]))) / 2, 0.0


def raters(item: ScoredItem) -> int:
    """How many votes there are, those for neither included."""
    return 0 if item.votes is None else sum(item.votes) + _tied(item)


def votes(item: ScoredItem) -> tuple[float, float]:
    """The share of the votes for the first response, and its noise variance (0 where there is a single vote)."""
    first, second = map(float, item.votes or (0, 0))
    share, noise = vote_share(*(np.array([count]) for count in (first, second, float(_tied(item)))))
    return float(share[0]), float(noise[0])


def vote_share(first: Floats, second: Floats, tied: Floats) -> tuple[Floats, Floats]:
    """The share of votes for the first, and its variance without bias: votes are 1, 0 or (for neither) one half."""
    count = first + second + tied
    share: Floats = (first + tied / 2) / count
    spread: Floats = (first + tied / 4) / count - share**2
    return share, np.where(count > 1, spread / np.maximum(count - 1, 1), 0.0)


def _tied(item: ScoredItem) -> int:
    """The votes for neither response: they stand in a tag, since `votes` has those for one of them."""
    told = item.tags.get(TIED_VOTES, "0")
    if not told.isdecimal():
        raise TaskError(f"item {item.id}: the tag {TIED_VOTES} is {told!r}; write the number of votes for neither")
    return int(told)


def is_shifted(items: Sequence[ScoredItem]) -> bool:
    """Whether there is a base split to fit T on and a shifted one to measure."""
    return 0 < sum(item.tags.get("split") == "base" for item in items) < len(items)


def fit(margins: Floats, target: Floats, weights: Floats | None = None) -> float:
    """1/T >= 0 that minimises the soft cross-entropy, to machine precision; 0 where margins do not point the right way.

    The loss is convex in 1/T, so its slope sum((sigmoid(m/T) - p) m) has one root. Where the margins are `separated`
    there is none, and the fit stops where the sigmoid can no longer tell. `weights` are counts, 1 each if not given.
    """
    if weights is None:
        weights = np.ones_like(margins)
    margins, target, weights = (x[weights > 0] for x in (margins, target, weights))
    scale = float(np.abs(margins).max(initial=0.0))
    if scale == 0:
        return 0.0
    unit = margins / scale

    def slope(inverse: float) -> float:
        return float((weights * (residual(inverse * unit, target) * unit)).sum())

    if slope(0.0) >= 0:
        return 0.0
    if separated(unit, target):
        return float(_saturating(unit[None], target, weights[None])[0]) / scale
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
    return bool(_certain(margins, target).all())


def _certain(margins: Floats, target: Floats) -> Bools:
    found: Bools = (margins == 0) | ((margins > 0) & (target == 1)) | ((margins < 0) & (target == 0))
    return found


def _saturating(unit: Floats, target: Floats, weights: Floats) -> Floats:
    """The first power of 4 at which the sigmoid of every separated margin rounds to its target, for each row."""
    high = np.ones(len(unit))
    for _ in range(int(np.log(LARGE) / np.log(4))):
        wrong = (weights * (expit(high[:, None] * unit) - target) * unit).sum(axis=1) < 0
        if not wrong.any():
            break
        high[wrong] *= 4
    return high


def inverse_temperatures(items: Sequence[ScoredItem], data: Pairs, *, shifted: bool) -> Floats:
    """1/T for every pair, fitted without it: on the base split under shift, else on the other folds of groups.

    NaN where there is nothing to fit on.
    """
    out = np.full(len(items), np.nan)
    for fitted, used in _splits(items, data, shifted=shifted):
        if fitted.any():
            out[used] = fit(data.margins[fitted], data.target[fitted])
    return out


def inverse_replicates(
    items: Sequence[ScoredItem], data: Pairs, sample: Resamples, kept: Bools, *, shifted: bool
) -> Floats:
    """As `inverse_temperatures`, fitted anew in every resample: shape (draws, items)."""
    out = np.full((len(sample.weights), len(items)), np.nan)
    for fitted, used in _splits(items, data, shifted=shifted):
        if fitted.any():
            out[:, used] = refits(data, sample, kept, fitted)[:, None]
    return out


def refits(data: Pairs, sample: Resamples, kept: Bools, fitted: Bools) -> Floats:
    """1/T on every resample of the pairs in `fitted`, shape (draws,); metrics of the same pairs share the work."""
    margins, target = data.margins[fitted], data.target[fitted]
    key = ("1/T", margins.tobytes(), target.tobytes(), fitted.tobytes(), kept.tobytes())
    return sample.shared(key, lambda: fit_each(margins, target, sample.item_weights(kept)[:, fitted]))


def logits(items: Sequence[ScoredItem], data: Pairs, *, fitted: bool, shifted: bool) -> Floats:
    """The model's log-odds that the first response is preferred, at the fitted T or at T = 1."""
    inverse = inverse_temperatures(items, data, shifted=shifted) if fitted else np.ones(len(items))
    return log_odds(inverse, data.margins)


def log_odds(inverse: Floats, margins: Floats) -> Floats:
    """Margins over T, kept finite."""
    with np.errstate(over="ignore"):
        return np.clip(inverse * margins, -LARGE, LARGE)


def _splits(items: Sequence[ScoredItem], data: Pairs, *, shifted: bool) -> Iterator[tuple[Bools, Bools]]:
    """Which pairs T is fitted on, and for which pairs."""
    if shifted:
        yield data.base, np.ones(len(items), dtype=bool)
        return
    fold = folds([item.group for item in items], FOLDS)
    yield from ((fold != k, fold == k) for k in np.unique(fold))


def fit_each(margins: Floats, target: Floats, weights: Floats) -> Floats:
    """`fit` for every row of `weights`, shape (draws, pairs), at once: Newton's steps, kept within a bracket.

    A row without any weight (a fold that was not drawn at all) gets the fit of equal weights.
    """
    whole = fit(margins, target)
    scale = float(np.abs(margins).max(initial=0.0)) or 1.0
    unit = margins / scale
    out = np.zeros(len(weights))
    empty = weights.sum(axis=1) == 0
    out[empty] = whole
    useful = ~empty & (np.einsum("dn,n->d", weights, (0.5 - target) * unit) < 0)
    apart = useful & (weights[:, ~_certain(unit, target)].sum(axis=1) == 0)
    for block in _blocks(apart, margins.size):
        own = np.where(weights[block] > 0, np.abs(margins), 0.0).max(axis=1)
        out[block] = _saturating(margins / own[:, None], target, weights[block]) / own
    start = whole * scale
    for block in _blocks(useful & ~apart, margins.size):
        found, sure = _newton(unit, target, weights[block], start if 0 < start < LARGE else 1.0)
        out[block] = found / scale
        for row in block[~sure]:
            out[row] = fit(margins, target, weights[row])
    return out


def _blocks(rows: Bools, pairs: int) -> list[NDArray[np.intp]]:
    """The rows in parts that a processor's cache holds."""
    index = np.flatnonzero(rows)
    return np.array_split(index, 1 + index.size * pairs // BLOCK)


def _newton(unit: Floats, target: Floats, weights: Floats, start: float) -> tuple[Floats, Bools]:
    """The roots of the slope for each row of weights, and which of them were reached."""
    x = np.full(len(weights), start)
    low, high = np.zeros(len(weights)), np.full(len(weights), np.inf)
    sure = np.zeros(len(weights), dtype=bool)
    for _ in range(STEPS):
        todo = np.flatnonzero(~sure)
        if not todo.size:
            break
        at = x[todo]
        slope, curvature = _derivatives(at, unit, target, weights[todo])
        least = low[todo] = np.where(slope < 0, at, low[todo])
        most = high[todo] = np.where(slope > 0, at, high[todo])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = at - slope / curvature
            middle = np.where(least > 0, np.sqrt(least * most), at / 4)
        # steps shrink quadratically: after one of 1e-9, the next is below what doubles hold
        sure[todo] = np.abs(step - at) <= 1e-9 * at
        inside = (least < step) & (step < most)
        x[todo] = np.where(inside | sure[todo], step, np.where(np.isinf(most), 4 * at, middle))
    return x, sure


def _derivatives(at: Floats, unit: Floats, target: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Slope and curvature of the loss in 1/T, at one point for each row of weights."""
    odds = at[:, None] * unit
    up, down = expit(odds), expit(-odds)
    # as `residual`, from what the curvature needs anyway: tanh(x / 2) is up - down, and x / 2 near 0
    near = np.where(np.abs(odds) < 1e-5, odds / 4, (up - down) / 2) + (0.5 - target)
    error = np.where(np.abs(odds) < 1, near, (1 - target) * up - target * down)
    return np.einsum("dn,dn->d", weights, error * unit), np.einsum("dn,dn->d", weights, up * down * unit**2)
