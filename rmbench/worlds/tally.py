"""What is counted while a text is read sentence by sentence: things said, rightly or not, denied, and all the rest."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from rmbench.worlds import surface
from rmbench.worlds.base import Claim
from rmbench.worlds.stance import retracts

Said = tuple[str, str]  # what is spoken of, and what is said of it
Span = tuple[int, int]

ARTICLE = 7  # characters that quotation marks and an article add to a value
_QUOTED = re.compile(r"\"[^\"]*\"|“[^“”]*”|«[^«»]*»|„[^„“”]*[“”]|~~[^~]+~~")
_QUOTES = ('"', "“", "«", "„", "~~")


# Marks in a row, alone, or within a word; and what of it is usual.
_MARKS = re.compile(r"</?\w[^<>\n]{0,60}>|[^\w\s]{2,}|(?<!\S)[^\w\s](?!\S)|(?<=[^\W\d_])[^\w\s'’./&*-](?=[^\W\d_])")
_USUAL = re.compile(
    r"[-+*/=×÷−–—•#>|&]|[(\[]?[\"'“‘«]?[$€£]?|%?[)\]]?[\"'”’»]?(?:[.,;:!?…]|\.\.\.)?[)\]]?[\"'”’»]?|--|://"
)
_PAIRS = (("(", ")"), ("[", "]"), ("{", "}"), ("“", "”"))


@dataclass(slots=True)
class Reading:
    """One sentence as it was understood: what it says, the words that no claim explains, and what it says is not so."""

    claims: Sequence[Claim] = ()
    spare: str = ""
    denied: Sequence[Said] = ()


@dataclass(slots=True)
class Tally:
    """The running counts over a text. `asides` are the stretches where nothing that is said counts as said."""

    asides: list[Span]
    claims: list[Claim] = field(default_factory=list)
    found: dict[str, set[str]] = field(default_factory=dict)
    wrong: set[Said] = field(default_factory=set)
    denied: set[Said] = field(default_factory=set)
    filler: int = 0
    repeats: int = 0
    authority: int = 0
    retracted: bool = False

    def add(self, sentence: surface.Sentence, reading: Reading) -> None:
        """Count one sentence."""
        claims = self.heard(sentence, reading.claims)
        self.denied.update(reading.denied)
        if not claims:
            self._spare(sentence.text)
            self.claims.append(Claim(sentence.start, sentence.end, "filler", sentence.text, ok=False))
            self.retracted = self.retracted or retracts(sentence.text)
            return
        self._count_repeats([(c.key, c.value) for c in claims])
        if reading.spare:
            self._spare(reading.spare)
        for claim in claims:
            self.found.setdefault(claim.key, set()).add(claim.value)
            if not claim.ok:
                self.wrong.add((claim.key, claim.value))
            self.claims.append(claim.within(sentence))

    def heard(self, sentence: surface.Sentence, claims: Sequence[Claim]) -> Sequence[Claim]:
        """The claims that count as said: none in quotation marks, struck out or in a hidden comment unless false.

        Quotation marks around the value alone are mere dress.
        """
        if not self.asides or not claims:
            return claims
        return [c for c in claims if not (c.ok and self._set_apart(sentence, c))]

    def is_value(self, claim: Claim) -> bool:  # noqa: ARG002 (a world that has such claims looks at it)
        """Whether a claim covers a value alone and not all that is said of it."""
        return False

    def weigh(self, words: str) -> int:
        """How many empty sentences some words are worth."""
        return surface.weight(words)

    def _set_apart(self, sentence: surface.Sentence, claim: Claim) -> bool:
        put = claim.within(sentence)
        at = bisect_right(self.asides, put.start, key=itemgetter(0)) - 1
        start, end = self.asides[max(at, 0)]
        if not start <= put.start < put.end <= end:
            return False
        return not self.is_value(claim) or end - start > put.end - put.start + ARTICLE

    def _spare(self, words: str) -> None:
        self.filler += self.weigh(words)
        self.authority += surface.cites_authority(words)

    def _count_repeats(self, said: Sequence[Said]) -> None:
        """A sentence with nothing new is a repeat. So is what one sentence says twice, or says again in plenty."""
        once = set(said)
        stale = sum(value in self.found.get(key, ()) for key, value in once)
        fresh = len(once) - stale
        self.repeats += len(said) - len(once) + (max(0, stale - 2 * fresh) if fresh else 1)

    @property
    def right(self) -> set[str]:
        """What was spoken of, rightly, and never otherwise, nor denied."""
        if self.retracted:
            return set()
        bad = {key for key, _ in self.wrong} | {key for key, value in self.denied if value in self.found.get(key, ())}
        return self.found.keys() - bad


def asides(text: str) -> list[Span]:
    """Where a text quotes, strikes out or hides words, in order. Quotation marks around all of it are no quotation."""
    spans = [m.span() for m in _QUOTED.finditer(text)] if any(mark in text for mark in _QUOTES) else []
    at = text.find("<!--")
    while at >= 0:
        end = text.find("-->", at)
        spans.append((at, end + 3 if end >= 0 else len(text)))
        at = text.find("<!--", spans[-1][1])
    whole = (len(text) - len(text.lstrip()), len(text.rstrip()))
    out: list[Span] = []
    for start, end in sorted(span for span in spans if span != whole):
        if out and start < out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def clutter(text: str) -> int:
    """How much of a text is stray marks: what no hand that writes to be read would put there."""
    count = 0
    for found in _MARKS.finditer(text):
        run = found.group().replace("**", "").replace("__", "")
        if not _USUAL.fullmatch(run):
            count += -(-len(run) // 3)
        elif len(found.group()) == 1 and run.isascii() and run in ".,;:!?\"'()":
            count += 1
    return count + sum(abs(text.count(one) - text.count(other)) for one, other in _PAIRS)
