"""Check a season from what is public: before it is revealed that it is fixed, afterwards all that was said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from rmbench.errors import HeldOutError, RmbenchError
from rmbench.findings import Finding
from rmbench.heldout.entries import ever_stood
from rmbench.heldout.limits import attempted, organisation_of, scored
from rmbench.heldout.proving import Revealed, check_items, check_rebuilt, check_scores, check_seeds, read_revealed
from rmbench.heldout.public import PublicCard, attempt_of, check_root, commitment, lines, read_card, read_leaves
from rmbench.heldout.public import revealed as revealed_line
from rmbench.ledger import OWN, Event, read_keys, read_ledger, unsigned

KEYS = "keys.json"  # beside the ledger


def verify(
    root: Path, name: str, ledger: Path, *, sample: int | None = None, tell: Callable[[str], None] = lambda _: None
) -> list[Finding]:
    """What every check says, in order: of the ledger's lines, the leaves and the attempts; of a revealed season also of
    the items, the seeds, the tasks (all are built again, which takes minutes, or `sample` of them), and every score.

    `tell` hears a line before each task is built. Raises HeldOutError or LedgerError for public files that cannot be
    read.
    """
    card, leaves, events = read_card(root, name), read_leaves(root, name), read_ledger(ledger)
    mine = [*lines(events, name)]
    found = [
        _checked("commitment", lambda: _committed(events, card)),
        _checked("signatures", lambda: _signed(mine, ledger.parent / KEYS)),
        _checked("leaves", lambda: check_root(card, leaves)),
        _checked("attempts", lambda: _within_rules(events, card)),
        _checked("entries", lambda: _of_entries(events, name)),
    ]
    line = revealed_line(events, name)
    if line is None:
        told = "the season is not revealed yet: items, seeds and scores can be checked when it is"
        return [*found, Finding("revealed", "note", told)]
    shown: list[Revealed] = []
    found.append(_checked("revealed", lambda: _shown(shown, root, card, line)))

    def rebuilt(one: Revealed) -> Finding:
        return check_rebuilt(one, card, sample=sample, tell=tell)

    return [*found, *(finding for one in shown for finding in _proved(one, card, leaves.leaves, events, rebuilt))]


def _proved(
    shown: Revealed,
    card: PublicCard,
    leaves: Sequence[str],
    events: Sequence[Event],
    rebuilt: Callable[[Revealed], Finding],
) -> Iterator[Finding]:
    yield _checked("items", lambda: check_items(shown, leaves))
    yield _checked("seeds", lambda: check_seeds(shown))
    yield rebuilt(shown)
    for event in scored(events, card.season):
        yield _checked(f"line {event.number}", lambda event=event: check_scores(shown, event))  # type: ignore[misc]
    if extra := shown.without_line(scored(events, card.season)):
        yield Finding(
            "scores", "problem", f"{extra[0]} is among the revealed scores, and no line of the ledger speaks of it"
        )


def _checked(name: str, check: Callable[[], str]) -> Finding:
    """What a check says when it holds, or the sentence of the error that it raises."""
    try:
        return Finding(name, "ok", check())
    except RmbenchError as error:
        return Finding(name, "problem", str(error))


def _shown(into: list[Revealed], root: Path, card: PublicCard, line: Event) -> str:
    into.append(read_revealed(root, card))
    return f"revealed on {line.time[:10]} by {line.by}: salt, {len(card.tasks)} tasks, raw scores"


def _committed(events: Sequence[Event], card: PublicCard) -> str:
    commitment(events, card)
    first, *others = lines(events, card.season)
    if first.event != "committed":
        raise HeldOutError(f"line {first.number} ({first.event}) comes before {card.season} was committed to")
    if wrong := [event for event in others if event.facts.get("root") != card.root]:
        raise HeldOutError(f"line {wrong[0].number} ({wrong[0].event}) speaks of another root than was committed to")
    return f"line {first.number} of the ledger, {first.time[:10]}, by {first.by}; every other line has its root"


def _signed(mine: Sequence[Event], path: Path) -> str:
    if problems := unsigned(mine, read_keys(path)):
        raise HeldOutError("; ".join(problems[:3]))
    return f"all {len(mine)} lines are signed by keys of {path.name}"


def _within_rules(events: Sequence[Event], card: PublicCard) -> str:
    """Numbers without a gap, no more than allowed, none too soon, none after the end."""
    end = revealed_line(events, card.season)
    counts: dict[str, int] = {}
    last: dict[str, datetime] = {}
    made: dict[str, int] = {}
    found = attempted(events, card.season)
    for event in found:
        entry, where = event.entry or "", f"line {event.number}"
        counts[entry] = counts.get(entry, 0) + 1
        if (stated := attempt_of(event).attempt) != counts[entry]:
            raise HeldOutError(
                f"{where} is attempt {counts[entry]} of {entry} and says {stated}: attempts were left out"
            )
        if end is not None and event.number > end.number:
            raise HeldOutError(f"{where} scores {entry} after the season was revealed")
        submitter, time = organisation_of(entry), datetime.fromisoformat(event.time)
        if submitter == OWN:
            continue
        made[submitter] = made.get(submitter, 0) + 1
        if made[submitter] > card.attempts:
            raise HeldOutError(f"{where} is attempt {made[submitter]} of {submitter}, and {card.attempts} are allowed")
        if submitter in last and time < last[submitter] + timedelta(days=card.days):
            raise HeldOutError(f"{where} follows the attempt before of {submitter} by less than {card.days} days")
        last[submitter] = time
    rules = f"at most {card.attempts} an organisation, {card.days} days apart"
    failed = len(found) - len(scored(events, card.season))
    return f"{len(found)} in all, {failed} of them failed, numbered without a gap; {rules}"


def _of_entries(events: Sequence[Event], season: str) -> str:
    """Every attempt is of files that the board had."""
    found = attempted(events, season)
    if strange := [event for event in found if not ever_stood(events, event)]:
        first = strange[0]
        raise HeldOutError(
            f"line {first.number} scores {first.entry} on {first.suite}, with files that no line before it had added"
        )
    return f"all {len(found)} attempts are of files that stood in the ledger"
