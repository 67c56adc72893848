"""Which words may follow one another in a sentence of a story's solution: all else is no part of any statement."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise, product
from string import Formatter
from typing import NamedTuple

from rmbench.worlds import phrases
from rmbench.worlds.arithmetic import bank, stories_held_out, stories_life, stories_trade
from rmbench.worlds.arithmetic.bank import Family
from rmbench.worlds.arithmetic.tokens import Tokens, tokens
from rmbench.worlds.base import Domain

FAMILIES = {"base": (*stories_trade.FAMILIES, *stories_life.FAMILIES), "held_out": stories_held_out.FAMILIES}

START, OWN = "^", "@"  # where a sentence starts; a word of the story at hand: a name, a thing
Pairs = frozenset[tuple[str, str]]
Words = list[str]

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_VERBS = ("is", "gives", "makes", "equals")
_PLAIN = ("{eq}", "{said}", "answer: {r}", "answer: {r} {noun}", "final answer: {r} {noun}", "the answer is {r}")


def classes(sentence: str, found: Tokens) -> Words:
    """The words of a sentence: numbers as #, operators as signs; a mark is an empty word."""
    out = []
    for letter, start, end in zip(found.kinds, found.starts, found.ends, strict=True):
        if letter == "N":
            out.append("#")
        elif letter in "+-*/f" or sentence[start] == "=":
            out.append(letter)
        elif letter.isalpha() or letter in "=&":
            out.append(sentence[start:end].lower().replace("’", "'").partition("'")[0])
        else:
            out.append("")
    return out


def own_words(words: Sequence[str]) -> frozenset[str]:
    """The words of a story: its names and things."""
    return frozenset(_WORD.findall(" ".join(words).lower()))


class Story(NamedTuple):
    """What a reader knows of a story's wording: its own words, and which words may stand side by side."""

    own: frozenset[str]
    pairs: Pairs

    def joins(self, one: str, other: str) -> bool:
        """Whether some sentence has one word right before the other."""
        if (one, other) in self.pairs:
            return True
        ones, others = ((w, OWN) if w in self.own else (w,) for w in (one, other))
        return any(pair in self.pairs for pair in product(ones, others))


@cache
def pairs(domain: Domain, family: int) -> Pairs:
    """The pairs of words that stand side by side in some sentence that tells a story of this family."""
    story = FAMILIES[domain][family]
    lines = [line for some in bank.STEP.values() for line in some]
    bodies = [_slots(line, story) for line in (*lines, *bank.CHECK, *bank.ANSWER, *_PLAIN)]
    leads = [_words(line) for line in (*phrases.AGAIN, *(o for some in bank.OPENERS.values() for o in some if o))]
    out = {(OWN, OWN)} | {(START, lead[0]) for lead in leads} | {p for lead in leads for p in pairwise(lead)}
    ends = {START, *(lead[-1] for lead in leads)}
    out |= {(lead[-1], other[0]) for lead in leads for other in leads}
    for slots in bodies:
        out |= {(end, some[0]) for end in ends for some in slots[0]}
        out |= {pair for slot in slots for some in slot for pair in pairwise(some)}
        out |= {(one[-1], other[0]) for left, right in pairwise(slots) for one, other in product(left, right)}
    return frozenset(out)


def _slots(template: str, story: Family) -> list[list[Words]]:
    """A template as a row of slots, each with the ways to fill it."""
    out: list[list[Words]] = []
    for text, name, _, _ in Formatter().parse(template):
        if words := _words(text):
            out.append([words])
        if name:
            out.append(list(_fillings(name, story)))
    return out


def _fillings(name: str, story: Family) -> Iterator[Words]:
    stages = story.stages.values()
    if name == "when":
        yield from (_words(event.when) for stage in stages for event in stage.events)
    elif name == "noun":
        yield from (_words(stage.noun) for stage in stages)
    elif name == "state":
        for stage, number in product(stages, ("{x}", *(f"{{x}} {op} {{x}} = {{x}}" for op in "+-*/"))):
            yield from (_words(state.replace("{x}", number)) for state in stage.state.split("|"))
    elif name in {"eq", "said"}:
        ways = ("=", *_VERBS) if name == "said" else ("=",)
        yield from (_words(f"{{x}} {op} {{x}} {way} {{x}}") for op, way in product("+-*/", ways))
    else:
        yield ["#"]


def _words(template: str) -> Words:
    """The words of a template without choices."""
    text = re.sub(r"\{[abrxd]\}", "7", template)
    text = re.sub(r"\{\w+\}", "Qq", text)
    return [OWN if word == "qq" else word for word in classes(text, tokens(text)) if word]
