"""Runs for tests of comparisons: pairs that a model gets right or wrong as told, and pools."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scored import card, pools

from rmbench.scores import read_run, write_run
from rmbench.types import Budgets, Failure, Item, Task

PROMPT = ({"role": "user", "content": "q"},)


def pair_task(name="style", axis="generalisation", count=60, **more):
    """Pairs whose first answer is right, two per group."""
    probability = 0.9 if axis == "calibration" else None
    items = tuple(
        Item(f"i{k:04d}", PROMPT, ("yes", "no"), (1.0, 0.0), f"g{k // 2:04d}", probability) for k in range(count)
    )
    return Task(card(axis, name, **more), items)


def pool_task(name="pool", count=12):
    made = pools(count=count)
    items = tuple(
        Item(i.id, PROMPT, tuple(map(str, range(i.gold.size))), tuple(i.gold.tolist()), i.group) for i in made
    )
    return Task(card("overoptimization", name, budgets=Budgets(tilt=(1, 2), best_of_n=(4,))), items)


def margins(values):
    """Scores of pairs with these margins; None is a failed score, inf one that the model never gave."""
    return [[Failure("timeout"), 0.0] if v is None else [float(v), 0.0] for v in values]


def noisy(task, noise, seed):
    rng = np.random.default_rng(seed)
    return [[g + noise * rng.standard_normal() for g in item.gold] for item in task.items]


def write(path, scores, tasks, name="toy", **more):
    """A run folder: `scores` by task."""
    fixed = {"suite": "quick@1", "seed": 0, "limit": None, "environment": {}, "stats": {}, "created": "2026-01-01"}
    return write_run(path, settings={"name": name}, tasks=tasks, scores=scores, **(fixed | more))


def rescored(run, scores):
    """A run in memory under other scores: arrays by task, one row per item in the order of `run.items`."""
    tasks = {
        name: tuple(
            replace(item, scores=np.asarray(s, dtype=float)) for item, s in zip(items, scores[name], strict=True)
        )
        for name, items in run.tasks.items()
    }
    return replace(run, tasks=tasks)


def three_axes():
    """One task per axis."""
    return [pair_task("style"), pair_task("known", "calibration"), pool_task()]


def scores_of(tasks, noise, seed=0):
    return {t.card.name: noisy(t, noise, seed + k) for k, t in enumerate(tasks)}


def run_in_memory(tmp_path, tasks, noise=1.0):
    return read_run(write(tmp_path, scores_of(tasks, noise), tasks))
