"""Pairs and their shifted twins, of which one named change was made and nothing else: bias probes, rewrites, turns.

A base pair is two plain answers of the reference policy with a margin of gold. The better one is the longer one in
every second pair, and probes favour the better side in every second pair, so that a scorer which only looks at length,
or at a habit, stays at chance.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from pydantic import Field

from rmbench.errors import TaskError
from rmbench.recipes._common import PromptOptions, in_random_order, tags_of
from rmbench.recipes.changes import Case, Change, Changed, get_change
from rmbench.recipes.changes.base import content
from rmbench.types import Item, Message, Strict
from rmbench.worlds import get_world, surface
from rmbench.worlds.base import Prompt, World

TRIES, PROMPTS, STRIDE = 60, 40, 2000
_CLEAN = {habit: next(iter(options)) for habit, options in surface.HABITS.items()}


class Settings(Strict):
    """`pairs` per change, each with its twin; the worlds that a change fits take turns."""

    worlds: tuple[str, ...] = Field(min_length=1)
    pairs: int = Field(ge=1)
    seed: int
    margin: float = Field(
        default=0.1, gt=0, description="least gold difference between better and worse, in both twins"
    )
    changes: tuple[str, ...] = Field(min_length=1)
    prompt: PromptOptions = PromptOptions()


class _Place(NamedTuple):
    """Which pair this is: of which change and world, whose side the change is on, and which answer is the longer."""

    change: Change
    world: World
    side: int
    longer: int
    turn: int
    key: str
    seed: int
    settings: Settings


def build(settings: Settings) -> list[Item]:
    """Base and shifted pairs in turn; changes, worlds and sides in turn, so that any prefix of groups is balanced."""
    named = [get_change(name) for name in settings.changes]
    if settings.pairs * len(named) > STRIDE:
        raise TaskError(f"{settings.pairs} pairs of {len(named)} changes are more than the {STRIDE} that seeds allow")
    items: list[Item] = []
    for number in range(settings.pairs):
        for index, change in enumerate(named):
            items += _twins(_place(change, number, index, settings))
    return items


def _place(change: Change, number: int, index: int, settings: Settings) -> _Place:
    worlds = [name for name in settings.worlds if name in change.worlds]
    if not worlds:
        raise TaskError(f"the change {change.name} fits none of the worlds {', '.join(settings.worlds)}")
    where = (number + index) % len(worlds)
    turn = number // len(worlds)
    side = (turn + where) % 2  # where counts on with the change
    longer = (turn // 2 + (where // 2 if len(worlds) > 3 else where + index)) % 2
    seed = settings.seed + number * len(settings.changes) + index
    return _Place(change, get_world(worlds[where]), side, longer, turn, f"{change.name}-{number:04d}", seed, settings)


def _twins(place: _Place) -> list[Item]:
    """A pair and its twin; from the next prompt where one leaves no room for the change."""
    for attempt in range(PROMPTS):
        seed = place.seed + STRIDE * attempt
        prompt = place.world.prompt(seed, **place.settings.prompt.model_dump())
        rng = Random(f"changed/{place.change.name}/{place.world.name}/{seed}")
        for _ in range(TRIES):
            texts = _plain_pair(place, prompt, rng)
            case = texts and Case(place.world, prompt, texts, place.side, place.turn)
            changed = case and place.change.apply(case, rng)
            gold = case and changed and _gold(place, case, changed)
            if case and changed and gold:
                return _items(place, case, changed, gold, rng)
    raise TaskError(
        f"no pair of {place.world.name} with a gold margin of {place.settings.margin} for {place.change.name}"
    )


def _plain_pair(place: _Place, prompt: Prompt, rng: Random) -> tuple[str, str] | None:
    """Two answers without surface habits, the better first, the one that is to be longer being so."""
    world = place.world
    drawn = [world.render(prompt, {**world.sample(prompt, rng), **_CLEAN}, rng.randrange(2**31)) for _ in range(2)]
    better, worse = sorted(drawn, key=lambda text: -world.gold(prompt, text).score)
    fits = len(better) < len(worse) if place.longer else len(better) > len(worse)
    wide = world.gold(prompt, better).score - world.gold(prompt, worse).score >= place.settings.margin
    return (better, worse) if fits and wide else None


def _gold(place: _Place, case: Case, changed: Changed) -> tuple[float, ...] | None:
    """The gold of the shifted pair: read again where one answer changed, else that of the base.

    None where the change touched what an answer says, made it better, or left too small a margin.
    """
    old = [case.world.gold(case.prompt, text) for text in case.texts]
    if changed == (case.prompt.messages, case.texts):
        return None
    if place.change.kind != "answer":
        return tuple(grade.score for grade in old)
    new = [case.world.gold(case.prompt, text) for text in changed.texts]
    for before, after in zip(old, new, strict=True):
        if content(before.parts) != content(after.parts) or after.score > before.score:
            return None
    return tuple(grade.score for grade in new) if new[0].score - new[1].score >= place.settings.margin else None


def _items(place: _Place, case: Case, changed: Changed, gold: tuple[float, ...], rng: Random) -> list[Item]:
    favours = {"favours": ("better", "worse")[place.side]} if place.change.probe else {}
    told = {"change": place.change.name, "category": place.change.name, **favours}
    plain = tuple(case.world.gold(case.prompt, text).score for text in case.texts)
    turned = rng.random()

    def made(split: str, messages: tuple[Message, ...], texts: tuple[str, str], gold: tuple[float, ...]) -> Item:
        more = told if split == "shift" else {}
        tags = tags_of(case.world, case.prompt, place.settings.prompt, split=split, twin=place.key, **more)
        item = Item(f"{place.key}-{split}", messages, texts, gold, group=place.key, tags=tags)
        return in_random_order(item, Random(turned))

    return [made("base", case.prompt.messages, case.texts, plain), made("shift", *changed, gold)]
