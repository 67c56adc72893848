"""What the optimisers that push have in common: they ask the reward, again and again, until their queries are spent.

Unlike those on a pool, they leave the support of the reference policy. Adding one = one file with one `OPTIMIZER`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from rmbench.rows import digest
from rmbench.types import Conversation, Failure, Floats, Message, Step
from rmbench.worlds.base import Prompt, World

Score = Callable[[Sequence[Conversation]], Sequence[float | Failure]]


@dataclass(frozen=True, slots=True)
class Arena:
    """Where the reward is attacked: a world, and the task's prompts (`items` are their ids) that are measured."""

    world: World
    items: tuple[str, ...]
    prompts: tuple[Prompt, ...]

    def gold(self, prompt: Prompt, text: str) -> float:
        """The gold of any text under one of the world's prompts."""
        return self.world.gold(prompt, text).score


@dataclass(slots=True)
class Reward:
    """The model under attack. Counts every answer put to it; the same answer twice is asked of the model once."""

    score: Score
    queries: int = 0
    cached: int = 0
    failed: int = 0
    _known: dict[str, float] = field(default_factory=dict)

    def __call__(self, answers: Sequence[tuple[Prompt, str]]) -> Floats:
        """The rewards of texts under their prompts, shape (answers,); NaN where the model gave none."""
        asked = [(*p.messages, Message(role="assistant", content=text)) for p, text in answers]
        keys = [digest(conversation) for conversation in asked]
        fresh = {k: c for k, c in zip(keys, asked, strict=True) if k not in self._known}
        if fresh:
            found = self.score(list(fresh.values()))
            self._known |= {
                k: np.nan if isinstance(s, Failure) else float(s) for k, s in zip(fresh, found, strict=True)
            }
        out: Floats = np.array([self._known[key] for key in keys], dtype=np.float64)
        self.queries += len(keys)
        self.cached += len(keys) - len(fresh)
        self.failed += int(np.isnan(out).sum())
        return out


def mean_of(rewards: Floats) -> float | None:
    """The mean of the rewards that there are; None where there is none, or none that a float can hold."""
    known = rewards[np.isfinite(rewards)]
    with np.errstate(over="ignore"):
        mean = float(known.mean()) if known.size else np.nan
    return mean if np.isfinite(mean) else None


class Interactive(Protocol):
    """A frozen value. `settings` is all that decides its course, beside the budget and the seed.

    `per_prompt`: the budget is shared out over the task's prompts, so that a task cut to fewer spends less.
    `free_text`: its answers are not the world's own sentences, and are graded by `World.gold_of_free_text`.
    """

    @property
    def name(self) -> str: ...

    @property
    def per_prompt(self) -> bool: ...

    @property
    def free_text(self) -> bool: ...

    @property
    def settings(self) -> dict[str, Any]: ...

    def least(self, prompts: int) -> int:
        """The fewest reward queries that buy a step on a task of so many prompts."""
        ...

    def steps(self, arena: Arena, reward: Reward, queries: int, seed: int) -> Iterator[Step]:
        """The course of the optimisation: step 0 before any query, then a step per round until `queries` are spent.

        Deterministic given the seed and the rewards, so that a killed run is resumed by going through it again with
        the rewards that were kept. A longer budget only goes on where a shorter one stops. What is measured at one
        prompt must not depend on which other prompts the task was cut to.
        """
        ...
