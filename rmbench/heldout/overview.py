"""Where every season stands, from its folder and the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rmbench.bounded import plain_folder
from rmbench.heldout.limits import attempts_by
from rmbench.heldout.public import PublicCard, commitment, lines, read_card, revealed
from rmbench.heldout.season import PRIVATE
from rmbench.ledger import Event


@dataclass(frozen=True, slots=True)
class Standing:
    """A season: `card` is None while nothing of it is public. Attempts are by organisation, and by entry; `failed` are
    those of an entry that failed.
    """

    season: str
    state: Literal["private", "committed", "revealed"]
    card: PublicCard | None
    organisations: Mapping[str, int]
    entries: Mapping[str, int]
    failed: Mapping[str, int]


def standings(root: Path, events: Sequence[Event]) -> list[Standing]:
    """Every season of a folder, by name. Raises HeldOutError for one whose card does not fit the ledger."""
    names = {path.name for path in root.iterdir() if plain_folder(path)} if plain_folder(root) else set()
    names |= {str(event.facts.get("season")) for event in events if event.event == "committed"}
    return [_standing(root, name, events) for name in sorted(names) if _is_season(root, name, events)]


def _is_season(root: Path, name: str, events: Sequence[Event]) -> bool:
    return (root / name / PRIVATE).is_file() or any(True for _ in lines(events, name))


def _standing(root: Path, name: str, events: Sequence[Event]) -> Standing:
    if not any(True for _ in lines(events, name)):
        return Standing(name, "private", None, {}, {}, {})
    card = read_card(root, name)
    commitment(events, card)
    state: Literal["committed", "revealed"] = "revealed" if revealed(events, name) else "committed"
    return Standing(name, state, card, *attempts_by(events, name))
