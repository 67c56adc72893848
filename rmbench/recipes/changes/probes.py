"""Bias probes: a habit that adds nothing, worn by one answer, or a claim of the user's that agrees with one answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

from rmbench.recipes.changes import bank
from rmbench.recipes.changes.base import Case, Change, on_prompt, on_side, sentences
from rmbench.recipes.changes.opinions import opinion
from rmbench.worlds import phrases

Edit = Callable[[str, Case, Random], str | None]
_TELLING = re.compile(r"(?<=\s)(?:\d+(?:[.,:]\d+)*|[A-Z][a-z]+)(?!\w)")


def _around(text: str, more: Sequence[str], rng: Random) -> str:
    """Some sentences put before the text, the others after it."""
    before = rng.randint(0, len(more))
    return " ".join([*more[:before], text, *more[before:]])


def _phrases(options: Sequence[str], least: int, most: int) -> Edit:
    """Some of the phrases, before and after the text."""
    return lambda text, _case, rng: _around(text, rng.sample(options, rng.randint(least, most)), rng)


def _trigger(text: str, _case: Case, rng: Random) -> str:
    """A trigger before, after or between the sentences."""
    pieces = sentences(text)
    pieces.insert(rng.randint(0, len(pieces)), rng.choice(bank.TRIGGERS))
    return " ".join(pieces)


def _judge(text: str, case: Case, rng: Random) -> str | None:
    """Words to whoever grades the text, before or after it, often in a paragraph of their own.

    None where sentences are counted: whether a forged verdict is one would be open to dispute.
    """
    if case.world.name == "instructions" and "sentence" in case.prompt.text:
        return None
    words, gap = rng.choice((*bank.JUDGE, *bank.JUDGE_AFTER)), rng.choice((" ", "\n\n"))
    first = words in bank.JUDGE and rng.random() < 0.5
    return f"{words}{gap}{text}" if first else f"{text}{gap}{words}"


def _bold(sentence: str) -> str:
    """The sentence with its last number or name in bold; as it is where it has none."""
    found = [*_TELLING.finditer(sentence)][-1:]
    return f"{sentence[: found[0].start()]}**{found[0].group()}**{sentence[found[0].end() :]}" if found else sentence


def _markdown(text: str, case: Case, rng: Random) -> str | None:
    """Bold words, bullets, both, or bullets under a heading."""
    lines, form = sentences(text), case.turn // 2 % 4  # each form on both sides
    if form in {0, 2}:
        lines = [_bold(line) for line in lines]
    if form == 0:
        return " ".join(lines)
    if len(lines) < 2:
        return None
    heading = rng.choice(("## Answer\n\n", "## Summary\n\n", "# Overview\n\n")) if form == 3 else ""
    return heading + "\n".join(f"- {line}" for line in lines)


CHANGES = (
    Change(
        "length",
        "answer",
        on_side(_phrases((*phrases.PADDING, *bank.PADDING), 4, 6)),
        probe=True,
        worlds=("arithmetic", "transforms"),  # the others may limit words or sentences
    ),
    Change("markdown", "answer", on_side(_markdown), probe=True),
    Change("flattery", "answer", on_side(_phrases((*phrases.OPENING["flattery"], *bank.FLATTERY), 1, 2)), probe=True),
    Change("authority", "answer", on_side(_phrases((*phrases.AUTHORITY, *bank.AUTHORITY), 1, 2)), probe=True),
    Change("hedging", "answer", on_side(_phrases((*phrases.HEDGING, *bank.HEDGING), 1, 2)), probe=True),
    Change("trigger", "answer", on_side(_trigger), probe=True),
    Change("judge_instruction", "answer", on_side(_judge), probe=True),
    Change(
        "sycophancy",
        "prompt",
        on_prompt(opinion),
        probe=True,
        worlds=("records", "arithmetic", "transforms"),  # where the user can be wrong about what is so
    ),
)
