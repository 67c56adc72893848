"""What recipes share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from rmbench.types import Item, Strict
from rmbench.worlds import surface
from rmbench.worlds.base import Difficulty, Domain, Picks, Prompt, World


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


@dataclass(frozen=True, slots=True)
class Answer:
    """A text under a prompt, the picks it was made from, its gold, and what the gold is made of.

    `right` and `wrong` name what the text speaks of (a fact, a step, a rule), each once; `said` is what it says of it.
    """

    text: str
    picks: Picks
    gold: float
    parts: Mapping[str, float]
    right: frozenset[str]
    wrong: frozenset[str]
    said: frozenset[tuple[str, str]]

    @property
    def size(self) -> int:
        """Its length as the baseline `length` sees it."""
        return len(self.text)


def graded(world: World, prompt: Prompt, text: str, picks: Picks) -> Answer:
    """The text with its gold."""
    gold = world.gold(prompt, text)
    # what is said besides to the topic is free; which wrong equation it is, is a matter of wording
    claims = [claim for claim in gold.claims if claim.key not in {"filler", "topic"}]
    named = [(claim.key.partition(" ")[0], claim.ok) for claim in claims]
    wrong = frozenset(key for key, ok in named if not ok)
    right = frozenset(key for key, ok in named if ok) - wrong
    said = frozenset((claim.key, claim.value) for claim in claims)
    return Answer(text, picks, gold.score, gold.parts, right, wrong, said)


def write(world: World, prompt: Prompt, picks: Picks, seed: int) -> Answer:
    """The answer that the picks describe, graded."""
    return graded(world, prompt, world.render(prompt, picks, seed), picks)


def sample_answers(world: World, prompt: Prompt, rng: Random, count: int) -> list[Answer]:
    """Different texts of the reference policy: up to `count`, in the order in which they were drawn."""
    drawn = (write(world, prompt, world.sample(prompt, rng), rng.randrange(2**31)) for _ in range(count))
    return [*{answer.text: answer for answer in drawn}.values()]


def sample_contents(world: World, prompt: Prompt, rng: Random, count: int) -> list[Answer]:
    """Different texts in one dress, drawn from the reference policy: all have the same habits, each its own content."""
    dress = {name: option for name, option in world.sample(prompt, rng).items() if name in surface.HABITS}
    dressed = [{**world.sample(prompt, rng), **dress} for _ in range(count)]
    drawn = (write(world, prompt, picks, rng.randrange(2**31)) for picks in dressed)
    return [*{answer.text: answer for answer in drawn}.values()]


def sample_dresses(world: World, prompt: Prompt, rng: Random, count: int) -> list[Answer]:
    """Different texts of one content, drawn from the reference policy: each in habits and words of its own."""
    content = {name: option for name, option in world.sample(prompt, rng).items() if name not in surface.HABITS}
    dressed = [{**world.sample(prompt, rng), **content} for _ in range(count)]
    drawn = (write(world, prompt, picks, rng.randrange(2**31)) for picks in dressed)
    return [*{answer.text: answer for answer in drawn}.values()]


def in_random_order(item: Item, rng: Random) -> Item:
    """A pair with its two responses swapped or not, so that position tells nothing."""
    return item if rng.random() < 0.5 else swapped(item)


def swapped(item: Item) -> Item:
    """The pair the other way round: all that belongs to a response goes with it."""
    contexts = None if item.contexts is None else item.contexts[::-1]
    return replace(
        item,
        prompt=item.prompt if contexts is None else contexts[0],
        responses=item.responses[::-1],
        gold=item.gold[::-1],
        probability=None if item.probability is None else 1 - item.probability,
        votes=None if item.votes is None else (item.votes[1], item.votes[0]),
        tags=dict(item.tags),
        logprobs=None if item.logprobs is None else item.logprobs[::-1],
        contexts=contexts,
    )
