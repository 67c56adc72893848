"""Statements in a sentence that says more than a template does, or says it with dirt: where, and what is spare.

What is true in such a sentence counts only if it is plainly stated; what is false counts unless it is denied or only
supposed. So no dirt on a sentence can pay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from rmbench.worlds import phrases
from rmbench.worlds.repair import WORD, Vocabulary, spare_words
from rmbench.worlds.stance import Stance, plain, stance, undenied
from rmbench.worlds.transforms import banks
from rmbench.worlds.transforms.reading import Statement, sources
from rmbench.worlds.transforms.slots import WORD_LIST, Slot, listed

_APART = r"[^\w.!?]{1,60}"  # between the words of a template
_BLANK = re.compile(r"\{(\w+)\}")
_FLAGS = re.IGNORECASE | re.ASCII
_FREE = frozenset("and also but while it so finally next then first now again".split())
_LEAD = re.compile("|".join(re.escape(lead.strip()) for lead in phrases.AGAIN), re.IGNORECASE)
_VALUE_AFTER = ("is", "gives", "becomes", "reads", "leaves", "get", "namely")
# More is said of the value: "12 or 13", "12 less 5".
_QUALIFIER = re.compile(
    r"\W*(?:or|fewer|less|more|plus|minus|times|than|through|maybe|perhaps|possibly|rather|actually|instead)\b|\s*[%/+=]"
    r"|\s*[-–]\s*\d",
    re.IGNORECASE,
)
# Before a statement that was not asked for: it may be about something else than its words alone say.
_ELEMENTS = listed(rf"(?:[a-z]|{'|'.join(banks.WORDS)})\b")  # a list ends where its words end
_BREAK = re.compile(r"[.:;!?\v]")
_CONTEXT = re.compile(
    r"alphabet|order|sort|revers|backward|count|\bend\b|\blast\b|dictionar|capital|upper|\bif\b|\bof\b|\bin\b|from|letters",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """The statements at one place of a sentence (one per kind that fits), and how they are meant."""

    statements: tuple[Statement, ...]
    stance: Stance
    hedged: bool
    context: bool


@dataclass(frozen=True, slots=True)
class Loose:
    """All readings of a sentence, in order, and the words that they leave unexplained."""

    readings: tuple[Reading, ...]
    spare: str


@lru_cache(maxsize=1 << 16)
def loosely(sentence: str) -> Loose:
    """What a sentence states here and there."""
    repaired = _vocabulary().repair(sentence)
    readings, spare, at = [], [], 0
    simple = plain(sentence)
    places = [*_places(sentence, repaired)]
    ends = [found[0].start for found in places[1:]] + [len(sentence)]
    how: Stance = "stated"
    for found, end in zip(places, ends, strict=False):
        start, stop = found[0].start, found[0].end
        gap = sentence[at:start]
        if not simple and not (
            at and gap.strip(" ,") in {"", "and", "or"} and how != "stated"
        ):  # else as its neighbour
            how = stance(gap, sentence[stop:end])
        hedged, context = _QUALIFIER.match(sentence[stop:]), _CONTEXT.search(_BREAK.split(gap)[-1])
        readings.append(Reading(found, how, bool(hedged), bool(context)))
        spare += [gap, *spare_words(sentence[start:stop], repaired[start:stop])]
        at = stop
    spare.append(sentence[at:])
    if not simple:
        readings += _denied(sentence, {s for r in readings for s in r.statements})
    return Loose(tuple(readings), _words(" ".join(spare)))


def _words(text: str) -> str:
    return " ".join(w for w in WORD.findall(_LEAD.sub(" ", text)) if w.lower() not in _FREE)


def _places(sentence: str, repaired: str) -> Iterator[tuple[Statement, ...]]:
    """The statements from left to right, without overlap; read as they stand, else as they were meant."""
    at = 0
    for word in WORD.finditer(repaired):
        if word.start() < at:
            continue
        found = _at(sentence, word) or (_at(repaired, word) if repaired != sentence else ())
        if found:
            yield found
            at = found[0].end


def _at(text: str, word: re.Match[str]) -> tuple[Statement, ...]:
    """What the templates that begin with a word find there: those that reach furthest."""
    found: list[Statement] = []
    for kind, blanks, pattern in _patterns().get(word.group().lower(), ()):
        match = pattern.match(text, word.start())
        if match is None or (found and match.end() < found[0].end):
            continue
        *args, value = (slot.canon(match[name]) for name, slot in blanks.items())
        if value is not None and None not in args:
            said = Statement(kind, tuple(a for a in args if a is not None), value, match.start(), match.end())
            found = [said] if found and match.end() > found[0].end else [*found, said]
    return tuple(found)


def _denied(sentence: str, known: set[Statement]) -> list[Reading]:
    """Statements that a negated verb denies, placed over the sentence as a whole."""
    positive = undenied(sentence)
    if positive is None:
        return []
    said = {(s.kind, s.args, s.value) for s in known}
    places = _places(positive, _vocabulary().repair(positive))
    fresh = (tuple(s for s in found if (s.kind, s.args, s.value) not in said) for found in places)
    whole = (tuple(replace(s, start=0, end=len(sentence)) for s in found) for found in fresh if found)
    return [Reading(found, "denied", hedged=False, context=False) for found in whole]


@cache
def _vocabulary() -> Vocabulary:
    templates = [_BLANK.sub(" ", t) for _, _, answers in sources() for t in answers]
    units = [u for unit, short in banks.UNITS.items() for u in (unit, *short)]
    names = [*banks.WORDS, *banks.MONTHS, *banks.WEEKDAYS, *banks.ORDINALS, *banks.NUMBER_WORDS, *banks.TOPICS]
    return Vocabulary([*templates, *units, *names, *phrases.AGAIN, *_FREE, "or"], _VALUE_AFTER, banks.WORDS)


@cache
def _patterns() -> dict[str, list[tuple[str, Mapping[str, Slot], re.Pattern[str]]]]:
    """Every answer template, filed under its first word, that matches wherever it begins."""
    filed: dict[str, list[tuple[str, Mapping[str, Slot], re.Pattern[str]]]] = {}
    for kind, blanks, answers in sources():
        for template in answers:
            words = re.sub(r"[^\w{}\s]", " ", template).split()
            pattern = re.compile(_APART.join(_part(w, blanks) for w in words) + r"(?!\w)(?![.,:]\d)", _FLAGS)
            filed.setdefault(words[0].lower(), []).append((kind, blanks, pattern))
    return filed


def _part(word: str, blanks: Mapping[str, Slot]) -> str:
    blank = _BLANK.fullmatch(word)
    if blank is None:
        return re.escape(word)
    slot = blanks[blank[1]]
    return f"(?P<{blank[1]}>{_ELEMENTS if slot is WORD_LIST else slot.pattern})"
