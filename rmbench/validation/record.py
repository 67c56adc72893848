"""What a check is given beside the task, and how it comes to its finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rmbench.findings import Finding
from rmbench.validation.overlap import Match


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
