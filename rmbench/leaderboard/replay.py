"""A search follows from its rewards: with those that a submission states, the optimiser itself must write the very same
texts, and so have the same golds and the same course. Only the rewards are the submitter's word.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from rmbench.leaderboard.courses import SAME, Attempts
from rmbench.leaderboard.layout import ATTEMPTS, TRAJECTORY
from rmbench.leaderboard.standard import Standard
from rmbench.leaderboard.types import Problem
from rmbench.optimizers import get_optimizer
from rmbench.optimizers.interactive import Reward
from rmbench.rows import digest
from rmbench.trajectory import Trajectory
from rmbench.types import Attempt, Conversation, Failure, Floats, Message, Step, Task
from rmbench.worlds.base import Prompt

TOLD = ("operator", "text", "proxy", "kept", "gold", "proxy_before", "gold_before")  # of an attempt: all but its place


class Stated(Reward):
    """Answers with the rewards that a submission states, one list a step in the order of the prompts.

    The same text under the same prompt has one reward, the first that was stated. `texts` are those of the last step.
    """

    def __init__(self, rewards: Sequence[Sequence[float]]) -> None:
        super().__init__(self._give)
        self.rewards = iter(rewards)
        self.stated: dict[str, float] = {}
        self.texts: list[str] = []

    def __call__(self, answers: Sequence[tuple[Prompt, str]]) -> Floats:
        for (prompt, text), reward in zip(answers, next(self.rewards), strict=True):
            self.stated.setdefault(digest((*prompt.messages, Message(role="assistant", content=text))), reward)
        self.texts = [text for _, text in answers]
        return super().__call__(answers)

    def _give(self, asked: Sequence[Conversation]) -> list[float | Failure]:
        found = [self.stated[digest(conversation)] for conversation in asked]
        return [Failure("none is stated") if math.isnan(reward) else reward for reward in found]


def check_replay(courses: Sequence[Trajectory], attempts: Attempts, standard: Standard) -> Iterator[Problem]:
    """What a search with these rewards would not have written: the first of each course.

    The courses and attempts must have passed `check_courses`. Takes a world's gold for each attempt: about 1 ms.
    """
    for course in courses:
        key = (course.task, course.optimizer)
        if course.rewarded == "model" and key in attempts:
            made = {(attempt.item, attempt.query): attempt for attempt in attempts[key]}
            where = f"{course.task}, {course.optimizer}"
            steps, _ = _searched(standard, key, standard.tasks[course.task], made)
            for told, true in zip(course.steps, steps, strict=True):
                if odd := next(_differing(made, true), None):
                    yield Problem("course", f"{ATTEMPTS}: {where}", odd)
                    break
                if odd := next(_unlike(told, true), None):
                    yield Problem("course", f"{TRAJECTORY}: {where}", f"step {told.step} states {odd}")
                    break


def texts_of(
    drawn: Iterable[tuple[str, str, int]], attempts: Attempts, standard: Standard
) -> dict[tuple[str, str, int], str]:
    """The texts that were asked, kept or not, at these queries of searches: (task, item, query) -> text."""
    last: dict[tuple[str, str], int] = {}
    for name, prompt, query in drawn:
        last[name, prompt] = max(query, last.get((name, prompt), 0))
    out = {}
    for key, found in attempts.items():
        task = standard.tasks[key[0]]
        for item in task.items:  # a search at one prompt knows nothing of the others
            rounds = last.get((key[0], item.id), 0)
            made = {(a.item, a.query): a for a in found if a.item == item.id and a.query <= rounds}
            if made:
                steps, stated = _searched(standard, key, replace(task, items=(item,)), made)
                next(steps)  # before anything was asked
                for step in steps:
                    out[key[0], item.id, step.step] = stated.texts[0]
    return out


def _searched(
    standard: Standard, key: tuple[str, str], task: Task, made: Mapping[tuple[str, int], Attempt]
) -> tuple[Iterator[Step], Stated]:
    """The search at the task's prompts, as far as there are rewards."""
    from rmbench.engine.pursuit import arena_of

    arena, seed = arena_of(task), standard.references[key].settings["seed"]
    rounds = max(query for _, query in made)
    stated = Stated([[made[item, query].proxy for item in arena.items] for query in range(1, rounds + 1)])
    return get_optimizer(key[1]).steps(arena, stated, rounds * len(arena.items), seed), stated


def _differing(made: Mapping[tuple[str, int], Attempt], step: Step) -> Iterator[str]:
    for true in step.attempts:
        told = made[true.item, true.query]
        for name in TOLD:
            ours, theirs = getattr(true, name), getattr(told, name)
            if not _same(theirs, ours, SAME if name.startswith("gold") else 0.0):
                where = f"query {true.query} at {true.item}"
                yield f"{where} states {name} {theirs!r:.60}; a search with these rewards has {ours!r:.60}"


def _unlike(told: Step, true: Step) -> Iterator[str]:
    for name in ("queries", "cached", "failed", "kl", "estimate"):
        if getattr(told, name) != getattr(true, name):
            yield f"{name} {getattr(told, name)!r}; a search with these rewards has {getattr(true, name)!r}"
    if not _same(told.proxy, true.proxy, SAME * max(1.0, abs(true.proxy or 0.0))):  # a mean, over many or few cores
        yield f"a mean reward of {told.proxy!r}; a search with these rewards has {true.proxy!r}"
    if not all(map(_same, told.golds, true.golds, [SAME] * len(true.golds))):
        yield "golds that a search with these rewards does not have"
    if not all(map(_same, told.proxies, true.proxies, [0.0] * len(true.proxies))):
        yield "rewards that a search with these rewards does not have"


def _same(a: object, b: object, within: float) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= within or (math.isnan(a) and math.isnan(b))
    return a == b
