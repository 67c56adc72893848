"""What measuring may cost: a share of the time that the training takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

MARGIN = 2.0  # a measurement may take so much longer than the last one and still keep to the limit


@dataclass(slots=True)
class Share:
    """Seconds spent since `start`, of all that have passed. `estimate`: what the next measurement takes, if known."""

    limit: float
    clock: Callable[[], float] = time.perf_counter
    estimate: float | None = None
    spent: float = 0.0
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A training begins."""
        self.began, self.spent = self.clock(), 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the start, those spent included."""
        return self.clock() - self.began

    @property
    def used(self) -> float:
        """The share of the time that was spent so far, 0 to 1."""
        return self.spent / self.elapsed if self.elapsed else 0.0

    @contextmanager
    def spending(self) -> Iterator[None]:
        """What is done inside counts as spent, also where it fails."""
        began = self.clock()
        try:
            yield
        finally:
            self.spent += self.clock() - began

    def allows(self, done: float, *, reserve: bool) -> bool:
        """Whether a measurement now keeps to the limit.

        `done` is the part of the training that is over, above 0. With `reserve`, one more measurement must fit at its
        end, which is taken to come when the steps have gone on as until now.
        """
        cost = MARGIN * (self.estimate or 0.0)
        if self.spent + cost > self.limit * (self.elapsed + cost):
            return False
        both = self.spent + (self.estimate or 0.0) + cost
        whole = (self.elapsed - self.spent) / done + both
        return not reserve or both <= self.limit * whole

    def seconds_until_allowed(self) -> float:
        """How long after the start the limit allows a measurement, if nothing else is spent."""
        cost = MARGIN * (self.estimate or 0.0)
        return (self.spent + cost) / self.limit - cost
