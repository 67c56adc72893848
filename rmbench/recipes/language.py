"""Pairs for the generalisation axis: the same question and the same two answers, in English and in another language.

Twins share the facts, what each answer gets right, wrong, or leaves out, and the order of its sentences; the words are
each language's own. The better answer is the longer one in every other pair, in both languages, so that length tells
nothing on either side.
"""

from __future__ import annotations

from random import Random

from pydantic import Field

from rmbench.errors import TaskError
from rmbench.recipes._common import in_random_order
from rmbench.recipes._languages import notices
from rmbench.recipes._languages.plan import Facts, Step, draw, plan, sample
from rmbench.types import Item, Message, Strict

BASE = "en"
TRIES = 2000


class Settings(Strict):
    """`pairs` per language, each with an English twin."""

    languages: tuple[str, ...] = Field(min_length=1)
    pairs: int = Field(ge=1)
    seed: int
    margin: float = Field(default=0.1, gt=0, description="least gold difference between better and worse")


def build(settings: Settings) -> list[Item]:
    """Languages in turn, so that any prefix of the groups is balanced."""
    items: list[Item] = []
    for number in range(settings.pairs):
        for place, code in enumerate(settings.languages):
            items += _twins(code, number, settings, longer_is_better=(number + place) % 2 == 0)
    return items


def _twins(code: str, number: int, settings: Settings, *, longer_is_better: bool) -> list[Item]:
    """A pair in English and in another language."""
    rng = Random(f"language/{code}/{settings.seed + number}")
    key = f"{code}-{number:04d}"
    facts = draw(rng)
    for _ in range(TRIES):
        plans = [plan(facts, sample(facts, rng), rng) for _ in range(2)]
        seed, flip = rng.random(), rng.random()
        base = _pair(BASE, facts, plans, seed, split="base", twin=key)
        shift = _pair(code, facts, plans, seed, split="shift", twin=key, category=code)
        if all(_fits(item, settings.margin, longer_is_better=longer_is_better) for item in (base, shift)):
            return [in_random_order(item, Random(flip)) for item in (base, shift)]
    raise TaskError(f"no pair with a gold margin of {settings.margin} in {TRIES} tries for {key}")


def _pair(code: str, facts: Facts, plans: list[list[Step]], seed: float, **tags: str) -> Item:
    """The two answers in a language."""
    rng = Random(f"{code}/{seed}")
    notice = notices(code)
    texts = tuple(notice.write(facts, steps, rng) for steps in plans)
    gold = tuple(notice.gold(facts, text).score for text in texts)
    prompt = (Message(role="user", content=notice.ask(facts)),)
    key = f"{tags['twin']}-{tags['split']}"
    return Item(key, prompt, texts, gold, tags["twin"], tags={"language": code, **tags})


def _fits(item: Item, margin: float, *, longer_is_better: bool) -> bool:
    """Whether the first answer is better by the margin, and longer or shorter as asked."""
    longer = len(item.responses[0]) - len(item.responses[1])
    return item.gold[0] - item.gold[1] >= margin and longer != 0 and (longer > 0) == longer_is_better
