"""What is looked for: the prompts of tasks, and those of their responses that are long enough to mean something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rmbench.types import Message, Task
from rmbench.validation.overlap import HOLDERS, words

LONG = 30  # words of a response below which a copy may be chance


@dataclass(slots=True)
class Passage:
    """A prompt or a response. `parts` are the words of its messages, `items` (task, item) those that have it."""

    parts: tuple[str, ...]
    text: str
    group: str
    task: str
    items: list[tuple[str, str]] = field(default_factory=list)


def prompts(tasks: Sequence[Task]) -> list[Passage]:
    """Every prompt of each task once; those without a word are none."""
    found: dict[tuple[str, tuple[str, ...]], Passage] = {}
    for task in tasks:
        for item in task.items:
            for prompt in dict.fromkeys(_contents(prompt) for prompt in item.contexts or (item.prompt,)):
                parts = tuple(filter(None, map(_plain, prompt)))
                if parts:
                    new = Passage(parts, "\n".join(prompt), item.group, task.card.name)
                    one = found.setdefault((task.card.name, parts), new)
                    one.items.append((task.card.name, item.id))
    return [*found.values()]


def responses(tasks: Sequence[Task]) -> list[Passage]:
    """Every long response once, whatever its task; one that many groups of a task share is a phrase in use."""
    found: dict[str, Passage] = {}
    groups: dict[str, dict[str, set[str]]] = {}
    for task in tasks:
        for item in task.items:
            for response in dict.fromkeys(item.responses):
                said = _plain(response)
                if said.count(" ") + 1 >= LONG:
                    one = found.setdefault(said, Passage((said,), response, item.group, task.card.name))
                    one.items.append((task.card.name, item.id))
                    groups.setdefault(said, {}).setdefault(task.card.name, set()).add(item.group)
    return [one for said, one in found.items() if not _in_use(groups[said])]


def _in_use(groups: Mapping[str, set[str]]) -> bool:
    return any(len(held) > HOLDERS for held in groups.values())


def _contents(prompt: Sequence[Message]) -> tuple[str, ...]:
    return tuple(message["content"] for message in prompt)


def _plain(text: str) -> str:
    return " ".join(words(text))
