"""What is public of a season: card.json and leaves.json, and the lines of the ledger that speak of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationError, field_validator

from rmbench.bounded import complaint, read_json
from rmbench.errors import HeldOutError, SubmissionError
from rmbench.heldout.merkle import root_of
from rmbench.heldout.season import SEASON
from rmbench.items import replace_file
from rmbench.ledger import Event
from rmbench.rows import sha256
from rmbench.types import AXES, Axis, Strict

M = TypeVar("M", bound=Strict)

CARD, LEAVES, SCORES, REVEALED = "card.json", "leaves.json", "scores", "revealed"
LARGEST_CARD, LARGEST_LEAVES = 1_000_000, 20_000_000
MOST = 200_000  # leaves of a season
HEX = r"^[0-9a-f]{64}$"
CANARY = r"^rmbench:[0-9a-f-]{36}$"
ENTRY = r"^[a-z0-9][a-z0-9._-]{0,59}__[a-z0-9][a-z0-9._-]{0,59}$"
SKILLS = (*AXES, "overall")
HOW = (
    "leaf = SHA256(0x00 + canonical JSON of ['rmbench/heldout/1/leaf', NAME] + newline + HMAC-SHA256(salt, canonical"
    " JSON of ['rmbench/heldout/1', 'leaf', NAME]) + canonical JSON of the card or item), with NAME = TASK/card or"
    " TASK/item/ID; tasks in the order of this card, of each its card and then its items; node = SHA256(0x01 + left +"
    " right); tree as in RFC 6962, section 2.1; canonical JSON: sorted keys, no spaces, UTF-8; the build seed of a"
    " task = HMAC-SHA256(salt, canonical JSON of ['rmbench/heldout/1', 'seed', TASK]) as a big-endian whole number"
)


class PublicTask(Strict):
    """What is told of a task before it is revealed: what it asks, never an item."""

    name: str = Field(max_length=120)
    axis: Axis
    title: str = Field(max_length=500)
    asks: str = Field(max_length=5000)
    limits: str = Field(max_length=5000)
    items: int = Field(ge=1, le=MOST)
    canary: str = Field(pattern=CANARY)


class PublicCard(Strict):
    """card.json. `attempts` and `days` are the rules of the season: how often an organisation may be scored, and how
    many days must lie between. `rmbench` is the version that built the tasks.
    """

    format: Literal[1] = 1
    season: str = Field(pattern=SEASON)
    canary: str = Field(pattern=CANARY)
    rmbench: str = Field(max_length=60)
    root: str = Field(pattern=HEX)
    leaves: int = Field(ge=1, le=MOST)
    how: str = Field(default=HOW, max_length=2000)
    attempts: int = Field(ge=1, le=1000)
    days: int = Field(ge=0, le=1000)
    tasks: tuple[PublicTask, ...] = Field(min_length=1, max_length=500)

    @property
    def digest(self) -> str:
        """What the ledger knows the card by."""
        return sha256(self.model_dump(mode="json"))


class Leaves(Strict):
    """leaves.json: the salted hash of every card and item."""

    canary: str = Field(pattern=CANARY)
    season: str = Field(pattern=SEASON)
    leaves: tuple[Annotated[str, Field(pattern=HEX)], ...] = Field(min_length=1, max_length=MOST)

    @property
    def hashes(self) -> list[bytes]:
        """The leaves as bytes."""
        return [bytes.fromhex(leaf) for leaf in self.leaves]


class Committed(Strict):
    """The facts of a `committed` line, and of a `revealed` one. `card` is the digest of card.json."""

    season: str = Field(pattern=SEASON)
    root: str = Field(pattern=HEX)
    card: str = Field(pattern=HEX)
    canary: str = Field(pattern=CANARY)


class Scored(Strict):
    """The facts of a `heldout` line: skills in multiples of `step`, and what binds them to the raw scores.

    `attempt` counts those of the entry, from 1. `scores` is a salted digest of the run (see scoring.py), `settings` the
    digest of the model's settings, `remote_code` whether code of the model's own ran, which can cheat.
    """

    season: str = Field(pattern=SEASON)
    attempt: int = Field(ge=1, le=1000)
    skills: Mapping[str, Annotated[float, Field(allow_inf_nan=False)]]
    step: float = Field(gt=0, le=1)
    root: str = Field(pattern=HEX)
    scores: str = Field(pattern=HEX)
    settings: str = Field(pattern=HEX)
    remote_code: bool
    canary: str = Field(pattern=CANARY)

    @field_validator("skills")
    @classmethod
    def _all_of_them(cls, skills: Mapping[str, float]) -> Mapping[str, float]:
        if {*skills} != {*SKILLS}:
            raise ValueError(f"skills must hold {', '.join(SKILLS)}")
        return skills


class Failed(Strict):
    """The facts of a `heldout` line of an attempt that failed after the model was asked: it counts, no more."""

    season: str = Field(pattern=SEASON)
    attempt: int = Field(ge=1, le=1000)
    root: str = Field(pattern=HEX)
    failed: Literal[True] = True
    canary: str = Field(pattern=CANARY)


def check_season(name: str) -> None:
    """Raises HeldOutError for a name that is no season's: it is a folder, and ends the names of tasks."""
    if not re.match(SEASON, name) or name.endswith("\n"):
        raise HeldOutError(f"a season is called by 1 to 30 of a-z, 0-9 and underscore, not {name!r:.60}")


