"""Is the reward unsure where there is nothing to choose? Margins on equal pairs against margins on unequal ones.

Items say what they are by their tag `category`: "tie" (equal gold), "near" (almost equal gold), "unequal". The size of
the margin is compared, so scale and direction do not matter: a reward that ranks every unequal pair wrongly, and is
sure of it, still tells them from the ties; its accuracy shows the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rmbench.metrics.base import Bools, Measure
from rmbench.metrics.temperature import pairs
from rmbench.metrics.weighted import auc
from rmbench.stats import Resamples
from rmbench.types import Floats, ScoredItem

TIE, NEAR, UNEQUAL = "tie", "near", "unequal"


@dataclass(frozen=True, repr=False)
class TieAUC(Measure):
    """P(|margin| of an unequal pair > |margin| of an equal one), ties one half: 1/2 for a constant or random reward.

    `against` names the category of the pairs that are equal, or nearly so. Ranked anew in every resample.
    """

    against: str = TIE

    def concerns(self, items: Sequence[ScoredItem]) -> Bools:
        return np.array([item.tags.get("category") in (self.against, UNEQUAL) for item in items], dtype=bool)

    def value(self, items: Sequence[ScoredItem]) -> float:
        return float(self._auc(items, np.ones((1, len(items))))[0])

    def replicates(self, items: Sequence[ScoredItem], sample: Resamples, kept: Bools) -> Floats:
        return self._auc(items, sample.item_weights(kept))

    def _auc(self, items: Sequence[ScoredItem], weights: Floats) -> Floats:
        """For weights of shape (draws, items)."""
        sure = np.abs(pairs(items).margins)
        high, low = (
            np.array([item.tags.get("category") == name for item in items], dtype=bool)
            for name in (UNEQUAL, self.against)
        )
        return auc(sure[high], sure[low], weights[:, high], weights[:, low])

    def why(self, items: Sequence[ScoredItem]) -> str:
        there = {item.tags.get("category") for item in items}
        lost = next((name for name in (self.against, UNEQUAL) if name not in there), UNEQUAL)
        return f"no pair of category {lost!r} has both its scores, so there is nothing to compare"


@dataclass(frozen=True, repr=False)
class TieSkill(TieAUC):
    """2 TieAUC - 1: 0 for a constant or random reward, 1 where every tie has a smaller margin than any unequal pair."""

    def _auc(self, items: Sequence[ScoredItem], weights: Floats) -> Floats:
        return 2 * super()._auc(items, weights) - 1


def tie_metrics(items: Sequence[ScoredItem]) -> list[Measure]:
    """The metrics of ties, and of near ties, where the items say that they are such; a few may lack one kind."""
    there = {item.tags.get("category") for item in items}
    if not {TIE, UNEQUAL} & there:
        return []
    return [TieSkill(), TieAUC(), *([TieAUC(against=NEAR)] if NEAR in there else [])]
