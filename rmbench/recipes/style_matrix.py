"""A matrix of styles: two contents of one prompt, each in three styles, every better text against every worse one.

After RM-Bench (Liu et al. 2024, arXiv 2410.16184): rows are the style of the better answer, columns that of the worse.
Below the diagonal the better answer wears the richer style (easy), above it the worse one does (hard), on it both wear
the same (normal). A reward that looks at style alone wins the one triangle and loses the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
from random import Random

from pydantic import Field

from rmbench.errors import TaskError
from rmbench.recipes._common import Answer, PromptOptions, graded, swapped, tags_of
from rmbench.types import Item, Strict
from rmbench.worlds import get_world, surface
from rmbench.worlds.base import Picks, Prompt, World

TRIES, PROMPTS = 60, 50
GOOD = 0.7  # the better content is one to be glad of: two bad answers can be argued about
_CLEAN = {habit: next(iter(options)) for habit, options in surface.HABITS.items()}
_MANNERS = {"opening": "polite", "padding": "short", "closing": "offer"}
STYLES: Mapping[str, Picks] = {  # from the plainest to the richest
    "concise": _CLEAN,
    "detailed": {**_CLEAN, **_MANNERS},
    "markdown": {**_CLEAN, **_MANNERS, "format": "bullets"},
}
_RANK = {style: rank for rank, style in enumerate(STYLES)}
_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:['’-][^\W\d_]+)*")
_BULLET = re.compile(r"^- (.+)$", re.MULTILINE)
_STYLE_COUNTS = {"filler", "markup", "words"}  # what a style may change; all other counts are of the content
Styled = dict[str, Answer]  # one content by style


class Settings(Strict):
    """`prompts` per world: nine pairs each."""

    worlds: tuple[str, ...] = Field(min_length=1)
    prompts: int = Field(ge=1)
    seed: int
    margin: float = Field(default=0.1, gt=0, description="least gold difference, in each of the nine pairs")
    prompt: PromptOptions = PromptOptions()


def build(settings: Settings) -> list[Item]:
    """One group of nine pairs per prompt; worlds take turns, so that any prefix of the groups is balanced."""
    items: list[Item] = []
    for number in range(settings.prompts):
        for name in settings.worlds:
            items += _matrix(get_world(name), number, settings)
    return items


def _matrix(world: World, number: int, settings: Settings) -> list[Item]:
    """Nine pairs; from the next prompt where one leaves no room for every style."""
    for attempt in range(PROMPTS):
        prompt = world.prompt(settings.seed + number + 1000 * attempt, **settings.prompt.model_dump())
        rng = Random(f"style/{world.name}/{prompt.seed}")
        found = _contents(world, prompt, rng, settings.margin, longer=number % 2 == 0)
        if found:
            turned = rng.random() < 0.5  # all nine alike, so that twins differ in nothing else
            items = _pairs(found, f"{world.name}-{number:04d}", prompt, tags_of(world, prompt, settings.prompt))
            return [swapped(item) for item in items] if turned else items
    raise TaskError(f"no two contents with a gold margin of {settings.margin} in every style for {world.name}")


def _contents(
    world: World, prompt: Prompt, rng: Random, margin: float, *, longer: bool
) -> tuple[Styled, Styled] | None:
    """A good and a worse content in every style. `longer`: which of them is the longer one in equal dress."""
    drawn: list[Styled] = []
    for _ in range(TRIES):
        fresh = _in_styles(world, prompt, world.sample(prompt, rng), rng.randrange(2**31))
        if fresh is None:
            continue
        for other in drawn:
            for better, worse in ((fresh, other), (other, fresh)):
                if _fits(better, worse, margin, longer=longer):
                    return better, worse
        drawn.append(fresh)
    return None


def _fits(better: Styled, worse: Styled, margin: float, *, longer: bool) -> bool:
    sizes = [(better[style].size, worse[style].size) for style in STYLES]
    least = min(answer.gold for answer in better.values()) - max(answer.gold for answer in worse.values())
    return (
        better["concise"].gold >= GOOD
        and least >= margin
        and all((one > other) if longer else (one < other) for one, other in sizes)
    )


def _in_styles(world: World, prompt: Prompt, picks: Picks, seed: int) -> Styled | None:
    """One content in every style; None where a style would change what is said or which limits are kept."""
    out = {}
    for style, habits in STYLES.items():
        text = world.render(prompt, {**picks, **habits}, seed)
        if style == "markdown":
            text = _BULLET.sub(lambda line: f"- {_bold(line[1])}", text)
        out[style] = graded(world, prompt, text, picks)
    contents = [{k: v for k, v in answer.parts.items() if k not in _STYLE_COUNTS} for answer in out.values()]
    kept = out["concise"].text in out["detailed"].text and contents[0] == contents[1] == contents[2]
    return out if kept and not any(answer.parts.get("over") for answer in out.values()) else None


def _bold(line: str) -> str:
    """The line with its most telling word in bold: the last number, else a name, else the longest word."""
    words = list(_WORD.finditer(line))
    numbers = [w for w in words if w[0][0].isdigit()]
    names = [w for w in words[1:] if w[0].istitle() and len(w[0]) > 1]
    at = numbers[-1] if numbers else names[0] if names else max(words, key=lambda w: len(w[0]))
    return f"{line[: at.start()]}**{at[0]}**{line[at.end() :]}"


def _pairs(contents: tuple[Styled, Styled], key: str, prompt: Prompt, tags: Mapping[str, str]) -> list[Item]:
    better, worse = contents
    out = []
    for chosen, rejected in product(STYLES, repeat=2):
        rank = _RANK[chosen] - _RANK[rejected]
        told = {
            **tags,
            "split": "shift" if rank else "base",
            "twin": key,
            "category": "easy" if rank > 0 else "hard" if rank < 0 else "normal",
            "chosen_style": chosen,
            "rejected_style": rejected,
        }
        one, other = better[chosen], worse[rejected]
        name = f"{key}-{chosen}-{rejected}"
        out.append(Item(name, prompt.messages, (one.text, other.text), (one.gold, other.gold), group=key, tags=told))
    return out
