"""The optimisers' courses of a submission against the task: the gold's own course, the start, the budget, the counts.

What a model was asked along the way cannot be recomputed without it. But a search follows from its rewards alone:
`replay.py` goes through it again. A trained policy leaves no texts: of its course, everything is checked that does not
depend on the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from rmbench.errors import RunError
from rmbench.leaderboard.layout import ATTEMPTS, TRAJECTORY, check_parquet
from rmbench.leaderboard.standard import Standard
from rmbench.leaderboard.types import Problem, Refusal
from rmbench.optimizers import get_optimizer
from rmbench.scores import Manifest
from rmbench.trajectory import Trajectory, attempts_from, read_rows, rows_digest, trajectories_from
from rmbench.types import Attempt, Step, Task

SAME = 1e-9  # machines differ in the last bits of a gold
LONGEST_TEXT = 2000  # characters, which is the bound of the search itself
LONGEST_NAME = 200  # of an operator
MOST_KL = 1e6  # nats: far beyond what picking among a few options can spend
Attempts = Mapping[tuple[str, str], Sequence[Attempt]]


def read_courses(folder: Path, manifest: Manifest, standard: Standard) -> tuple[list[Trajectory], Attempts]:
    """The courses and attempts, with the digests that the manifest states. Raises Refusal."""
    found = []
    for name, stated in ((TRAJECTORY, manifest.trajectory), (ATTEMPTS, manifest.attempts)):
        path = folder / name
        if path.exists() != (stated is not None):
            said = "named in the manifest, but missing" if stated else "there, but not named in the manifest"
            raise Refusal("course", name, f"it is {said}; submit the run as it was written")
        found.append([] if stated is None else _rows(path, stated, standard))
    try:
        return trajectories_from(folder / TRAJECTORY, found[0]), attempts_from(found[1])
    except RunError as error:
        raise Refusal("course", TRAJECTORY, _line(error, f"{folder}/")) from None


def _rows(path: Path, stated: str, standard: Standard) -> list[dict[str, Any]]:
    rows, size = _bounds(path.name, standard)
    if problem := check_parquet(path, rows=rows, size=size):
        raise Refusal(*problem[:3])
    try:
        found = read_rows(path)
        told = rows_digest(found)
    except RunError as error:
        raise Refusal("course", path.name, _line(error, f"{path.parent}/")) from None
    if told != stated:
        raise Refusal("digest", path.name, "its content does not have the digest that the manifest states")
    return found


def _line(error: Exception, folder: str) -> str:
    """What an error says of a file, in one line and without the place of this machine."""
    return " ".join(str(error).replace(folder, "").split())[:300]


def _bounds(name: str, standard: Standard) -> tuple[int, int]:
    """The most rows that the suite makes, and bytes: of a step for its settings, ids and numbers, of an attempt for
    its text.
    """
    if name == TRAJECTORY:
        prompts = max((len(course.items) for course in standard.references.values()), default=0)
        rows = 2 * sum(len(course.steps) for course in standard.references.values())
        return rows, 1_000_000 + rows * (4000 + 200 * prompts)
    rows = sum(task.card.budgets.queries.get("search", 0) for task in standard.tasks.values())
    return rows, 1_000_000 + rows * (4 * LONGEST_TEXT + 2000)


def check_courses(
    courses: Sequence[Trajectory], attempts: Attempts, standard: Standard, spent: Mapping[str, Mapping[str, int]]
) -> Iterator[Problem]:
    """What contradicts the tasks, the first of each course. `spent` are the queries of each task by optimiser."""
    wanted = {(task, optimizer) for task, queries in spent.items() for optimizer in queries}
    mine = {(c.task, c.optimizer): c for c in courses if c.rewarded == "model"}
    golds = {(c.task, c.optimizer): c for c in courses if c.rewarded == "gold"}
    if len(mine) + len(golds) != len(courses) or {*mine} != wanted or not {*golds} <= wanted:
        yield Problem("course", TRAJECTORY, "its courses are not those that the manifest's cards have queries for")
        return
    wrong = set()
    for key, course in mine.items():
        if problem := _course(course, golds.get(key), standard.references.get(key), standard.tasks[course.task]):
            wrong.add(key)
            yield Problem("course", f"{TRAJECTORY}: {course.task}, {course.optimizer}", problem)
    searched = {key for key in mine if key[1] == "search"}
    if {*attempts} != searched:
        yield Problem("course", ATTEMPTS, "its attempts are not those of the searches in trajectory.parquet")
        return
    for key, made in attempts.items():
        if key not in wrong and (problem := _attempts(mine[key], made)):
            yield Problem("course", f"{ATTEMPTS}: {key[0]}, {key[1]}", problem)


def _course(course: Trajectory, gold: Trajectory | None, reference: Trajectory | None, task: Task) -> str | None:
    """The first that is wrong with a course."""
    if reference is None:
        return "the suite keeps no course of the gold for it"
    return next(_contradictions(course, gold, reference, task), None)


def _contradictions(course: Trajectory, gold: Trajectory | None, reference: Trajectory, task: Task) -> Iterator[str]:
    """What is wrong, in an order in which each check may rely on those before it."""
    ids = tuple(item.id for item in task.items)
    budget = task.card.budgets.queries[course.optimizer]
    if course.items != ids or dict(course.settings) != {**reference.settings, "queries": budget}:
        yield "its prompts, settings or budget are not those of the suite"
    cost = get_optimizer(course.optimizer).least(len(ids))
    yield from _counts(course.steps, cost, budget)
    like = reference.like(course)
    if gold != like:
        yield "the gold's own course beside it is not the one that is kept with the task"
    yield from _start(course.steps[0], like.steps[0])
    numbers = np.array([step.golds for step in course.steps])
    if numbers.min() < -SAME or numbers.max() > 1 + SAME:
        yield "it has a gold outside 0 to 1"
    for step, other in zip(course.steps, like.steps, strict=True):
        kinds = [(s.kl is None, s.estimate, len(s.proxies)) for s in (step, other)]
        if kinds[0] != kinds[1]:
            yield f"step {step.step} does not have the KL and rewards that a step of this optimiser has"
    if any(step.kl is not None and not -SAME <= step.kl <= MOST_KL for step in course.steps):
        yield f"it has a KL that is negative or above {MOST_KL:,.0f} nats"


def _counts(steps: Sequence[Step], cost: int, budget: int) -> Iterator[str]:
    """The whole budget, in steps of `cost` queries; a model that gave no score is given up after the first step."""
    rounds, done = budget // cost, steps[-1]
    silent = 0 < done.queries == done.failed
    last = 1 if silent else rounds
    if [step.step for step in steps] != [*range(last + 1)]:
        told = "a model without any score is given up at step 1" if silent else f"{budget:,} queries pay for {rounds}"
        yield f"its steps are not those from 0 to {last}, one after another: {told}"
    for step in steps:
        if step.queries != step.step * cost:
            yield f"step {step.step} states {step.queries:,} queries, where {step.step * cost:,} are spent"
    for before, step in pairwise(steps):
        cached, failed = step.cached - before.cached, step.failed - before.failed
        if not 0 <= cached <= cost or not 0 <= failed <= cost:
            yield f"step {step.step} has more cached or failed queries than the {cost:,} that it asks"
        if failed == cost and not step.proxies and step.proxy is not None:
            yield f"step {step.step} states a mean reward, although it has none"


def _start(step: Step, other: Step) -> Iterator[str]:
    if not np.allclose(step.golds, other.golds, rtol=0, atol=SAME):
        yield "it does not start at the reference policy: step 0 has another gold than the gold's own course"
    if (step.kl or 0.0, step.proxy) != (0.0, None) or np.isfinite(step.proxies).any():
        yield "step 0 states a KL or a reward, before anything was asked"


def _attempts(course: Trajectory, made: Sequence[Attempt]) -> str | None:
    """Whether the attempts at each prompt are numbered 1, 2, … and the best of each step is what the course states."""
    by_item: dict[str, list[Attempt]] = {}
    for attempt in made:
        by_item.setdefault(attempt.item, []).append(attempt)
    if {*by_item} != {*course.items}:
        return "its prompts are not those of the course"
    for column, item in enumerate(course.items):
        if [attempt.query for attempt in by_item[item]] != list(range(1, len(course.steps))):
            return f"the queries at {item!r:.80} are not numbered 1 to {len(course.steps) - 1}"
        start, then = course.steps[0].golds[column], [(s.golds[column], s.proxies[column]) for s in course.steps[1:]]
        if problem := _climb(by_item[item], start, then):
            return f"{problem[0]} at {item!r:.80}{problem[1]}"
    missing = np.cumsum(np.isnan([[a.proxy for a in by_item[item]] for item in course.items]).sum(axis=0))
    for step, failed in zip(course.steps[1:], missing, strict=True):
        if step.failed != failed:
            return f"{failed:,} attempts up to step {step.step} have no reward, and the course states {step.failed:,}"
    return None


def _climb(attempts: Sequence[Attempt], best: float, course: Sequence[tuple[float, float]]) -> tuple[str, str] | None:
    """What is wrong with the attempts at one prompt, against gold and reward of the best so far: where, and what."""
    reward = math.nan
    for attempt, then in zip(attempts, course, strict=True):
        where = f"query {attempt.query}"
        kept = bool(np.isfinite(attempt.proxy)) and not attempt.proxy <= reward
        if attempt.kept != kept:
            not_kept, not_highest = "not " * kept, "" if kept else "not "
            return where, f" was {not_kept}kept, although its reward is {not_highest}the highest so far"
        if kept and attempt.text is None:
            return where, " was kept, but its text is missing"
        if len(attempt.text or "") > LONGEST_TEXT or len(attempt.operator) > LONGEST_NAME:
            return where, f" has a text of more than {LONGEST_TEXT:,} characters, or an operator of {LONGEST_NAME}"
        if kept:
            best, reward = attempt.gold, attempt.proxy
        if not np.allclose(then, (best, reward), rtol=0, atol=SAME, equal_nan=True):
            told = f"states a gold of {then[0]:g} and a reward of {then[1]:g}"
            return where, f": the course then {told}; the best text so far has {best:g} and {reward:g}"
    return None
