"""Pairs from close to clear, on familiar and on harder, unseen prompts: where a reward errs, it should know.

Every pair has a better answer. The gold difference goes through five ranges in turn, the kind of prompt through four.
In a close pair the better answer has no flaw that the worse one lacks, so the order is beyond dispute however small
the difference; of two calculations the better one gets more right, or both say the same. Pairs are made by twos: in
one the better answer is the longer one, in the other it is as much shorter, so that neither the sign nor the size of
the difference in length tells anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations
from random import Random
from typing import NamedTuple

from pydantic import Field

from rmbench.errors import TaskError
from rmbench.recipes._common import Answer, PromptOptions, in_random_order, sample_answers, sample_dresses, tags_of
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
LONGEST, SAME_LENGTH = 60, 4  # characters
GOODS = ("right", "rule_")  # more of these is better, less of the other counts


class Settings(Strict):
    """`pairs` per world and kind of prompt."""

    worlds: tuple[str, ...] = Field(min_length=1)
    pairs: int = Field(ge=1)
    seed: int


class _Sort(NamedTuple):
    """Pairs that are alike but for their difference in length."""

    world: str
    kind: str
    bounds: tuple[float, float]


def build(settings: Settings) -> list[Item]:
    """Worlds, kinds, ranges and signs take turns, so that any prefix of the groups is balanced."""
    items = []
    kept: dict[_Sort, Item] = {}  # the other one of two that were made together
    for number in range(settings.pairs):
        for row, kind in enumerate(KINDS):
            for column, name in enumerate(settings.worlds):
                sort = _Sort(name, kind, RANGES[(number + row + column) % len(RANGES)])
                if sort not in kept:
                    two = _two(sort, number, settings.seed)
                    here, kept[sort] = two if (row + column) % 2 == 0 else two[::-1]
                    items.append(here)
                else:
                    items.append(kept.pop(sort))
    return items


def _two(sort: _Sort, number: int, seed: int) -> tuple[Item, Item]:
    """A pair whose better answer is the longer one, and a pair whose better answer is as much shorter."""
    gap, first = _pair(sort, number, seed, None)
    return first, _pair(sort, number + len(RANGES), seed, gap)[1]


def _pair(sort: _Sort, number: int, seed: int, gap: int | None) -> tuple[int, Item]:
    """A pair of the sort, and its difference in length; the better answer is longer, or shorter by `gap`."""
    world, options = get_world(sort.world), KINDS[sort.kind]
    for attempt in range(PROMPTS):
        prompt = world.prompt(seed + number + 1000 * attempt, **options.model_dump())
        rng = Random(f"selective/{world.name}/{sort.kind}/{prompt.seed}")
        fit = [(a, b) for a, b in _in_range(world, prompt, rng, sort.bounds) if _as_long(a, b, gap)]
        if fit:
            better, worse = rng.choice(fit)
            key = f"{world.name}-{number:04d}-{sort.kind}"
            tags = tags_of(world, prompt, options, category=sort.kind)
            item = Item(key, prompt.messages, (better.text, worse.text), (better.gold, worse.gold), key, tags=tags)
            return abs(better.size - worse.size), in_random_order(item, rng)
    low, high = sort.bounds
    raise TaskError(f"no pair with a gold difference of {low} to {high} for {sort.world}, {sort.kind}")


def _as_long(better: Answer, worse: Answer, gap: int | None) -> bool:
    longer = better.size - worse.size
    return 0 < longer <= LONGEST if gap is None else abs(longer + gap) <= min(SAME_LENGTH, gap - 1)


def _in_range(
    world: World, prompt: Prompt, rng: Random, bounds: tuple[float, float]
) -> Iterator[tuple[Answer, Answer]]:
    """Every pair among some answers, half of them of one content, whose difference in gold is in the bounds."""
    drawn = [*sample_answers(world, prompt, rng, DRAWS // 2), *sample_dresses(world, prompt, rng, DRAWS // 2)]
    for one, other in permutations(drawn, 2):
        difference = one.gold - other.gold
        if bounds[0] <= difference < bounds[1] and (difference >= CLOSE or _beyond_dispute(world, one, other)):
            yield one, other


def _beyond_dispute(world: World, better: Answer, worse: Answer) -> bool:
    """Two calculations with slips of their own end in different numbers, and many care most for which is nearer."""
    told = world.name != "arithmetic" or better.right > worse.right or better.said == worse.said
    return told and plainly_better(better, worse)


def plainly_better(one: Answer, other: Answer) -> bool:
    """Whether one text says all that the other says rightly, nothing more that is wrong, and costs no more to read.

    Some difference must be more than a matter of taste.
    """
    if not (one.right >= other.right and one.wrong <= other.wrong):
        return False
    gains = {name: (one.parts[name] - other.parts[name]) * (1 if name.startswith(GOODS) else -1) for name in one.parts}
    del gains["words"]
    return min(gains.values()) >= 0 and any(gain > 0 for name, gain in gains.items() if name != "markup")
