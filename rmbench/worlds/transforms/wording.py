"""How a kind of job is asked for and answered: the shape of the banks in wording_base and wording_held_out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """Templates with blanks named as the operation's arguments.

    `asks` are whole sentences, `nouns` complete "Please give me …". `answers` name what they answer before they give
    {value}, so that whoever reads from left to right can judge the value where it ends.
    """

    asks: tuple[str, ...]
    nouns: tuple[str, ...]
    answers: tuple[str, ...]
