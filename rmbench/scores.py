"""The run folder: what `run` writes and all that `evaluate` reads.

    manifest.json      what was run: model settings, cards, counts, environment, digests of the other files
    scores.parquet     one row per response; a failed score is null with its reason
    trajectory.parquet, attempts.parquet   only where optimisers queried the model: see `rmbench.trajectory`

Nothing half-written is ever left behind, and nothing that was changed by hand is read back.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, ValidationError, field_validator

from rmbench.bounded import read_json
from rmbench.errors import RunError, SubmissionError
from rmbench.rows import Row, canonical, content_digest, digest, read_rows, scored_items, sha256, task_rows, write_rows
from rmbench.trajectory import (
    ATTEMPTS,
    TRAJECTORY,
    Trajectory,
    attempt_rows,
    attempts_from,
    paths_by_item,
    rows_digest,
    step_rows,
    trajectories_from,
)
from rmbench.trajectory import read_rows as read_more
from rmbench.trajectory import write_rows as write_more
from rmbench.types import Attempt, Card, Failure, Floats, ScoredItem, Strict, Task, Track

__all__ = [
    "VERSION",
    "Counts",
    "Manifest",
    "Run",
    "canonical",
    "digest",
    "read_manifest",
    "read_run",
    "sha256",
    "write_run",
]

VERSION = "0.1.0"
MANIFEST = "manifest.json"
LARGEST = 4_000_000  # bytes of a manifest
SCORES = "scores.parquet"
DIGEST = r"^[0-9a-f]{64}$"


class Counts(Strict):
    """What happened in one task. `tied` counts responses that share their score with another one of the same item."""

    items: int = Field(ge=0)
    responses: int = Field(ge=0)
    scored: int = Field(ge=0)
    failed: int = Field(ge=0)
    tied: int = Field(ge=0)
    truncated: int = Field(ge=0)
    tokens: int = Field(ge=0, le=10**15)
    seconds: float = Field(ge=0, le=1e9, allow_inf_nan=False)


class Manifest(Strict):
    """What was run. `settings` is all that decides the scores; `scores`, `trajectory` and `attempts` are the digests of
    the content of the files so called. `track` says whether the model was trained on rmbench's training split alone.
    `seal` is the digest of all the rest, so that a field that was changed by hand is noticed; who means to deceive can
    make a new one.
    """

    format: Literal[1] = 1
    rmbench: str
    created: str
    settings: dict[str, Any]
    suite: str | None
    seed: int
    limit: int | None = Field(ge=1)
    environment: dict[str, str]
    counts: dict[str, Counts]
    cards: dict[str, Card]
    scores: str = Field(pattern=DIGEST)
    trajectory: str | None = Field(default=None, pattern=DIGEST)
    attempts: str | None = Field(default=None, pattern=DIGEST)
    track: Track = "open"
    seal: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")

    @field_validator("settings")
    @classmethod
    def _named(cls, settings: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(settings.get("name"), str) or not settings["name"]:
            raise ValueError("settings must hold the model's name")
        return settings

    @property
    def content_seal(self) -> str:
        """What `seal` must be."""
        return sha256(self.model_dump(mode="json", exclude={"seal"}))

    @property
    def sealed(self) -> Manifest:
        """The same with its seal."""
        return self.model_copy(update={"seal": self.content_seal})


@dataclass(frozen=True, slots=True)
class Run:
    """A validated run. `reasons` counts why scores are missing, over all tasks.

    `trajectories` are the courses of optimisers that queried the model (and of those that queried the gold, for
    reference), `attempts` every query of a search by task and optimiser.
    """

    manifest: Manifest
    tasks: Mapping[str, tuple[ScoredItem, ...]]
    reasons: Mapping[str, int]
    trajectories: Sequence[Trajectory] = ()
    attempts: Mapping[tuple[str, str], Sequence[Attempt]] = field(default_factory=dict)

    @property
    def cards(self) -> Mapping[str, Card]:
        return self.manifest.cards

    def described_by(self, cards: Mapping[str, Card]) -> Run:
        """The same run with the words of these cards in place of its own; what was spent stays the run's."""
        told = {
            name: cards[name].model_copy(update={"budgets": card.budgets}) if name in cards else card
            for name, card in self.cards.items()
        }
        return replace(self, manifest=self.manifest.model_copy(update={"cards": told}))

    def items(self, task: str) -> list[ScoredItem]:
        """The items of a task, sorted by id. Raises RunError for a task that was not run."""
        if task not in self.tasks:
            raise RunError(f"task {task!r} was not run; this run holds: {', '.join(self.tasks)}")
        return list(self.tasks[task])


