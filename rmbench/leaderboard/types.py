"""The words that the parts of the leaderboard speak: plain, frozen, and free of anything that draws or computes."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import AfterValidator, Field, StringConstraints

from rmbench.leaderboard.names import Slug
from rmbench.ledger import OWN, Event
from rmbench.types import AXES, Card, Estimate, Floats, Strict

SKILLS = (*AXES, "overall")
Level = Literal["error", "warning"]
Trust = Literal["self-reported", "recomputed", "spot-verified", "re-run"]
# Each level shown as what it proves, no more. In rising order.
TRUST: Mapping[Trust, str] = {
    "self-reported": "the submitter's own scores; nobody else has looked at them yet",
    "recomputed": "the maintainers recomputed every number from the raw scores; that the model gave these scores is the"
    " submitter's word",
    "spot-verified": "a random slice of the answers was scored again with the model itself, and agreed",
    "re-run": "the maintainers ran the whole suite with the model itself, and it agreed",
}


def _line(text: str) -> str:
    """One line of plain text: nothing invisible, nothing that turns the reading direction, no line break."""
    odd = [c for c in text if unicodedata.category(c)[0] == "C" or unicodedata.category(c) in ("Zl", "Zp")]
    if odd:
        raise ValueError(f"it holds the invisible character U+{ord(odd[0]):04X}; remove it")
    return text


Line = Annotated[str, AfterValidator(_line)]
Link = Annotated[
    str,
    StringConstraints(
        pattern=r"^https://[A-Za-z0-9.-]+(?::\d+)?(?:/[A-Za-z0-9._~:/?#@!$&()*+,;=%-]*)?$", max_length=300
    ),
]


class Problem(NamedTuple):
    """What is wrong with a submission: a stable code, the file and field, and one sentence with the way out."""

    code: str
    where: str
    message: str
    level: Level = "error"


class Refusal(Exception):  # noqa: N818 - it never leaves the verification
    """Carries the problem that makes looking further pointless."""

    def __init__(self, code: str, where: str, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(code, where, message)


class TrainingSet(Strict):
    """One set of data that the model was trained on. `sha256` names the very file, where there is one."""

    name: Line = Field(min_length=1, max_length=120)
    link: Link | None = None
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


class Submission(Strict):
    """submission.json: what a submitter says beside the scores. No number that can be computed is ever in it.

    `training_data` None means that nothing is declared, an empty list that there is none. `price` is in US dollars
    per million tokens read.
    """

    format: Literal[1] = 1
    organisation: Slug
    model: Slug
    link: Link | None = None
    licence: Line | None = Field(default=None, max_length=60)
    description: Line | None = Field(default=None, max_length=280)
    parameters: int | None = Field(default=None, ge=0, le=10**15)
    price: float | None = Field(default=None, ge=0, le=10_000, allow_inf_nan=False)
    training_data: tuple[TrainingSet, ...] | None = Field(default=None, max_length=100)


@dataclass(frozen=True, slots=True)
class Rank:
    """Place by value (1 + the entries above it), the interval of the true place, and the tie group, from 1.

    Entries of one tie group cannot be told apart from its best one by a paired test.
    """

    place: int
    low: int
    high: int
    group: int


@dataclass(frozen=True, slots=True)
class Contamination:
    """What is known of overlap between an entry's training data and the suite's items.

    `skills` are those without the overlapping items (the keys of `Entry.skills`), where there are some.
    """

    status: Literal["clean", "overlap", "unknown"]
    sentence: str
    items: int = 0
    total: int = 0
    skills: Mapping[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What is published of an entry on the held-out tasks of a season: skills, rounded to what noise lets them mean.

    `step` is the rounding. `places_lost` is the place on the held-out tasks minus the public one, among the entries
    that were scored on both.
    """

    season: str
    skills: Mapping[str, float]
    step: float
    attempts: int
    places_lost: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the board. `skills` has the keys generalisation, calibration, overoptimization and overall, `tasks`
    the headline of each task, `ranks` (empty for a partial entry) the keys of `skills`.

    `folder` holds its files. `settings` are the model's own (from the manifest, a stranger's words). `missing` counts
    items without all their scores, `partial` says why it is not ranked. `draws` are the bootstrap replicates of the
    skills, shape (4, draws), in the order of `SKILLS`; all entries share the resamples, so differences are paired.
    """

    key: str
    submission: Submission
    suite: str
    folder: Path
    digest: str
    settings: Mapping[str, Any]
    created: str
    harness: str
    trust: Trust
    skills: Mapping[str, Estimate]
    tasks: Mapping[str, Estimate]
    items: int
    missing: int
    tokens: int
    seconds: float
    parameters: int | None
    track: str
    contamination: Contamination
    ranks: Mapping[str, Rank] = field(default_factory=dict)
    partial: str | None = None
    heldout: HeldOut | None = None
    events: tuple[Event, ...] = ()
    warnings: tuple[Problem, ...] = ()
    draws: Floats = field(default_factory=lambda: np.empty((4, 0)), repr=False, compare=False)

    @property
    def baseline(self) -> bool:
        """Whether it is one of ours, that every board shows."""
        return self.submission.organisation == OWN

    @property
    def price(self) -> float | None:
        """US dollars for the tokens of this suite, where a price is declared."""
        known = self.submission.price is not None and self.tokens > 0
        return (self.submission.price or 0.0) * self.tokens / 1e6 if known else None


@dataclass(frozen=True, slots=True)
class Left:
    """Something that lies among the submissions and is not on the board, with the reason."""

    name: str
    suite: str
    kind: Literal["rejected", "withdrawn", "disqualified", "other version"]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """All entries of one suite version. `ranked` is in the order of overall skill, `partial` by key.

    `settings` are those of the resampling (bootstrap, seed, level); `ledger` is the hash of the ledger's last line.
    """

    suite: str
    cards: Mapping[str, Card]
    ranked: tuple[Entry, ...]
    partial: tuple[Entry, ...]
    left: tuple[Left, ...]
    settings: Mapping[str, Any]
    ledger: str | None = None
    season: str | None = None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The ranked entries, then the partial ones."""
        return (*self.ranked, *self.partial)
