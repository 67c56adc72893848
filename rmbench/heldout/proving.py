"""What a revealed season proves: its items are those that were committed to and follow from the salt, and the scores
that were published follow from raw scores on them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmbench.bounded import measure_parquet, plain_folder, read_bytes, read_json
from rmbench.errors import HeldOutError, SubmissionError
from rmbench.evaluation import evaluate
from rmbench.findings import Finding
from rmbench.heldout.public import REVEALED, SKILLS, PublicCard, Scored, check_entry, facts_of
from rmbench.heldout.revealing import RUNS, SALT, TASKS
from rmbench.heldout.rounding import published
from rmbench.heldout.scoring import FILES, scores_digest
from rmbench.heldout.season import task_leaves
from rmbench.heldout.secret import seed_of
from rmbench.items import content_hash
from rmbench.ledger import Event
from rmbench.recipes import build_items
from rmbench.rows import read_rows, sha256, task_rows
from rmbench.scores import VERSION, Run, read_run
from rmbench.task import read_reference, read_task
from rmbench.types import Task

LARGEST, UNPACKED = 256_000_000, 1_000_000_000  # bytes of a revealed file, and when unpacked
ROWS = 2_000_000
ROWS = 2_000_000  # of a parquet file


@dataclass(frozen=True, slots=True)
class Revealed:
    """What lies in a revealed folder."""

    folder: Path
    salt: bytes
    tasks: Mapping[str, Task]

    def without_line(self, events: Sequence[Event]) -> list[str]:
        """The names of revealed runs that no line speaks of."""
        known = {f"{event.entry}-{event.facts.get('attempt')}" for event in events}
        runs = self.folder / RUNS
        return sorted({path.name for path in runs.iterdir()} - known) if plain_folder(runs) else []


def read_revealed(root: Path, card: PublicCard) -> Revealed:
    """The revealed folder of a season. Raises HeldOutError or TaskError, naming the file, for what cannot be read."""
    folder = root / card.season / REVEALED
    if not plain_folder(folder):
        raise HeldOutError(f"{folder} is missing, and the ledger says that the season was revealed; restore it")
    tasks = {}
    for public in card.tasks:
        place = folder / TASKS / public.name
        _check_files(place)
        tasks[public.name] = read_task(place)
    return Revealed(folder, _salt(folder / SALT), tasks)


def check_items(shown: Revealed, leaves: Sequence[str]) -> str:
    """Every card and item has the leaf that was published. Raises HeldOutError naming the first that has not."""
    at = 0
    for name, task in shown.tasks.items():
        names = ["its card", *(f"item {item.id}" for item in task.items)]
        for what, found in zip(names, task_leaves(shown.salt, task.card, task.items), strict=True):
            if at >= len(leaves) or found.hex() != leaves[at]:
                raise HeldOutError(
                    f"{name}: {what} does not have leaf {at}: it, or the salt, is not what was committed to"
                )
            at += 1
    if at != len(leaves):
        raise HeldOutError(f"{len(leaves)} leaves were committed to and {at} are revealed: items were left out")
    return f"all {at} cards and items have the leaves that were committed to"


def check_seeds(shown: Revealed) -> str:
    """Every task's seed follows from the salt, so that nobody chose among tasks. Raises HeldOutError."""
    for name, task in shown.tasks.items():
        if task.card.build.get("seed") != seed_of(shown.salt, name):
            raise HeldOutError(f"{name}: its seed does not follow from the salt: its items may have been chosen")
    return f"the seeds of all {len(shown.tasks)} tasks follow from the salt"


def check_rebuilt(shown: Revealed, card: PublicCard, *, sample: int | None, tell: Callable[[str], None]) -> Finding:
    """Tasks built again from their seeds have the same items: all of them, or `sample` of them.

    Those are drawn afresh by the one who checks: which ones must not be known to the one who makes a season. `tell`
    hears a line before each task, since one takes up to a minute.
    """
    names = [*shown.tasks]
    whole = sample is None or sample >= len(names)
    chosen = names if whole else secrets.SystemRandom().sample(names, sample or 0)
    for number, name in enumerate(chosen, start=1):
        tell(f"building {name} again ({number} of {len(chosen)})")
        task = shown.tasks[name]
        if content_hash(build_items(task.card.build, name)) != task.card.sha256:
            told = f"{name}: its recipe and seed give other items than those that are revealed"
            if card.rmbench != VERSION:
                return Finding("rebuild", "note", f"{told}; it was built by rmbench {card.rmbench}, this is {VERSION}")
            return Finding("rebuild", "problem", told)
    if whole:
        return Finding("rebuild", "ok", f"all {len(names)} tasks: the recipe and the seed give the same items")
    told = (
        f"{len(chosen)} of {len(names)} tasks, drawn at random ({', '.join(chosen)}), have the items that they should"
    )
    return Finding("rebuild", "note", f"{told}; without --sample all are built")


