"""Whether a faster path gives the scores of the plain one: tried out on made-up rows before it is taken."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from math import isnan
from typing import NamedTuple, Self

from rmbench.models.answers import is_out_of_memory
from rmbench.models.base import Tokens

# The largest difference that is rounding: a part of the spread of the scores, and of the largest of them. A reward
# model may put all made-up rows far from 0 and close together, so that a part of the largest alone allows anything.
OF_SPREAD = {"float32": 1e-3, "float16": 0.05, "bfloat16": 0.1}
OF_LARGEST = {"float32": 3e-6, "float16": 3e-4, "bfloat16": 1e-3}
POWER = 2  # times the tolerance: less than that must not be what a wrong path would change

Scores = Callable[[], list[float]]


class Trial(NamedTuple):
    """Two prompts of different length with two rows each; the score is about what follows the prompt.

    `wrong` are the same rows, each behind the other prompt: scores that a broken path might give.
    """

    rows: list[Tokens]
    shared: list[int]
    wrong: list[Tokens]

    @classmethod
    def of(cls, vocabulary: int, special: Collection[int] = ()) -> Self:
        rng = random.Random(0)
        words = [i for i in range(vocabulary // 4, vocabulary) if i not in special] or [0]
        prompts = [tuple(rng.choice(words) for _ in range(n)) for n in (19, 13)]
        ends = [tuple(rng.choice(words) for _ in range(n)) for n in (9, 3, 7, 2)]
        rows = [Tokens((*prompts[k // 2], *end), len(prompts[k // 2]) + 1) for k, end in enumerate(ends)]
        wrong = [Tokens((*prompts[1 - k // 2], *end), len(prompts[1 - k // 2]) + 1) for k, end in enumerate(ends)]
        return cls(rows, [19, 19, 13, 13], wrong)

    def agrees(self, plain: Scores, faster: Scores, wrong: Scores, dtype: str) -> bool:
        """Whether `faster` gives what `plain` does, to rounding, where `wrong` gives something else.

        False for a model that cannot do it at all, and for one whose scores are too coarse to tell.
        """
        try:
            expected, found, off = plain(), faster(), wrong()
        except Exception as error:
            if is_out_of_memory(error):  # says nothing about the model
                raise
            return False
        spread, largest = max(expected) - min(expected), max(map(abs, expected))
        kind = dtype if dtype in OF_SPREAD else "bfloat16"  # a quantised model is at least as coarse
        most = OF_SPREAD[kind] * spread + OF_LARGEST[kind] * largest
        return _apart(expected, found) <= most and _apart(expected, off) >= POWER * most


def _apart(some: list[float], others: list[float]) -> float:
    """The largest difference; infinite where one is no number."""
    return max(float("inf") if isnan(a - b) else abs(a - b) for a, b in zip(some, others, strict=True))
