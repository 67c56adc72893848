"""Do margins mean what they say? Proper scores of the probability that a Bradley-Terry reward gives to each pair.

Every metric exists at the cross-fitted temperature (default) and at T = 1 (`fitted=False`). Where the true probability
p is known there is no binning and no label noise: the skill is 1 - MSE(q, p) / MSE(1/2, p).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from scipy.special import expit

from rmbench.metrics.base import Bools, Measure, ratio
from rmbench.metrics.temperature import (
    BLOCK,
    Pairs,
    fit,
    inverse_replicates,
    is_shifted,
    log_odds,
    logits,
    pairs,
    raters,
    refits,
    residual,
    separated,
    votes,
)
from rmbench.metrics.weighted import below
from rmbench.stats import Resamples, interval, resample
from rmbench.types import Floats, ScoredItem

NOISY = "the votes' own noise is as large as their spread around one half; it takes more votes, or more pairs"


@dataclass(frozen=True, repr=False)
class _Calibration(Measure):
    """`shifted`: T is fitted on the base split and measured on the other; None asks the items that are given."""

    fitted: bool = True
    shifted: bool | None = field(default=None, repr=False, kw_only=True)

    def concerns(self, items: Sequence[ScoredItem]) -> Bools:
        return _shift_side(items) if self._shifted(items) else np.ones(len(items), dtype=bool)

    def _shifted(self, items: Sequence[ScoredItem]) -> bool:
        return is_shifted(items) if self.shifted is None else self.shifted

    def pairs(self, items: Sequence[ScoredItem]) -> Pairs:
        """What the items hold, as `rmbench.metrics.temperature.pairs` reads it."""
        return pairs(items)

    def rows(self, items: Sequence[ScoredItem]) -> Floats:
        data = self.pairs(items)
        odds = logits(items, data, fitted=self.fitted, shifted=self._shifted(items))
        measured = self.concerns(items)
        return np.where(measured[:, None], self.terms(odds, data, measured.astype(np.float64)), 0.0)

    def replicates(self, items: Sequence[ScoredItem], sample: Resamples, kept: Bools) -> Floats:
        """T is fitted anew in every resample, on the same folds."""
        if not self.fitted:
            return super().replicates(items, sample, kept)
        data, measured = self.pairs(items), self.concerns(items)
        inverse = inverse_replicates(items, data, sample, kept, shifted=self._shifted(items))[:, measured]
        weights = sample.item_weights(kept)[:, measured]
        part = Pairs(data.margins[measured], data.target[measured], data.noise[measured], data.base[measured])
        out = np.empty(len(weights))
        for draws in np.array_split(np.arange(len(weights)), 1 + weights.size // BLOCK):
            terms = self.terms(log_odds(inverse[draws], part.margins), part, weights[draws])
            out[draws] = self.combine(np.einsum("dn,dnk->dk", weights[draws], terms))
        return out

    def unbiased(self, value: float, replicates: Floats) -> Floats:
        """Moved by twice the bias that the resamples show, as far as the metric's range goes.

        A T fitted on half of the pairs errs, which costs a little; in a resample it errs once more. So the replicates
        lie off the value by about as much as the value lies off the truth.
        """
        if not self.fitted or not np.isfinite(replicates).any():
            return replicates
        bias = float(np.mean(replicates[np.isfinite(replicates)])) - value
        moved: Floats = np.clip(replicates - 2 * bias, *self.range(value))
        return moved

    def range(self, value: float) -> tuple[float, float]:  # noqa: ARG002
        """Between what an interval around the value can lie."""
        return 0.0, math.inf

    def terms(self, log_odds: Floats, data: Pairs, weights: Floats) -> Floats:
        """The sums' terms for the model's log-odds, shape (…, pairs, k); only those of pairs with weight are used."""
        raise NotImplementedError

    def combine(self, sums: Floats) -> Floats:
        return ratio(sums[..., 0], sums[..., 1])

    def why(self, items: Sequence[ScoredItem]) -> str:
        if self.fitted and self._shifted(items) and _shift_side(items).all():
            return "no base pair has all its scores, so there is no temperature"
        if self.fitted and len({item.group for item in items}) < 2:
            return "a temperature cannot be fitted on other groups: there is one group"
        return self.nothing

    nothing: ClassVar[str] = "the value is undefined on these pairs"


@dataclass(frozen=True, repr=False)
class CalibrationSkill(_Calibration):
    """1 - MSE(q, p) / MSE(1/2, p): 0 for a constant reward, 1 for the gold. Vote noise is taken out of both."""

    def terms(self, log_odds: Floats, data: Pairs, weights: Floats) -> Floats:  # noqa: ARG002
        chance = expit(log_odds)
        constant = np.broadcast_to((0.5 - data.target) ** 2 - data.noise, chance.shape)
        return np.stack([(chance - data.target) ** 2 - data.noise, constant], axis=-1)

    def combine(self, sums: Floats) -> Floats:
        return 1 - ratio(sums[..., 0], sums[..., 1])

    def range(self, value: float) -> tuple[float, float]:
        """At most 1; more only where vote noise was taken out that is not there."""
        return -math.inf, max(1.0, value)

    def why(self, items: Sequence[ScoredItem]) -> str:
        told = super().why(items)
        noisy = bool((self.pairs(items).noise[self.concerns(items)] > 0).any())
        return NOISY if noisy and told == self.nothing else told

    nothing: ClassVar[str] = "every pair is a toss-up, so there is nothing to be calibrated about"


@dataclass(frozen=True, repr=False)
class VoteSkill(CalibrationSkill):
    """The skill against the votes, where the probability is known too: beside the skill, it shows what votes can do."""

    def concerns(self, items: Sequence[ScoredItem]) -> Bools:
        several = np.array([raters(item) > 1 for item in items], dtype=bool)
        return several & super().concerns(items)

    def pairs(self, items: Sequence[ScoredItem]) -> Pairs:
        target, noise = np.array([votes(item) for item in items]).reshape(-1, 2).T
        return Pairs(pairs(items).margins, target, noise, pairs(items).base)


@dataclass(frozen=True, repr=False)
class RMSE(_Calibration):
    """Root mean squared distance between the model's probability and the target."""

    def terms(self, log_odds: Floats, data: Pairs, weights: Floats) -> Floats:  # noqa: ARG002
        chance = expit(log_odds)
        return np.stack([(chance - data.target) ** 2, np.ones_like(chance)], axis=-1)

    def combine(self, sums: Floats) -> Floats:
        value: Floats = np.sqrt(ratio(sums[..., 0], sums[..., 1]))
        return value


