"""What every check returns, and what it is given beside the task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rmbench.validation.overlap import Match

Status = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says of one task, in a sentence. A note leaves the task valid; a problem does not."""

    check: str
    status: Status
    sentence: str


@dataclass(frozen=True, slots=True)
class Context:
    """What a check may know beside the task: the canaries of all tasks, and what the training data share with this one.

    `prompts` and `responses` have one match for each different text that was looked up.
    """

    canaries: Mapping[str, Sequence[str]] = field(default_factory=dict)
    prompts: Sequence[Match] = ()
    responses: Sequence[Match] = ()


def conclude(check: str, fine: str, problems: Sequence[str] = (), notes: Sequence[str] = ()) -> Finding:
    """The worst there is, in the words of its first case, with the number of further ones."""
    for status, said in (("problem", problems), ("note", notes)):
        if said:
            more = f" (and {len(said) - 1} more)" if len(said) > 1 else ""
            return Finding(check, status, said[0] + more)  # type: ignore[arg-type]
    return Finding(check, "ok", fine)
