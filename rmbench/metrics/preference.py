"""Does the better answer get the higher reward? One rule for pairs and for best-of-k, ties reported under their names.

The answers with the highest gold are right. Items whose answers all have the same gold have no right answer and are not
counted here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rmbench.metrics.base import Bools, Measure, ratio
from rmbench.types import Floats, ScoredItem


def is_shift(item: ScoredItem) -> bool:
    """Whether an item is on the shifted side; that is the default where nothing is said."""
    return item.tags.get("split", "shift") != "base"


def credit(item: ScoredItem) -> float:
    """Share of right answers among those with the top reward: 1 / #ties where the only right one is among them."""
    if item.gold.size == 2 and item.decided:  # the usual case, without the price of arrays
        better = int(item.gold[1] > item.gold[0])
        margin = item.scores[better] - item.scores[1 - better]
        return 1.0 if margin > 0 else 0.5 if margin == 0 else 0.0
    right = item.gold == item.gold.max()
    top = item.scores == item.scores.max()
    return float((right & top).sum() / top.sum())


def chance(item: ScoredItem) -> float:
    """The credit of a constant reward: the share of right answers, 1/k for one among k."""
    if item.gold.size == 2 and item.decided:
        return 0.5
    return float((item.gold == item.gold.max()).sum() / item.gold.size)


def decided(item: ScoredItem) -> bool:
    """Whether the gold prefers some answers to others."""
    return item.decided


@dataclass(frozen=True, repr=False)
class Accuracy(Measure):
    """Share of items where the right answer wins; a tie counts its share (one half in a pair)."""

    category: str | None = None
    split: str | None = None

    def concerns(self, items: Sequence[ScoredItem]) -> Bools:
        return np.array([decided(item) and self._selects(item) for item in items], dtype=bool)

    def _selects(self, item: ScoredItem) -> bool:
        split = "shift" if is_shift(item) else "base"
        return self.category in {None, item.tags.get("category")} and self.split in {None, split}

    def rows(self, items: Sequence[ScoredItem]) -> Floats:
        """Credit and 1, per item: shape (items, 2)."""
        counted = self.concerns(items)
        return np.array(
            [[self.adds(i), 1.0] if c else [0.0, 0.0] for i, c in zip(items, counted, strict=True)]
        ).reshape(-1, 2)

    def adds(self, item: ScoredItem) -> float:
        """What one item adds."""
        return credit(item)

    def combine(self, sums: Floats) -> Floats:
        return ratio(sums[..., 0], sums[..., 1])


@dataclass(frozen=True, repr=False)
class StrictAccuracy(Accuracy):
    """Share of items where a right answer beats every wrong one; a tie is wrong."""

    def adds(self, item: ScoredItem) -> float:
        return float(credit(item) == 1)


@dataclass(frozen=True, repr=False)
class TieRate(Accuracy):
    """Share of items where a right and a wrong answer share the top reward."""

    def adds(self, item: ScoredItem) -> float:
        return float(0 < credit(item) < 1)
