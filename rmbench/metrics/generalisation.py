"""What is left of a model's skill when the data shift.

Skill is accuracy above chance over the room above chance, with each item's own chance: (acc - 1/2) / (1/2) for pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
