"""Where two rewards part: each has a favourite answer to an item, and one favourite is worth more gold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from rmbench.comparison.types import Flip
from rmbench.types import ScoredItem


def flips(task: str, first: Sequence[ScoredItem], second: Sequence[ScoredItem]) -> tuple[Flip, ...]:
    """The flips between two runs of the same items, in the same order; the largest change of margin comes first.

    In a pair, or with one right answer among k, a flip is an item that one run gets right and the other wrong. A tie
    is not right: among equal top scores the pick is the one with the lowest gold.
    """
    whole = [(a, b) for a, b in zip(first, second, strict=True) if a.complete and b.complete and a.scores.size > 1]
    spread_a, spread_b = _spread(a for a, _ in whole), _spread(b for _, b in whole)
    found = [flip for a, b in whole if (flip := _flip(task, a, b, spread_a, spread_b))]
    return tuple(sorted(found, key=lambda flip: (-flip.change, flip.item)))


def in_turn(by_task: Iterable[Sequence[Flip]], count: int) -> list[Flip]:
    """The first `count` flips of several tasks: the largest of every task, then the second of every task, and so on."""
    ranked = [(rank, -flip.change, flip.task, flip.item, flip) for part in by_task for rank, flip in enumerate(part)]
    return [flip for *_, flip in sorted(ranked, key=lambda entry: entry[:4])[:count]]


def pick(item: ScoredItem) -> int:
    """The response with the top score; among equals the one with the lowest gold, as optimisation may land on it."""
    top = np.flatnonzero(item.scores == item.scores.max())
    return int(top[np.argmin(item.gold[top])])


def _flip(task: str, a: ScoredItem, b: ScoredItem, spread_a: float, spread_b: float) -> Flip | None:
    i, j = pick(a), pick(b)
    if a.gold[i] == a.gold[j]:
        return None
    (a_i, a_j), (b_i, b_j) = a.scores[[i, j]], b.scores[[i, j]]
    change = _over(a_i - a_j, spread_a) + _over(b_j - b_i, spread_b)
    golds = float(a.gold[i]), float(a.gold[j]), float(a.gold.max())
    rewards = (float(a_i), float(a_j)), (float(b_i), float(b_j))
    return Flip(task, a.id, i, j, *golds, *rewards, change=change)


def _spread(items: Iterable[ScoredItem]) -> float:
    """Standard deviation of the rewards within an item, over all items."""
    variances = [float(item.scores.var()) for item in items]
    return float(np.sqrt(np.mean(variances))) if variances else 0.0


def _over(margin: float, spread: float) -> float:
    """A margin in units of the spread; a reward that is constant within every item has no margins."""
    return float(margin) / spread if spread > 0 else 0.0
