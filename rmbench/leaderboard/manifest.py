"""manifest.json and submission.json of a submission: whole, unchanged, and about the suite that they claim."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from rmbench.bounded import complaint, read_json
from rmbench.errors import RunError, SubmissionError, UsageError
from rmbench.leaderboard.layout import LARGEST, MANIFEST, SCORERS, SUBMISSION
from rmbench.leaderboard.names import split_key
from rmbench.leaderboard.standard import Standard, Standards
from rmbench.leaderboard.types import Problem, Refusal, Submission
from rmbench.scores import Manifest, read_manifest
from rmbench.types import Card

DECIDES = ("axis", "chance", "tau", "headline", "shift", "reference", "items")  # of a card, beside version and items
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
COMPUTED = ("skill", "score", "rank", "accuracy", "overall", "generalisation", "calibration", "overoptimization")


def read_submission(folder: Path) -> Submission:
    """submission.json, about the entry that the folder is called after. Raises Refusal."""
    try:
        raw = read_json(folder / SUBMISSION, LARGEST[SUBMISSION])
        if isinstance(raw, dict) and (said := [key for key in raw if any(word in key.lower() for word in COMPUTED)]):
            told = f"it states {said[0]!r:.60}; what can be computed from the scores is never submitted: remove it"
            raise Refusal("headline", SUBMISSION, told)
        found = Submission.model_validate(raw)
    except SubmissionError as error:
        raise Refusal("json", SUBMISSION, _short(error)) from None
    except ValidationError as error:
        raise Refusal("field", SUBMISSION, complaint(error)) from None
    if (found.organisation, found.model) != split_key(folder.parent.name):
        told = f"it is about {found.organisation}/{found.model}, the folder about {folder.parent.name!r:.130}"
        raise Refusal("name", SUBMISSION, f"{told}; make them equal")
    return found


def read_stated(folder: Path) -> Manifest:
    """manifest.json, sealed, about the suite that the folder is called after. Raises Refusal."""
    try:
        read_json(folder / MANIFEST, LARGEST[MANIFEST])
        manifest = read_manifest(folder / MANIFEST)
    except SubmissionError as error:
        raise Refusal("json", MANIFEST, _short(error)) from None
    except RunError as error:
        code = "seal" if "its seal does not fit" in str(error) else "field"
        raise Refusal(code, MANIFEST, _short(error).replace(f"{folder}/", "")) from None
    if manifest.suite != folder.name:
        raise Refusal("suite", MANIFEST, f"it is of suite {manifest.suite!r:.60}, the folder of {folder.name!r:.60}")
    if manifest.rmbench not in SCORERS:
        told = f"it was scored by rmbench {manifest.rmbench!r:.40}, which scores otherwise than {', '.join(SCORERS)}"
        raise Refusal("scorer", MANIFEST, f"{told}; run it again")
    return manifest


def standard_for(manifest: Manifest, standards: Standards) -> Standard:
    """The suite version that a manifest is about. Raises Refusal where this installation does not hold it."""
    try:
        return standards.get(manifest.suite or "")
    except UsageError as error:
        raise Refusal("suite", MANIFEST, str(error)) from None


def check_manifest(manifest: Manifest, standard: Standard) -> Iterator[Problem]:
    """What contradicts the suite, or cannot be."""
    if manifest.limit is not None:
        told = f"it ran the first {manifest.limit} groups of each task"
        yield Problem("limited", MANIFEST, f"{told}; the board takes whole suites only: run it without --limit")
    if {*manifest.cards} != {*standard.cards}:
        odd = min({*manifest.cards} ^ {*standard.cards})
        told = f"task {odd!r:.60} is {'not ' * (odd in manifest.cards)}part of {standard.suite}"
        yield Problem("tasks", MANIFEST, f"{told}; run the suite as it is")
        return
    for name, card in manifest.cards.items():
        if problem := _card(card, standard.cards[name]):
            yield Problem(problem[0], f"{MANIFEST}: cards.{name}", problem[1])
    yield from _settings(manifest)
    yield from _impossible(manifest)


def _card(stated: Card, true: Card) -> tuple[str, str] | None:
    if stated.version != true.version:
        return "task-version", f"it ran version {stated.version} of the task, the suite has version {true.version}"
    if stated.sha256 != true.sha256:
        return "task-items", f"its items hash to {stated.sha256[:12]}…, those of the suite to {true.sha256[:12]}…"
    for name in DECIDES:
        if getattr(stated, name) != getattr(true, name):
            return "card", f"{name} is {getattr(stated, name)!r:.40}, in the suite {getattr(true, name)!r:.40}"
    mine, theirs = stated.budgets, true.budgets
    if (mine.tilt, mine.best_of_n) != (theirs.tilt, theirs.best_of_n) or mine.queries not in ({}, theirs.queries):
        return "budget", "it was optimised under other budgets than the suite's"
    return None


def _settings(manifest: Manifest) -> Iterator[Problem]:
    revision = manifest.settings.get("revision")
    if revision is not None and not (isinstance(revision, str) and COMMIT.fullmatch(revision)):
        told = f"the revision is {revision!r:.60}, a name that can move"
        yield Problem("revision", f"{MANIFEST}: settings.revision", f"{told}; run it at a commit (40 hex digits)")


def _impossible(manifest: Manifest) -> Iterator[Problem]:
    try:
        created = datetime.fromisoformat(manifest.created)
        late = created.tzinfo is None or created > datetime.now(UTC) + timedelta(days=1)
    except ValueError:
        late = True
    if late:
        told = f"{manifest.created!r:.60} is no time with a zone, or one that is still to come"
        yield Problem("impossible", f"{MANIFEST}: created", told)
    for name, counts in manifest.counts.items():
        if counts.scored + counts.failed != counts.responses or max(counts.tied, counts.truncated) > counts.responses:
            yield Problem("impossible", f"{MANIFEST}: counts.{name}", "its parts do not make its number of responses")
    parameters = manifest.settings.get("parameters")
    count = isinstance(parameters, int) and not isinstance(parameters, bool) and 0 <= parameters <= 10**15
    if parameters is not None and not count:
        yield Problem("impossible", f"{MANIFEST}: settings.parameters", f"{parameters!r:.40} is no count of parameters")


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
