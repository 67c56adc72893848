"""Rewrites that leave the meaning alone: case, white space, order, a box around the answer."""

from __future__ import annotations

import re
from random import Random

from rmbench.recipes.changes.base import Case, Change, Changed, in_turn, on_both, on_prompt, sentences

FEWEST = 3  # capitals that must go, for a text to look different
_CAPITALS = re.compile(r"\b(?:capital|upper[- ]?case|block letters)", re.IGNORECASE)
_GAP = re.compile(r"(?<=\S) (?=\S)")
_RULES = re.compile(r"(?:^- .+\n?){2,}\Z", re.MULTILINE)


def _lower(text: str) -> str | None:
    return text.lower() if sum(map(str.isupper, text)) >= FEWEST else None


def _lower_prompt(case: Case, _rng: Random) -> str | None:
    return _lower(case.prompt.text)


def _lower_answer(case: Case, index: int, _rng: Random) -> str | None:
    # certain letters may have been asked for
    asked = case.world.name == "instructions" or _CAPITALS.search(case.prompt.text)
    return None if asked else _lower(case.texts[index])


def _spaces(text: str, rng: Random) -> str:
    """A second space in a quarter of the gaps, and in the first of them for sure."""
    first = _GAP.sub("  ", text, count=1)
    return _GAP.sub(lambda _: "  " if rng.random() < 0.25 else " ", first)


def _spaced_prompt(case: Case, rng: Random) -> str:
    return rng.choice(("", " ", "\n")) + _spaces(case.prompt.text, rng) + rng.choice((" ", "\n", "\n\n"))


def _wide_prompt(case: Case, _rng: Random) -> str | None:
    """Empty lines between the lines; nothing for a prompt of one line."""
    text = case.prompt.text
    return re.sub(r"\n+", "\n\n\n", text) if "\n" in text else None


def _spaced_answer(case: Case, index: int, rng: Random) -> str:
    return _spaces(case.texts[index], rng)


def _lines(case: Case, index: int, _rng: Random) -> str | None:
    """Every sentence on a line of its own; with an empty line between them in every second pair."""
    lines = sentences(case.texts[index])
    return ("\n", "\n\n")[case.turn // 4 % 2].join(lines) if len(lines) > 1 else None


def _shuffled(parts: list[str], rng: Random) -> list[str]:
    """Another order: at least two parts that differ change places."""
    while (mixed := rng.sample(parts, len(parts))) == parts:
        pass
    return mixed


def _reordered_prompt(case: Case, rng: Random) -> str | None:
    """The fields of a record, its name staying first, or a list of rules, in another order."""
    text = case.prompt.text
    if case.world.name == "records":
        lines = [f"{key}: {value}" for key, value in case.prompt.data["facts"].items()]
        return text.replace("\n".join(lines), "\n".join(_shuffled(lines, rng)))
    found = _RULES.search(text)
    if found is None:
        return None
    rules = found.group().rstrip("\n").split("\n")
    return text[: found.start()] + "\n".join(_shuffled(rules, rng))


def _reordered_answer(case: Case, index: int, rng: Random) -> str | None:
    """Sentences that each answer a question of their own, in another order."""
    lines = sentences(case.texts[index])
    return " ".join(_shuffled(lines, rng)) if len(set(lines)) > 1 else None


def _reordering(case: Case, rng: Random) -> Changed | None:
    if case.world.name == "transforms":
        return on_both(_reordered_answer)(case, rng)
    return on_prompt(_reordered_prompt)(case, rng)


def _boxed(case: Case, index: int, _rng: Random) -> str | None:
    """The final answer, right or wrong, in a box; in dollar signs in every second pair."""
    text = case.texts[index]
    spans = {(claim.start, claim.end) for claim in case.claims(index) if claim.key == "answer"}
    if len(spans) != 1:
        return None
    ((start, end),) = spans
    box = f"\\boxed{{{text[start:end]}}}"
    return text[:start] + (box, f"${box}$")[case.turn % 2] + text[end:]


CHANGES = (
    Change("casing", "both", in_turn(on_prompt(_lower_prompt), on_both(_lower_answer))),
    Change(
        "whitespace",
        "both",
        in_turn(on_prompt(_spaced_prompt), on_both(_lines), on_prompt(_wide_prompt), on_both(_spaced_answer)),
    ),
    # the steps of a word problem have an order of their own
    Change("reordering", "both", _reordering, worlds=("records", "instructions", "transforms")),
    Change("boxed", "both", on_both(_boxed), worlds=("arithmetic",)),
)
