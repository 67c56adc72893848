"""The optimisers' courses of a submission against the task: the gold's own course, the start, the budget, the texts.

What a model was asked along the way cannot be recomputed without it. But every kept text of a search is there, so its
gold is graded again, and the course must be the one that these texts make. A trained policy leaves no texts: of its
course, everything is checked that does not depend on the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from rmbench.errors import RunError
from rmbench.leaderboard.layout import ATTEMPTS, TRAJECTORY, check_parquet
from rmbench.leaderboard.standard import Standard
from rmbench.leaderboard.types import Problem, Refusal
from rmbench.scores import Manifest
from rmbench.trajectory import Trajectory, attempts_from, read_rows, rows_digest, trajectories_from
from rmbench.types import Attempt, Step, Task

SAME = 1e-9  # machines differ in the last bits of a gold
LONGEST_TEXT = 100_000  # characters
Attempts = Mapping[tuple[str, str], Sequence[Attempt]]


def read_courses(folder: Path, manifest: Manifest) -> tuple[list[Trajectory], Attempts]:
    """The courses and attempts, with the digests that the manifest states. Raises Refusal."""
    found = []
    for name, stated in ((TRAJECTORY, manifest.trajectory), (ATTEMPTS, manifest.attempts)):
        path = folder / name
        if path.exists() != (stated is not None):
            said = "named in the manifest, but missing" if stated else "there, but not named in the manifest"
            raise Refusal("course", name, f"it is {said}; submit the run as it was written")
        rows = []
        if stated is not None:
            if problem := check_parquet(path):
                raise Refusal(*problem[:3])
            try:
                rows = read_rows(path)
                told = rows_digest(rows)
            except RunError as error:
                raise Refusal("course", name, str(error)) from None
            if told != stated:
                raise Refusal("digest", name, "its content does not have the digest that the manifest states")
        found.append(rows)
    try:
        return trajectories_from(folder / TRAJECTORY, found[0]), attempts_from(found[1])
    except (RunError, TypeError, ValueError, KeyError) as error:
        raise Refusal("course", TRAJECTORY, " ".join(str(error).split())[:300]) from None


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
    for key, course in mine.items():
        if problem := _course(course, golds.get(key), standard.references.get(key), standard.tasks[course.task]):
            yield Problem("course", f"{TRAJECTORY}: {course.task}, {course.optimizer}", problem)
    searched = {key for key, course in mine.items() if course.optimizer == "search" and course.queries}
    if {*attempts} != searched:
        yield Problem("course", ATTEMPTS, "its attempts are not those of the searches in trajectory.parquet")
        return
    for key, made in attempts.items():
        if problem := _attempts(mine[key], made):
            yield Problem("course", f"{ATTEMPTS}: {key[0]}, {key[1]}", problem)


def check_texts(attempts: Attempts, standard: Standard) -> Iterator[Problem]:
    """Every kept text, graded again: the first whose gold is another, of each course."""
    from rmbench.worlds import get_world, prompt_from_tags

    for (task, optimizer), made in attempts.items():
        items = {item.id: item for item in standard.tasks[task].items}
        prompts = {name: prompt_from_tags(items[name].tags) for name in {attempt.item for attempt in made}}
        for attempt in made:
            if attempt.text is None:
                continue
            prompt = prompts[attempt.item]
            gold = get_world(prompt.world).gold(prompt, attempt.text).score
            if abs(gold - attempt.gold) > SAME:
                where = f"{ATTEMPTS}: {task}, {optimizer}, {attempt.item}, query {attempt.query}"
                yield Problem("gold", where, f"it states a gold of {attempt.gold:g}; its text has {gold:g}")
                break


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
    if not {step.step for step in course.steps} <= {step.step for step in reference.steps}:
        yield "it has steps that a course under these settings does not have"
    if course.queries > budget:
        yield f"it spent {course.queries:,} queries of {budget:,}"
    like = reference.like(course)
    if gold is None or not _alike(gold.steps, like.steps):
        yield "the gold's own course beside it is not the one that is kept with the task"
    if not np.allclose(course.steps[0].golds, like.steps[0].golds, rtol=0, atol=SAME):
        yield "it does not start at the reference policy: step 0 has another gold than the gold's own course"
    numbers = np.array([step.golds for step in course.steps])
    if numbers.min() < -SAME or numbers.max() > 1 + SAME:
        yield "it has a gold outside 0 to 1"
    if any(step.kl is not None and step.kl < -SAME for step in course.steps):
        yield "it has a negative KL"
    done = course.steps[-1]
    if done.step != _rounds(reference, budget, len(ids)) and done.failed < done.queries:
        yield f"it stops at step {done.step}, with queries left, although the model gave scores"


def _rounds(reference: Trajectory, budget: int, prompts: int) -> int:
    """The last step of a course that spends its whole budget: the gold's own, for its own budget and prompts, knows."""
    last, whole = reference.steps[-1].step, int(reference.settings["queries"])
    if reference.optimizer == "search":  # a step asks once at each prompt
        return budget // prompts
    return last * budget // whole


def _alike(a: Sequence[Step], b: Sequence[Step]) -> bool:
    if [step.step for step in a] != [step.step for step in b]:
        return False
    return all(np.allclose(x.golds, y.golds, rtol=0, atol=SAME) for x, y in zip(a, b, strict=True))


def _attempts(course: Trajectory, made: Sequence[Attempt]) -> str | None:
    """Whether the attempts at each prompt are numbered 1, 2, … and the best text of each step has the course's gold."""
    by_item: dict[str, list[Attempt]] = {}
    for attempt in made:
        by_item.setdefault(attempt.item, []).append(attempt)
    if {*by_item} != {*course.items}:
        return "its prompts are not those of the course"
    columns = {name: column for column, name in enumerate(course.items)}
    for item, attempts in by_item.items():
        if [attempt.query for attempt in attempts] != list(range(1, len(course.steps))):
            return f"the queries at {item} are not numbered 1 to {len(course.steps) - 1}"
        if problem := _climb(item, attempts, [step.golds[columns[item]] for step in course.steps]):
            return problem
    return None


def _climb(item: str, attempts: Sequence[Attempt], golds: Sequence[float]) -> str | None:
    best, reward = golds[0], float("nan")
    for attempt, then in zip(attempts, golds[1:], strict=True):
        where = f"query {attempt.query} at {item}"
        kept = bool(np.isfinite(attempt.proxy)) and not attempt.proxy <= reward
        if attempt.kept != kept:
            return f"{where} was {'not ' * kept}kept, although its reward is {'' if kept else 'not '}the highest so far"
        if kept and attempt.text is None:
            return f"{where} was kept, but its text is missing"
        if attempt.text is not None and len(attempt.text) > LONGEST_TEXT:
            return f"{where} has a text of {len(attempt.text):,} characters"
        if kept:
            best, reward = attempt.gold, attempt.proxy
        if abs(then - best) > SAME:
            return f"after {where} the course states a gold of {then:g}; the best text so far has {best:g}"
    return None
