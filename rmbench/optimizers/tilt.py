"""Exponential tilt: the optimum of KL-regularised RL on the pool, w_i = softmax(lambda r_i).

lambda is solved per prompt so that the KL equals the budget. That makes the point free of the reward's scale, so every
model spends exactly the same nats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.optimize import brentq

from rmbench.optimizers.pool import Spent, kl_from_uniform
from rmbench.types import Floats

ESS_FLOOR = 2.0  # with fewer effective candidates, one of them carries the whole result
LOG_LAMBDA = (-60.0, 690.0)  # as far as doubles go


@dataclass(frozen=True, slots=True)
class Tilt:
    """Tilt the pool towards the reward until `nats` of KL are spent."""

    name: ClassVar[str] = "tilt"
    nats: float

    @property
    def budget(self) -> float:
        return self.nats

    def spend(self, scores: Floats) -> Spent:
        """The tilted weights. Where ties allow less than the budget, the most they allow: uniform over the top."""
        if self.nats <= 0:
            return Spent(np.full(scores.size, 1 / scores.size), 0.0)
        below = _below(scores)
        top = below == 0
        if self.nats >= math.log(scores.size / top.sum()) * (1 - 1e-12):
            weights = top / top.sum()
            return Spent(weights, kl_from_uniform(weights), saturated=True)
        weights = _weights(_solve(below, self.nats), below)
        kl = kl_from_uniform(weights)
        spent = math.isclose(kl, self.nats, rel_tol=1e-6)
        return Spent(weights, kl, saturated=not spent or 1 / float(weights @ weights) < ESS_FLOOR)


def _below(scores: Floats) -> Floats:
    """Rewards moved and scaled to [-1, 0], by steps that cannot overflow."""
    scaled = scores / (np.abs(scores).max() or 1.0)
    below: Floats = scaled - scaled.max()
    return below / (-below.min() or 1.0)


def _weights(log_strength: float, below: Floats) -> Floats:
    raised = np.exp(math.exp(log_strength) * below)
    weights: Floats = raised / raised.sum()
    return weights


def _kl(log_strength: float, below: Floats) -> float:
    """KL of the tilt by lambda = exp(log_strength); below = r - max r <= 0. Increases with lambda."""
    raised = math.exp(log_strength) * below
    weights = np.exp(raised)
    total = weights.sum()
    return float(weights @ raised / total - math.log(total) + math.log(below.size))


def _solve(below: Floats, nats: float) -> float:
    """Log lambda, from a bracket grown around the Gaussian answer lambda = sqrt(2 KL) / sd."""
    least, most = LOG_LAMBDA
    start = min(max(math.log(math.sqrt(2 * nats)) - math.log(below.std()), least + 1), most - 1)
    low = high = start
    step = 0.5
    while low > least and _kl(low, below) > nats:
        low, step = max(least, low - step), 2 * step
    step = 0.5
    while high < most and _kl(high, below) < nats:
        high, step = min(most, high + step), 2 * step
    if low == high:
        return low
    if _kl(low, below) >= nats or _kl(high, below) <= nats:
        return low if _kl(low, below) >= nats else high
    return float(brentq(lambda s: _kl(s, below) - nats, low, high, xtol=1e-14, rtol=1e-14))
