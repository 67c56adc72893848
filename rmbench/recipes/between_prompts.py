"""Are scores comparable between prompts? Pairs within a prompt, and pairs of answers to two different prompts.

Both kinds have a known probability, sigmoid((g_a - g_b) / tau), and votes drawn from it. The temperature is fitted on
pairs within a prompt (base) and judged on pairs across prompts (shift): what a reward adds to all answers of a prompt
cancels in the first kind and shows in the second.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from pydantic import Field
from scipy.special import expit

from rmbench.errors import TaskError
from rmbench.recipes._common import Answer, PromptOptions, sample_answers, tags_of
from rmbench.types import Item, Strict
from rmbench.worlds import get_world
from rmbench.worlds.base import Prompt, World

APART = 50_000  # seeds between the first and the second prompts


class Settings(Strict):
    """`pairs` of prompts per world, every other one of two different worlds."""

    worlds: tuple[str, ...] = Field(min_length=2)
    pairs: int = Field(ge=1)
    seed: int
    tau: float = Field(gt=0)
    prompt: PromptOptions = PromptOptions()


def build(settings: Settings) -> list[Item]:
    """Two pairs within and two across per group; worlds and kinds take turns, so that any prefix is balanced."""
    items: list[Item] = []
    worlds = settings.worlds
    for number in range(settings.pairs):
        for place, name in enumerate(worlds):
            same = (number + place) % 2 == 0
            other = name if same else worlds[(place + 1 + number // 2 % (len(worlds) - 1)) % len(worlds)]
            items += _group(f"{name}-{number:04d}", (name, other), settings, number * len(worlds) + place)
    return items


def _group(key: str, names: tuple[str, str], settings: Settings, number: int) -> list[Item]:
    rng = Random(f"between/{settings.seed}/{key}")
    kind = "same_world" if names[0] == names[1] else "other_world"
    sides = []
    for name, start in zip(names, (settings.seed, settings.seed + APART), strict=True):
        world = get_world(name)
        prompt = world.prompt(start + number, **settings.prompt.model_dump())
        sides.append([_Told(prompt, answer) for answer in _two(world, prompt, rng)])
    items = []
    for n, side in enumerate(sides, start=1):
        tags = {**_tags(side[0], settings), "split": "base", "twin": key, "category": "within"}
        items.append(_pair(f"{key}-within-{n}", (side[0], side[1]), settings.tau, rng, tags))
    for n in (0, 1):
        one, other = (sides[0][n], sides[1][n]) if rng.random() < 0.5 else (sides[1][n], sides[0][n])
        tags = {"split": "shift", "twin": key, "category": kind}
        for where, told in (("first", one), ("second", other)):
            tags |= {f"{where}_{name}": value for name, value in _tags(told, settings).items()}
        items.append(_pair(f"{key}-across-{n + 1}", (one, other), settings.tau, rng, tags))
    return items


class _Told(NamedTuple):
    """An answer and what it answers."""

    prompt: Prompt
    answer: Answer


def _tags(told: _Told, settings: Settings) -> dict[str, str]:
    return tags_of(get_world(told.prompt.world), told.prompt, settings.prompt)


def _two(world: World, prompt: Prompt, rng: Random) -> list[Answer]:
    """Two different samples of the reference policy, whatever their gold."""
    for _ in range(100):
        found = sample_answers(world, prompt, rng, 2)
        if len(found) == 2:
            return found
    raise TaskError(f"{world.name}: the prompt with seed {prompt.seed} has one answer only")


def _pair(key: str, told: tuple[_Told, _Told], tau: float, rng: Random, tags: dict[str, str]) -> Item:
    one, other = told
    probability = float(expit((one.answer.gold - other.answer.gold) / tau))
    contexts = (one.prompt.messages, other.prompt.messages)
    return Item(
        id=key,
        prompt=one.prompt.messages,
        responses=(one.answer.text, other.answer.text),
        gold=(one.answer.gold, other.answer.gold),
        group=tags["twin"],
        probability=probability,
        votes=(1, 0) if rng.random() < probability else (0, 1),
        tags=tags,
        contexts=None if one.prompt is other.prompt else contexts,
    )
