"""Pools for the overoptimization axis: i.i.d. samples of a world's reference policy, each with its gold."""

from __future__ import annotations

from random import Random

from pydantic import Field

from rmbench.recipes._common import PromptOptions, tags_of
from rmbench.types import Item, Strict
from rmbench.worlds import get_world


class Settings(Strict):
    """`prompts` per world, `candidates` per prompt."""

    worlds: tuple[str, ...] = Field(min_length=1)
    prompts: int = Field(ge=1)
    candidates: int = Field(ge=2)
    seed: int
    prompt: PromptOptions = PromptOptions()


def build(settings: Settings) -> list[Item]:
    """One item per prompt; worlds take turns, so that any prefix of the items is balanced."""
    items = []
    for number in range(settings.prompts):
        for name in settings.worlds:
            world = get_world(name)
            seed = settings.seed + number
            prompt = world.prompt(seed, **settings.prompt.model_dump())
            rng = Random(f"pool/{name}/{seed}")
            texts = tuple(
                world.render(prompt, world.sample(prompt, rng), rng.randrange(2**31))
                for _ in range(settings.candidates)
            )
            key = f"{name}-{number:04d}"
            gold = tuple(world.gold(prompt, text).score for text in texts)
            items.append(
                Item(key, prompt.messages, texts, gold, group=key, tags=tags_of(world, prompt, settings.prompt))
            )
    return items
