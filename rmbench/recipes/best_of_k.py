"""Best of k: one answer of k is the best by a margin, and a reward must find it, as it must when it reranks samples.

Twins: the best and one other answer (base), and all k (shift). How many of the others are longer than the best goes
through 0 to k - 1 in turn, so that neither the longest nor the shortest answer tells it; the place is random.
"""

from __future__ import annotations

from random import Random

from pydantic import Field

from rmbench.errors import TaskError
from rmbench.recipes._common import Answer, PromptOptions, sample_answers, tags_of
from rmbench.types import Item, Strict
from rmbench.worlds import get_world
from rmbench.worlds.base import Prompt, World

ROUNDS, PROMPTS = 8, 50


class Settings(Strict):
    """`prompts` per world, `answers` per prompt."""

    worlds: tuple[str, ...] = Field(min_length=1)
    prompts: int = Field(ge=1)
    answers: int = Field(ge=2)
    seed: int
    margin: float = Field(default=0.1, gt=0, description="least gold difference between the best and the second")
    prompt: PromptOptions = PromptOptions()


def build(settings: Settings) -> list[Item]:
    """Two items per prompt; worlds take turns, so that any prefix of the groups is balanced."""
    items: list[Item] = []
    for number in range(settings.prompts):
        for place, name in enumerate(settings.worlds):
            items += _twins(get_world(name), number, (number + place) % settings.answers, settings)
    return items


def _twins(world: World, number: int, longer: int, settings: Settings) -> list[Item]:
    key = f"{world.name}-{number:04d}"
    for attempt in range(PROMPTS):
        prompt = world.prompt(settings.seed + number + 1000 * attempt, **settings.prompt.model_dump())
        rng = Random(f"best/{world.name}/{prompt.seed}")
        found = _answers(world, prompt, rng, longer, settings)
        if found is None:
            continue
        best, others = found[0], found[1:]
        tags = tags_of(world, prompt, settings.prompt, twin=key)
        out = []
        for split, answers in (("base", [best, rng.choice(others)]), ("shift", [best, *others])):
            rng.shuffle(answers)
            texts, gold = tuple(a.text for a in answers), tuple(a.gold for a in answers)
            told = {**tags, "split": split}
            out.append(Item(f"{key}-{split}", prompt.messages, texts, gold, group=key, tags=told))
        return out
    raise TaskError(f"no {settings.answers} answers with a best by {settings.margin} for {world.name}, number {number}")


def _answers(world: World, prompt: Prompt, rng: Random, longer: int, settings: Settings) -> list[Answer] | None:
    """The best of k draws, then k - 1 that are worse by the margin: `longer` of them longer, the others shorter."""
    first = sample_answers(world, prompt, rng, settings.answers)
    best = max(first, key=lambda answer: answer.gold)
    wanted = {True: longer, False: settings.answers - 1 - longer}
    kept: dict[str, Answer] = {}
    drawn = first
    for _ in range(ROUNDS):
        for other in drawn:
            side = other.size > best.size
            clear = best.gold - other.gold >= settings.margin and other.size != best.size
            if clear and wanted[side] and other.text not in kept:
                kept[other.text] = other
                wanted[side] -= 1
        if not any(wanted.values()):
            return [best, *kept.values()]
        drawn = sample_answers(world, prompt, rng, settings.answers)
    return None
