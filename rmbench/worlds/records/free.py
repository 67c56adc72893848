"""The free reading of a summary: which facts of the record a text in anybody's words states, gets wrong or invents.

A fact is a value that the text ties to its field: by the field's own words near it ("since 2012", "24 chapters"), in a
line "Key: value", or because the value can mean nothing else in this record (a street, a desk, a date). Another value
in its place is a wrong fact. A field that the record lacks, a number or a name that the prompt lacks is an invented
one; any other word that the record does not explain costs a little, since the user asked that nothing be added.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any

from rmbench.worlds import free, surface
from rmbench.worlds.base import Claim, Gold, Prompt
from rmbench.worlds.records.bank_cues import CUES, NEUTRAL
from rmbench.worlds.records.mentions import Reader, cue_pattern, invented_names
from rmbench.worlds.records.world import KINDS, OVER_LIMIT_COST


def gold(prompt: Prompt, text: str) -> Gold:
    """Grade a text: right / (asked + 2 * (wrong + invented)), times what costs a careful user time.

    `parts` has the counts of the world's own gold, and those of `rmbench.worlds.free.COST`.
    """
    data = prompt.data
    reading = _Reading(prompt)
    for sentence in surface.split(text):
        reading.add(sentence)
    said = free.words(text)
    parts = {
        "right": float(len(reading.right)),
        "wrong": float(sum(key in data["facts"] for key, _ in reading.bad)),
        "invented": float(sum(key not in data["facts"] for key, _ in reading.bad)),
        "asked": float(len(data["facts"])),
        "filler": float(reading.filler),
        "repeats": float(reading.repeats),
        "authority": float(reading.authority),
        "markup": float(free.markup(text)),
        "placeholders": float(free.placeholders(text)),
        "unsupported": float(reading.unsupported),
        "echoes": float(free.echoes(said)),
        "unfinished": float(free.unfinished(text)),
        "words": float(len(text.split())),
        "over": max(0.0, len(text.split()) - float(data["limit"])),
    }
    substance = parts["right"] / (parts["asked"] + 2 * (parts["wrong"] + parts["invented"]))
    score = substance * free.quality(parts) * math.exp(-OVER_LIMIT_COST * parts["over"])
    return Gold(min(1.0, score), parts, tuple(reading.claims))


class _Reading:
    """The running counts over a text."""

    def __init__(self, prompt: Prompt) -> None:
        self.data: dict[str, Any] = dict(prompt.data)
        self.vocabulary = _vocabulary(self.data["kind"], "\n".join(_record(self.data)))
        self.prompt_words = set(free.words(prompt.text))
        self.claims: list[Claim] = []
        self.stated: dict[str, set[str]] = {}
        self.bad: set[tuple[str, str]] = set()
        self.filler = self.repeats = self.authority = self.unsupported = 0

    @property
    def right(self) -> set[str]:
        """Fields stated, and never stated otherwise."""
        return set(self.stated) - {key for key, _ in self.bad}

    def add(self, sentence: surface.Sentence) -> None:
        """Count one sentence."""
        claims, taken = self._read(sentence.text)
        self.unsupported += sum(not self._explained(w) for w in _other_words(sentence.text, taken))
        if not claims:
            self.filler += 1
            self.authority += surface.cites_authority(sentence.text)
            self.claims.append(Claim(sentence.start, sentence.end, "filler", sentence.text, ok=False))
        said_twice = len(claims) - len({(c.key, c.value) for c in claims})
        self.repeats += max(0, said_twice - 1)  # once may be for emphasis
        if claims and all(c.value in self.stated.get(c.key, ()) or (c.key, c.value) in self.bad for c in claims):
            self.repeats += 1
        for claim in claims:
            if claim.ok:
                self.stated.setdefault(claim.key, set()).add(claim.value)
            else:
                self.bad.add((claim.key, claim.value))
            self.claims.append(claim.within(sentence))

    def _read(self, sentence: str) -> tuple[list[Claim], list[free.Span]]:
        """The claims in a sentence, and the stretches that they explain."""
        facts = self.data["facts"]
        hushed = free.unsaid(sentence)
        reader = Reader(self.data["kind"], self.data["name"], facts, sentence)
        claims = []
        for mention in reader.mentions():
            if free.inside(mention.span, hushed):
                continue
            if not mention.key and mention.value in self.prompt_words:
                continue  # a number of the record that nothing ties to its field
            ok = facts.get(mention.key, "").lower() == mention.value.lower() and not mention.against
            value = f"not {mention.value}" if mention.against else mention.value
            claims.append(Claim(*mention.span, mention.key or "number", value.lower(), ok and bool(mention.key)))
        for span, name in invented_names(reader.sentence, self._known, reader.taken):
            if not free.inside(span, hushed):
                claims.append(Claim(*span, "name", name, ok=False))
                reader.taken.append(span)
        return sorted(claims, key=lambda c: (c.start, c.end)), reader.taken

    def _known(self, word: str) -> bool:
        return word in self.prompt_words or self._explained(word.removesuffix("'s"))

    def _explained(self, word: str) -> bool:
        """Whether a word adds nothing to the record: its own words, and those that speak of its fields."""
        return (
            word in free.FUNCTION
            or free.stem(word) in self.vocabulary
            or any(
                cue_pattern(self.data["kind"], key).fullmatch(word)
                for key, cue in CUES[self.data["kind"]].items()
                if key in self.data["facts"] and cue.words != r"\w+"
            )
        )


def _record(data: dict[str, Any]) -> list[str]:
    return [f"Name: {data['name']}", *(f"{key}: {value}" for key, value in data["facts"].items())]


def _other_words(sentence: str, taken: list[free.Span]) -> list[str]:
    """The words of a sentence that no claim covers; numbers are told apart elsewhere."""
    found = ((m.span(), m.group().lower()) for m in free.WORD.finditer(sentence))
    return [w for span, w in found if not free.inside(span, taken) and not re.fullmatch(r"\d+", w)]


@lru_cache(maxsize=512)
def _vocabulary(kind: str, record: str) -> frozenset[str]:
    """Stems of the words that a summary of this record may use."""
    about = KINDS[kind]
    says = " ".join(s.replace("{v}", " ") for f in about.fields for s in f.says)
    return frozenset(free.content(f"{record} {about.noun} {about.key} {' '.join(about.subjects)} {says} {NEUTRAL}"))
