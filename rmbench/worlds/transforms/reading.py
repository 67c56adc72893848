"""From a sentence to what it states, by matching the answer templates with their blanks open.

A sentence that says more or less than a template does (a hedge between two values, a negation) is not understood here;
`loose` reads it with suspicion, since a reader that guesses can be gamed, and so can one that looks away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from rmbench.worlds import phrases
from rmbench.worlds.transforms import facts, lists
from rmbench.worlds.transforms.invented import RUMOURS
from rmbench.worlds.transforms.operations import Operation
from rmbench.worlds.transforms.slots import Slot
from rmbench.worlds.transforms.wording import Wording
from rmbench.worlds.transforms.wording_base import BASE as BASE_WORDING
from rmbench.worlds.transforms.wording_held_out import HELD_OUT as HELD_OUT_WORDING

OPERATIONS: Mapping[str, Operation] = {**lists.BASE, **facts.BASE, **lists.HELD_OUT, **facts.HELD_OUT}
WORDING: Mapping[str, Wording] = {**BASE_WORDING, **HELD_OUT_WORDING}
KINDS = {"base": (*lists.BASE, *facts.BASE), "held_out": (*lists.HELD_OUT, *facts.HELD_OUT)}

_LONGEST = 500  # characters; no honest sentence comes near, and it bounds the work that a hostile one can cause
_LEADS = (*(a.strip().lower() for a in phrases.AGAIN), "so,", "also,", "finally,", "next,", "then,", "first,", "now,")
_LEAD = re.compile(rf"(?:(?:{'|'.join(re.escape(lead) for lead in _LEADS)})\s+){{0,2}}", re.IGNORECASE)
_FIRST = re.compile(r"\w+")
_TOKEN = re.compile(r"\{(\w+)\}|\s+")
_FLAGS = re.IGNORECASE | re.ASCII  # without ASCII, [a-z] would also match a long s and a Kelvin sign
_QUOTE = "[\"'“”‘’]?"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a sentence says: `value` for this kind of question. `end` is where the value ends in the sentence."""

    kind: str
    args: tuple[str, ...]
    value: str
    start: int
    end: int


def _compile(template: str, blanks: Mapping[str, Slot]) -> re.Pattern[str]:
    """A pattern for the template: blanks become groups that may stand in quotes, spaces any white space."""
    out, at = "", 0
    template = template.replace('"', "")
    for token in _TOKEN.finditer(template):
        name = token[1]
        out += re.escape(template[at : token.start()])
        out += f"{_QUOTE}(?P<{name}>{blanks[name].pattern}){_QUOTE}" if name else r"\s+"
        at = token.end()
    return re.compile(out + re.escape(template[at:].rstrip(".")) + rf"{_QUOTE}\s*[.!]*{_QUOTE}", _FLAGS)


def sources() -> list[tuple[str, Mapping[str, Slot], tuple[str, ...]]]:
    """Every kind of statement: its blanks (the value last) and its answer templates."""
    out = [(kind, {**op.args, "value": op.value}, WORDING[kind].answers) for kind, op in OPERATIONS.items()]
    return [*out, *((kind, {"value": rumour.value}, rumour.answers) for kind, rumour in RUMOURS.items())]


@cache
def _patterns() -> dict[str, list[tuple[str, Mapping[str, Slot], re.Pattern[str]]]]:
    """Every answer pattern, filed under the first word of its template (no template begins with a blank)."""
    filed: dict[str, list[tuple[str, Mapping[str, Slot], re.Pattern[str]]]] = {}
    for kind, blanks, answers in sources():
        for template in answers:
            first = _FIRST.match(template)
            assert first is not None
            filed.setdefault(first[0].lower(), []).append((kind, blanks, _compile(template, blanks)))
    return filed


@lru_cache(maxsize=1 << 16)
def parse(sentence: str) -> tuple[Statement, ...]:
    """What the sentence may state, one entry per kind whose template it fits; () if it fits none."""
    if len(sentence) > _LONGEST:
        return ()
    lead = _LEAD.match(sentence)
    start = lead.end() if lead else 0
    first = _FIRST.match(sentence, start)
    if first is None:
        return ()
    found = []
    for kind, blanks, pattern in _patterns().get(first[0].lower(), ()):
        match = pattern.fullmatch(sentence, start)
        if match is None:
            continue
        values = {name: slot.canon(match[name]) for name, slot in blanks.items()}
        *args, value = values.values()
        if value is not None and None not in args:
            found.append(Statement(kind, tuple(a for a in args if a is not None), value, start, match.end("value")))
    return tuple(found)
