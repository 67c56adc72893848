"""Set optimisers that query the reward on a model, or on the gold itself, and write down their courses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rmbench.engine.scoring import ask
from rmbench.engine.store import ScoreStore
from rmbench.engine.work import Progress
from rmbench.errors import TaskError, UsageError
from rmbench.models import ModelOptions, load_model
from rmbench.optimizers import get_optimizer
from rmbench.optimizers.interactive import Arena, Interactive, Reward, Score
from rmbench.task import read_reference
from rmbench.trajectory import Trajectory
from rmbench.types import Conversation, Failure, RewardModel, Step, Task
from rmbench.worlds import get_world, prompt_from_tags

SEED = 0  # of the optimisers: part of the standard conditions, whatever the seed of the model


@dataclass(frozen=True, slots=True)
class Attack:
    """One optimiser to be set on a model over one task, with the reward queries that it may spend.

    Raises UsageError where they buy no step: before hours of scoring, and not after.
    """

    optimizer: Interactive
    task: Task
    queries: int

    def __post_init__(self) -> None:
        least = self.optimizer.least(len(self.task.items))
        if self.queries < least:
            raise UsageError(
                f"{self.optimizer.name}: {self.queries} reward queries buy no step on {self.task.card.name};"
                f" one takes {least}"
            )


def planned(tasks: Sequence[Task]) -> list[Attack]:
    """What the cards of the tasks ask for."""
    return [
        Attack(made, task, budget_of(made, queries, task))
        for task in tasks
        for name, queries in task.card.budgets.queries.items()
        for made in [get_optimizer(name)]
    ]


def chosen_attacks(
    tasks: Sequence[Task], optimizer: str | Interactive, policy: str | None = None, queries: int | None = None
) -> list[Attack]:
    """One optimiser, by name or as a value, on every task that queries may be spent on; the card says how many where
    `queries` does not.

    Raises UsageError where there is no such task, or no number.
    """
    optimizer = get_optimizer(optimizer, policy) if isinstance(optimizer, str) else optimizer
    name = optimizer.name
    fit = [task for task in tasks if task.card.budgets.queries]
    if optimizer.free_text:
        fit = [task for task in fit if get_world(task.items[0].tags["world"]).reads_free_text]
    if not fit:
        raise UsageError(f"{name} attacks the pool tasks of a world; name one with --task, such as pool_records")
    if queries is not None:
        return [Attack(optimizer, task, queries) for task in fit]
    if lacking := [task.card.name for task in fit if optimizer.name not in task.card.budgets.queries]:
        raise UsageError(f"{lacking[0]} does not say how many rewards {name} may ask for; give --reward-queries")
    return [Attack(optimizer, t, budget_of(optimizer, t.card.budgets.queries[optimizer.name], t)) for t in fit]


def budget_of(optimizer: Interactive, queries: int, task: Task) -> int:
    """What a task that was cut to fewer prompts may spend of the card's queries: all, or a share by prompts."""
    return queries * len(task.items) // max(1, task.card.items) if optimizer.per_prompt else queries


def arena_of(task: Task) -> Arena:
    """The world and prompts of a pool task. Raises TaskError for items that no world made, or that two worlds made."""
    prompts = tuple(prompt_from_tags(item.tags) for item in task.items)
    worlds = sorted({prompt.world for prompt in prompts})
    if len(worlds) != 1:
        raise TaskError(f"task {task.card.name} mixes the worlds {', '.join(worlds)}; optimise one world at a time")
    return Arena(get_world(worlds[0]), tuple(item.id for item in task.items), prompts)


def pursue(attack: Attack, score: Score, tell: Callable[[Step], None] = lambda _: None) -> Trajectory:
    """The whole course. `score` answers conversations; `tell` hears of every step.

    A model that has answered nothing at all by the end of a step is given up: more queries would say no more.
    """
    optimizer, task, queries = attack.optimizer, attack.task, attack.queries
    arena, reward = arena_of(task), Reward(score)
    steps: list[Step] = []
    for step in optimizer.steps(arena, reward, queries, SEED):
        steps.append(step)
        tell(step)
        if 0 < step.queries == step.failed:
            break
    settings = {**optimizer.settings, "queries": queries, "seed": SEED}
    return Trajectory(task.card.name, optimizer.name, "model", arena.items, settings, tuple(steps))


def pursue_all(
    model: RewardModel,
    attacks: Sequence[Attack],
    references: Sequence[Trajectory | None],
    store: ScoreStore | None = None,
    tell: Progress = lambda *_: None,
) -> list[Trajectory]:
    """Every course, each followed by the gold's own of `references` where that is long enough."""
    total, done, tokens = sum(attack.queries for attack in attacks), 0, 0

    def score(conversations: Sequence[Conversation]) -> list[float | Failure]:
        nonlocal tokens
        before = tokens

        def count(_done: int, _total: int, read: int) -> None:
            nonlocal tokens
            tokens = before + read

        (found,) = ask(model, [conversations], count, store)
        return [one for one, _ in found]

    courses: list[Trajectory] = []
    for attack, reference in zip(attacks, references, strict=True):
        course = pursue(attack, score, lambda step, before=done: tell(before + step.queries, total, tokens))  # type: ignore[misc]
        done += attack.queries
        courses.append(course)
        if reference is not None and {s.step for s in course.steps} <= {s.step for s in reference.steps}:
            courses.append(reference.like(course))
    return courses


def reference_of(attack: Attack) -> Trajectory | None:
    """The gold's own course that is kept with the task, or None: there is none for an optimiser with own settings.

    Raises TaskError if it was made otherwise than today's standard conditions ask.
    """
    task, optimizer = attack.task, attack.optimizer
    found = read_reference(task).get(optimizer.name)
    if found is None or optimizer != get_optimizer(optimizer.name):
        return None
    settings = {key: value for key, value in found.settings.items() if key != "queries"}
    if settings != {**optimizer.settings, "seed": SEED} or not {item.id for item in task.items} <= set(found.items):
        raise TaskError(
            f"{task.card.name}: its reference run was made with other settings of {optimizer.name} or other items;"
            f" make it again: rmbench tasks build {task.card.name}"
        )
    return found


def gold_runs(task: Task) -> list[Trajectory]:
    """What each optimiser of a card reaches with its whole budget when it is set on the gold itself."""
    oracle = load_model("oracle", ModelOptions(tasks=(task,)))
    runs = []
    for attack in planned([task]):
        course = pursue(attack, oracle.score)
        runs.append(replace(course, rewarded="gold", steps=tuple(replace(s, attempts=()) for s in course.steps)))
    return runs
