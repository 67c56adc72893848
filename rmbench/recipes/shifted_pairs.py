"""Pairs for the generalisation axis: the same question asked under base conditions and under a shift.

Each pair has a better and a worse response (by gold, with a margin). The shift changes the prompts (difficulty, domain)
or dresses one side (length, style). With `twins`, a shifted pair has the prompt and the content of its base pair, and
the dressing alone differs. Every dressing is applied to the worse and to the better side equally often, so that a
scorer that only likes or dislikes it stays at chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from pydantic import Field

from rmbench.errors import TaskError
from rmbench.recipes._common import PromptOptions, in_random_order, tags_of
from rmbench.types import Item, Strict
from rmbench.worlds import get_world, surface
from rmbench.worlds.base import Prompt, World

TRIES, TWIN_TRIES = 2000, 300
Dress = Mapping[str, str]


class Settings(Strict):
    """`pairs` per world and split. `dress` lists the shift's surface variants (option by habit), used in turn."""

    worlds: tuple[str, ...] = Field(min_length=1)
    pairs: int = Field(ge=1)
    seed: int
    margin: float = Field(default=0.1, gt=0, description="least gold difference between better and worse")
    twins: bool = False
    base: PromptOptions = PromptOptions()
    shift: PromptOptions = PromptOptions()
    dress: tuple[Dress, ...] = ()


def build(settings: Settings) -> list[Item]:
    """Base and shifted pairs in turn, worlds in turn, so that any prefix of the groups is balanced."""
    items: list[Item] = []
    for number in range(settings.pairs):
        for name in settings.worlds:
            world = get_world(name)
            make = _twin_pairs if settings.twins else _separate_pairs
            items += make(world, number, settings)
    return items


def _separate_pairs(world: World, number: int, settings: Settings) -> list[Item]:
    """A base pair and a shifted pair about different prompts, both sampled from the reference policy."""
    out = []
    for split, options in (("base", settings.base), ("shift", settings.shift)):
        prompt = world.prompt(settings.seed + number, **options.model_dump())
        rng = Random(f"pairs/{world.name}/{split}/{settings.seed + number}")
        for _ in range(TRIES):
            texts = [world.render(prompt, world.sample(prompt, rng), rng.randrange(2**31)) for _ in range(2)]
            texts.sort(key=lambda text: -world.gold(prompt, text).score)
            item = _pair(world, prompt, texts, f"{world.name}-{number:04d}-{split}", options, split=split)
            if item.gold[0] - item.gold[1] >= settings.margin:
                out.append(in_random_order(item, rng))
                break
        else:
            raise TaskError(f"no pair with a gold margin of {settings.margin} in {TRIES} tries for {world.name}")
    return out


def _twin_pairs(world: World, number: int, settings: Settings) -> list[Item]:
    """A clean pair, and the same pair with one side dressed; from the next prompt where one leaves no room for it."""
    for attempt in range(20):
        prompt = world.prompt(settings.seed + number + 1000 * attempt, **settings.base.model_dump())
        twins = _twins(world, prompt, number, settings)
        if twins:
            return twins
    raise TaskError(f"no twin pair with a gold margin of {settings.margin} for {world.name}, number {number}")


def _twins(world: World, prompt: Prompt, number: int, settings: Settings) -> list[Item]:
    """Base and shifted twin about a prompt, or nothing."""
    rng = Random(f"twins/{world.name}/{prompt.seed}")
    dress = settings.dress[number // 2 % len(settings.dress)]
    side = number % 2  # 0: the better response wears it, 1: the worse one
    clean = {habit: next(iter(options)) for habit, options in surface.HABITS.items()}
    category = f"{'better' if side == 0 else 'worse'}_has_{'_'.join(dress.values())}"
    key = f"{world.name}-{number:04d}"
    for _ in range(TWIN_TRIES):
        picks = [{**world.sample(prompt, rng), **clean} for _ in range(2)]
        seeds = [rng.randrange(2**31) for _ in range(2)]
        plain = [world.render(prompt, p, s) for p, s in zip(picks, seeds, strict=True)]
        if world.gold(prompt, plain[0]).score < world.gold(prompt, plain[1]).score:
            picks.reverse()
            seeds.reverse()
            plain.reverse()
        dressed = list(plain)
        dressed[side] = world.render(prompt, {**picks[side], **dress}, seeds[side])
        if not _keeps_all(plain[side], dressed[side]):
            continue
        base = _pair(world, prompt, plain, f"{key}-base", settings.base, split="base", twin=key)
        shift = _pair(world, prompt, dressed, f"{key}-shift", settings.base, split="shift", twin=key, category=category)
        if min(i.gold[0] - i.gold[1] for i in (base, shift)) >= settings.margin:
            flip = rng.random()
            return [in_random_order(i, Random(flip)) for i in (base, shift)]
    return []


def _keeps_all(plain: str, dressed: str) -> bool:
    """Whether the dressing left every sentence as it was (a writer may cut content to make room for it)."""
    kept = {sentence.text for sentence in surface.split(dressed)}
    return all(sentence.text in kept for sentence in surface.split(plain))


def _pair(world: World, prompt: Prompt, texts: list[str], key: str, options: PromptOptions, **tags: str) -> Item:
    gold = tuple(world.gold(prompt, text).score for text in texts)
    group = tags.get("twin", key)
    return Item(key, prompt.messages, tuple(texts), gold, group, tags=tags_of(world, prompt, options, **tags))
