"""Score a model on a season: rounded skills into the ledger, raw scores under the cipher, and nothing else anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rmbench import run as run_model
from rmbench.errors import HeldOutError
from rmbench.evaluation import evaluate
from rmbench.heldout.limits import Attempt, next_attempt
from rmbench.heldout.merkle import root_of
from rmbench.heldout.private import private_folder
from rmbench.heldout.public import SCORES, PublicCard, Scored, check_entry, commitment, read_card, revealed
from rmbench.heldout.rounding import published
from rmbench.heldout.season import Season, head_of, read_private
from rmbench.heldout.secret import derived, hidden_keys, seal
from rmbench.ledger import Event, Signer, append, read_ledger
from rmbench.rows import sha256
from rmbench.scores import Run, read_run
from rmbench.types import Result, RewardModel

# What a run folder may hold, and no other name is ever taken from a sealed file.
FILES = ("manifest.json", "scores.parquet", "trajectory.parquet", "attempts.parquet")
REMOTE = "trust_remote_code"


@dataclass(frozen=True, slots=True)
class Plan:
    """What `score` would do: the card whose rules hold, and which attempt it would be."""

    card: PublicCard
    attempt: Attempt


def plan(root: Path, season: str, entry: str, ledger: Path, now: datetime | None = None) -> Plan:
    """Whether an entry may be scored now. Raises HeldOutError in one sentence that says why not, and when."""
    check_entry(entry)
    card, events = read_card(root, season), read_ledger(ledger)
    commitment(events, card)
    _open(events, season)
    return Plan(card, next_attempt(events, card, entry, now or datetime.now(UTC)))


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
    progress: Any = None,
    now: datetime | None = None,
    watch: AbstractContextManager[object] | None = None,
    **options: Any,
) -> Event:
    """Run a model on a season and publish its rounded skills; returns the ledger's line.

    `suite` (name@version) is the board that the entry stands on, `options` go to `rmbench.run`. Scores are kept in no
    store; the run lies in a private folder that is removed. A run that fails, or that lacks a score, publishes nothing
    and does not count. `watch` is entered while the model runs. Raises HeldOutError, and what `rmbench.run` raises.
    """
    planned = plan(root, season, entry, ledger, now)
    secrets = read_private(root, season, key)
    if root_of(secrets.leaves()).hex() != planned.card.root:
        raise HeldOutError(f"the private tasks of {season} have another root than its card; restore private.enc")
    with private_folder(root) as folder:
        tasks = [task.with_courses(folder / task.card.name) for task in secrets.tasks]
        with hidden_keys(), watch or nullcontext():
            path = run_model(
                model, suite=None, tasks=tasks, out=folder / "run", store=False, progress=progress, **options
            )
        run = read_run(path)
        result = evaluate(run)
        _complete(run, result)
        skills, step = published(result.skills)
        files = {name: (path / name).read_bytes() for name in FILES if (path / name).exists()}
    facts = {
        "skills": skills,
        "step": step,
        "settings": sha256(run.manifest.settings),
        "remote_code": bool(options.get(REMOTE, False)),
    }
    what = (entry, suite, facts)
    return _publish(root, secrets, what, files, key=key, ledger=ledger, signer=signer, now=now)


def scores_path(root: Path, season: str, entry: str, attempt: int) -> Path:
    """Where the raw scores of an attempt are kept until the season is revealed."""
    return root / season / SCORES / f"{entry}-{attempt}.enc"


def scores_head(season: str, canary: str, entry: str, attempt: int) -> dict[str, object]:
    """The readable head of that file."""
    return head_of(season, canary, "scores", entry=entry, attempt=attempt)


def scores_digest(salt: bytes, entry: str, attempt: int, manifest: bytes) -> str:
    """What binds a published score to its raw scores: a salted digest of the manifest, which has those of the rest."""
    return derived(salt, "scores", entry, str(attempt), hashlib.sha256(manifest).hexdigest()).hex()


def _publish(
    root: Path,
    secrets: Season,
    what: tuple[str, str, Mapping[str, Any]],
    files: Mapping[str, bytes],
    *,
    key: str,
    ledger: Path,
    signer: Signer,
    now: datetime | None,
) -> Event:
    """Both or neither: the sealed scores and the ledger's line. The rules are asked again, since a run takes hours."""
    from filelock import FileLock

    entry, suite, facts = what
    now, season = now or datetime.now(UTC), secrets.name
    with FileLock(f"{ledger}.heldout.lock"):
        planned = plan(root, season, entry, ledger, now)
        number = planned.attempt.entry
        told = Scored(
            season=season,
            attempt=number,
            root=planned.card.root,
            scores=scores_digest(secrets.salt, entry, number, files[FILES[0]]),
            canary=secrets.canary,
            **facts,
        )
        path = scores_path(root, season, entry, number)
        content = {name: base64.b64encode(raw).decode() for name, raw in files.items()}
        seal(path, scores_head(season, secrets.canary, entry, number), content, key)
        try:
            return append(
                ledger,
                "heldout",
                by=signer.name,
                entry=entry,
                suite=suite,
                facts=told.model_dump(mode="json"),
                signer=signer,
                time=now.astimezone(UTC).isoformat(timespec="seconds"),
            )
        except BaseException:
            path.unlink(missing_ok=True)
            raise


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
            f"{missing} answers or prompts got no score; nothing was published and no attempt counted: the model must"
            f" score all"
        )
