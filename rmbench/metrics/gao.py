"""The two forms of Gao, Schulman, Hilton 2022 (arXiv 2210.10760) for gold against d = sqrt(KL), fitted.

    best-of-n   R(d) = d (alpha - beta d)        peak at d = alpha / (2 beta)
    RL          R(d) = d (alpha - beta log d)    peak at d = exp(alpha / beta - 1)

alpha is how well optimising pays at first, beta how fast that wears off. R is the gold *gain*, 0 at d = 0.
Several write-ups swap the two forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from rmbench.metrics.grid import AlongGrid
from rmbench.optimizers.along import Along
from rmbench.types import Floats

Form = Literal["best_of_n", "rl"]
SINGULAR = 1e-10  # the two terms of the form are told apart above this share of their lengths


class Fit(NamedTuple):
    """Coefficients in gold per sqrt(nat) (alpha) and per nat (best-of-n's beta) or sqrt(nat) (RL's), and R squared.

    `r_squared` is 1 - residual / variance around the mean of the fitted points.
    """

    alpha: Floats
    beta: Floats
    r_squared: Floats


def fit(kl: Floats, gain: Floats, form: Form) -> Fit:
    """Least squares over the last axis: KL in nats and gold gain, shape (..., points). Points at KL 0 say nothing.

    NaN where fewer than two different KLs are above 0; R squared also where the gain does not vary.
    """
    d = np.sqrt(kl)
    used = d > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        second = -d * d if form == "best_of_n" else -d * np.where(used, np.log(np.where(used, d, 1.0)), 0.0)
        aa, ab, bb = (d * d).sum(-1), (d * second).sum(-1), (second * second).sum(-1)
        ay, by = (d * gain).sum(-1), (second * gain).sum(-1)
        determinant = aa * bb - ab * ab
        determinant = np.where(determinant > SINGULAR * aa * bb, determinant, np.nan)
        alpha, beta = (bb * ay - ab * by) / determinant, (aa * by - ab * ay) / determinant
        residual = np.where(used, gain - alpha[..., None] * d - beta[..., None] * second, 0.0)
        mean = np.where(used, gain, 0.0).sum(-1) / used.sum(-1)
        total = (np.where(used, gain - mean[..., None], 0.0) ** 2).sum(-1)
        r_squared = 1 - (residual**2).sum(-1) / np.where(total > 0, total, np.nan)
    return Fit(alpha, beta, r_squared)


def peak(alpha: Floats, beta: Floats, form: Form) -> Floats:
    """The d = sqrt(KL) at which the fitted form is highest; NaN where it never comes down, as beta is not above 0.

    A peak beyond the fitted budgets is an extrapolation. With alpha below 0, best-of-n's form only falls: peak 0.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found = np.maximum(alpha / (2 * beta), 0.0) if form == "best_of_n" else np.exp(alpha / beta - 1)
    return np.where((beta > 0) & np.isfinite(found), found, np.nan)


class _Fitted(AlongGrid):
    """A number of the fit to mean gold gain over mean KL, made anew in every resample.

    The RL form along a policy's path, the best-of-n form for best-of-n and tilt.
    """

    @property
    def form(self) -> Form:
        return "rl" if isinstance(self.grid[-1], Along) else "best_of_n"

    def fitted(self, sums: Floats) -> Fit:
        gain, kl = self.curve(sums)
        return fit(kl, gain, self.form)

    def otherwise(self) -> str:
        return "no curve to fit: the reward spends KL at fewer than two budgets"


@dataclass(frozen=True, repr=False)
class GaoAlpha(_Fitted):
    """alpha of the fitted form: gold gained per sqrt(nat) at first."""

    def combine(self, sums: Floats) -> Floats:
        return self.fitted(sums).alpha


@dataclass(frozen=True, repr=False)
class GaoBeta(_Fitted):
    """beta of the fitted form: how fast the gain wears off. At 0 or below, gold does not come down."""

    def combine(self, sums: Floats) -> Floats:
        return self.fitted(sums).beta


@dataclass(frozen=True, repr=False)
class GaoPeak(_Fitted):
    """sqrt(KL) at the peak of the fitted form; it may lie beyond the budget. None where beta is not above 0."""

    def combine(self, sums: Floats) -> Floats:
        found = self.fitted(sums)
        return peak(found.alpha, found.beta, self.form)

    def otherwise(self) -> str:
        return "no peak: the fitted curve does not come down (beta is not above 0)"


@dataclass(frozen=True, repr=False)
class GaoR2(_Fitted):
    """R squared of the fitted form."""

    def combine(self, sums: Floats) -> Floats:
        return self.fitted(sums).r_squared

    def otherwise(self) -> str:
        return "no curve to fit: the reward spends KL at fewer than two budgets, or gains the same gold at all"
