"""What a board shows of held-out tasks: the latest score of every entry on the newest season that has some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rmbench.errors import HeldOutError
from rmbench.heldout.limits import attempted, scored
from rmbench.heldout.public import SKILLS, Scored, attempt_of, commitment, read_card
from rmbench.ledger import Event


@dataclass(frozen=True, slots=True)
class Published:
    """The latest score of an entry: skills (the axes and overall) in multiples of `step`, after so many attempts.

    `submission` is the digest of the files whose model was scored: where the entry has others by now, it is not theirs.
    `attempts` counts all of the entry on the season, whatever its files, also those that failed.
    """

    season: str
    skills: Mapping[str, float]
    step: float
    attempts: int
    submission: str


def read_published(root: Path, events: Sequence[Event], suite: str) -> tuple[str, Mapping[str, Published]] | None:
    """The newest season with scores of a suite (name@version), and the latest score of each entry; None without one.

    The last of several attempts counts, not the best: trying again is no way up. Raises HeldOutError where the season's
    card or a line does not fit the commitment. Signatures are another matter: see `rmbench.ledger.unsigned`.
    """
    seasons = [str(event.facts.get("season")) for event in events if event.event == "committed"]
    for season in reversed(seasons):
        mine = [event for event in scored(events, season) if event.suite == suite]
        if mine:
            return season, _latest(root, events, season, mine)
    return None


def _latest(root: Path, events: Sequence[Event], season: str, mine: Sequence[Event]) -> dict[str, Published]:
    card = read_card(root, season)
    commitment(events, card)
    counts: dict[str, int] = {}
    latest: dict[str, tuple[str, Scored]] = {}
    for event in attempted(events, season):
        facts, entry = attempt_of(event), event.entry or ""
        counts[entry] = counts.get(entry, 0) + 1
        if facts.root != card.root or facts.attempt != counts[entry] or event.submission is None:
            raise HeldOutError(
                f"line {event.number} of the ledger scores {entry} on another root, as another attempt, or without its"
                f" submission; no `rmbench heldout` wrote it"
            )
        if isinstance(facts, Scored) and event in mine:
            latest[entry] = (event.submission, facts)
    return {
        entry: Published(season, {name: one.skills[name] for name in SKILLS}, one.step, counts[entry], submission)
        for entry, (submission, one) in latest.items()
    }
