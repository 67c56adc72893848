"""The items of a task in two runs, joined by id; and whether the two runs asked the same thing at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rmbench.comparison.types import Count
from rmbench.errors import UsageError
from rmbench.metrics.base import Bools, Measure
from rmbench.scores import Run
from rmbench.types import Card, ScoredItem


@dataclass(frozen=True, slots=True)
class Joined:
    """The items that both runs hold, in one order; `alone` counts those that only one holds."""

    a: list[ScoredItem]
    b: list[ScoredItem]
    alone: Count

    def kept(self, metric: Measure) -> Bools:
        """Which items have, in both runs, all the scores that a metric needs."""
        return metric.scored(self.a) & metric.scored(self.b)

    def missing(self, metric: Measure) -> Count:
        """How many items lack some of them, in each run."""
        return Count(*(int((~metric.scored(side)).sum()) for side in (self.a, self.b)))

    def only(self, kept: Bools) -> tuple[list[ScoredItem], list[ScoredItem]]:
        """The items of both runs that are kept."""
        a, b = ([item for item, keep in zip(side, kept, strict=True) if keep] for side in (self.a, self.b))
        return a, b

    def identical(self, kept: Bools) -> bool:
        """Whether the two runs have the same scores and the same courses on what is kept."""
        return all(_same(a, b) for a, b in zip(*self.only(kept), strict=True))


def shared_tasks(a: Run, b: Run) -> list[str]:
    """The tasks that both runs hold. Raises UsageError if there is none, or if one was not the same in both."""
    names = [name for name in a.cards if name in b.cards]
    if not names:
        raise UsageError(
            f"the runs have no task in common: A holds {', '.join(a.cards) or 'none'}; B holds"
            f" {', '.join(b.cards) or 'none'}; run both with the same --suite or --task"
        )
    for name in names:
        if problem := _other_task(a.cards[name], b.cards[name]) or _other_course(a, b, name):
            raise UsageError(f"task {name} cannot be compared: {problem}")
    return names


def join(a: Run, b: Run, name: str) -> Joined:
    """The items of a task by id. Raises UsageError where an item is not the same in both runs, or none is shared."""
    first, second = ({item.id: item for item in run.items(name)} for run in (a, b))
    ids = [item for item in first if item in second]
    if not ids:
        raise UsageError(f"task {name} cannot be compared: the runs have none of its items in common")
    for item in ids:
        one, two = first[item], second[item]
        facts = [(i.group, i.probability, i.votes, dict(i.tags), i.gold.tolist()) for i in (one, two)]
        if facts[0] != facts[1]:
            raise UsageError(f"task {name} cannot be compared: item {item!r} has another gold, group or tag in B")
    alone = Count(len(first) - len(ids), len(second) - len(ids))
    return Joined([first[item] for item in ids], [second[item] for item in ids], alone)


def _other_task(a: Card, b: Card) -> str | None:
    if a.version != b.version:
        return f"A ran version {a.version} and B version {b.version}; run both with the same one"
    if a.sha256 != b.sha256:
        return f"its items differ (sha256 {a.sha256[:12]} in A, {b.sha256[:12]} in B); run both with the same ones"
    if (a.axis, a.headline, a.tau) != (b.axis, b.headline, b.tau):
        return "its card names another axis, headline or tau in B; run both with the same card"
    if a.budgets != b.budgets:
        return "it was optimised under other budgets in B; run both with the same --suite, --limit and --optimizer"
    if a.reference != b.reference:
        return "it is measured against other runs of the gold in B; run both with the same task"
    return None


def _other_course(a: Run, b: Run, name: str) -> str | None:
    """What differs in how optimisers queried the two models."""
    one, two = (
        {
            course.optimizer: (sorted(course.items), dict(course.settings))
            for course in run.trajectories
            if course.task == name and course.rewarded == "model"
        }
        for run in (a, b)
    )
    for optimizer in sorted({*one, *two}):
        if one.get(optimizer) != two.get(optimizer):
            return f"{optimizer} had other settings or prompts in B; run both with the same version and --limit"
    return None


def _same(a: ScoredItem, b: ScoredItem) -> bool:
    same = [np.array_equal(a.scores, b.scores), a.paths.keys() == b.paths.keys()]
    return all(same) and all(
        np.array_equal(a.paths[key].gold, b.paths[key].gold)
        and np.array_equal(a.paths[key].proxy, b.paths[key].proxy, equal_nan=True)
        for key in a.paths
    )
