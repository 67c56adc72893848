"""Score a model on a season: rounded skills into the ledger, raw scores under the cipher, and nothing else anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmbench import run as run_model
from rmbench.errors import HeldOutError, RmbenchError
from rmbench.evaluation import evaluate
from rmbench.heldout.entries import check_same, stated_settings, submission_folder, submission_of
from rmbench.heldout.limits import Attempt, attempted, next_attempt, organisation_of
from rmbench.heldout.merkle import root_of
from rmbench.heldout.private import ending_raises, private_folder
from rmbench.heldout.public import SCORES, Failed, PublicCard, Scored, check_entry, commitment, read_card, revealed
from rmbench.heldout.rounding import published
from rmbench.heldout.season import Season, head_of, read_private
from rmbench.heldout.secret import derived, hidden_keys, seal
from rmbench.ledger import OWN, Event, Signer, append, read_ledger
from rmbench.models import ModelOptions, load_model, track_of
from rmbench.rows import sha256
from rmbench.scores import Run, read_run
from rmbench.types import Result, RewardModel, Strict, Task

if TYPE_CHECKING:
    from rmbench.engine import Progress

# What a run folder may hold, and no other name is ever taken from a sealed file.
FILES = ("manifest.json", "scores.parquet", "trajectory.parquet", "attempts.parquet")
REMOTE = "trust_remote_code"


@dataclass(frozen=True, slots=True)
class Plan:
    """What `score` would do: the card whose rules hold, which attempt it would be, and of which files (a digest)."""

    card: PublicCard
    attempt: Attempt
    submission: str


@dataclass(frozen=True, slots=True)
class _Job:
    """An attempt that goes on."""

    root: Path
    entry: str
    suite: str
    key: str
    ledger: Path
    signer: Signer
    now: datetime | None
    planned: Plan
    secrets: Season

    def write(self, facts: Strict) -> Event:
        """The attempt's line."""
        time = (self.now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")
        return append(
            self.ledger,
            "heldout",
            by=self.signer.name,
            entry=self.entry,
            suite=self.suite,
            submission=self.planned.submission,
            facts=facts.model_dump(mode="json"),
            signer=self.signer,
            time=time,
        )

    @property
    def told(self) -> bool:
        """Whether the ledger holds the attempt's line."""
        mine = [e for e in attempted(read_ledger(self.ledger), self.secrets.name) if e.entry == self.entry]
        return len(mine) >= self.planned.attempt.entry


@dataclass(slots=True)
class _Asked:
    """The progress of a run, which is first told of when the model is loaded, is the entry's, has passed the doctor,
    and is about to get the first texts of the season. From then on the attempt counts.
    """

    tell: Progress | None
    yes: bool = False

    def __call__(self, done: int, total: int, tokens: int) -> None:
        self.yes = True
        if self.tell is not None:
            self.tell(done, total, tokens)


def plan(root: Path, season: str, entry: str, suite: str, ledger: Path, *, now: datetime | None = None) -> Plan:
    """Whether an entry may be scored now. Raises HeldOutError in one sentence that says why not, and when."""
    check_entry(entry)
    card, events = read_card(root, season), read_ledger(ledger)
    commitment(events, card)
    _open(events, season)
    submission = submission_of(events, entry, suite)
    return Plan(card, next_attempt(events, card, entry, now or datetime.now(UTC)), submission)


def score(
    root: Path,
    season: str,
    entry: str,
    suite: str,
    model: str | RewardModel,
    *,
    key: str,
    ledger: Path,
    signer: Signer,
    allow: Sequence[str] = (),
    progress: Progress | None = None,
    now: datetime | None = None,
    watch: AbstractContextManager[object] | None = None,
    tell: Callable[[str], None] = lambda _: None,
    **options: Any,
) -> Event:
    """Run the model of an entry on a season and publish its rounded skills; returns the ledger's line.

    `suite` (name@version) is the board that the entry stands on, `options` are fields of ModelOptions. Scores are kept
    in no store; the run lies in a private folder that is removed. An attempt counts from when the model is asked: one
    that fails afterwards, or lacks a score, gets a line without skills, of which `tell` hears. `watch` is entered while
    the model is loaded and runs. Raises HeldOutError, and what `rmbench.run` raises.
    """
    check_entry(entry)
    with _alone(ledger, entry), ending_raises():
        planned = plan(root, season, entry, suite, ledger, now=now)
        stated = stated_settings(submission_folder(root, entry, suite))
        secrets = read_private(root, season, key)
        if root_of(secrets.leaves()).hex() != planned.card.root:
            raise HeldOutError(f"the private tasks of {season} have another root than its card; restore private.enc")
        job = _Job(root, entry, suite, key, ledger, signer, now, planned, secrets)
        asked = _Asked(progress)

        def make(folder: Path) -> Path:
            tasks = [task.with_courses(folder / task.card.name) for task in secrets.tasks]
            with hidden_keys(), watch or nullcontext():
                # code of the model's own could look at the tasks as soon as it is loaded
                asked.yes = bool(options.get(REMOTE, False))
                ready = _loaded(model, tasks, options)
                check_same(entry, stated, getattr(ready, "settings", None) or {})
                more: dict[str, Any] = {"allow": allow, "track": track_of(model), "store": False, "progress": asked}
                return run_model(ready, suite=None, tasks=tasks, out=folder / "run", **more)

        try:
            with private_folder(root) as folder:
                facts, files = _measured(make(folder), entry, stated)
            return _publish(job, {**facts, "remote_code": bool(options.get(REMOTE, False))}, files)
        except BaseException:
            if asked.yes:
                _count_failed(job, tell)
            raise


def scores_path(root: Path, season: str, entry: str, attempt: int) -> Path:
    """Where the raw scores of an attempt are kept until the season is revealed."""
    return root / season / SCORES / f"{entry}-{attempt}.enc"


def scores_head(season: str, canary: str, entry: str, attempt: int) -> dict[str, object]:
    """The readable head of that file."""
    return head_of(season, canary, "scores", entry=entry, attempt=attempt)


def scores_digest(salt: bytes, entry: str, attempt: int, manifest: bytes) -> str:
    """What binds a published score to its raw scores: a salted digest of the manifest, which has those of the rest."""
    return derived(salt, "scores", entry, str(attempt), hashlib.sha256(manifest).hexdigest()).hex()


def _loaded(model: str | RewardModel, tasks: Sequence[Task], options: Mapping[str, Any]) -> RewardModel:
    """The model as `rmbench.run` would load it: here, so that it is compared before it is asked."""
    if not isinstance(model, str):
        return model
    from rmbench.engine.session import attacks_on

    attacks = attacks_on(tasks, None, None, None)
    free = bool(attacks) and all(attack.optimizer.free_text for attack in attacks)
    return load_model(model, ModelOptions(tasks=tasks, free_text=free, **options))


def _measured(path: Path, entry: str, stated: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What is published of a run, and its files."""
    run = read_run(path)
    check_same(entry, stated, run.manifest.settings)
    result = evaluate(run)
    _complete(run, result)
    skills, step = published(result.skills)
    facts = {"skills": skills, "step": step, "settings": sha256(run.manifest.settings)}
    return facts, {name: (path / name).read_bytes() for name in FILES if (path / name).exists()}


def _publish(job: _Job, facts: Mapping[str, Any], files: Mapping[str, bytes]) -> Event:
    """Both or neither: the sealed scores and the ledger's line. The rules are asked again, since a run takes hours."""
    secrets, entry = job.secrets, job.entry
    again = plan(job.root, secrets.name, entry, job.suite, job.ledger, now=job.now)
    if (again.submission, again.attempt.entry) != (job.planned.submission, job.planned.attempt.entry):
        raise HeldOutError(
            f"{entry} was given other files, or another line, in the ledger while it ran; score it again"
        )
    number = again.attempt.entry
    told = Scored(
        season=secrets.name,
        attempt=number,
        root=again.card.root,
        scores=scores_digest(secrets.salt, entry, number, files[FILES[0]]),
        canary=secrets.canary,
        **facts,
    )
    path = scores_path(job.root, secrets.name, entry, number)
    content = {name: base64.b64encode(raw).decode() for name, raw in files.items()}
    seal(path, scores_head(secrets.name, secrets.canary, entry, number), content, job.key)
    try:
        return job.write(told)
    except BaseException:
        if not job.told:
            path.unlink(missing_ok=True)
        raise


def _count_failed(job: _Job, tell: Callable[[str], None]) -> None:
    """A line without skills, unless the season has ended meanwhile. Raises HeldOutError where it cannot be written."""
    season, number = job.secrets.name, job.planned.attempt.entry
    try:
        if job.told or revealed(read_ledger(job.ledger), season):
            return
        facts = Failed(season=season, attempt=number, root=job.planned.card.root, canary=job.secrets.canary)
        line = job.write(facts)
    except (RmbenchError, OSError) as error:
        raise HeldOutError(
            f"attempt {number} of {job.entry} failed, and the ledger, which must count it, cannot be written: {error}"
        ) from error
    tell(f"attempt {number} of {job.entry} failed after the model was asked, so it counts: line {line.number}")


@contextmanager
def _alone(ledger: Path, entry: str) -> Iterator[None]:
    """One attempt of an organisation at a time (of an entry of our own), since the rules hold between them."""
    from filelock import FileLock, Timeout

    organisation = organisation_of(entry)
    owner = entry if organisation == OWN else organisation
    lock = FileLock(f"{ledger}.{owner}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise HeldOutError(f"{owner} is being scored by another process; wait until it has ended") from None
    except OSError as error:
        raise HeldOutError(f"{ledger.parent} cannot be written: {error.strerror}; nothing was run") from None
    try:
        yield
    finally:
        lock.release()


def _open(events: Sequence[Event], season: str) -> None:
    if line := revealed(events, season):
        raise HeldOutError(
            f"{season} was revealed on {line.time[:10]}: its tasks are public, so no score on them is held out; use the"
            f" season that follows"
        )


def _complete(run: Run, result: Result) -> None:
    """A missing score is no score, and which one is missing could tell of an item.

    The few queries of a search that outgrow a model's window are no failures of the model: metrics bound their share.
    """
    answers = sum(counts.failed for counts in run.manifest.counts.values())
    if missing := max(answers, result.skills["overall"].missing):
        raise HeldOutError(
            f"{missing} answers or prompts got no score; nothing was published: the model must score all"
        )
