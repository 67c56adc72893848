"""What maintainers write into the ledger, and whether all of it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from rmbench.errors import LedgerError, SubmissionError, UsageError
from rmbench.leaderboard.assess import Assessed, Assessor, board_cache
from rmbench.leaderboard.names import is_suite, split_key
from rmbench.leaderboard.spot_check import HALF, ITEMS, Agreement
from rmbench.leaderboard.standard import Standards
from rmbench.leaderboard.standing import Standing, contradiction, reserved, standings, stated
from rmbench.leaderboard.types import Problem
from rmbench.leaderboard.verify import Checked
from rmbench.ledger import Event, Signer, append, extends, read_keys, read_ledger, signer_from_environment, unsigned
from rmbench.scores import VERSION

LEDGER = "ledger.jsonl"
KEYS = "keys.json"


def check_ledger(root: Path, base: Path | None = None) -> tuple[tuple[Event, ...], list[str]]:
    """The events of the ledger below `root`, and what does not hold: chain, signatures, continuation of `base`."""
    try:
        events = read_ledger(root / LEDGER)
        problems = unsigned(events, read_keys(root / KEYS))
        if base is not None and (told := extends(read_ledger(base), events)):
            problems.append(told)
    except LedgerError as error:
        return (), [str(error)]
    return events, problems


def placed(found: Assessed, events: Sequence[Event]) -> Assessed:
    """With a warning where the ledger knows the entry by other files, an error where it states other numbers."""
    standing = standings(events).get((found.key, found.suite), Standing())
    if found.numbers is None:
        return found
    if told := reserved(found.key, standing):
        return replace(found, problems=(*found.problems, Problem("reserved", "submission.json", told)))
    if (told := contradiction(standing, found.digest, found.numbers.skills)) is None:
        return found
    level: Literal["error", "warning"] = "error" if found.digest == standing.submission else "warning"
    return replace(found, problems=(*found.problems, Problem("ledger", LEDGER, told, level)))


def accept(folder: Path, root: Path, standards: Standards, *, by: str) -> Event:
    """Recompute a submission and put it into the ledger. Raises SubmissionError if it cannot be."""
    found = Assessor(cache=board_cache())(folder, standards)
    if found.numbers is None:
        first = found.errors[0]
        raise SubmissionError(f"{folder} is rejected: {first.where}: {first.message}")
    events = read_ledger(root / LEDGER)
    standing = standings(events).get((found.key, found.suite), Standing())
    facts = {"skills": stated(found.numbers.skills), "rmbench": VERSION}
    if standing.submission == found.digest and not standing.gone and standing.skills == facts["skills"]:
        raise SubmissionError(f"line {standing.added} of the ledger has just this submission already")
    # what lifts a tombstone must be signed as it is
    signer = signer_from_environment() if standing.gone else None
    return append(
        root / LEDGER,
        "rescored" if standing.submission else "added",
        by=by,
        entry=found.key,
        suite=found.suite,
        submission=found.digest,
        facts=facts,
        signer=signer,
    )


def record_check(checked: Checked, found: Agreement, root: Path, signer: Signer) -> Event:
    """Append that a submission was verified. Raises SubmissionError unless it stands in the ledger with these files."""
    key, suite = checked.folder.parent.name, checked.folder.name
    whole = 0 if checked.standard is None else sum(len(task.items) for task in checked.standard.tasks.values())
    if not found.agrees or found.items < min(ITEMS, whole) or found.tolerance > HALF:
        told = f"at least {ITEMS} items within {HALF} standard deviations"
        raise SubmissionError(
            f"{key} {suite}: such a check proves too little for a line in the ledger; it takes {told}"
        )
    standing = standings(read_ledger(root / LEDGER)).get((key, suite), Standing())
    if standing.submission != checked.digest or standing.gone:
        raise SubmissionError(f"{key} {suite} does not stand in the ledger with these files; accept it first")
    facts = {
        **found.facts,
        "items": found.items,
        "responses": found.responses,
        "texts": found.attempts,
        "tolerance": found.tolerance,
        "largest": float(f"{found.largest:.3g}"),
    }
    return append(
        root / LEDGER,
        "verified",
        by=signer.name,
        entry=key,
        suite=suite,
        submission=checked.digest,
        facts=facts,
        signer=signer,
    )


def remove(kind: Literal["withdrawn", "disqualified"], entry: str, suite: str, reason: str, root: Path) -> Event:
    """Append a tombstone. Raises UsageError for an entry that the ledger does not know, or that is gone already."""
    if split_key(entry) is None or not is_suite(suite):
        raise UsageError(f"{entry} {suite}: give ORG__MODEL and NAME@VERSION")
    standing = standings(read_ledger(root / LEDGER)).get((entry, suite), Standing())
    if standing.submission is None or standing.gone:
        raise UsageError(f"{entry} {suite} is not on the board{f': {standing.gone}' if standing.gone else ''}")
    signer = signer_from_environment()
    return append(
        root / LEDGER,
        kind,
        by=signer.name,
        entry=entry,
        suite=suite,
        submission=standing.submission,
        reason=reason,
        signer=signer,
    )
