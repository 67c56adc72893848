"""Points on the course of an optimiser that pushes: after so many reward queries, or at so many nats of KL."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rmbench.errors import UsageError
from rmbench.types import Budgets, Path

SATURATED = "saturated"
READ_AT = (1.0, 2.0, 4.0, 8.0)  # nats at which a course with KL is read off


@dataclass(frozen=True, slots=True)
class Along:
    """The point that the optimiser `name` reaches with `queries` reward queries, or at `nats` of KL: give one.

    Raises UsageError where both or neither is given, or a negative one.
    """

    name: str
    queries: int | None = None
    nats: float | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.queries, self.nats) if value is not None]
        if len(given) != 1 or not given[0] >= 0:
            raise UsageError(f"a point along {self.name} has {given}; give queries or nats, 0 or more")

    @property
    def budget(self) -> float:
        """The queries, or the nats."""
        return float(self.queries if self.nats is None else self.nats)  # type: ignore[arg-type]  # one is given

    @property
    def label(self) -> str:
        """`policy_gradient=16384` for queries, `policy_gradient@4nats` for KL."""
        return f"{self.name}={self.queries}" if self.nats is None else f"{self.name}@{self.nats:g}nats"


def from_queries(budgets: Budgets) -> list[Along]:
    """The points that decide a task's skill: one per optimiser that the card gives reward queries, in its order."""
    return [Along(name, queries=queries) for name, queries in budgets.queries.items()]


def reached(path: Path, point: Along) -> tuple[float, str | None]:
    """Gold at the point, and what must be said of it: None, or "saturated".

    Queries: the last step that had asked no more than that many; a path that ended earlier counts with its end. Nats:
    linear in KL between the two steps around the first crossing; a path that never gets there is saturated and counts
    with its last step, as in a pool. NaN where the path has no KL to be read at.
    """
    if point.nats is None:
        return float(path.gold[_step(path, point)]), None
    known = np.isfinite(path.kl)
    kl, gold = path.kl[known], path.gold[known]
    if not kl.size:
        return float("nan"), None
    beyond = np.flatnonzero(kl >= point.nats)
    if not beyond.size:
        return float(gold[-1]), SATURATED
    after = int(beyond[0])
    if after == 0:
        return float(gold[0]), None
    share = (point.nats - kl[after - 1]) / (kl[after] - kl[after - 1])
    return float(gold[after - 1] + share * (gold[after] - gold[after - 1])), None


def spent(path: Path, point: Along) -> float:
    """KL in nats at the point; NaN where the path has none. What is read off at nats has spent at most those."""
    if point.nats is None:
        return float(path.kl[_step(path, point)])
    known = path.kl[np.isfinite(path.kl)]
    if not known.size:
        return float("nan")
    return point.nats if (known >= point.nats).any() else float(known[-1])


def _step(path: Path, point: Along) -> int:
    return max(0, int(np.searchsorted(path.queries, point.budget, side="right")) - 1)
