"""What a full run of a suite version holds, worked out once, so that many submissions are checked in a pass each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rmbench.errors import UsageError
from rmbench.rows import Row, canonical, scored_items, task_rows
from rmbench.stats import Resamples, resample
from rmbench.trajectory import Trajectory
from rmbench.types import Card, Floats, ScoredItem, Task

if TYPE_CHECKING:
    import polars as pl

KEY = ["task", "item", "index"]
SAID = ["group", "digest", "gold", "probability", "votes_first", "votes_second", "tags"]  # of an item, not of a model


@dataclass(frozen=True)
class Standard:
    """A suite version: `tasks` as the suite cuts them, with the budgets that a full run spends in their cards.

    `references` are the gold's own courses by task and optimiser.
    """

    suite: str
    tasks: Mapping[str, Task]
    references: Mapping[tuple[str, str], Trajectory] = field(default_factory=dict)

    @property
    def cards(self) -> dict[str, Card]:
        """The card of each task, in the order of the suite."""
        return {name: task.card for name, task in self.tasks.items()}

    def spent_by(self, stated: Mapping[str, Card]) -> dict[str, Card]:
        """The suite's own cards, with the queries that a run spent: of a stranger's card, nothing else is believed."""
        return {
            name: card.model_copy(update={"budgets": stated[name].budgets}) for name, card in self.cards.items()
        }  # fmt: skip

    @cached_property
    def rows(self) -> pl.DataFrame:
        """One row per response in canonical order, with all that a submission must repeat: `KEY` and `SAID`."""
        import polars as pl

        return pl.DataFrame(self._nothing, schema=schema(), orient="row").select(KEY + SAID)

    @cached_property
    def items(self) -> dict[str, list[ScoredItem]]:
        """The items of each task in the order of `rows`, their scores not known yet."""
        return {name: list(items) for name, items in scored_items(Path(self.suite), self._nothing, self.tasks).items()}

    @cached_property
    def _nothing(self) -> list[Row]:
        """The rows of a run that has no score at all, in canonical order."""
        made = (task_rows(task, [[nan] * len(item.responses) for item in task.items]) for task in self.tasks.values())
        return sorted(chain.from_iterable(made), key=lambda row: row[:3])

    @cached_property
    def _texts(self) -> tuple[list[str], list[str]]:
        """The canonical JSON of each row up to its score, and from after its reason on."""
        before = [canonical(row[:5])[:-1] for row in self._nothing]
        return before, [canonical(row[7:])[1:] for row in self._nothing]

    def digest(self, scores: Sequence[float | None], reasons: Sequence[str | None]) -> str:
        """The digest of the content of a run with these finite scores: that of `rows.content_digest`, but faster."""
        own = (
            f"{'null' if score is None else repr(score)},{'null' if reason is None else canonical(reason)}"
            for score, reason in zip(scores, reasons, strict=True)
        )
        before, after = self._texts
        whole = ",".join([f"{b},{o},{a}" for b, o, a in zip(before, own, after, strict=True)])
        return hashlib.sha256(f"[{whole}]".encode("utf-8", "surrogatepass")).hexdigest()

    @cached_property
    def _bounds(self) -> dict[str, list[int]]:
        """For each task, where each of its items ends in `rows`."""
        out, start = {}, 0
        for name in sorted(self.items):
            ends = start + np.cumsum([item.gold.size for item in self.items[name]])
            out[name] = [start, *ends.tolist()]
            start = out[name][-1]
        return out

    def scored(self, scores: Floats) -> dict[str, list[ScoredItem]]:
        """The items with these scores, shape (rows,) in the order of `rows`; NaN = missing."""
        return {
            name: [
                replace(item, scores=scores[start:stop])
                for item, start, stop in zip(items, self._bounds[name], self._bounds[name][1:], strict=False)
            ]
            for name, items in self.items.items()
        }

    def resamples(self, task: str, *, draws: int, seed: int) -> Resamples:
        """The resamples of a task's groups, made once: all submissions share them, so that they are paired."""
        key = (task, draws, seed)
        if key not in self._drawn:
            self._drawn[key] = resample([i.group for i in self.items[task]], draws=draws, seed=seed, name=task)
        found = self._drawn[key]
        return Resamples(found.weights, found.codes)  # with a memory of its own: that of another model is no use

    @cached_property
    def _drawn(self) -> dict[tuple[str, int, int], Resamples]:
        return {}


def standard_of(suite: str, tasks: Sequence[Task]) -> Standard:
    """The standard of these tasks, each with the queries that its card asks for."""
    from rmbench.engine.pursuit import planned, reference_of
    from rmbench.engine.session import as_spent

    attacks = planned(tasks)
    spent = as_spent(tasks, attacks, alone=False)
    found = {(attack.task.card.name, attack.optimizer.name): reference_of(attack) for attack in attacks}
    references = {key: course for key, course in found.items() if course is not None}
    return Standard(suite, {task.card.name: task for task in spent}, references)


def current(suite: str) -> Standard:
    """The standard of `name@version` that this installation holds. Raises UsageError for a suite that it does not."""
    from rmbench.task import load_suite

    name, _, version = suite.partition("@")
    loaded = load_suite(name)
    if str(loaded.version) != version:
        raise UsageError(
            f"this rmbench holds {name}@{loaded.version}, not {suite}; use the version of rmbench that does"
        )
    return standard_of(suite, loaded.tasks())


def current_suites() -> list[str]:
    """`name@version` of every suite that this installation holds, the one to publish first."""
    from rmbench.task import load_suite, suite_names

    found = [load_suite(name) for name in suite_names()]
    return [f"{s.name}@{s.version}" for s in sorted(found, key=lambda suite: (suite.name != "core", suite.name))]


@dataclass
class Standards:
    """Standards by suite, each made when it is first asked for. `make` raises UsageError for one that is not here."""

    make: Callable[[str], Standard] = current
    _made: dict[str, Standard | str] = field(default_factory=dict)

    def get(self, suite: str) -> Standard:
        """The standard of a suite version. Raises UsageError, again each time, for one that cannot be had."""
        if suite not in self._made:
            try:
                self._made[suite] = self.make(suite)
            except UsageError as error:
                self._made[suite] = str(error)
        found = self._made[suite]
        if isinstance(found, str):
            raise UsageError(found)
        return found

    def known(self, suite: str) -> Standard | None:
        """The standard of a suite version, or None where it cannot be had."""
        try:
            return self.get(suite)
        except UsageError:
            return None


def schema() -> dict[str, Any]:
    """The columns of scores.parquet for polars."""
    import polars as pl

    kinds: dict[str, Any] = {"index": pl.Int32, "votes_first": pl.Int64, "votes_second": pl.Int64}
    kinds |= dict.fromkeys(("score", "gold", "probability"), pl.Float64)
    return {name: kinds.get(name, pl.String) for name in Row._fields}
