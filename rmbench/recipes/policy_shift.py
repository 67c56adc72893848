"""From our writer's sentences to a language model's: pairs of both kinds under the same prompts.

The shifted answers are samples that lie frozen in tasks of their own, with the gold of a free reading. Its scale is not
the world's own, and a careful reader may differ with it by a little, so the margin is wide. Answers that break off or
loop are left out by rule, never by a score. In each split the better answer is the longer one in half of the pairs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import permutations
from random import Random

from pydantic import Field

from rmbench.errors import TaskError
from rmbench.recipes._common import in_random_order, sample_answers
from rmbench.task import load_task
from rmbench.types import Item, Strict
from rmbench.worlds import free, get_world, prompt_from_tags
from rmbench.worlds.base import Prompt

DRAWS, ROUNDS = 16, 8
USES = 2  # pairs that one answer may be in
ECHOES = 2  # runs of words that a text may have twice; more of them is a loop
PLAIN = 0.98  # least share of letters, marks and spaces that English is written in
_ENDS = re.compile(r"[.!?…][\"'”’)\]*_]*$")
_ENGLISH = re.compile(r"[A-Za-z0-9\s.,;:!?…'\"’“”()\-–—%€$&/]")
_OF_SAMPLES = {"policy", "reading"}  # tags that our own writer's texts do not have
Text = tuple[str, float]
Pair = tuple[Text, Text]  # the better one first


class Settings(Strict):
    """`prompts` of each pool, and at most `each` pairs per prompt and split (fewer where a prompt has fewer)."""

    pools: tuple[str, ...] = Field(min_length=1, description="tasks of a language model's answers to a world's prompts")
    prompts: int = Field(ge=1)
    each: int = Field(ge=2, multiple_of=2)
    margin: float = Field(default=0.25, gt=0, description="least gold difference between better and worse")


def build(settings: Settings) -> list[Item]:
    """The pairs of one prompt after another, pools in turn, so that any prefix of the groups is balanced."""
    pools = [load_task(name).items[: settings.prompts] for name in settings.pools]
    items: list[Item] = []
    for number in range(settings.prompts):
        for pool in pools:
            if number < len(pool):
                items += _pairs(pool[number], settings)
    return items


def _pairs(pool: Item, settings: Settings) -> list[Item]:
    """As many base pairs as shifted ones."""
    if pool.tags.get("reading") != "free":
        raise TaskError(f"{pool.id}: not graded by the free reading; name tasks of a language model's answers")
    rng = Random(f"policy/{pool.id}")
    # a policy may say the same twice: each text counts once
    texts = {text: gold for text, gold in zip(pool.responses, pool.gold, strict=True) if whole(text)}
    shifted = _choose([*texts.items()], settings.each, settings.margin, rng)
    written = _written(prompt_from_tags(pool.tags), len(shifted), settings.margin, rng)
    out = []
    for split, pairs in (("base", written), ("shift", shifted)):
        for n, (better, worse) in enumerate(pairs):
            kept = pool.tags if split == "shift" else {k: v for k, v in pool.tags.items() if k not in _OF_SAMPLES}
            item = Item(
                id=f"{pool.id}-{split}-{n}",
                prompt=pool.prompt,
                responses=(better[0], worse[0]),
                gold=(better[1], worse[1]),
                group=pool.id,
                tags={**kept, "split": split, "category": pool.tags["world"]},
            )
            out.append(in_random_order(item, rng))
    return out


def _written(prompt: Prompt, count: int, margin: float, rng: Random) -> list[Pair]:
    """That many pairs of our own writer."""
    world = get_world(prompt.world)
    texts: dict[str, float] = {}
    for _ in range(ROUNDS):
        texts |= {answer.text: answer.gold for answer in sample_answers(world, prompt, rng, DRAWS)}
        found = _choose([*texts.items()], count, margin, Random(prompt.seed))
        if len(found) == count:
            return found
    raise TaskError(f"no {count} pairs with a gold margin of {margin} for {prompt.world}, seed {prompt.seed}")


def _choose(texts: Sequence[Text], most: int, margin: float, rng: Random) -> list[Pair]:
    """Pairs by twos: in one the better text is longer, in the other shorter. No text is in more than `USES` pairs."""
    fit = [(a, b) for a, b in permutations(texts, 2) if a[1] - b[1] >= margin and len(a[0]) != len(b[0])]
    rng.shuffle(fit)
    uses: Counter[str] = Counter()
    chosen: list[Pair] = []
    while len(chosen) < most:
        two = []
        for longer in (True, False):
            pair = next((p for p in fit if (len(p[0][0]) > len(p[1][0])) == longer and _free(p, uses)), None)
            if pair is None:
                return chosen
            fit.remove(pair)
            uses.update((pair[0][0], pair[1][0]))
            two.append(pair)
        chosen += two
    return chosen


def _free(pair: Pair, uses: Counter[str]) -> bool:
    return all(uses[text] < USES for text, _ in pair)


def whole(text: str) -> bool:
    """Whether a text ends where a sentence does, does not loop, leaves no blanks and is written in English letters."""
    return (
        _ENDS.search(text.rstrip()) is not None
        and free.echoes(free.words(text)) <= ECHOES
        and not free.placeholders(text)
        and len(_ENGLISH.findall(text)) >= PLAIN * len(text)
    )
