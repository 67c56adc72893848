"""Twins: a base item and its shifted versions, which differ in one thing, so that a changed verdict has one cause."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from itertools import combinations

from rmbench.findings import Finding
from rmbench.types import Item, Message, Task
from rmbench.validation.record import Context, conclude

NAME = "twins"
DECLARED = ("change", "language", "chosen_style")  # tags that say that more than one side was rewritten, and how
ABOUT = ("world", "seed", "difficulty", "domain")  # tags that say what an item is about


def check(task: Task, _context: Context) -> Finding:
    """Twins share group, gold order, and either the prompt or the responses."""
    twins: dict[str, list[Item]] = defaultdict(list)
    for item in task.items:
        if "twin" in item.tags:
            twins[item.tags["twin"]].append(item)
    problems, notes, compared = [], [], 0
    for name, items in twins.items():
        base = [item for item in items if item.tags.get("split") == "base"]
        shifted = [item for item in items if item not in base]
        if len({item.group for item in items}) > 1:
            problems.append(f"the twins {name} are in different groups; they must be resampled together")
        if not base or not shifted:
            notes.append(f"the twin {items[0].id} is alone: no {'shifted' if base else 'base'} item is tagged {name}")
            continue
        compared += len(shifted)
        problems += [said for item in shifted for said in _differences(item, base)]
    if not twins:
        return conclude(NAME, "there are none")
    return conclude(NAME, f"{compared} shifted items differ from their base in one thing", problems, notes)


def _differences(item: Item, base: Sequence[Item]) -> Iterator[str]:
    """What is wrong with a shifted item, given the base items that it comes from."""
    same_prompt = _prompts(item) <= {prompt for other in base for prompt in _prompts(other)}
    known = {text for other in base for text in other.responses}
    same_responses = {*item.responses} <= known or any({*other.responses} <= {*item.responses} for other in base)
    about = [tag for tag in ABOUT if tag in item.tags and _strange(tag, item, base)]
    if not same_prompt and not same_responses and not any(tag in item.tags for tag in DECLARED):
        yield f"item {item.id} and its twin differ in both prompt and responses; change one, or tag the `change`"
    if about:
        yield f"item {item.id} and its twin differ in {' and '.join(about)}; twins are about one question"
    if any(_prompts(item) == _prompts(other) and {*item.responses} == {*other.responses} for other in base):
        yield f"item {item.id} is the same as its twin: nothing is shifted"
    for other in base:
        if _turned(item, other):
            yield f"item {item.id} and its twin {other.id} order their gold differently; the better must stay better"
            break


def _strange(tag: str, item: Item, base: Sequence[Item]) -> bool:
    values = {other.tags[tag] for other in base if tag in other.tags}
    return bool(values) and item.tags[tag] not in values


def _prompts(item: Item) -> set[Hashable]:
    return {_key(prompt) for prompt in item.contexts or (item.prompt,)}


def _key(prompt: Sequence[Message]) -> Hashable:
    return tuple((message["role"], message["content"]) for message in prompt)


def _turned(item: Item, other: Item) -> bool:
    """Whether two answers that both items have, or their versions, change their order.

    In a pair of which one answer is untouched, the others are versions of each other. Answers to different prompts
    (contexts) are compared only where they are the same.
    """
    here, there = (dict(zip(_answers(i), i.gold, strict=True)) for i in (item, other))
    shared = [answer for answer in here if answer in there]
    if len(shared) == 1 and len(here) == len(there) == 2 and item.contexts is None and other.contexts is None:
        rest = [next(gold for answer, gold in side.items() if answer not in shared) for side in (here, there)]
        return _sign(here[shared[0]] - rest[0]) != _sign(there[shared[0]] - rest[1])
    return any(_sign(here[a] - here[b]) != _sign(there[a] - there[b]) for a, b in combinations(shared, 2))


def _answers(item: Item) -> list[Hashable]:
    """The answers; where an item has several prompts, each with its own."""
    if item.contexts is None:
        return [*item.responses]
    return [(_key(prompt), response) for prompt, response in zip(item.contexts, item.responses, strict=True)]


def _sign(x: float) -> int:
    return (x > 0) - (x < 0)
