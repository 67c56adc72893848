"""Equal pairs beside unequal ones: a reward that is sure of a difference where there is none prefers something else.

A tie is two texts that differ in wording alone, or in which things they get right and wrong, never in how many. A near
tie has the same right and wrong on both sides, and a mark or an empty sentence more on one. The next pair that is
no tie differs in length by as much as the tie did, so that length does not tell ties from the others.
"""

from __future__ import annotations

from itertools import combinations, permutations
from random import Random
from typing import Literal

from pydantic import Field

from rmbench.errors import TaskError
from rmbench.recipes._common import (
    Answer,
    PromptOptions,
    in_random_order,
    sample_answers,
    sample_dresses,
    tags_of,
    write,
)
from rmbench.types import Item, Strict
from rmbench.worlds import get_world, surface
from rmbench.worlds.base import Prompt, World

DRAWS, PROMPTS = 40, 50
NEAR, UNEQUAL = 0.03, 0.15  # gold differences: at most, at least
SAME_LENGTH = 3  # characters
SAME_SENTENCES = 0.5  # the largest share of a tie's sentences that both texts have
Kind = Literal["tie_of_wording", "tie_of_content", "near", "unequal"]
ROUND: tuple[Kind, ...] = ("tie_of_wording", "unequal", "tie_of_content", "unequal", "near")
CATEGORY: dict[Kind, str] = {"tie_of_wording": "tie", "tie_of_content": "tie", "near": "near", "unequal": "unequal"}


class Settings(Strict):
    """`pairs`: rounds of five pairs per world (two ties, two unequal pairs, a near tie), each about its own prompt."""

    worlds: tuple[str, ...] = Field(min_length=1)
    pairs: int = Field(ge=1)
    seed: int


def build(settings: Settings) -> list[Item]:
    """Worlds and kinds of pairs take turns, so that any prefix of the groups is balanced."""
    items: list[Item] = []
    for number in range(settings.pairs):
        gap: dict[str, int] = {}  # by how many characters the last pair of each world differed
        for place, kind in enumerate(ROUND):
            for name in settings.worlds:
                world = get_world(name)
                gap[name], item = _pair(world, kind, len(ROUND) * number + place, settings.seed, gap.get(name))
                items.append(item)
    return items


def _pair(world: World, kind: Kind, number: int, seed: int, gap: int | None) -> tuple[int, Item]:
    """A pair of the kind, and its difference in length: for an unequal pair or a near tie the one asked for."""
    for attempt in range(PROMPTS):
        prompt = world.prompt(seed + number + 1000 * attempt)
        rng = Random(f"ties/{world.name}/{prompt.seed}")
        fit = _fitting(world, prompt, rng, kind)
        if CATEGORY[kind] != "tie":
            fit = [(a, b) for a, b in fit if abs(abs(a.size - b.size) - (gap or 0)) <= SAME_LENGTH]
        if fit:
            one, other = rng.choice(fit)
            key = f"{world.name}-{number:04d}-{kind}"
            tags = tags_of(world, prompt, PromptOptions(), category=CATEGORY[kind], kind=kind)
            item = Item(key, prompt.messages, (one.text, other.text), (one.gold, other.gold), key, tags=tags)
            return abs(one.size - other.size), in_random_order(item, rng)
    raise TaskError(f"no pair of the kind {kind} for {world.name}, number {number}")


def _fitting(world: World, prompt: Prompt, rng: Random, kind: Kind) -> list[tuple[Answer, Answer]]:
    """All pairs of the kind among some draws."""
    if kind == "tie_of_wording":
        picks = world.sample(prompt, rng)
        drawn = [write(world, prompt, picks, rng.randrange(2**31)) for _ in range(DRAWS // 2)]
        return [(a, b) for a, b in combinations(drawn, 2) if _equal(a, b) and _same_content(a, b)]
    if kind == "near":
        drawn = sample_dresses(world, prompt, rng, DRAWS)
        return [(a, b) for a, b in permutations(drawn, 2) if 0 < a.gold - b.gold <= NEAR and _same_content(a, b)]
    drawn = sample_answers(world, prompt, rng, DRAWS)
    if kind == "tie_of_content":
        return [(a, b) for a, b in combinations(drawn, 2) if _equal(a, b) and not _same_content(a, b)]
    return [(a, b) for a, b in permutations(drawn, 2) if a.gold - b.gold >= UNEQUAL]


def _equal(one: Answer, other: Answer) -> bool:
    """Whether two texts have the same gold, by the same counts, in different sentences."""
    same = all(one.parts[name] == other.parts[name] for name in one.parts if not name.startswith(("words", "rule_")))
    first, second = ({s.text for s in surface.split(answer.text)} for answer in (one, other))
    shared = len(first & second) / max(1, min(len(first), len(second)))
    return same and one.gold == other.gold and shared <= SAME_SENTENCES


def _same_content(one: Answer, other: Answer) -> bool:
    """Whether two texts get the same things right and the same things wrong."""
    return (one.right, one.wrong, one.parts["wrong"]) == (other.right, other.wrong, other.parts["wrong"])
