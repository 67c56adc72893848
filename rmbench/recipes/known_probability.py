"""Pairs for the calibration axis, whose true preference probability is known: sigmoid((g_a - g_b) / tau).

Votes are drawn from that probability, so that proper scores against labels can be had beside those against the truth.
"""

from __future__ import annotations

from random import Random

from pydantic import Field
from scipy.special import expit

from rmbench.recipes._common import PromptOptions, tags_of
from rmbench.types import Item, Strict
from rmbench.worlds import get_world


class Settings(Strict):
    """`pairs` per world (and per split, when a shift is given)."""

    worlds: tuple[str, ...] = Field(min_length=1)
    pairs: int = Field(ge=1)
    seed: int
    tau: float = Field(gt=0)
    raters: int = Field(default=1, ge=1, description="votes per pair, each drawn from the same probability")
    base: PromptOptions = PromptOptions()
    shift: PromptOptions | None = None


def build(settings: Settings) -> list[Item]:
    """Two samples of the reference policy per prompt, whatever their gold."""
    splits = [("base", settings.base)] + ([("shift", settings.shift)] if settings.shift else [])
    items = []
    for number in range(settings.pairs):
        for name in settings.worlds:
            for split, options in splits:
                world = get_world(name)
                prompt = world.prompt(settings.seed + number, **options.model_dump())
                rng = Random(f"calibration/{name}/{split}/{settings.seed + number}")
                texts = tuple(world.render(prompt, world.sample(prompt, rng), rng.randrange(2**31)) for _ in range(2))
                gold = tuple(world.gold(prompt, text).score for text in texts)
                probability = float(expit((gold[0] - gold[1]) / settings.tau))
                first = sum(rng.random() < probability for _ in range(settings.raters))
                votes = (first, settings.raters - first)
                tags = tags_of(world, prompt, options, **({"split": split} if settings.shift else {}))
                key = f"{name}-{number:04d}-{split}"
                items.append(Item(key, prompt.messages, texts, gold, key, probability, votes, tags))
    return items
