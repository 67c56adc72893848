"""The style matrix of RM-Bench (Liu et al. 2024, arXiv 2410.16184): accuracy by the styles of the two answers.

Rows are the style of the better answer, columns that of the worse, from the plainest to the richest. Easy is the lower
triangle, normal the diagonal, hard the upper one: `Accuracy(category=…)` of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rmbench.metrics.preference import Accuracy
from rmbench.types import ScoredItem

CHOSEN, REJECTED = "chosen_style", "rejected_style"  # tags


@dataclass(frozen=True, repr=False)
class StyleAccuracy(Accuracy):
    """One cell of the matrix; without a style, a whole row or column. A tie counts one half."""

    chosen: str | None = None
    rejected: str | None = None

    def _selects(self, item: ScoredItem) -> bool:
        styled = self.chosen in {None, item.tags.get(CHOSEN)} and self.rejected in {None, item.tags.get(REJECTED)}
        return styled and CHOSEN in item.tags and super()._selects(item)


def cells(items: Sequence[ScoredItem]) -> list[StyleAccuracy]:
    """Every cell that has items, row by row."""
    found = {(item.tags[CHOSEN], item.tags[REJECTED]) for item in items if CHOSEN in item.tags}
    return [StyleAccuracy(chosen=chosen, rejected=rejected) for chosen, rejected in sorted(found)]