def write_run(
    path: Path,
    *,
    settings: Mapping[str, Any],
    suite: str | None,
    seed: int,
    limit: int | None,
    tasks: Sequence[Task],
    scores: Mapping[str, Sequence[Sequence[float | Failure]]],
    environment: Mapping[str, str],
    stats: Mapping[str, Mapping[str, float]],
    trajectories: Sequence[Trajectory] = (),
    created: str | None = None,
    track: Track = "open",
) -> Path:
    """Write a run folder, whole or not at all.

    `scores[task][i][j]` is the reward of response j of `task.items[i]`; a limited run passes limited tasks. `suite` is
    "name@version"; `stats[task]` may hold seconds, tokens and truncated. Scores that are not finite are stored as null
    with a reason. A task may be without scores if there are `trajectories` of it. Raises RunError if the folder holds
    something already or the scores do not fit the items.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunError(f"{path} already holds something; choose another folder or remove it")
    found = {t.card.name: task_rows(t, scores[t.card.name]) if t.card.name in scores else [] for t in tasks}
    rows = list(chain.from_iterable(found.values()))
    extra = {
        name: part
        for name, part in ((TRAJECTORY, step_rows(trajectories)), (ATTEMPTS, attempt_rows(trajectories)))
        if part
    }
    try:
        manifest = Manifest(
            rmbench=VERSION,
            created=created or datetime.now(UTC).isoformat(timespec="seconds"),
            settings=json.loads(canonical(dict(settings))),
            suite=suite,
            seed=seed,
            limit=limit,
            environment=dict(environment),
            counts={name: _counts(part, stats.get(name, {})) for name, part in found.items()},
            cards={task.card.name: task.card for task in tasks},
            scores=content_digest(rows),
            track=track,
            **{name.partition(".")[0]: rows_digest(part) for name, part in extra.items()},
        ).sealed
        text = json.dumps(manifest.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise RunError(f"{path} was not written: {_first(error)}") from error
    return _install(path, text + "\n", rows, extra)


def read_run(path: Path) -> Run:
    """Read and check a run folder. Raises RunError, naming file and field, for anything that cannot be trusted."""
    for name in (MANIFEST, SCORES):
        if not (path / name).is_file():
            raise RunError(f"{path} is not a run folder: it has no {name}; make one with `rmbench run`")
    manifest = read_manifest(path / MANIFEST)
    where = path / SCORES
    rows = read_rows(where)
    tasks = scored_items(where, rows, manifest.cards)
    if content_digest(rows) != manifest.scores:
        raise RunError(f"{where} does not match the digest in {MANIFEST}: it was changed after the run; run it again")
    for name, items in tasks.items():
        found = (len(items), sum(len(i.gold) for i in items), sum(int(np.isnan(i.scores).sum()) for i in items))
        counts = manifest.counts[name]
        if found != (counts.items, counts.responses, counts.failed):
            raise RunError(f"{path / MANIFEST}: counts.{name} does not match {SCORES}; run it again")
    trajectories, attempts = _courses(path, manifest)
    reasons = Counter(row.reason for row in rows if row.reason is not None)
    return Run(manifest, _with_paths(tasks, trajectories), reasons, trajectories, attempts)


def _courses(path: Path, manifest: Manifest) -> tuple[list[Trajectory], dict[tuple[str, str], list[Attempt]]]:
    """What the manifest says was optimised. Raises RunError for a file that is missing or was changed."""
    found: dict[str, list[dict[str, Any]]] = {TRAJECTORY: [], ATTEMPTS: []}
    for name, stated in ((TRAJECTORY, manifest.trajectory), (ATTEMPTS, manifest.attempts)):
        where = path / name
        if where.exists() != (stated is not None):
            raise RunError(f"{where} is {'missing' if stated else f'not named in {MANIFEST}'}; run it again")
        if stated is not None:
            found[name] = read_more(where)
            if rows_digest(found[name]) != stated:
                raise RunError(f"{where} does not match the digest in {MANIFEST}: it was changed; run it again")
    trajectories = trajectories_from(path / TRAJECTORY, found[TRAJECTORY])
    for course in trajectories:
        if course.task not in manifest.cards:
            raise RunError(f"{path / TRAJECTORY} speaks of task {course.task!r}, which has no card; run it again")
    return trajectories, attempts_from(found[ATTEMPTS])


def _with_paths(
    tasks: Mapping[str, tuple[ScoredItem, ...]], trajectories: Sequence[Trajectory]
) -> dict[str, tuple[ScoredItem, ...]]:
    """The items with their paths; a task that was optimised and not scored has items without responses."""
    paths = paths_by_item(trajectories)
    out = dict(tasks)
    for course in trajectories:
        if not out[course.task]:
            nothing: Floats = np.empty(0)
            out[course.task] = tuple(ScoredItem(item, item, nothing, nothing) for item in sorted(course.items))
    return {
        name: tuple(replace(item, paths=paths.get((name, item.id), {})) for item in items)
        for name, items in out.items()
    }


def _counts(rows: Sequence[Row], stats: Mapping[str, float]) -> Counts:
    seen = Counter((row.item, row.score) for row in rows if row.score is not None)
    scored = sum(seen.values())
    return Counts(
        items=len({row.item for row in rows}),
        responses=len(rows),
        scored=scored,
        failed=len(rows) - scored,
        tied=sum(n for n in seen.values() if n > 1),
        truncated=int(stats.get("truncated", 0)),
        tokens=int(stats.get("tokens", 0)),
        seconds=float(stats.get("seconds", 0.0)),
    )


def _install(path: Path, manifest: str, rows: Sequence[Row], extra: Mapping[str, Sequence[Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.parent / f".{path.name}.{os.getpid()}.tmp"
    try:
        draft.mkdir()
        write_rows(draft / SCORES, rows)
        for name, part in extra.items():
            write_more(draft / name, part)
        (draft / MANIFEST).write_text(manifest, encoding="utf-8")
        draft.rename(path)  # atomic: takes the place of an empty folder, fails on a full one
    except OSError as error:
        raise RunError(f"{path} could not be written: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return path


def read_manifest(path: Path) -> Manifest:
    """A manifest.json, whole and unchanged. Raises RunError naming the field."""
    try:
        manifest = Manifest.model_validate(read_json(path, LARGEST))
    except SubmissionError as error:
        raise RunError(f"the manifest is damaged: {error}; run it again") from error
    except ValidationError as error:
        raise RunError(f"{path}: {_first(error)}; restore the field or run it again") from error
    if manifest.counts.keys() != manifest.cards.keys():
        raise RunError(f"{path}: counts and cards must name the same tasks; run it again")
    if manifest.seal != manifest.content_seal:
        raise RunError(f"{path} was changed after the run: its seal does not fit; restore it or run it again")
    return manifest


def _first(error: Exception) -> str:
    """The first complaint of pydantic, in one line."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
