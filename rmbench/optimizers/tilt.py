"""Exponential tilt: the optimum of KL-regularised RL on the pool, w_i = softmax(lambda r_i).

lambda is solved per prompt so that the KL equals the budget. That makes the point free of the reward's scale, so every
model spends exactly the same nats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from rmbench.optimizers.pool import Ranked, Spent, Weighed
from rmbench.types import Floats

ESS_FLOOR = 2.0  # with fewer effective candidates, one of them carries the whole result
LOG_LAMBDA = (-60.0, 690.0)  # as far as doubles go
STEPS = 200  # Newton takes about four; halving the whole range of log lambda to the last digit would take sixty
SMALL = 1e-7  # a Newton step leaves an error of the order of its square


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
        ranked = Ranked.of(scores)
        return ranked.spent(self.weigh(ranked))

    def weigh(self, ranked: Ranked) -> Weighed:
        """As `spend`, for ranked pools."""
        shape = ranked.values.shape
        if self.nats <= 0:
            uniform = np.full(shape, 1 / ranked.size)
            return Weighed(uniform, np.zeros(shape[0]), np.zeros(shape[0], dtype=bool))
        most = np.log(ranked.size / ranked.top)
        stuck = self.nats >= most * (1 - 1e-12)
        weights, kl = np.empty(shape), np.where(stuck, most, 0.0)
        if stuck.any():
            weights[stuck] = (ranked.values[stuck] == ranked.values[stuck, -1:]) / ranked.top[stuck, None]
        saturated = stuck.copy()
        if not stuck.all():
            free = ... if not stuck.any() else ~stuck
            found = _solve(_below(ranked)[free], self.nats, self._start(ranked)[free])
            weights[free], kl[free] = found.weights, found.kl
            crowded = np.einsum("pn,pn->p", found.weights, found.weights) * ESS_FLOOR > 1
            saturated[free] = crowded | (np.abs(found.kl - self.nats) > 1e-6 * self.nats)
            ranked.notes[self] = np.full((2, shape[0]), np.nan)
            ranked.notes[self][:, free] = found.log_strength, found.slope
        return Weighed(weights, kl, saturated)

    def _start(self, ranked: Ranked) -> Floats:
        """Where to look for log lambda: a step on from the highest lower budget that was solved, else the Gaussian
        answer, lambda = sqrt(2 KL) / sd.
        """
        solved = [key for key in ranked.notes if isinstance(key, Tilt) and key.nats <= self.nats]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if not solved:
                gaussian: Floats = 0.5 * math.log(2 * self.nats) - np.log(_below(ranked).std(axis=-1))
                return gaussian
            near = max(solved, key=lambda tilt: tilt.nats)
            log_strength, slope = ranked.notes[near]
            on: Floats = log_strength + math.log(self.nats / near.nats) * near.nats / slope
            return on


class _Solved(NamedTuple):
    log_strength: Floats
    slope: Floats
    weights: Floats
    kl: Floats


def _below(ranked: Ranked) -> Floats:
    """Rewards moved and scaled to [-1, 0], by steps that cannot overflow; sorted."""
    if _below not in ranked.notes:
        values = ranked.values
        largest = np.maximum(np.abs(values[:, :1]), np.abs(values[:, -1:]))
        scaled = values / np.where(largest > 0, largest, 1.0)
        below = scaled - scaled[:, -1:]
        ranked.notes[_below] = below / np.where(below[:, :1] < 0, -below[:, :1], 1.0)
    return ranked.notes[_below]


def _solve(below: Floats, nats: float, start: Floats) -> _Solved:
    """Log lambda of each pool, by Newton on log KL against log lambda (a line of slope 2 for a Gaussian reward).

    A step that leaves what is still possible, or has no direction, is replaced by halving.
    """
    low, high = (np.full(len(below), end) for end in LOG_LAMBDA)
    at = np.clip(start, low + 1, high - 1)
    weights = np.empty_like(below)
    squares = below**2
    for _ in range(STEPS):
        _, kl, slope = _tilted(at, below, squares, weights)
        low, high = np.where(kl < nats, at, low), np.where(kl > nats, at, high)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            new = at + np.log(nats / kl) * kl / slope
        new = np.where((low <= new) & (new <= high), new, (low + high) / 2)
        step, at = np.abs(new - at), new
        if (step <= SMALL).all():
            break
    total, kl, slope = _tilted(at, below, squares, weights)
    weights /= total[:, None]
    return _Solved(at, slope, weights, kl)


def _tilted(log_strength: Floats, below: Floats, squares: Floats, raised: Floats) -> tuple[Floats, Floats, Floats]:
    """Of the tilt by lambda: the sum of exp(lambda below), KL, and d KL / d log lambda = lambda^2 Var(below).

    The exponentials are written to `raised`; memory that is used again stays in the cache.
    """
    strength = np.exp(log_strength)
    np.multiply(below, strength[:, None], out=raised)
    np.exp(raised, out=raised)
    total = raised.sum(axis=-1)
    mean = np.einsum("pn,pn->p", raised, below) / total
    spread = np.maximum(0.0, np.einsum("pn,pn->p", raised, squares) / total - mean**2)
    with np.errstate(over="ignore", invalid="ignore"):
        kl = np.maximum(0.0, strength * mean - np.log(total / below.shape[1]))
        return total, kl, strength**2 * spread
