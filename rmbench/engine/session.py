"""All that a run pays a model for: the frozen responses, and the queries of the optimisers set on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from rmbench.engine.pursuit import Attack, chosen_attacks, planned, pursue_all, reference_of
from rmbench.engine.scoring import score_items
from rmbench.engine.store import Score, ScoreStore
from rmbench.engine.work import Progress
from rmbench.errors import UsageError
from rmbench.optimizers.interactive import Interactive
from rmbench.trajectory import Trajectory
from rmbench.types import Budgets, RewardModel, Task

__all__ = ["NO_OPTIMIZER", "Spending", "as_spent", "attacks_on", "spend"]


NO_OPTIMIZER = "none"


class Spending(NamedTuple):
    """Scores and stats by task (see `Scored`), and the courses of the optimisers."""

    scores: Mapping[str, Sequence[Sequence[Score]]]
    stats: Mapping[str, Mapping[str, float]]
    courses: Sequence[Trajectory]


def attacks_on(
    tasks: Sequence[Task], optimizer: str | Interactive | None, policy: str | None, queries: int | None
) -> list[Attack]:
    """What the cards ask for; with an `optimizer`, that one alone, and with "none" nothing. Raises UsageError."""
    if optimizer is None or optimizer == NO_OPTIMIZER:
        if policy or queries is not None:
            raise UsageError("--policy and --reward-queries go with --optimizer and the name of one")
        return planned(tasks) if optimizer is None else []
    return chosen_attacks(tasks, optimizer, policy, queries)


def spend(
    model: RewardModel,
    tasks: Sequence[Task],
    attacks: Sequence[Attack],
    store: ScoreStore | None = None,
    progress: Progress | None = None,
) -> Spending:
    """Score the tasks, then carry out the attacks. What the store holds is not asked again."""
    # first, so that what is wrong with a task is told before the model is paid
    references = [reference_of(attack) for attack in attacks]
    tell = progress or (lambda *_: None)
    queries = sum(attack.queries for attack in attacks)
    last = (0, 0)  # frozen responses, and tokens of them

    def frozen(done: int, total: int, tokens: int) -> None:
        nonlocal last
        last = (total, tokens)
        tell(done, total + queries, tokens)

    found = score_items(model, tasks, frozen, store) if tasks else None
    responses, read = last
    attacked = model.lenient() if hasattr(model, "lenient") else model
    courses = pursue_all(
        attacked, attacks, references, store, lambda d, _, t: tell(responses + d, responses + queries, read + t)
    )
    return Spending(found.scores if found else {}, found.stats if found else {}, courses)


def as_spent(tasks: Sequence[Task], attacks: Sequence[Attack], *, alone: bool) -> list[Task]:
    """The tasks with the budgets that were spent on them: a limit makes them smaller than the card's.

    `alone`: nothing but the attacks was carried out, so that the card's budgets for pools were not spent at all, and
    tasks without an attack were left out.
    """
    out = []
    for task in tasks:
        mine = {a.optimizer.name: a.queries for a in attacks if a.task.card.name == task.card.name}
        if alone and not mine:
            continue
        own = task.card.budgets
        spent = Budgets(tilt=(), best_of_n=(), queries=mine) if alone else own.model_copy(update={"queries": mine})
        out.append(replace(task, card=task.card.model_copy(update={"budgets": spent})))
    return out
