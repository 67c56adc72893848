"""What a comparison says. A difference is A - B: above 0, A has more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from rmbench.types import Card, Estimate, Floats

Verdict = Literal["A better", "B better", "A higher", "B higher", "insufficient evidence", "no number"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One number of A, the same of B on the same items, and A - B with its paired interval.

    `p` tests that the difference is 0, `adjusted` is p corrected within its family, and the verdict goes by that.
    `resolves` is the smallest true difference that this test finds with 80 % power. `identical`: both runs have the
    same scores on all items behind it.
    """

    a: Estimate
    b: Estimate
    difference: Estimate
    p: float | None
    adjusted: float | None
    verdict: Verdict
    resolves: float | None
    identical: bool
    replicates: Floats = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Flip:
    """An item where the two runs choose answers of different worth: their top scores fall on `pick_a` and `pick_b`.

    `gold_best` is the most gold that an answer of the item has.

    `rewards_a` and `rewards_b` are what each run gives to the two picks, in that order. `change` is how far the margin
    between the picks moves from one run to the other, in standard deviations of each run's rewards within an item.
    """

    task: str
    item: str
    pick_a: int
    pick_b: int
    gold_a: float
    gold_b: float
    gold_best: float
    rewards_a: tuple[float, float]
    rewards_b: tuple[float, float]
    change: float

    @property
    def better(self) -> Literal["A", "B"]:
        """Whose choice has more gold."""
        return "A" if self.gold_a > self.gold_b else "B"

    @property
    def right(self) -> bool:
        """Whether that choice is the right one: no answer has more gold."""
        return max(self.gold_a, self.gold_b) == self.gold_best


class Count(NamedTuple):
    """A number of items, for each of the two runs."""

    a: int
    b: int


@dataclass(frozen=True, slots=True)
class TaskComparison:
    """One task that both runs hold. `metric` is its headline; `tested` are its metrics that are a family of tests.

    `items` both runs hold, `missing` counts those of them without all their scores in a run, `alone` the items that
    only one run holds. `flips`: the largest change first.
    """

    card: Card
    metric: str
    headline: Difference
    tested: Mapping[str, Difference]
    items: int
    missing: Count
    alone: Count
    flips: tuple[Flip, ...]

    @property
    def flipped(self) -> Count:
        """On how many items A's choice is the better one, and B's."""
        return Count(*(sum(flip.better == side for flip in self.flips) for side in "AB"))


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs: the model's name, what the run was called by, and the signature of its numbers."""

    model: str
    label: str
    signature: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `compare` returns. `skills` has the keys generalisation, calibration, overoptimization and overall.

    `only_a` and `only_b` name the tasks that one run alone holds; nothing is said of them.
    """

    a: Side
    b: Side
    skills: Mapping[str, Difference]
    tasks: Mapping[str, TaskComparison]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    settings: Mapping[str, Any]
