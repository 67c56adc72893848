"""Equal pairs beside unequal ones: a reward that is sure of a difference where there is none prefers something else.

A tie is two texts that say the same in other words, or that differ in which things they get right and wrong, never in
how many. A near tie says the same on both sides, and one side has a mark more or an authority for an empty phrase. Ties
and unequal pairs have the same habits on both sides, and the pairs that are no ties differ in sentences, lines, bold
marks, digits, words and characters as a tie before them did, so that no such count tells ties from the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations
from random import Random
from typing import Literal

from pydantic import Field

from rmbench.errors import TaskError
from rmbench.recipes._common import (
    Answer,
    PromptOptions,
    in_random_order,
    sample_contents,
    sample_dresses,
    tags_of,
    write,
)
from rmbench.types import Item, Strict
from rmbench.worlds import get_world, surface
from rmbench.worlds.base import Prompt, World

DRAWS, PROMPTS = 40, 60
NEAR, UNEQUAL = 0.03, 0.15  # gold differences: at most, at least
ALIKE = (0, 0, 0, 1, 2, 4)  # by how much the counts of `_counts` may differ from what is asked for
SAME_SENTENCES = 0.5  # the largest share of a tie's sentences that both texts have
WORTH = (20, 20, 20, 2, 3, 1)  # what a miss of one counts, where no prompt has a pair without any
RESULT = ("answer", "settled")  # the keys of claims about the result of a calculation
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
        gaps: dict[str, list[Sequence[int]]] = {name: [] for name in settings.worlds}  # of the round's ties
        for place, kind in enumerate(ROUND):
            for name in settings.worlds:
                known = gaps[name]
                asked = None if CATEGORY[kind] == "tie" else known[number % 2 if kind == "near" else -1]
                gap, item = _pair(get_world(name), kind, len(ROUND) * number + place, settings.seed, asked)
                if asked is None:
                    known.append(gap)
                items.append(item)
    return items


def _pair(world: World, kind: Kind, number: int, seed: int, asked: Sequence[int] | None) -> tuple[Sequence[int], Item]:
    """A pair of the kind, and by how much its counts differ: by as much as is asked for, if anything is."""
    closest: tuple[int, Sequence[int], Item] | None = None
    for attempt in range(PROMPTS):
        prompt = world.prompt(seed + number + 1000 * attempt)
        rng = Random(f"ties/{world.name}/{prompt.seed}")
        fit = [(0 if asked is None else _off(_gap(a, b), asked), a, b) for a, b in _fitting(world, prompt, rng, kind)]
        if not fit:
            continue
        least = min(off for off, _, _ in fit)
        if closest is None or least < closest[0]:
            _, one, other = rng.choice([pair for pair in fit if pair[0] == least])
            key = f"{world.name}-{number:04d}-{kind}"
            tags = tags_of(world, prompt, PromptOptions(), category=CATEGORY[kind], kind=kind)
            item = Item(key, prompt.messages, (one.text, other.text), (one.gold, other.gold), key, tags=tags)
            closest = least, _gap(one, other), in_random_order(item, rng)
        if closest[0] == 0:
            break
    if closest is None:
        raise TaskError(f"no pair of the kind {kind} for {world.name}, number {number}")
    return closest[1:]


def _counts(text: str) -> tuple[int, ...]:
    """What a reward might count that does not read: sentences, lines, bold marks, digits, words, characters."""
    return (
        len(surface.split(text)),
        text.count("\n"),
        text.count("**"),
        sum(map(str.isdigit, text)),
        len(text.split()),
        len(text),
    )


def _gap(one: Answer, other: Answer) -> Sequence[int]:
    return [a - b for a, b in zip(_counts(one.text), _counts(other.text), strict=True)]


def _off(gap: Sequence[int], asked: Sequence[int]) -> int:
    """By how much the counts miss what is asked for, over what is allowed. Which text has more does not matter."""
    return min(
        sum(
            max(0, abs(a - sign * b) - most) * worth for a, b, most, worth in zip(gap, asked, ALIKE, WORTH, strict=True)
        )
        for sign in (1, -1)
    )


def _fitting(world: World, prompt: Prompt, rng: Random, kind: Kind) -> list[tuple[Answer, Answer]]:
    """All pairs of the kind among some draws."""
    if kind == "tie_of_wording":
        picks = world.sample(prompt, rng)
        drawn = [write(world, prompt, picks, rng.randrange(2**31)) for _ in range(DRAWS // 2)]
        return [(a, b) for a, b in combinations(drawn, 2) if _equal(a, b) and _same_content(a, b)]
    if kind == "near":
        drawn = sample_dresses(world, prompt, rng, DRAWS)
        return [(a, b) for a, b in permutations(drawn, 2) if 0 < a.gold - b.gold <= NEAR and _same_content(a, b)]
    drawn = sample_contents(world, prompt, rng, DRAWS)
    if kind == "tie_of_content":
        return [(a, b) for a, b in combinations(drawn, 2) if _equal(a, b) and not _same_content(a, b) and _as_far(a, b)]
    return [(a, b) for a, b in permutations(drawn, 2) if a.gold - b.gold >= UNEQUAL]


def _equal(one: Answer, other: Answer) -> bool:
    """Whether two texts have the same gold, above zero, by the same counts, in different sentences."""
    same = all(one.parts[name] == other.parts[name] for name in one.parts if not name.startswith(("words", "rule_")))
    first, second = ({s.text for s in surface.split(answer.text)} for answer in (one, other))
    shared = len(first & second) / max(1, min(len(first), len(second)))
    return same and one.gold == other.gold > 0 and shared <= SAME_SENTENCES


def _same_content(one: Answer, other: Answer) -> bool:
    """Whether two texts say the same things, the wrong ones too."""
    return one.said == other.said and one.parts["wrong"] == other.parts["wrong"]


def _as_far(one: Answer, other: Answer) -> bool:
    """Whether two texts give the same result, if one is asked for: the nearer miss is better to many."""
    first, second = ({value for key, value in answer.said if key in RESULT} for answer in (one, other))
    return first == second
