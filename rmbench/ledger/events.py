"""One line of the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from rmbench.rows import sha256
from rmbench.types import Strict

Kind = Literal[
    "added",  # a submission was recomputed by the maintainers and is on the board
    "rescored",  # the same entry with other files, or recomputed under another version
    "verified",  # facts.kind: "spot" (a random slice) or "rerun" (all of it) was scored again and agreed
    "withdrawn",  # a tombstone: its scores leave the board, this line stays
    "disqualified",  # the same against the submitter's will, with the reason
    "committed",  # held-out tasks were fixed under a Merkle root (facts.season, facts.root)
    "heldout",  # a model was scored on held-out tasks (facts.season, facts.attempt, facts.skills or facts.failed)
    "revealed",  # the held-out tasks of a season were published
]
# What nobody can recompute from the files is only worth the name under it.
SIGNED: frozenset[Kind] = frozenset({"verified", "withdrawn", "disqualified", "committed", "heldout", "revealed"})
OWN = "rmbench"  # the organisation of the baselines; nobody else may use it
FIRST = "0" * 64
HEX = r"^[0-9a-f]{64}$"


class Event(Strict):
    """What happened, to which entry (`org__model`) of which suite (`name@version`), and who says so.

    `submission` is the digest of the submission's files. `facts` are plain JSON values, by kind of event. `previous` is
    the hash of the line before, `hash` that of this one, `signature` is over the hash (Ed25519, base64).
    """

    number: int = Field(ge=1)
    time: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")
    event: Kind
    entry: str | None = Field(default=None, max_length=130)
    suite: str | None = Field(default=None, max_length=60)
    submission: str | None = Field(default=None, pattern=HEX)
    by: str = Field(min_length=1, max_length=60)
    reason: str | None = Field(default=None, max_length=500)
    facts: Mapping[str, Any] = Field(default_factory=dict)
    previous: str = Field(pattern=HEX)
    hash: str = Field(pattern=HEX)
    signature: str | None = Field(default=None, max_length=100)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """A line about an entry says which one, and which files: "added" without them would vouch for any."""
        about = self.event not in ("committed", "revealed")
        if about and not (self.entry and self.suite):
            raise ValueError(f"a line that says {self.event} must name entry and suite")
        if about and self.event != "heldout" and not self.submission:
            raise ValueError(f"a line that says {self.event} must hold the digest of the submission")
        skills = self.facts.get("skills", {})
        if not isinstance(skills, Mapping) or not all(_is_skill(value) for value in skills.values()):
            raise ValueError("facts.skills must map skills to numbers or null")
        return self

    @property
    def content_hash(self) -> str:
        """What `hash` must be: the sha256 of all the rest but the signature."""
        return sha256(self.model_dump(mode="json", exclude={"hash", "signature"}))


def _is_skill(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
