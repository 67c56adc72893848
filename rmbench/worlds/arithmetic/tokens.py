"""A sentence as a string with one letter per token, so that bounded patterns over that string find what it states."""

from __future__ import annotations

import re
from typing import NamedTuple

# A number stands alone: neither 42nd nor 42kg, 42% or 42² is one. 6x7 holds two.
_TOKEN = re.compile(
    r"(?P<N>(?<![^\W\dx_])(?:\d{1,3}(?:,\d{3}){1,3}|\d{1,9})(?:\.\d{1,6})?(?![\d,.]*\d|\s?%|[^\W\dx_]|x(?!\s*\d)))"
    r"|(?P<long>\d[\d.,]*)|(?P<w>[^\W\d_]+(?:['’-][^\W\d_]+)*)|(?P<s>[-+*/=×÷·−–:,;!?.|<>≠≈≤≥±^√%])"
)
# N number, + - * / operators, = equality, A S M D verbs, s sum d difference p product, & and, o other prepositions,
# O or, F "answer", f "in the end", w any other word, | a stop.
_KINDS = {
    "+": "plus",
    "-": "minus less",
    "*": "times x",
    "=": "is are equals equal gives give giving makes make making leaves leave leaving yields yield get gets getting "
    "becomes become totals",
    "A": "add adds added adding",
    "S": "subtract subtracts subtracted subtracting take taking taken takes remove removing removed deduct deducting",
    "M": "multiply multiplying multiplied",
    "D": "divide dividing divided split splitting share sharing",
    "s": "sum",
    "d": "difference",
    "p": "product",
    "&": "and",
    "O": "or",
    "o": "to from by into among between with over",
    "F": "answer solution boxed",
    "f": "altogether overall",
}
_LETTER = {word: letter for letter, words in _KINDS.items() for word in words.split()}
_SIGN = {"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", **dict.fromkeys(".;!?<>≠≈≤≥±^√%", "|")}
_PHRASES = re.compile(r"\b(?:multiplied|divided)\s+by\b|\b(?:in|at)\s+the\s+end\b|\bstep\s+\d{1,2}\b", re.IGNORECASE)


class Tokens(NamedTuple):
    """The letters of a sentence's tokens, where each token stands, and the value of each number (others: 0)."""

    kinds: str
    starts: list[int]
    ends: list[int]
    values: list[float]


def tokens(sentence: str) -> Tokens:
    """The tokens of a sentence; time is linear in its length."""
    kinds, starts, ends, values = [], [], [], []
    for found in _TOKEN.finditer(_PHRASES.sub(_simplify, sentence)):
        group, word, value = found.lastgroup, found.group(), 0.0
        if group == "w":
            letter = _LETTER.get(word.lower(), "w")
        elif group == "N":
            letter, value = "N", float(word.replace(",", ""))
        else:
            letter = _SIGN.get(word, word) if group == "s" else "|"
        kinds.append(letter)
        starts.append(found.start())
        ends.append(found.end())
        values.append(value)
    return Tokens("".join(kinds), starts, ends, values)


def _simplify(found: re.Match[str]) -> str:
    """The same length of text, with a fixed phrase as one token."""
    phrase = found.group().lower()
    short = "*" if phrase.startswith("mul") else "/" if phrase.startswith("div") else "overall"
    if phrase.startswith("step"):
        short = ""
    return short.ljust(len(found.group()))