def check_scores(shown: Revealed, event: Event) -> str:
    """A published score follows from its raw scores. Raises HeldOutError or RunError, each with its own sentence."""
    facts, entry = facts_of(event, Scored), event.entry or ""
    check_entry(entry)
    folder = shown.folder / RUNS / f"{entry}-{facts.attempt}"
    _check_files(folder)
    try:
        manifest = read_bytes(folder / FILES[0], LARGEST)
    except SubmissionError as error:
        raise HeldOutError(str(error)) from None
    if scores_digest(shown.salt, entry, facts.attempt, manifest) != facts.scores:
        raise HeldOutError(
            f"{entry}, attempt {facts.attempt}: the raw scores are not those that the line was signed for"
        )
    run = read_run(folder)
    _fits(run, folder, shown.tasks)
    if sha256(run.manifest.settings) != facts.settings:
        raise HeldOutError(f"{entry}, attempt {facts.attempt}: the model's settings are not those of the line")
    found = published(evaluate(run).skills)
    if found != (dict(facts.skills), facts.step):
        version = run.manifest.rmbench
        other = "" if version == VERSION else f" (it was scored by rmbench {version}, this is {VERSION})"
        raise HeldOutError(
            f"{entry}, attempt {facts.attempt}: the line says {_told(facts.skills)} in steps of {facts.step:g}, the raw"
            f" scores give {_told(found[0])} in steps of {found[1]:g}{other}"
        )
    return f"{entry}, attempt {facts.attempt}: {_told(found[0])} in steps of {found[1]:g}, from the raw scores"


def _fits(run: Run, folder: Path, tasks: Mapping[str, Task]) -> None:
    """The run is one of these very tasks: the same cards, responses, gold and tags, and the gold's own courses."""
    if run.cards != {name: task.card for name, task in tasks.items()}:
        raise HeldOutError(f"{folder} was run on other tasks than those that are revealed")
    rows = read_rows(folder / FILES[1])
    for name, task in tasks.items():
        blank = task_rows(task, [[0.0] * len(item.responses) for item in task.items])
        asked = sorted((row._replace(score=None) for row in blank), key=lambda row: row[:3])
        if [row._replace(score=None, reason=None) for row in rows if row.task == name] != asked:
            raise HeldOutError(f"{folder}: its rows of {name} are not those of the items that are revealed")
        references = read_reference(task)
        courses = {course.rewarded + course.optimizer: course for course in run.trajectories if course.task == name}
        for optimizer, reference in references.items():
            model = courses.get(f"model{optimizer}")
            if model is None or courses.get(f"gold{optimizer}") != reference.like(model):
                raise HeldOutError(f"{folder}: the courses of {optimizer} on {name} do not fit the revealed reference")


def _salt(path: Path) -> bytes:
    try:
        found: Any = read_json(path, 10_000)
        return bytes.fromhex(found["salt"])
    except SubmissionError as error:
        raise HeldOutError(str(error)) from None
    except (KeyError, TypeError, ValueError):
        raise HeldOutError(f"{path} does not hold a salt as `rmbench heldout reveal` writes it; restore it") from None


def _check_files(folder: Path) -> None:
    """Bounds, before anything is read. Raises HeldOutError."""
    if not plain_folder(folder):
        raise HeldOutError(f"{folder} is missing among what was revealed; restore it")
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST:
            raise HeldOutError(f"{path} is not a plain file of at most {LARGEST:,} bytes; restore it")
        if path.suffix == ".parquet":
            try:
                rows, size = measure_parquet(path, rows=ROWS, size=UNPACKED)
            except SubmissionError as error:
                raise HeldOutError(str(error)) from None
            if rows > ROWS or size > UNPACKED:
                raise HeldOutError(f"{path} unfolds into {rows:,} rows and {size:,} bytes, no season does; restore it")


def _told(skills: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {skills[name]:.2f}" for name in SKILLS)
