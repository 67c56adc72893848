"""A fresh task: which text, which details, which constraints. All constraints of a prompt can be kept together."""

from __future__ import annotations

from random import Random
from typing import Any

from rmbench.worlds.base import Difficulty, Domain
from rmbench.worlds.instructions.catalogue import BEGINNINGS, ENDINGS, KINDS, NAMES, NUMBERS
from rmbench.worlds.instructions.draft import CLEAN_HABITS, NO_SHELL, attempt
from rmbench.worlds.instructions.prompts import choose_rules
from rmbench.worlds.instructions.writer import Writer

CONSTRAINTS: dict[Difficulty, tuple[int, int]] = {"base": (3, 4), "hard": (5, 6)}
MAX_SENTENCES = 8  # of the shortest text; fewer where the writer must hit a number
SLACK = {"words_max": (16, 22), "words_min": (24, 40), "sentences": (2, 4)}  # above the shortest text that has it all


def fresh(rng: Random, difficulty: Difficulty, domain: Domain) -> dict[str, Any]:
    """The data of a prompt, as plain JSON values."""
    while True:
        name = rng.choice([n for n, k in KINDS.items() if k.domain == domain])
        kind = KINDS[name]
        keys = sorted(rng.sample(sorted(kind.slots), rng.randint(2, 3)))
        details = {key: rng.choice(kind.slots[key].values) for key in keys}
        kinds = choose_rules(kind, details, rng.randint(*CONSTRAINTS[difficulty]), rng)
        data: dict[str, Any] = {"kind": name, "topic": rng.choice(kind.topics), "details": details}
        data["rules"] = [_rule(rule, data, rng, spare) for rule, spare in _with_words(kinds, name, rng)]
        if _set_length(data, rng):
            return data


def _with_words(kinds: list[str], name: str, rng: Random) -> list[tuple[str, str]]:
    """Each rule with a word of its own, so that no two rules speak of the same word."""
    return list(zip(kinds, rng.sample(sorted(KINDS[name].words), len(kinds)), strict=True))


def _rule(rule: str, data: dict[str, Any], rng: Random, word: str) -> dict[str, Any]:
    kind = KINDS[data["kind"]]
    plain = [k for k in data["details"] if kind.slots[k].plain]
    first, then = rng.sample(sorted(data["details"]), 2)
    n = rng.choice((1, 2))
    values: dict[str, dict[str, Any]] = {
        "caps": {"value": rng.choice(plain or [first])},
        "commas": {"value": 2},
        "exclamations": {"value": 2},
        "question": {"value": rng.randint(2, 3)},
        "use": {"value": word},
        "avoid": {"value": word},
        "count": {"value": word, "n": n, "near": n + rng.choice((-1, 1))},
        "name": {"value": rng.choice(NAMES)},
        "number": {"value": rng.choice(NUMBERS)},
        "begin": {"value": rng.choice(BEGINNINGS[kind.domain])},
        "end": {"value": rng.choice(ENDINGS[kind.domain])},
        "order": {"value": first, "then": then},
    }
    return {"kind": rule, **values.get(rule, {"value": 0})}


def _set_length(data: dict[str, Any], rng: Random) -> bool:
    """Set the limit on length from the shortest text that keeps all else; False where that would be a long text."""
    made = attempt(Writer(data, clean(data), Random(0), NO_SHELL, short=True))
    for rule in data["rules"]:
        if rule["kind"] in SLACK:
            size = len(made.all) if rule["kind"] == "sentences" else made.words
            rule["value"] = size + rng.randint(*SLACK[rule["kind"]])
    counted = any(rule["kind"] == "sentences" for rule in data["rules"])
    return len(made.all) <= MAX_SENTENCES - 2 * counted


def clean(data: dict[str, Any]) -> dict[str, str]:
    """The picks of a writer who does everything right."""
    details = {f"detail_{key}": "right" for key in data["details"]}
    return {**details, **{f"rule_{rule['kind']}": "keep" for rule in data["rules"]}, **CLEAN_HABITS}
