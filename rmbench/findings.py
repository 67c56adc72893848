"""What a check says: ok, a note or a problem, with its name and one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says of a task or a model, in a sentence. A note leaves it valid; a problem does not."""

    check: str
    status: Status
    sentence: str
