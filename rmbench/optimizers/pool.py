"""What every optimiser on a pool of candidates has in common.

An optimiser turns the proxy rewards of a pool into a distribution over its candidates. Whatever it reaches (gold,
proxy, or the gold's own optimum) is then `weights @ values`. Adding one = one file with one such class.

The costly part, sorting, is the same for every budget: `Ranked` holds pools that were sorted once, and `weigh` spends
one budget on all of them. `spend` is the same for a single pool that nobody has sorted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from rmbench.types import Floats

Bools = NDArray[np.bool_]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Spent:
    """The distribution that was reached, shape (N,), and what it cost in nats of KL from the uniform pool.

    `bound` is the textbook KL of the method, where there is one. `saturated`: the budget could not be spent, or too few
    candidates carry the result. `pool_limited`: the pool is too small for the point to say much about the policy.
    `reason` tells why there is no distribution; weights and KL are NaN then.
    """

    weights: Floats
    kl: float
    bound: float | None = None
    saturated: bool = False
    pool_limited: bool = False
    reason: str | None = None


class Weighed(NamedTuple):
    """One budget spent on ranked pools: weights of shape (pools, N), lowest reward first, and per pool the rest."""

    weights: Floats
    kl: Floats
    saturated: Bools


@dataclass(frozen=True)
class Ranked:
    """Pools of one size N, each sorted by its rewards: `order` and `values` have shape (pools, N), lowest first.

    `notes` is where an optimiser may leave per pool what makes its next budget cheaper.
    """

    order: Places
    values: Floats
    notes: dict[object, Floats] = field(default_factory=dict)

    @classmethod
    def of(cls, scores: Floats) -> Ranked:
        """Sort finite rewards of shape (pools, N), or of one pool, shape (N,). Costs N log N each."""
        scores = np.atleast_2d(scores)
        order = np.argsort(scores, axis=-1)
        return cls(order, np.take_along_axis(scores, order, axis=-1))

    @property
    def size(self) -> int:
        """N, the candidates of each pool."""
        return int(self.values.shape[1])

    def sort(self, values: Floats) -> Floats:
        """Other values of the same candidates, in the order of these rewards."""
        return np.take_along_axis(np.atleast_2d(values), self.order, axis=-1)

    @cached_property
    def ties(self) -> tuple[Places, Places] | None:
        """How many candidates lie below each one's tie group, and how many up to its end; None if nothing is tied."""
        new = np.ones(self.values.shape, dtype=bool)
        np.not_equal(self.values[:, 1:], self.values[:, :-1], out=new[:, 1:])
        if new.all():
            return None
        place = np.broadcast_to(np.arange(self.size, dtype=np.intp), new.shape)
        first = np.maximum.accumulate(np.where(new, place, 0), axis=-1)
        ends = np.ones(new.shape, dtype=bool)
        ends[:, :-1] = new[:, 1:]
        last = np.minimum.accumulate(np.where(ends, place + 1, self.size)[:, ::-1], axis=-1)[:, ::-1]
        return first, last

    @cached_property
    def top(self) -> Places:
        """How many candidates share the highest reward, shape (pools,)."""
        found: Places = (self.values == self.values[:, -1:]).sum(axis=-1)
        return found

    @cached_property
    def tied(self) -> Places:
        """How many candidates share their reward with another one, shape (pools,)."""
        if self.ties is None:
            return np.zeros(len(self.values), dtype=np.intp)
        first, last = self.ties
        found: Places = (last - first > 1).sum(axis=-1)
        return found

    def spent(self, found: Weighed, **more: float | bool | None) -> Spent:
        """What was reached on the first pool, in the order that its rewards came in."""
        weights = np.empty(self.size)
        weights[self.order[0]] = found.weights[0]
        told: Mapping[str, object] = {"saturated": bool(found.saturated[0]), **more}
        return Spent(weights, float(found.kl[0]), **told)  # type: ignore[arg-type]


class PoolOptimizer(Protocol):
    """A frozen value: `name` and `budget` are its identity."""

    @property
    def name(self) -> str: ...

    @property
    def budget(self) -> float: ...

    def __hash__(self) -> int: ...

    def spend(self, scores: Floats) -> Spent:
        """Optimise finite rewards, shape (N,)."""
        ...

    def weigh(self, ranked: Ranked) -> Weighed | None:
        """Optimise pools that were sorted before; None where the budget has no meaning on pools of this size."""
        ...


def kl_from_uniform(weights: Floats) -> Floats:
    """KL in nats between weights over pools, shape (..., N), and the uniform distribution: sum w log(N w)."""
    logs = np.log(weights * weights.shape[-1], out=np.zeros(weights.shape), where=weights > 0)
    found: Floats = np.maximum(0.0, np.einsum("...n,...n->...", weights, logs))
    return found


def impossible(size: int, reason: str) -> Spent:
    """The outcome where the budget has no meaning on a pool of this size."""
    return Spent(np.full(size, np.nan), float("nan"), reason=reason)
