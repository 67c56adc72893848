"""What recipes share."""

from __future__ import annotations

from random import Random

from rmbench.types import Item, Strict
from rmbench.worlds.base import Difficulty, Domain, Prompt, World


class PromptOptions(Strict):
    """Which prompts of a world to draw."""

    difficulty: Difficulty = "base"
    domain: Domain = "base"


def tags_of(world: World, prompt: Prompt, options: PromptOptions, **more: str) -> dict[str, str]:
    """What is needed to make the world's prompt again and grade any text under it."""
    return {
        "world": world.name,
        "world_version": str(world.version),
        "seed": str(prompt.seed),
        "difficulty": options.difficulty,
        "domain": options.domain,
        **more,
    }


def in_random_order(item: Item, rng: Random) -> Item:
    """A pair with its two responses swapped or not, so that position tells nothing."""
    if rng.random() < 0.5:
        return item
    votes = None if item.votes is None else (item.votes[1], item.votes[0])
    probability = None if item.probability is None else 1 - item.probability
    return Item(
        item.id, item.prompt, item.responses[::-1], item.gold[::-1], item.group, probability, votes, dict(item.tags)
    )
