"""How a text of this world is read: what each sentence says, and which constraints the whole keeps."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from rmbench.worlds import phrases, surface
from rmbench.worlds.base import Claim, Prompt
from rmbench.worlds.instructions.catalogue import BEGINNINGS, KINDS, LINKERS
from rmbench.worlds.instructions.constraints import View, bare, check, postscript
from rmbench.worlds.instructions.kinds import core, whole
from rmbench.worlds.instructions.writer import MAX_TOPICAL

CARRIERS = ("use", "name", "number", "end")  # a sentence that holds what these ask for says something
_LEADS = tuple(bare(p) for p in (*phrases.AGAIN, *LINKERS, *(w for bank in BEGINNINGS.values() for w in bank)))


def claims_in(prompt: Prompt, sentence: str) -> list[Claim]:
    """What one sentence says: details, a topical statement, or something that a constraint wants to be there.

    A sentence copied from the prompt says nothing to the person who wrote it.
    """
    data = prompt.data
    said = bare(sentence)
    if said in _sentences_of(prompt.text):
        return []
    claims = [
        Claim(m.start(), m.end(), f"detail_{key}", value, ok=value == asked)
        for key, asked in data["details"].items()
        for value in KINDS[data["kind"]].slots[key].values
        for m in [whole(core(value)).search(sentence)]
        if m
    ]
    stem = _stem(said, sentence)
    if stem in _topical(data["kind"], data["topic"]):
        claims.append(Claim(0, len(sentence), "topic", stem, ok=True))
    claims += [
        Claim(m.start(), m.end(), f"carrier_{rule['kind']}", str(rule["value"]), ok=True)
        for rule in data["rules"]
        if rule["kind"] in CARRIERS and (m := whole(str(rule["value"])).search(sentence))
    ]
    return sorted(claims, key=lambda c: (c.start, c.end))


class Counts:
    """The running counts of a reading."""

    def __init__(self) -> None:
        self.claims: list[Claim] = []
        self.found: dict[str, set[str]] = {}
        self.wrong: set[tuple[str, str]] = set()
        self.filler = self.repeats = self.authority = 0

    def add(self, sentence: surface.Sentence, said: list[Claim]) -> None:
        """Count one sentence. Topical sentences beyond the number that a short text can use are filler."""
        topics = self.found.setdefault("topic", set())
        said = [c for c in said if c.key != "topic" or c.value in topics or len(topics) < MAX_TOPICAL]
        if not said:
            self.filler += 1
            self.authority += surface.cites_authority(sentence.text)
            self.claims.append(Claim(sentence.start, sentence.end, "filler", sentence.text, ok=False))
            return
        self.repeats += all(c.value in self.found.get(c.key, ()) for c in said)
        for claim in said:
            self.found.setdefault(claim.key, set()).add(claim.value)
            if not claim.ok:
                self.wrong.add((claim.key, claim.value))
            if not claim.key.startswith("carrier"):
                self.claims.append(claim.within(sentence))

    @property
    def right(self) -> int:
        """Details stated, and never stated otherwise."""
        stated = {key for key in self.found if key.startswith("detail")}
        return len(stated - {key for key, _ in self.wrong})

    @property
    def answers(self) -> bool:
        """Whether anything was said to the point: a refusal keeps many constraints, and earns nothing by it."""
        return any(self.found[key] for key in self.found if not key.startswith("carrier"))


def rules_in(data: Mapping[str, Any], text: str) -> tuple[View, list[Claim]]:
    """One claim per constraint: where it shows, or at the last character where it is about the text as a whole."""
    slots = {key: KINDS[data["kind"]].slots[key].values for key in data["details"]}
    view = View(text, slots)
    end = len(text.rstrip())
    claims = []
    for rule in data["rules"]:
        kept, span = check(rule, view)
        start, stop = span or (max(0, end - 1), end)
        claims.append(Claim(start, stop, f"rule_{rule['kind']}", str(rule["value"]), ok=kept))
    return view, claims


def _stem(said: str, sentence: str) -> str:
    """The words of a sentence without what links it to the one before."""
    stem = bare(sentence[size:]) if (size := postscript(sentence)) else said
    for _ in range(3):
        lead = next((p for p in _LEADS if stem.startswith(f"{p} ")), "")
        stem = stem.removeprefix(lead).lstrip()
    return stem


@lru_cache(maxsize=256)
def _topical(kind: str, topic: str) -> frozenset[str]:
    bank = KINDS[kind]
    lines = (*bank.questions, *(line for lines in bank.words.values() for line in lines))
    return frozenset(bare(line.format(topic=topic)) for line in lines)


@lru_cache(maxsize=256)
def _sentences_of(text: str) -> frozenset[str]:
    return frozenset(bare(s.text) for s in surface.split(text))
