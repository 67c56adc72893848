"""Pairs from close to clear, on familiar and on harder, unseen prompts: where a reward errs, it should know.

Every pair has a better answer. The gold difference goes through five ranges in turn, the kind of prompt through four.
In a close pair the better answer has no flaw that the worse one lacks, so the order is beyond dispute however small
the difference. The better answer is the longer one in half of the pairs of each kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from random import Random

from pydantic import Field

from rmbench.errors import TaskError
from rmbench.recipes._common import Answer, PromptOptions, in_random_order, sample_answers, tags_of
from rmbench.types import Item, Strict
from rmbench.worlds import get_world
from rmbench.worlds.base import Prompt, World

DRAWS, PROMPTS = 40, 50
KINDS: Mapping[str, PromptOptions] = {
    "familiar": PromptOptions(),
    "hard": PromptOptions(difficulty="hard"),
    "unseen": PromptOptions(domain="held_out"),
    "hard_unseen": PromptOptions(difficulty="hard", domain="held_out"),
}
RANGES = ((0.02, 0.05), (0.05, 0.1), (0.1, 0.2), (0.2, 0.4), (0.4, 1.0))
CLOSE = 0.1
GOODS = ("right", "rule_")  # more of these is better, less of the other counts


class Settings(Strict):
    """`pairs` per world and kind of prompt."""

    worlds: tuple[str, ...] = Field(min_length=1)
    pairs: int = Field(ge=1)
    seed: int


def build(settings: Settings) -> list[Item]:
    """Worlds, kinds and ranges take turns, so that any prefix of the groups is balanced."""
    items = []
    for number in range(settings.pairs):
        for row, kind in enumerate(KINDS):
            for column, name in enumerate(settings.worlds):
                turn = number + row + column
                items.append(_pair(get_world(name), kind, number, settings.seed, turn))
    return items


def _pair(world: World, kind: str, number: int, seed: int, turn: int) -> Item:
    options = KINDS[kind]
    low, high = RANGES[turn % len(RANGES)]
    longer = turn // len(RANGES) % 2 == 0
    key = f"{world.name}-{number:04d}-{kind}"
    for attempt in range(PROMPTS):
        prompt = world.prompt(seed + number + 1000 * attempt, **options.model_dump())
        rng = Random(f"selective/{world.name}/{kind}/{prompt.seed}")
        found = _choose(world, prompt, rng, (low, high), longer=longer)
        if found:
            better, worse = found
            tags = tags_of(world, prompt, options, category=kind)
            item = Item(key, prompt.messages, (better.text, worse.text), (better.gold, worse.gold), key, tags=tags)
            return in_random_order(item, rng)
    raise TaskError(f"no pair with a gold difference of {low} to {high} for {world.name}, {kind}")


def _choose(
    world: World, prompt: Prompt, rng: Random, bounds: tuple[float, float], *, longer: bool
) -> tuple[Answer, Answer] | None:
    """A random pair in the bounds among some draws, the better answer the longer or the shorter one as asked."""
    fit = [
        (one, other)
        for one, other in permutations(sample_answers(world, prompt, rng, DRAWS), 2)
        if bounds[0] <= one.gold - other.gold < bounds[1]
        and one.size != other.size
        and (one.size > other.size) == longer
        and (one.gold - other.gold >= CLOSE or plainly_better(one, other))
    ]
    return rng.choice(fit) if fit else None


def plainly_better(one: Answer, other: Answer) -> bool:
    """Whether one text says all that the other says rightly, nothing more that is wrong, and costs no more to read.

    Some difference must be more than a matter of taste.
    """
    if not (one.right >= other.right and one.wrong <= other.wrong):
        return False
    gains = {name: (one.parts[name] - other.parts[name]) * (1 if name.startswith(GOODS) else -1) for name in one.parts}
    del gains["words"]
    return min(gains.values()) >= 0 and any(gain > 0 for name, gain in gains.items() if name != "markup")
