"""The record world. See the package's docstring for what is asked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any, ClassVar

from rmbench.worlds import surface
from rmbench.worlds.base import Choice, Claim, Difficulty, Domain, Gold, Picks, Prompt, World, weighted
from rmbench.worlds.records import lexicon, reader
from rmbench.worlds.records.bank import ASKS, BASE, HARDER_ASKS, HELD_OUT, Field, Kind
from rmbench.worlds.tidy import unwrap

KINDS = lexicon.KINDS
FACTS = {"base": 5, "hard": 7}
OVER_LIMIT_COST = 0.006  # per word beyond the limit


class Records(World):
    """A record is shown; the answer must state all of it, truly, briefly, and nothing more."""

    name: ClassVar[str] = "records"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "faithful record-to-text summaries with a word limit"
    one_thing_once: ClassVar[bool] = True

    def make(self, rng: Random, difficulty: Difficulty, domain: Domain) -> tuple[str, dict[str, Any]]:
        """A record of a random kind with some of its fields, and the request."""
        kind = rng.choice(BASE if domain == "base" else HELD_OUT)
        asks = ASKS if domain == "base" else HARDER_ASKS
        count = FACTS[difficulty]
        shown = sorted(rng.sample(range(len(kind.fields)), count))
        facts = {kind.fields[i].key: kind.fields[i].values(rng) for i in shown}
        name = kind.names(rng)
        limit = 10 * count + rng.randrange(-5, 6)
        wrong = {key: _another(_field(kind, key), value, rng) for key, value in facts.items()}
        spare = [f for f in kind.fields if f.key not in facts]
        invented = {f.key: f.values(rng) for f in rng.sample(spare, len(spare))[:2]}
        lines = [f"Name: {name}", *(f"{key}: {value}" for key, value in facts.items())]
        ask = rng.choice(asks).format(noun=kind.noun, limit=limit)
        blocks = [ask, "\n".join(lines)]
        if rng.random() < 0.25:
            blocks.reverse()
        data = {"kind": kind.key, "name": name, "facts": facts, "wrong": wrong, "invented": invented, "limit": limit}
        return "\n\n".join(blocks), data

    def substance(self, prompt: Prompt) -> tuple[Choice, ...]:
        """Each field is stated right, stated wrong or left out; up to one further fact is made up."""
        count = len(prompt.data["facts"])
        facts = (Choice(f"fact_{i + 1}", *weighted(right=0.74, wrong=0.19, missing=0.07)) for i in range(count))
        return (*facts, Choice("invented", *weighted(none=0.78, one=0.22)))

    def body(self, prompt: Prompt, picks: Picks, rng: Random) -> list[str]:
        """Two facts a sentence, in record order or shuffled."""
        said = _said(prompt, picks)
        if rng.random() < 0.4:
            rng.shuffle(said)
        kind = KINDS[prompt.data["kind"]]
        phrases = [rng.choice(_field(kind, key).says).format(v=value) for key, value in said]
        out = []
        for i in range(0, len(phrases), 2):
            subject = prompt.data["name"] if i == 0 or rng.random() < 0.15 else rng.choice(kind.subjects)
            out.append(f"{subject} {_join(phrases[i : i + 2], rng)}.")
        return out

    def read(self, prompt: Prompt, sentence: str) -> list[Claim]:
        """What the sentence says of the record, and the words in it that say nothing."""
        return reader.read(prompt.data, prompt.text, sentence)

    def sentences(self, text: str) -> list[surface.Sentence]:
        """Line breaks inside sentences are idle, and no sentence is endless."""
        return surface.split(unwrap(text), surface.LONGEST)

    def asked(self, prompt: Prompt) -> int:
        """Every field of the record."""
        return len(prompt.data["facts"])

    def gold(self, prompt: Prompt, text: str) -> Gold:
        """The shared grade, with invented facts told apart from wrong ones and the word limit applied."""
        gold = super().gold(prompt, text)
        facts = prompt.data["facts"]
        invented = len({(c.key, c.value) for c in gold.claims if c.key != "filler" and c.key not in facts})
        over = max(0.0, gold.parts["words"] - prompt.data["limit"])
        parts = {**gold.parts, "wrong": gold.parts["wrong"] - invented, "invented": float(invented), "over": over}
        return replace(gold, parts=parts, score=self.grade(parts))

    def grade(self, parts: Mapping[str, float]) -> float:
        """An invented fact costs what a wrong one does; each word over the limit costs a little."""
        wrong = parts["wrong"] + parts.get("invented", 0.0)
        return super().grade({**parts, "wrong": wrong}) * math.exp(-OVER_LIMIT_COST * parts.get("over", 0.0))

    def expect_substance(self, prompt: Prompt, picks: Picks) -> dict[str, float]:
        """Counts of facts by what was picked for them."""
        states = [picks[f"fact_{i + 1}"] for i in range(len(prompt.data["facts"]))]
        return {
            "right": float(states.count("right")),
            "wrong": float(states.count("wrong")),
            "invented": float(picks["invented"] == "one"),
        }


def _said(prompt: Prompt, picks: Picks) -> list[tuple[str, str]]:
    said = []
    for i, (key, value) in enumerate(prompt.data["facts"].items()):
        state = picks[f"fact_{i + 1}"]
        if state != "missing":
            said.append((key, value if state == "right" else prompt.data["wrong"][key]))
    if picks["invented"] == "one":
        key = next(iter(prompt.data["invented"]))
        said.append((key, prompt.data["invented"][key]))
    return said


def _field(kind: Kind, key: str) -> Field:
    return next(f for f in kind.fields if f.key == key)


def _another(field: Field, value: str, rng: Random) -> str:
    """A wrong value of the same sort: for numbers often a near one, else a fresh draw."""
    while True:
        other = field.values(rng)
        if value.isdigit() and rng.random() < 0.5:
            spot = rng.randrange(len(value))
            other = value[:spot] + rng.choice("123456789") + value[spot + 1 :]
        if other not in {value, "1"}:
            return other


def _join(phrases: list[str], rng: Random) -> str:
    if len(phrases) == 1:
        return phrases[0]
    return rng.choice(("{} and {}", "{} and {}", "{}, and {}")).format(*phrases)