@dataclass(frozen=True, repr=False)
class Brier(_Calibration):
    """Expected Brier score of a label drawn from the target."""

    def terms(self, log_odds: Floats, data: Pairs, weights: Floats) -> Floats:  # noqa: ARG002
        chance, p = expit(log_odds), data.target
        return np.stack([p * (1 - chance) ** 2 + (1 - p) * chance**2, np.ones_like(chance)], axis=-1)


@dataclass(frozen=True, repr=False)
class NLL(_Calibration):
    """Expected negative log-likelihood of a label drawn from the target, in nats."""

    def terms(self, log_odds: Floats, data: Pairs, weights: Floats) -> Floats:  # noqa: ARG002
        # from the log-odds: a probability would round to 0 or 1 and lose the tail
        with np.errstate(invalid="ignore"):  # NaN where there is no temperature: the value is undefined then
            loss = data.target * np.logaddexp(0, -log_odds) + (1 - data.target) * np.logaddexp(0, log_odds)
        return np.stack([loss, np.ones_like(loss)], axis=-1)


@dataclass(frozen=True, repr=False)
class ECE(_Calibration):
    """Expected calibration error over both orders of every pair, with bins of equal width or equal mass.

    Both orders make the curve symmetric about 1/2, so its upper half holds everything: the favoured side of each pair,
    in bins / 2 bins. A probability of exactly 1/2 cancels with its mirror image.
    """

    bins: int = 10
    by: Literal["width", "mass"] = "width"

    def terms(self, log_odds: Floats, data: Pairs, weights: Floats) -> Floats:
        favoured = expit(np.abs(log_odds))
        target = np.where(log_odds >= 0, data.target, 1 - data.target)
        half = max(1, self.bins // 2)
        if self.by == "mass":  # by rank; equal probabilities stay together, whatever their last digits
            lower, every = below(np.round(favoured, 12), weights)
            which = (lower * half // np.maximum(every, 1)).astype(np.intp)
        else:
            which = np.searchsorted(np.linspace(0.5, 1, half + 1), favoured, side="right") - 1
        which = np.clip(which, 0, half - 1)
        rows = np.zeros((*favoured.shape, half + 1))
        off = np.where(log_odds == 0, 0.0, favoured - target)
        np.put_along_axis(rows, which[..., None], off[..., None], axis=-1)
        rows[..., half] = np.where(np.isnan(log_odds), np.nan, 1.0)
        return rows

    def combine(self, sums: Floats) -> Floats:
        return ratio(np.abs(sums[..., :-1]).sum(axis=-1), sums[..., -1])


@dataclass(frozen=True, repr=False)
class Temperature(Measure):
    """The T that fits best (on the base split where there is a shift): above 1 the reward is overconfident.

    The rows are those of a fit that is linear around its optimum: one Newton step in 1/T from the sums of slope and
    curvature. The bootstrap does not use them: it fits anew in every resample.
    """

    shifted: bool | None = field(default=None, repr=False, kw_only=True)

    def concerns(self, items: Sequence[ScoredItem]) -> Bools:
        shifted = is_shifted(items) if self.shifted is None else self.shifted
        return ~_shift_side(items) if shifted else np.ones(len(items), dtype=bool)

    def rows(self, items: Sequence[ScoredItem]) -> Floats:
        """Curvature, and 1/T times it less the slope, per item: shape (items, 2)."""
        data = pairs(items)
        used = self.concerns(items)
        scale = np.abs(data.margins).max() or 1.0  # so that no square overflows
        margins = data.margins / scale
        inverse = fit(margins[used], data.target[used])
        if separated(margins[used], data.target[used]):  # no optimum to be linear around
            return np.zeros((len(items), 2))
        log_odds = inverse * margins
        curvature = expit(log_odds) * expit(-log_odds) * margins**2
        slope = residual(log_odds, data.target) * margins
        rows = np.stack([scale * curvature, inverse * curvature - slope], axis=1)
        return np.where(used[:, None], rows, 0.0)

    def combine(self, sums: Floats) -> Floats:
        return ratio(sums[..., 0], sums[..., 1])

    def replicates(self, items: Sequence[ScoredItem], sample: Resamples, kept: Bools) -> Floats:
        data, used = pairs(items), self.concerns(items)
        if separated(data.margins[used], data.target[used]):
            return np.full(len(sample.weights), np.nan)
        inverse = refits(data, sample, kept, used)
        return ratio(np.ones_like(inverse), inverse)

    def why(self, items: Sequence[ScoredItem]) -> str:
        data, used = pairs(items), self.concerns(items)
        if data.margins[used].any() and separated(data.margins[used], data.target[used]):
            return "no temperature fits: every higher reward goes with a preferred response, so the best T is 0"
        return "no temperature fits: higher rewards do not go with preferred responses"


@dataclass(frozen=True, slots=True)
class Bin:
    """One point of the reliability diagram: mean predicted and observed probability, over `n` ordered pairs."""

    p_mean: float
    observed: float
    low: float | None
    high: float | None
    n: int


def reliability(
    items: Sequence[ScoredItem], bins: int = 10, *, fitted: bool = True, bootstrap: int = 200, seed: int = 0
) -> list[Bin]:
    """The filled bins of equal width, by rising probability, over both orders of the complete pairs that are measured.

    The interval is that of the observed probability, by group.
    """
    complete = [item for item in items if item.complete]
    if not complete:
        return []
    data, shifted = pairs(complete), is_shifted(items)
    kept = _shift_side(complete) if shifted else np.ones(len(complete), dtype=bool)
    first = expit(logits(complete, data, fitted=fitted, shifted=shifted))
    kept &= np.isfinite(first)
    chance, target = np.stack([first, 1 - first]), np.stack([data.target, 1 - data.target])
    which = np.clip(np.searchsorted(np.linspace(0, 1, bins + 1), chance, side="right") - 1, 0, bins - 1)
    groups = [item.group for item, keep in zip(complete, kept, strict=True) if keep]
    sample = resample(groups, draws=bootstrap, seed=seed, name="reliability")
    everything = np.ones(len(groups), dtype=bool)
    out = []
    for k in range(bins):
        here = (which == k) & kept
        if not here.any():
            continue
        rows = np.stack([np.where(here, target, 0).sum(axis=0), here.sum(axis=0)], axis=1)[kept].astype(np.float64)
        replicates = sample.replicates(rows, lambda sums: ratio(sums[..., 0], sums[..., 1]), everything)
        low, high = interval(replicates) or (None, None)
        out.append(Bin(float(chance[here].mean()), float(target[here].mean()), low, high, int(here.sum())))
    return out


def _shift_side(items: Sequence[ScoredItem]) -> Bools:
    return np.array([item.tags.get("split") != "base" for item in items], dtype=bool)
