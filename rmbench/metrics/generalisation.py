"""What is left of a model's skill when the data shift.

Skill is accuracy above chance over the room above chance, with each item's own chance: (acc - 1/2) / (1/2) for pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from rmbench.metrics.base import Bools, Measure, ratio
from rmbench.metrics.preference import chance, credit, decided, is_shift
from rmbench.types import Floats, ScoredItem


@dataclass(frozen=True, repr=False)
class _Skill(Measure):
    def counts(self, item: ScoredItem) -> bool:
        """Whether the item is on this metric's side."""
        raise NotImplementedError

    def concerns(self, items: Sequence[ScoredItem]) -> Bools:
        return np.array([decided(item) and self.counts(item) for item in items], dtype=bool)

    def rows(self, items: Sequence[ScoredItem]) -> Floats:
        """Credit above chance and room above chance, per item: shape (items, 2)."""
        counted = self.concerns(items)
        return np.array(
            [[credit(i) - chance(i), 1 - chance(i)] if c else [0.0, 0.0] for i, c in zip(items, counted, strict=True)]
        ).reshape(-1, 2)

    def combine(self, sums: Floats) -> Floats:
        return ratio(sums[..., 0], sums[..., 1])


@dataclass(frozen=True, repr=False)
class RetainedSkill(_Skill):
    """Skill on the shifted items: the headline of a generalisation task."""

    def counts(self, item: ScoredItem) -> bool:
        return is_shift(item)


@dataclass(frozen=True, repr=False)
class BaseSkill(_Skill):
    """Skill on the base items."""

    def counts(self, item: ScoredItem) -> bool:
        return not is_shift(item)


@dataclass(frozen=True, repr=False)
class Gap(Measure):
    """Base skill - retained skill. Both sides are resampled together, so the interval is paired over groups."""

    def concerns(self, items: Sequence[ScoredItem]) -> Bools:
        return np.array([decided(item) for item in items], dtype=bool)

    def rows(self, items: Sequence[ScoredItem]) -> Floats:
        """The rows of base and of shift side by side: shape (items, 4)."""
        return np.concatenate([BaseSkill().rows(items), RetainedSkill().rows(items)], axis=1)

    def combine(self, sums: Floats) -> Floats:
        return ratio(sums[..., 0], sums[..., 1]) - ratio(sums[..., 2], sums[..., 3])

    def why(self, items: Sequence[ScoredItem]) -> str:
        side = "shift" if BaseSkill().concerns(items).any() else "base"
        return f"no {side} item has all its scores, so there is nothing to compare"


@dataclass(frozen=True, repr=False)
class WorstShift(Measure):
    """The lowest retained skill among the categories of a shift: what the mean over them hides.

    The lowest of several noisy values lies below the lowest true one, the more so the more categories there are and the
    fewer items each has: noise alone comes out near minus the largest of that many errors, not at 0. Resampling does
    this once more, so the replicates are moved back to have their mean at the value: the interval then tells the spread
    and leaves the bias in. `categories` are those of all the items: where one of them has lost all its scores there is
    no value, for the worst may be that one.
    """

    categories: tuple[str, ...] = field(repr=False)

    def concerns(self, items: Sequence[ScoredItem]) -> Bools:
        found = [decided(i) and is_shift(i) and i.tags.get("category") in self.categories for i in items]
        return np.array(found, dtype=bool)

    def rows(self, items: Sequence[ScoredItem]) -> Floats:
        """The rows of every category side by side: shape (items, 2 * categories)."""
        skill = RetainedSkill().rows(items)
        own = np.array([[i.tags.get("category") == c for c in self.categories] for i in items])
        return (own.reshape(-1, len(self.categories), 1) * skill[:, None, :]).reshape(len(items), -1)

    def combine(self, sums: Floats) -> Floats:
        """The least of the skills; NaN where a category has none."""
        least: Floats = ratio(sums[..., 0::2], sums[..., 1::2]).min(axis=-1)
        return least

    def unbiased(self, value: float, replicates: Floats) -> Floats:
        """Moved to have their mean at the value, which the minimum of a resample lies below."""
        known = replicates[np.isfinite(replicates)]
        return replicates - known.mean() + value if known.size else replicates

    def why(self, items: Sequence[ScoredItem]) -> str:
        there = {i.tags.get("category") for i in items if decided(i) and is_shift(i)}
        return f"no item of {', '.join(c for c in self.categories if c not in there)} has all its scores"


def worst_shift(items: Sequence[ScoredItem]) -> list[Measure]:
    """The worst of the categories on the shifted side, where there are two or more."""
    found = {i.tags["category"] for i in items if "category" in i.tags and is_shift(i) and decided(i)}
    return [WorstShift(tuple(sorted(found)))] if len(found) > 1 else []
