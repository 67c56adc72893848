"""How often a submitter may ask. All attempts, failed ones too, are counted from the ledger, where nobody can take one
away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from rmbench.errors import HeldOutError
from rmbench.heldout.public import PublicCard, lines
from rmbench.ledger import OWN, Event


class Attempt(NamedTuple):
    """Which attempt comes next: of the entry and of its organisation, from 1."""

    entry: int
    organisation: int


def organisation_of(entry: str) -> str:
    """The submitter of an entry."""
    return entry.partition("__")[0]


def next_attempt(events: Sequence[Event], card: PublicCard, entry: str, now: datetime) -> Attempt:
    """The number of the attempt that would be made now. Raises HeldOutError where the season's rules forbid it, and
    says when the next one is allowed.
    """
    organisation = organisation_of(entry)
    before = [event for event in attempted(events, card.season) if organisation_of(event.entry or "") == organisation]
    found = Attempt(1 + sum(event.entry == entry for event in before), 1 + len(before))
    # no submitter learns from our baselines, and only what the maintainers put on the board is scored (entries.py)
    if not before or organisation == OWN:
        return found
    if len(before) >= card.attempts:
        raise HeldOutError(
            f"{organisation} has used its {card.attempts} attempts on {card.season}; the next is allowed in the next"
            f" season"
        )
    allowed = datetime.fromisoformat(before[-1].time) + timedelta(days=card.days)
    if now < allowed:
        raise HeldOutError(
            f"{organisation} was scored on {card.season} at {before[-1].time}, and {card.days} days must lie between;"
            f" the next attempt is allowed from {allowed.isoformat(timespec='seconds')}"
        )
    return found


def attempted(events: Sequence[Event], season: str) -> list[Event]:
    """The `heldout` lines of a season, those of failed attempts among them."""
    return [event for event in lines(events, season) if event.event == "heldout"]


def scored(events: Sequence[Event], season: str) -> list[Event]:
    """The `heldout` lines that hold a score."""
    return [event for event in attempted(events, season) if "failed" not in event.facts]


class Counts(NamedTuple):
    """Attempts by organisation and by entry, most first, and how many of the latter failed."""

    organisations: dict[str, int]
    entries: dict[str, int]
    failed: dict[str, int]


def attempts_by(events: Sequence[Event], season: str) -> Counts:
    """Who was asked how often."""
    made = attempted(events, season)
    entries = Counter(event.entry or "" for event in made)
    organisations = Counter(organisation_of(event.entry or "") for event in made)
    failed = Counter(event.entry or "" for event in made if "failed" in event.facts)
    return Counts(*(dict(count.most_common()) for count in (organisations, entries, failed)))
