"""From a sentence to what it says of the record.

A sentence that the predicates explain to the last word is read as it stands. Any other is read with suspicion: what is
true in it counts only if it is said of the record, plainly; what is false in it counts unless it is denied or only
supposed; and the words that nothing explains are filler. So no dirt on a sentence can pay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from rmbench.worlds import phrases
from rmbench.worlds.base import Claim
from rmbench.worlds.records.lexicon import QUALIFIER, Found, Lexicon, canonical, idle, lexicon, openings, subject
from rmbench.worlds.repair import WORD, spare_words
from rmbench.worlds.stance import Stance, plain, stance, undenied

_JOINTS = frozenset(("and", ",", ", and", ";", "; and", "–", "—", "-"))
_FREE = frozenset("and also but which who that while it then".split())
_LEAD = re.compile("|".join(re.escape(lead.strip()) for lead in phrases.AGAIN), re.IGNORECASE)
_OPEN = re.compile(
    r"(?:^|[^\w\s'’\"“”‘’]|\v|\b(?:and|but|that|while|so|also|because|as|hence|now|here|where))[\s\"“”'‘’]*$",
    re.IGNORECASE,
)
_BINDING = frozenset(
    "of than like unlike near beside behind with without by for from to in on at is are was were the a an this whose"
    " think thinks believe believes wish wishes say says said hope hopes guess not or".split()
)
_STOPS = ".!;:,…)]}\"'”’*_-–— \v\t"
_SHORT = 8  # words that may stand between the record and what is said of it
_NUMBER = re.compile(r"(?<![\w.,/])\d[\d.,:]*(?<![.,:])(?!\s*[%/]|\w)")


def read(data: Mapping[str, Any], text: str, sentence: str) -> list[Claim]:
    """The claims of a sentence about the record `data`, shown to the user in `text`. [] = it says nothing."""
    claims = _well_formed(lexicon(data["kind"]), data, sentence)
    if claims is None:
        idly = idle(data["kind"], sentence)
        claims = [] if idly else [*_suspected(data["kind"], data["name"], (*data["facts"].items(),), text, sentence)]
    return claims


@lru_cache(maxsize=1 << 14)  # a search asks for texts that differ by a sentence
def _suspected(kind: str, name: str, facts: tuple[tuple[str, str], ...], text: str, sentence: str) -> tuple[Claim, ...]:
    truths = {key: canonical(value) for key, value in facts}
    return tuple(_Suspicious(lexicon(kind), truths, subject(kind, name), text, sentence).claims())


def _telling(text: str) -> list[str]:
    """The words that are more than a link."""
    return [w for w in WORD.findall(text) if w.lower() not in _FREE]


def _opens(before: str) -> bool:
    """Whether a new statement can begin here: "Sure, it has …", "As requested it has …", not "The end of it has …"."""
    words = WORD.findall(before)
    return bool(_OPEN.search(before)) or (bool(words) and words[-1].lower() not in _BINDING)


def _claim(found: Found, facts: Mapping[str, str]) -> Claim:
    ok = found.key in facts and found.value == canonical(facts[found.key])
    return Claim(found.start, found.end, found.key, found.value, ok)


def _well_formed(words: Lexicon, data: Mapping[str, Any], sentence: str) -> list[Claim] | None:
    """The claims of a sentence without a word too many; None for any other."""
    at, out = 0, []
    for found in words.closed(sentence):
        gap = sentence[at : found.start].strip().lower()
        if gap not in (_JOINTS if at else openings(data["kind"], data["name"])) or not plain(found.value):
            return None
        claim = _claim(found, data["facts"])
        if not claim.ok and words.alike(found.key, found.value) != found.value:
            return None  # no value that we know: a slip of the pen?
        out.append(claim)
        at = found.stop
    return out if out and not sentence[at:].strip(_STOPS) else None


@dataclass
class _Suspicious:
    """A sentence that is not well formed."""

    words: Lexicon
    truths: Mapping[str, str]
    of_record: re.Pattern[str]
    text: str
    sentence: str
    spare: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)  # what is spare after the record was named

    def __post_init__(self) -> None:
        self.is_plain = plain(self.sentence)

    def claims(self) -> list[Claim]:
        out = self._stated()
        out += self._denied()
        out += self._mentioned({c.key for c in out if not c.ok})
        if not out:
            return []
        filler = " ".join(self.spare)
        if WORD.search(filler):
            out.append(Claim(0, len(self.sentence), "filler", filler, ok=False))
        return out

    def _stated(self) -> list[Claim]:
        repaired = self.words.vocabulary.repair(self.sentence)
        self.places = [*self.words.loose(repaired, self.truths)]
        ends = [f.start for f in self.places[1:]] + [len(self.sentence)]
        out, at, asserted = [], 0, False
        how: Stance = "stated"
        for found, end in zip(self.places, ends, strict=False):
            gap, inside = self.sentence[at : found.start], self.sentence[found.start : found.stop]
            asserted = self._explain(gap, repaired[at : found.start], first=not at, carried=asserted)
            joined = at and not self.of_record.search(gap)  # it is meant as its neighbour
            if not self.is_plain and not (joined and how != "stated"):
                how = stance(gap, self.sentence[found.stop : end])
            claim = self._judge(found, how, asserted)
            if claim:
                out.append(claim)
                self.spare += spare_words(inside, repaired[found.start : found.stop])
            else:
                self.spare.append(inside)
            at = found.stop
        self._leave(self.sentence[at:], late=bool(at))
        return out

    def _judge(self, found: Found, how: Stance, asserted: bool) -> Claim | None:
        """The claim that a predicate makes here; None if it makes none."""
        ok = self.truths.get(found.key) == found.value
        if how == "open":
            return None
        if how == "denied":
            return Claim(found.start, found.end, found.key, f"not {found.value}", ok=False) if ok else None
        if ok and (how == "clouded" or not asserted or QUALIFIER.match(self.sentence[found.stop :])):
            return None
        if not ok and not asserted and not self.words.alike(found.key, found.value):
            return None
        return Claim(found.start, found.end, found.key, found.value, ok)

    def _explain(self, gap: str, repaired: str, *, first: bool, carried: bool) -> bool:
        """Whether what follows the gap is said of the record. What the gap does not explain is spare."""
        if named := [*self.of_record.finditer(repaired)][-1:]:
            start, end = named[0].span()
            before, between = _LEAD.sub(" ", gap[:start]), gap[end:]
            self._leave(before, late=not first)
            self._leave(between, late=True)
            self.spare += spare_words(gap[start:end], repaired[start:end])
            return _opens(before) and len(_telling(between)) <= _SHORT and not any(map(str.isdigit, between))
        gap = _LEAD.sub(" ", gap)
        idle = not _telling(gap)
        self._leave(gap, late=not first)
        if first:
            self.spare.append("fragment")  # no subject, no sentence
            return idle or bool(_OPEN.search(gap))
        return carried and (idle or bool(_OPEN.search(gap)))

    def _leave(self, text: str, *, late: bool) -> None:
        if _telling(text):
            self.spare.append(text.strip())
            if late:
                self.late.append(text)

    def _denied(self) -> list[Claim]:
        """Truths that a negated verb denies: "does not have 9 rooms"."""
        positive = None if self.is_plain else undenied(self.sentence)
        if positive is None:
            return []
        found = self.words.loose(self.words.vocabulary.repair(positive), self.truths)
        known = {f.key for f in self.places}
        denied = {f.key: f.value for f in found if f.key not in known and self.truths.get(f.key) == f.value}
        return [Claim(0, len(self.sentence), key, f"not {value}", ok=False) for key, value in denied.items()]

    def _mentioned(self, known: set[str]) -> list[Claim]:
        """False values named beside the sentence proper, and numbers that the record does not hold."""
        spare = " ; ".join(self.spare) if self.places else self.sentence
        low = [w.lower() for w in WORD.findall(spare)]
        if not any(w in self.words.openers or any(map(str.isdigit, w)) for w in low):
            return []
        out = {}
        named = (m for m in self.words.mentions if m[0] in self.truths and m[0] not in known and m[1] in low)
        for key, _, pattern in named:
            for m in pattern.finditer(spare):
                said, truth = canonical(m["v"]), self.truths[key]
                value = self.words.alike(key, said)
                if value and said.startswith(value) and not said.startswith(truth) and self._is_said(spare, m):
                    out[key] = value
        claims = [Claim(0, len(self.sentence), key, value, ok=False) for key, value in out.items()]
        return claims or self._numbers()

    def _is_said(self, spare: str, found: re.Match[str]) -> bool:
        return self.is_plain or stance(spare[: found.start()], spare[found.end() :]) in {"stated", "clouded"}

    def _numbers(self) -> list[Claim]:
        numbers = {m.group() for part in self.late for m in _NUMBER.finditer(part)} if self.is_plain else set()
        new = sorted(n for n in numbers if not re.search(rf"(?<![\d.]){re.escape(n)}(?!\d)", self.text))
        return [Claim(0, len(self.sentence), f"number {n}", n, ok=False) for n in new]
