"""A comparison in words, shared by the terminal and the page: what a verdict means, and the texts behind a flip."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rmbench.comparison import Comparison, Difference, TaskComparison
from rmbench.comparison.types import Flip
from rmbench.report.words import TITLES, interval, number, one_line, why
from rmbench.report.worst import installed_items
from rmbench.types import AXES, Axis, Conversation, Item

_SETTING = re.compile(r"\w+\(\w+='([^']+)'\)")


@dataclass(frozen=True, slots=True)
class FlipTexts:
    """The words of one flip. `prompt_b` is there only where the two answers answer different prompts."""

    prompt: str
    prompt_b: str | None
    pick_a: str
    pick_b: str


def by_axis(found: Comparison) -> dict[Axis, list[tuple[str, TaskComparison]]]:
    """The tasks of each axis that both runs hold."""
    tasks = {axis: [(n, t) for n, t in found.tasks.items() if t.card.axis == axis] for axis in AXES}
    return {axis: part for axis, part in tasks.items() if part}


def verdict(one: Difference) -> str:
    """The verdict in a few words, with what would have been enough where it is open."""
    if one.verdict == "no number":
        return f"no number: {why(one.difference.reason)}"
    if one.verdict != "insufficient evidence":
        return one.verdict
    return "identical scores" if one.identical else "insufficient evidence"


def probe_names(task: TaskComparison) -> dict[str, str]:
    """The tested metrics under what tells them apart: `BiasEffect(probe='length')` is called length."""
    short = {name: match[1] if (match := _SETTING.fullmatch(name)) else name for name in task.tested}
    apart = len({*short.values()}) == len(short)
    return {name: one_line(short[name] if apart else name) for name in short}


def summary(found: Comparison) -> list[str]:
    """What to take home, in at most three sentences."""
    held = by_axis(found)
    top = found.skills["overall"] if len(held) == len(AXES) else None
    lines = [] if top is None else [_sentence("Overall", top)]
    if top is None:
        lines = [_sentence(TITLES[axis], found.skills[axis]) for axis in held]
    tasks = [task.headline for task in found.tasks.values()]
    if all(one.identical for one in tasks):
        return ["The two runs have identical scores."]
    counts = {said: sum(one.verdict == said for one in tasks) for said in ("A better", "B better")}
    rest = len(tasks) - sum(counts.values())
    told = [f"A is better on {counts['A better']}", f"B on {counts['B better']}", f"{rest} are open"]
    return [*lines, f"Of {len(tasks)} task{'s' * (len(tasks) != 1)}, {', '.join(told)}."]


def _sentence(name: str, one: Difference) -> str:
    d = one.difference
    if one.verdict == "no number" or d.value is None:
        return f"{name}: no number ({why(d.reason)})."
    bounds = f"{signed(d.value)} {interval(d)}"
    if one.identical:
        return f"{name}: identical scores."
    if one.verdict != "insufficient evidence":
        side = one.verdict[0]
        return f"{name}: {side} is better, A − B is {bounds}."
    told = f" A true difference of {number(one.resolves)} would have shown (80 % power)." if one.resolves else ""
    return f"{name}: insufficient evidence, A − B is {bounds}.{told}"


def signed(value: float | None, digits: int = 2) -> str:
    """A difference with its sign; 0 has none."""
    text = number(value, digits)
    return f"+{text}" if value is not None and value > 0 and float(text) else text


def notes(found: Comparison) -> list[str]:
    """What was left out, and why."""
    said = []
    for side, only in (("A", found.only_a), ("B", found.only_b)):
        if only:
            said.append(f"Only {side} ran {', '.join(map(one_line, only))}: not compared.")
    for name, task in found.tasks.items():
        d = task.headline.difference
        if task.headline.verdict == "no number":
            said.append(f"{one_line(name)}: no number, {why(d.reason)}.")
        if d.missing:
            lost = f"{task.missing.a} lack a score in A, {task.missing.b} in B"
            said.append(f"{one_line(name)}: {d.missing} of {d.n + d.missing} items left out of both ({lost}).")
        if any(task.alone):
            said.append(
                f"{one_line(name)}: {task.alone.a} items that only A has and {task.alone.b} that only B has are left"
                f" out; {task.items} are in both."
            )
    return said


def flip_title(flip: Flip) -> str:
    """Who is right, in a few words; or who is nearer to it."""
    loser = "A" if flip.better == "B" else "B"
    return f"{flip.better} right, {loser} wrong" if flip.right else f"{flip.better} chooses better"


def flip_texts(
    flips: Sequence[Flip], found: Comparison, tasks_dir: Path | None
) -> tuple[dict[tuple[str, str], FlipTexts], list[str]]:
    """The texts by (task, item), and one sentence for each task whose texts cannot be shown."""
    texts: dict[tuple[str, str], FlipTexts] = {}
    missing: list[str] = []
    for name in dict.fromkeys(flip.task for flip in flips):
        items, note = installed_items(found.tasks[name].card, tasks_dir)
        missing += [note] if note else []
        texts |= {(name, flip.item): told for flip in flips if (told := _texts(flip, name, items)) is not None}
    return texts, missing


def _texts(flip: Flip, name: str, items: Mapping[str, Item]) -> FlipTexts | None:
    item = items.get(flip.item) if flip.task == name else None
    if item is None:
        return None
    asked = [_prompt(item.conversation(k)[:-1]) for k in (flip.pick_a, flip.pick_b)]
    other = asked[1] if asked[1] != asked[0] else None
    return FlipTexts(asked[0], other, item.responses[flip.pick_a], item.responses[flip.pick_b])


def _prompt(messages: Conversation) -> str:
    """What was asked; of several turns, who said which."""
    if len(messages) == 1:
        return messages[0]["content"]
    return "\n\n".join(f"{message['role']}: {message['content']}" for message in messages)
