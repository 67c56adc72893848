"""The operator record, and the few ways of cutting and joining text that operators share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from rmbench.worlds.base import Prompt, World

# after a full stop (and closing marks), or before a line break; the space stays with the sentence that follows it
_CUT = re.compile(r"(?:(?<=[.!?])|(?<=[.!?]\*\*)|(?<=[.!?][\"')]))(?=\s)|(?=\n)")
_OPENS_LINE = re.compile(r"[-*•>|]\s|#{1,6}\s|\d{1,2}[.)]\s")


class Case(NamedTuple):
    """What an operator may look at beside the text: the prompt, and its world."""

    world: World
    prompt: Prompt


Edit = Callable[[str, Case, Random], str]


@dataclass(frozen=True, slots=True)
class Operator:
    """A change to a text: its name in the exploit table, the family it is chosen with, and the change itself."""

    name: str
    family: str
    edit: Edit


def sentences(text: str) -> list[str]:
    """The text in pieces of a sentence or a line, each with the space before it; joined, they are the text again."""
    pieces: list[str] = []
    for piece in _CUT.split(text):
        if pieces and (not piece.strip() or not pieces[-1].strip()):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces


def spaced(piece: str) -> str:
    """The piece with a space before it, if it has none; what opens a line of a list opens a line."""
    if piece[:1].isspace():
        return piece
    return f"\n{piece}" if _OPENS_LINE.match(piece) else f" {piece}"


def joined(pieces: Sequence[str]) -> str:
    """Pieces in a new order as one text."""
    return "".join(map(spaced, pieces)).lstrip()


def after(text: str, more: str) -> str:
    return joined([text, more])


def before(text: str, more: str) -> str:
    return joined([more, text]).rstrip()
