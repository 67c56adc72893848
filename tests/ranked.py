"""Simulated leaderboards for tests of ranks: models whose true skill is known answer the same clustered pairs."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from scipy.special import ndtr
from scored import item

from rmbench.leaderboard.ranking import rank
from rmbench.stats import resample, widened

GROUP, ITEM, OWN_GROUP = 0.3, 0.2, 0.2  # shares of the variance: difficulty that all models share, and their own


@cache
def sample(task, groups, per_group, draws):
    return resample(names(groups, per_group), draws=draws, seed=0, name=f"task {task}")


def names(groups, per_group):
    return [f"g{k // per_group:04d}" for k in range(groups * per_group)]


def truth(abilities):
    """The true skill: 2 P(right) - 1, over prompts that were never drawn."""
    return 2 * ndtr(np.asarray(abilities, dtype=float)) - 1


def answers(rng, abilities, groups, per_group):
    """Which model answers which pair rightly, shape (models, groups, per_group); the margin has variance 1."""
    models = len(abilities)

    def noise(share, *shape):
        return np.sqrt(share) * rng.standard_normal(shape)

    margin = np.asarray(abilities, dtype=float)[:, None, None] + noise(GROUP, groups, 1)
    margin = margin + noise(ITEM, groups, per_group) + noise(OWN_GROUP, models, groups, 1)
    return margin + noise(1 - GROUP - ITEM - OWN_GROUP, models, groups, per_group) > 0


def as_items(right):
    """One model's answers as scored items, (groups, per_group)."""
    return [
        item([float(ok), 0.5], [1.0, 0.0], f"i{k:05d}", group)
        for k, (ok, group) in enumerate(zip(right.ravel(), names(*right.shape), strict=True))
    ]


def skills(right, task, draws):
    """Skill and replicates of every model, as `estimate` makes them with `RetainedSkill`; shapes (m,), (m, draws)."""
    _, groups, per_group = right.shape
    of_groups = 2 * right.mean(axis=2) - 1
    values = of_groups.mean(axis=1)
    plain = of_groups @ sample(task, groups, per_group, draws).weights.T / groups
    return values, np.array([widened(row, value, groups) for row, value in zip(plain, values, strict=True)])


def board(rng, abilities, tasks, draws):
    """Overall skill: the mean over tasks of (groups, per_group)."""
    found = [skills(answers(rng, abilities, *size), k, draws) for k, size in enumerate(tasks)]
    values, replicates = zip(*found, strict=True)
    return np.mean(values, axis=0), np.mean(replicates, axis=0)


def simulate(abilities, tasks, boards, *, draws=500, seed=0, freedom=np.inf):
    """Per board: which entries have an interval that holds all their true places, and whether groups misled.

    Equally good entries share several true places: meeting one of them would be far too easy."""
    rng = np.random.default_rng(seed)
    true = np.round(truth(abilities), 9)
    first, last = ((true > t).sum() + 1 for t in true), ((true >= t).sum() for t in true)
    first, last = np.array([*first]), np.array([*last])
    covered, wrong = [], []
    for _ in range(boards):
        values, replicates = board(rng, abilities, tasks, draws)
        ranks = rank(values, replicates, freedom=freedom)
        low, high, group = (np.array([getattr(r, part) for r in ranks]) for part in ("low", "high", "group"))
        covered.append((low <= first) & (high >= last))
        wrong.append(_misled(values, true, group))
    return np.array(covered), np.array(wrong)


def _misled(values, true, group):
    """Whether a group's leader was told apart from one that is truly as good or better."""
    best = {g: int(np.flatnonzero(group == g)[np.argmax(values[group == g])]) for g in set(group.tolist())}
    heads = [best[g] for g in sorted(best)]
    return any(true[b] >= true[a] for a, b in pairwise(heads))
