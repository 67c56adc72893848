"""What a change is, and the pair that it is made to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, NamedTuple

from rmbench.types import Message
from rmbench.worlds import surface
from rmbench.worlds.base import Claim, Prompt, World

# answer: one of the answers wears it. both: both answers do. prompt: what the user says; the answers stay.
Kind = Literal["answer", "both", "prompt"]
WORLDS = ("records", "arithmetic", "instructions", "transforms")
# What dress may add to a text; all other counts of a grade are of what the text says.
_DRESS = frozenset(("filler", "repeats", "authority", "markup", "noise", "words", "over"))


class Case(NamedTuple):
    """A base pair, the better answer first. `side` is to be favoured (0 the better, 1 the worse one).

    `turn` counts the pairs that the change has had in this world: what has variants takes them in turn.
    """

    world: World
    prompt: Prompt
    texts: tuple[str, str]
    side: int
    turn: int

    def claims(self, index: int) -> tuple[Claim, ...]:
        """What the gold found in a text."""
        return self.world.gold(self.prompt, self.texts[index]).claims


class Changed(NamedTuple):
    """The shifted pair: what the user says, and the answers in the order of the case."""

    messages: tuple[Message, ...]
    texts: tuple[str, str]


Apply = Callable[[Case, Random], Changed | None]


@dataclass(frozen=True, slots=True)
class Change:
    """A change: `apply` gives the shifted pair, or None where it does not fit this one.

    `probe`: it favours a side, and whether the reward falls for that is the question. Others keep the meaning of all.
    `worlds` are those where it is beyond dispute.
    """

    name: str
    kind: Kind
    apply: Apply
    probe: bool = False
    worlds: Sequence[str] = WORLDS


def on_side(edit: Callable[[str, Case, Random], str | None]) -> Apply:
    """A change of the favoured answer alone. One that breaks a word limit is no matter of taste: it does not fit."""

    def apply(case: Case, rng: Random) -> Changed | None:
        plain = case.texts[case.side]
        text = edit(plain, case, rng)
        if text is None or _over(case, text) > _over(case, plain):
            return None
        texts = (text, case.texts[1]) if case.side == 0 else (case.texts[0], text)
        return Changed(case.prompt.messages, texts)

    return apply


def _over(case: Case, text: str) -> float:
    """How many words a text is beyond what the prompt allows."""
    return case.world.gold(case.prompt, text).parts.get("over", 0.0)


def on_prompt(edit: Callable[[Case, Random], str | None]) -> Apply:
    """A change of the user's words alone."""

    def apply(case: Case, rng: Random) -> Changed | None:
        text = edit(case, rng)
        return None if text is None else Changed((Message(role="user", content=text),), case.texts)

    return apply


def on_both(edit: Callable[[Case, int, Random], str | None]) -> Apply:
    """A change of both answers, made to each of them (`index` 0 and 1)."""

    def apply(case: Case, rng: Random) -> Changed | None:
        one, other = edit(case, 0, rng), edit(case, 1, rng)
        return None if one is None or other is None else Changed(case.prompt.messages, (one, other))

    return apply


def in_turn(*applies: Apply) -> Apply:
    """One of several forms of a change; the next one where the one whose turn it is does not fit."""

    def apply(case: Case, rng: Random) -> Changed | None:
        for offset in range(len(applies)):
            changed = applies[(case.turn + offset) % len(applies)](case, rng)
            if changed is not None:
                return changed
        return None

    return apply


def sentences(text: str) -> list[str]:
    """The sentences as they stand, with their stops."""
    return [text[s.start : s.end] for s in surface.split(text)]


def content(parts: Mapping[str, float]) -> dict[str, float]:
    """The counts of a grade that are of what a text says, not of how it is dressed."""
    return {name: count for name, count in parts.items() if name not in _DRESS}
