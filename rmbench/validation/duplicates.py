"""Items that are there twice, and answers that are: they make intervals too narrow, or cannot be told apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable

from rmbench.findings import Finding
from rmbench.types import Item, Task
from rmbench.validation.record import Context, conclude

NAME = "duplicates"


def check(task: Task, _context: Context) -> Finding:
    """No item twice, no two equal answers to choose between, and no answers that serve two items."""
    problems, notes = [], []
    for first, second in _twice(task, lambda item: (_prompts(item), tuple(sorted(item.responses)))):
        problems.append(f"items {first.id} and {second.id} have the same prompt and responses; remove one")
    for item in task.items:
        at = _equal_answers(item)
        if at is None:
            continue
        told = f"item {item.id}: responses {at[0] + 1} and {at[1] + 1} are the same text"
        if item.gold[at[0]] != item.gold[at[1]]:
            problems.append(f"{told} with another gold; grade them alike or remove one")
        elif len(item.responses) == 2:
            problems.append(f"{told}: there is nothing to choose; remove the item")
    for first, second in _twice(task, lambda item: tuple(sorted(item.responses))):
        if _prompts(first) != _prompts(second):
            notes.append(f"items {first.id} and {second.id} have the same responses and are no twins")
    return conclude(NAME, "no item or choice is there twice", problems, notes)


def _prompts(item: Item) -> Hashable:
    said = item.contexts or (item.prompt,)
    return tuple(tuple((m["role"], m["content"]) for m in prompt) for prompt in said)


def _equal_answers(item: Item) -> tuple[int, int] | None:
    """The first two responses that are one text under one prompt; with unequal gold if there are such."""
    seen: dict[Hashable, int] = {}
    found = None
    for n, response in enumerate(item.responses):
        prompt = tuple(m["content"] for m in item.contexts[n]) if item.contexts else None
        first = seen.setdefault((prompt, response), n)
        if first == n:
            continue
        if item.gold[first] != item.gold[n]:
            return first, n
        found = found or (first, n)
    return found


def _twice(task: Task, key: Callable[[Item], Hashable]) -> list[tuple[Item, Item]]:
    """Each item that repeats an earlier one, after it. Twins are not compared: they are meant to share."""
    seen: dict[Hashable, list[Item]] = defaultdict(list)
    out = []
    for item in task.items:
        twin = item.tags.get("twin")
        before = [other for other in seen[key(item)] if twin is None or other.tags.get("twin") != twin]
        out += [(before[0], item)] if before else []
        seen[key(item)].append(item)
    return out