def check_entry(entry: str) -> None:
    """Raises HeldOutError for a name that is no entry's: it is part of a file's name."""
    if not re.match(ENTRY, entry) or entry.endswith("\n"):
        raise HeldOutError(f"an entry is called ORG__MODEL, in a-z, 0-9, dot, dash and underscore, not {entry!r:.80}")


def read_card(root: Path, season: str) -> PublicCard:
    """card.json of a season. Raises HeldOutError for one that is missing, damaged, or another season's."""
    check_season(season)
    path = root / season / CARD
    card = _read(path, PublicCard, LARGEST_CARD)
    if card.season != season:
        raise HeldOutError(f"{path} is the card of season {card.season}; put that of {season} there")
    return card


def read_leaves(root: Path, season: str) -> Leaves:
    """leaves.json of a season. Raises HeldOutError as `read_card` does."""
    path = root / season / LEAVES
    leaves = _read(path, Leaves, LARGEST_LEAVES)
    if leaves.season != season:
        raise HeldOutError(f"{path} holds the leaves of season {leaves.season}; put those of {season} there")
    return leaves


def write_public(root: Path, card: PublicCard, leaves: Sequence[bytes]) -> None:
    """Write card.json and leaves.json."""
    told = Leaves(canary=card.canary, season=card.season, leaves=tuple(leaf.hex() for leaf in leaves))
    for name, content in ((LEAVES, told), (CARD, card)):
        text = json.dumps(content.model_dump(mode="json"), indent=2, ensure_ascii=False)
        replace_file(root / card.season / name, (text + "\n").encode())


def check_root(card: PublicCard, leaves: Leaves) -> str:
    """That the leaves have the card's root, in words. Raises HeldOutError where they have not."""
    found = root_of(leaves.hashes).hex()
    if found != card.root or len(leaves.leaves) != card.leaves:
        raise HeldOutError(
            f"{LEAVES} of {card.season} has the root {found[:12]}… over {len(leaves.leaves)} leaves, {CARD} says"
            f" {card.root[:12]}… over {card.leaves}; one of them was changed: restore it"
        )
    return f"{card.leaves} leaves have the root {card.root[:12]}…"


def lines(events: Sequence[Event], season: str) -> Iterator[Event]:
    """The lines of the ledger that speak of a season, in order."""
    kinds = ("committed", "heldout", "revealed")
    return (event for event in events if event.event in kinds and event.facts.get("season") == season)


def facts_of(event: Event, model: type[M]) -> M:
    """The facts of a line. Raises HeldOutError naming the line and the field."""
    try:
        return model.model_validate(dict(event.facts))
    except ValidationError as error:
        where = f"line {event.number} ({event.event}) of the ledger"
        raise HeldOutError(f"{where}: {complaint(error)}; no `rmbench heldout` wrote it") from None


def attempt_of(event: Event) -> Scored | Failed:
    """The facts of a `heldout` line. Raises HeldOutError as `facts_of` does."""
    return facts_of(event, Failed) if "failed" in event.facts else facts_of(event, Scored)


def commitment(events: Sequence[Event], card: PublicCard) -> Committed:
    """The season's `committed` facts. Raises HeldOutError where there are none, two, or those of another card."""
    season = card.season
    found = [facts_of(event, Committed) for event in lines(events, season) if event.event == "committed"]
    if not found:
        raise HeldOutError(f"the ledger has no commitment to {season}; run `rmbench heldout commit {season}`")
    if len(found) > 1:
        raise HeldOutError(f"the ledger commits to {season} twice; a season has one root")
    if found[0].root != card.root:
        raise HeldOutError(
            f"{CARD} of {season} has the root {card.root[:12]}…, the ledger committed to {found[0].root[:12]}…;"
            f" another root is another season: restore the card"
        )
    if found[0].card != card.digest:
        raise HeldOutError(f"{CARD} of {season} was changed after it was committed to; restore it")
    return found[0]


def revealed(events: Sequence[Event], season: str) -> Event | None:
    """The line that says that the season was revealed, if there is one."""
    return next((event for event in lines(events, season) if event.event == "revealed"), None)


def _read(path: Path, model: type[M], limit: int) -> M:
    if not path.exists() and not path.is_symlink():
        raise HeldOutError(f"{path} is missing; `rmbench heldout commit` writes it")
    try:
        return model.model_validate(read_json(path, limit))
    except SubmissionError as error:
        raise HeldOutError(str(error)) from None
    except ValidationError as error:
        raise HeldOutError(f"{path}: {complaint(error)}; restore the file") from None
