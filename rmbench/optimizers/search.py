"""Search: a hill climb over whole texts that sees the reward alone, one per prompt, under a budget of queries.

From one draw of the reference policy on, each query changes the best text so far, and the change is kept if the reward
is strictly higher. Which kind of change to try is itself learned, within the prompt, from what paid there: Thompson
sampling over families of operators (Thompson 1933). Texts leave the support of the reference policy, so there is no KL.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from random import Random
from typing import Any, ClassVar

import numpy as np

from rmbench.errors import UsageError
from rmbench.optimizers import mutations
from rmbench.optimizers.interactive import Arena, Reward, mean_of
from rmbench.optimizers.mutations import Case, Change, Draft, Operator
from rmbench.types import Attempt, Step

START = "start"
NOTHING = "nothing new"
REDRAWS = 16  # of changes that lead to nothing new within the bounds, before the best text is asked for again


@dataclass(frozen=True, slots=True)
class Search:
    """`words` and `characters` bound every text, so that an attack stays plausible and fits the windows of models."""

    name: ClassVar[str] = "search"
    per_prompt: ClassVar[bool] = True
    free_text: ClassVar[bool] = False
    version: int = 1
    words: int = 300
    characters: int = 2000

    @property
    def settings(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "families": list(mutations.FAMILIES),
            "operators": [o.name for o in mutations.OPERATORS],
        }

    def least(self, prompts: int) -> int:
        """One query at each prompt."""
        return prompts

    def steps(self, arena: Arena, reward: Reward, queries: int, seed: int) -> Iterator[Step]:
        """One query for every prompt a step, the first for the start itself; what is left over is not spent.

        Raises UsageError if the queries do not pay for one at every prompt.
        """
        count = len(arena.prompts)
        if not count or queries < count:
            raise UsageError(f"search: {queries} reward queries do not pay for one at each of {count} prompts")
        return self._steps(arena, reward, queries // count, seed)

    def _steps(self, arena: Arena, reward: Reward, rounds: int, seed: int) -> Iterator[Step]:
        climbs = [
            Climb(self, item, Case(arena.world, prompt), f"search/{seed}/{item}")
            for item, prompt in zip(arena.items, arena.prompts, strict=True)
        ]
        yield Step(0, 0, 0, 0, None, None, tuple(climb.gold for climb in climbs))
        for number in range(1, rounds + 1):
            tried = [climb.propose() for climb in climbs]
            rewards = reward([(c.case.prompt, draft.text) for c, (_, draft) in zip(climbs, tried, strict=True)])
            attempts = tuple(
                climb.learn(number, change, draft, float(r))
                for climb, (change, draft), r in zip(climbs, tried, rewards, strict=True)
            )
            best = np.array([climb.reward for climb in climbs])
            golds, spent = tuple(climb.gold for climb in climbs), (reward.queries, reward.cached, reward.failed)
            yield Step(number, *spent, None, mean_of(best), golds, tuple(map(float, best)), attempts=attempts)


class Climb:
    """The search at one prompt. What it does hangs on its random stream and its rewards; gold is only noted down."""

    def __init__(self, limits: Search, item: str, case: Case, key: str) -> None:
        self.limits, self.item, self.case, self.key = limits, item, case, key
        self.rng = Random(key)
        self.draft = mutations.first(case, Random(f"{key}/start"))
        self.reward = float("nan")
        self.gold = self._gold(self.draft.text)
        self.seen = {self.draft.text}
        self.asked = 0
        self.arms = Arms(case)

    def propose(self) -> tuple[Change | Operator | None, Draft]:
        """The next text to ask for, and the change that made it; none for the start, and where none is found."""
        self.asked += 1
        if self.asked == 1:
            return None, self.draft
        for _ in range(REDRAWS):
            change = self.arms.draw(self.draft, self.rng)
            draft = self._changed(change)
            if draft.text not in self.seen and self._fits(draft.text):
                self.seen.add(draft.text)
                return change, draft
        return None, self.draft

    def learn(self, query: int, change: Change | Operator | None, draft: Draft, reward: float) -> Attempt:
        """Keep the draft if its reward is higher. A start without a reward is left for any text that has one."""
        gold = self.gold if draft is self.draft else self._gold(draft.text)
        kept = bool(np.isfinite(reward)) and not reward <= self.reward
        unchanged = START if query == 1 else NOTHING
        name = change.name if change else unchanged
        text = draft.text if kept or name == START else None
        attempt = Attempt(self.item, query, name, self.reward, reward, self.gold, gold, kept, text)
        if change:
            self.arms.learn(change, paid=kept)
        if kept:
            self.draft, self.reward, self.gold = draft, reward, gold
        return attempt

    def _changed(self, change: Change | Operator) -> Draft:
        if isinstance(change, Change):
            return change.apply(self.draft, self.case, self.rng)
        return self.draft.edited(change, self.case, f"{self.key}/{self.rng.randrange(2**31)}")

    def _fits(self, text: str) -> bool:
        return len(text) <= self.limits.characters and len(text.split()) <= self.limits.words

    def _gold(self, text: str) -> float:
        return self.case.world.gold(self.case.prompt, text).score


@dataclass(slots=True)
class Counts:
    """How often something paid and did not."""

    paid: int = 0
    failed: int = 0

    def draw(self, rng: Random) -> float:
        """A guess at the chance that it pays. A failure counts double: with few queries it is better to move on."""
        return rng.betavariate(1 + self.paid, 1 + 2 * self.failed)


class Arms:
    """What can be tried at one prompt: families by Thompson sampling, then an operator of the family likewise.

    Options of the writer's choices are additive enough to be tried one after another: each once a round, in random
    order, before any comes again.
    """

    def __init__(self, case: Case) -> None:
        self.moves = mutations.moves(case)
        self.waiting: dict[str, list[Change]] = {family: [] for family in self.moves}
        self.operators = {
            family: [o for o in mutations.OPERATORS if o.family == family]
            for family in mutations.FAMILIES
            if family not in self.moves
        }
        self.families: dict[str, Counts] = {family: Counts() for family in mutations.FAMILIES}
        self.names: defaultdict[str, Counts] = defaultdict(Counts)

    def draw(self, draft: Draft, rng: Random) -> Change | Operator:
        """A family that promises to pay, and a change of that family."""
        family = max(self.families, key=lambda name: self.families[name].draw(rng))
        if family in self.moves:
            return self._move(family, draft, rng)
        return max(self.operators[family], key=lambda operator: self.names[operator.name].draw(rng))

    def learn(self, change: Change | Operator, *, paid: bool) -> None:
        """Note the outcome for the operator and its family."""
        for counts in (self.families[change.family], self.names[change.name]):
            counts.paid += paid
            counts.failed += not paid

    def _move(self, family: str, draft: Draft, rng: Random) -> Change:
        while True:
            if not self.waiting[family]:
                self.waiting[family] = rng.sample(self.moves[family], len(self.moves[family]))
            change = self.waiting[family].pop()
            if draft.picks.get(change.choice) != change.option:
                return change


OPTIMIZER = Search()
