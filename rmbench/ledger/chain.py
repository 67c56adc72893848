"""ledger.jsonl: read it with its chain checked, and append to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rmbench.bounded import complaint, parse_json, read_lines
from rmbench.errors import LedgerError, SubmissionError
from rmbench.items import replace_file
from rmbench.ledger.events import FIRST, SIGNED, Event, Kind
from rmbench.ledger.signing import Signer
from rmbench.rows import canonical

LARGEST = 256_000_000


def read_ledger(path: Path) -> tuple[Event, ...]:
    """The events in order, none where there is no file. Raises LedgerError, naming the line, for a broken chain.

    Signatures are another matter: see `unsigned`.
    """
    if not path.exists() and not path.is_symlink():
        return ()
    events: list[Event] = []
    try:
        for number, line in read_lines(path, LARGEST):
            events.append(_next(parse_json(line, f"{path}, line {number}"), events, f"{path}, line {number}"))
    except SubmissionError as error:
        raise LedgerError(str(error)) from None
    return tuple(events)


def append(
    path: Path,
    kind: Kind,
    *,
    by: str,
    entry: str | None = None,
    suite: str | None = None,
    submission: str | None = None,
    reason: str | None = None,
    facts: Mapping[str, Any] | None = None,
    signer: Signer | None = None,
    time: str | None = None,
) -> Event:
    """Append one event, signed where there is a signer (whose name then stands under it), and return it.

    Raises LedgerError if the ledger is damaged, the event is not one, or a kind that must be signed is not.
    """
    from filelock import FileLock

    if kind in SIGNED and signer is None:
        raise LedgerError(f"a line that says {kind} must be signed")
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        events = read_ledger(path)
        raw = {
            "number": len(events) + 1,
            "time": time or datetime.now(UTC).isoformat(timespec="seconds"),
            "event": kind,
            "entry": entry,
            "suite": suite,
            "submission": submission,
            "by": signer.name if signer else by,
            "reason": reason,
            "facts": dict(facts or {}),
            "previous": events[-1].hash if events else FIRST,
            "hash": FIRST,
        }
        try:
            draft = Event.model_validate(raw)
        except ValidationError as error:
            raise LedgerError(f"{path}: {complaint(error)}") from None
        signature = signer.sign(draft.content_hash) if signer else None
        event = draft.model_copy(update={"hash": draft.content_hash, "signature": signature})
        lines = [canonical(known.model_dump(mode="json", exclude_none=True)) for known in (*events, event)]
        replace_file(path, ("\n".join(lines) + "\n").encode())
    return event


def extends(older: Sequence[Event], newer: Sequence[Event]) -> str | None:
    """None if `newer` begins with all of `older`; else what is not so. A chain does not show that its end was cut."""
    if len(newer) < len(older):
        return f"the ledger had {len(older)} lines and has {len(newer)}: lines are only ever added"
    for old, new in zip(older, newer, strict=False):
        if old != new:
            return f"line {old.number} of the ledger was changed: lines are only ever added"
    return None


def _next(raw: Any, before: Sequence[Event], where: str) -> Event:
    try:
        event = Event.model_validate(raw)
    except ValidationError as error:
        raise LedgerError(f"{where}: {complaint(error)}") from None
    previous = before[-1].hash if before else FIRST
    if event.number != len(before) + 1:
        raise LedgerError(
            f"{where} has number {event.number} in place of {len(before) + 1}: a line is missing or moved"
        )
    if event.previous != previous:
        raise LedgerError(f"{where} does not follow the line before it: the chain of hashes is broken")
    if event.hash != event.content_hash:
        raise LedgerError(f"{where} was changed: its content does not have the hash that it states")
    return event
