"""What a report says of a run's tasks, and the run without the items that overlap."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from rmbench.contamination.report import Report, ScannedTask
from rmbench.errors import SubmissionError, TaskError
from rmbench.items import read_items
from rmbench.metrics import metrics_for
from rmbench.scores import Run
from rmbench.task import discover, read_card
from rmbench.trajectory import Trajectory
from rmbench.types import Card, ScoredItem, Step

AGAIN = "scan the files again with this version: `rmbench contamination scan FILE…`"


def overlapping(
    report: Report, cards: Mapping[str, Card], *, tasks_dir: Path | None = None
) -> dict[str, frozenset[str]]:
    """Task -> ids of the items that overlap, for every card; all of a task's where its canary was found.

    Raises SubmissionError where the report is not about these tasks: one was not looked for, in part only or in another
    version, or an item is named that the task does not have.
    """
    scanned = {task.name: task for task in report.tasks}
    return {name: _of_task(name, scanned.get(name), card, tasks_dir) for name, card in cards.items()}


def without(run: Run, items: Mapping[str, AbstractSet[str]]) -> Run:
    """The run without some items (task -> ids; others are ignored), to be evaluated as the whole one is.

    Their paths, courses and attempts go with them. An item that is compared with one of those (its twin, its base) goes
    too: the whole group. Of a task that loses all (or all of a kind that its headline needs), the items stay without
    a score, so that its skill is None with a reason and never a number.
    """
    kept = {name: _rest(run.cards[name], found, items.get(name, frozenset())) for name, found in run.tasks.items()}
    ids = {name: {item.id for item in found} for name, found in kept.items()}
    return replace(
        run,
        tasks={name: tuple(kept[name]) or tuple(map(_emptied, found)) for name, found in run.tasks.items()},
        trajectories=tuple(t for course in run.trajectories if (t := _course(course, ids[course.task])) is not None),
        attempts={
            key: [attempt for attempt in found if attempt.item in ids[key[0]]] for key, found in run.attempts.items()
        },
    )


def _rest(card: Card, items: Sequence[ScoredItem], named: AbstractSet[str]) -> list[ScoredItem]:
    gone = {item.group for item in items if item.id in named}
    left = [item for item in items if item.group not in gone]
    try:
        metrics_for(card, left)
    except TaskError:  # the headline is no metric of what is left
        return []
    return left


def _emptied(item: ScoredItem) -> ScoredItem:
    return replace(item, scores=np.full(item.scores.shape, math.nan), paths={})


def _course(course: Trajectory, kept: AbstractSet[str]) -> Trajectory | None:
    where = [n for n, item in enumerate(course.items) if item in kept]
    if not where:
        return None
    steps = tuple(_step(step, where, kept) for step in course.steps)
    return replace(course, items=tuple(course.items[n] for n in where), steps=steps)


def _step(step: Step, where: Sequence[int], kept: AbstractSet[str]) -> Step:
    proxies = tuple(step.proxies[n] for n in where) if step.proxies else ()
    return replace(
        step,
        golds=tuple(step.golds[n] for n in where),
        proxies=proxies,
        proxy=math.fsum(proxies) / len(proxies) if proxies else step.proxy,
        attempts=tuple(attempt for attempt in step.attempts if attempt.item in kept),
    )


def _of_task(name: str, scanned: ScannedTask | None, card: Card, tasks_dir: Path | None) -> frozenset[str]:
    if scanned is None:
        raise SubmissionError(f"the report says nothing of task {name}; {AGAIN}")
    if (scanned.version, scanned.sha256, scanned.items) != (card.version, card.sha256, card.items):
        raise SubmissionError(f"the report is about another {name} than version {card.version} of this suite; {AGAIN}")
    folder = discover(tasks_dir).get(name)
    if folder is None or read_card(folder / "card.yaml").sha256 != card.sha256:
        raise SubmissionError(f"the items of task {name} are not here in this version, so the report cannot be checked")
    known = _ids(folder, card.sha256)
    named = {found.item for found in scanned.overlaps}
    if strange := sorted(named - known):
        raise SubmissionError(f"the report names item {strange[0][:80]!r}, which task {name} does not have; {AGAIN}")
    return known if scanned.canary else frozenset(named)


@cache
def _ids(folder: Path, sha256: str) -> frozenset[str]:  # noqa: ARG001 - other items are another entry
    """The ids of a task's items; of a parquet file that column alone is read."""
    path = folder / "items.parquet"
    if not path.is_file():
        return frozenset(item.id for item in read_items(folder))
    import pyarrow.parquet as pq

    return frozenset(pq.read_table(path, columns=["id"]).column("id").to_pylist())
