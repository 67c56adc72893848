"""What an answer says, sentence by sentence, and what that is worth, before any language has words for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from rmbench.recipes._languages.schema import SHOWN, SUBJECTS, WORDS, Subject
from rmbench.worlds import surface

STATED = {"right": 0, "wrong": 1, "other": 2}  # which of a field's values is told: the true one or one of two decoys
TOLD = {"right": 0.6, "wrong": 0.12, "other": 0.08, "missing": 0.2}
TOLD_IN_WORDS = {"right": 0.48, "wrong": 0.18, "other": 0.12, "missing": 0.22}  # errors are in words as often as digits
HABITS = {"invented": 0.2, "polite": 0.2, "padding": 0.15, "closing": 0.15, "repetition": 0.12}
JOINED, SHUFFLED, PADDING_LAST = 0.6, 0.35, 0.7
Picks = Mapping[str, str]


@dataclass(frozen=True)
class Facts:
    """What a record holds. Values are places in the field's list: the true one first, then two others."""

    subject: Subject
    name: int
    values: Mapping[str, tuple[int, ...]]
    request: float  # which of the language's requests, as a share of them
    bullets: bool


@dataclass(frozen=True)
class Step:
    """A sentence to come: fields with the values to tell, or a sentence of the bank `kind` (`which`: a share of it)."""

    kind: str
    told: Mapping[str, int] = field(default_factory=dict)
    which: float = 0.0


def draw(rng: Random) -> Facts:
    """The facts of a record about a random subject. All that it tells in words is shown."""
    subject = SUBJECTS[rng.choice(sorted(SUBJECTS))]
    numbers = [f.key for f in subject.fields if f.kind not in WORDS]
    hidden = rng.sample(numbers, len(subject.fields) - SHOWN)
    fields = [f for f in subject.fields if f.key not in hidden]
    values = {f.key: tuple(rng.sample(range(len(f.values)), len(STATED))) for f in fields}
    return Facts(subject, rng.randrange(len(subject.name.values)), values, rng.random(), rng.random() < 0.5)


def sample(facts: Facts, rng: Random) -> dict[str, str]:
    """What a writer makes of each field, and which habits show. Some field is always told."""
    while True:
        picks = {}
        for key in facts.values:
            shares = TOLD_IN_WORDS if facts.subject.field(key).kind in WORDS else TOLD
            picks[key] = rng.choices([*shares], [*shares.values()])[0]
        if {*picks.values()} != {"missing"}:
            return picks | {habit: "one" if rng.random() < share else "none" for habit, share in HABITS.items()}


def expect(facts: Facts, picks: Picks) -> dict[str, float]:
    """The counts that the picks promise: the same in every language."""
    told = [picks[key] for key in facts.values if picks[key] != "missing"]
    return {
        "right": float(told.count("right")),
        "wrong": float(len(told) - told.count("right") + (picks["invented"] == "one")),
        "asked": float(len(facts.values)),
        "filler": float(sum(picks[habit] == "one" for habit in ("polite", "padding", "closing"))),
        "repeats": float(picks["repetition"] == "one"),
    }


def numbers(facts: Facts, picks: Picks) -> tuple[int, int]:
    """How many fields with digits are told right and, below zero, how many wrong."""
    told = [picks[key] for key in facts.values if facts.subject.field(key).kind not in WORDS]
    return told.count("right"), -told.count("wrong") - told.count("other")


def worth(parts: Mapping[str, float]) -> float:
    """Right / (asked + 2 * wrong), lower for each sentence that says nothing, or nothing new."""
    return parts["right"] / (parts["asked"] + 2 * parts["wrong"]) * surface.quality(parts)


def plan(facts: Facts, picks: Picks, rng: Random) -> list[Step]:
    """The sentences that the picks call for, in their order."""
    told = {key: values[STATED[picks[key]]] for key, values in facts.values.items() if picks[key] != "missing"}
    steps = [Step("tell", {key: told[key] for key in keys}) for keys in _together(facts.subject, [*told], rng)]
    if picks["repetition"] == "one":
        again = rng.choice([*told])
        steps.append(Step("tell", {again: told[again]}))
    if picks["invented"] == "one":
        steps.insert(rng.randint(1, len(steps)), Step("invented", which=rng.random()))
    if picks["padding"] == "one":
        steps.insert(len(steps) if rng.random() < PADDING_LAST else 0, Step("padding", which=rng.random()))
    if picks["polite"] == "one":
        steps.insert(0, Step("polite", which=rng.random()))
    if picks["closing"] == "one":
        steps.append(Step("closing", which=rng.random()))
    return steps


def _together(subject: Subject, told: list[str], rng: Random) -> list[tuple[str, ...]]:
    """The fields by sentence, some of them two in one, mostly in the record's order."""
    joined = [pair for pair in subject.pairs if rng.random() < JOINED and {*pair} <= {*told}]
    units: list[tuple[str, ...]] = [(key,) for key in told]
    for pair in joined:
        place = units.index((pair[0],))
        units[place : place + 1] = [pair]
        units.remove((pair[1],))
    if rng.random() < SHUFFLED:
        rng.shuffle(units)
    return units
