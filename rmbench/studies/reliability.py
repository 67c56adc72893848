"""How far each task can be trusted to tell models apart: a study of the tasks, made from the runs of several models.

Three numbers per task, all from the same raw scores:

- split-half rank correlation: the models are ranked by the task's skill on a random half of the groups and on the other
  half; Spearman's rho between the two, averaged over many halvings. `reliability` steps it up to the whole task with
  the Spearman-Brown formula 2 rho / (1 + rho) (Brown 1910; Spearman 1910).
- separated: the share of all pairs of models whose paired difference has a 95 % interval without 0; a pair without an
  interval is not told apart.
- resolves: the smallest difference in skill that a paired test at 5 % finds with 80 % power, (1.96 + 0.84) standard
  errors of the paired difference (Miller 2024, arXiv 2411.00640, section 5); the median over all pairs of models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.stats import norm, spearmanr

from rmbench.errors import RunError, UsageError
from rmbench.metrics import metrics_for
from rmbench.metrics.base import Measure, estimate
from rmbench.scores import Run, read_run
from rmbench.stats import Resamples, interval, resample
from rmbench.types import Card, Floats, ScoredItem

POWER = float(norm.ppf(0.975) + norm.ppf(0.8))  # 2.80 standard errors
FEWEST_MODELS = 3  # a rank correlation of fewer says nothing


@dataclass(frozen=True, slots=True)
class Reliability:
    """One task under several models; see the module's docstring. None where there is no number."""

    task: str
    models: int
    groups: int
    split_half: float | None
    reliability: float | None
    separated: float | None
    resolves: float | None


def study(folders: Sequence[Path], *, halvings: int = 200, bootstrap: int = 1000, seed: int = 0) -> list[Reliability]:
    """Reliability of every task that all the runs share, in the order of the first run.

    Raises UsageError for fewer than three runs, RunError for runs of different versions of a task.
    """
    if len(folders) < FEWEST_MODELS:
        raise UsageError(f"{len(folders)} runs are too few to rank: give at least {FEWEST_MODELS}, of different models")
    runs = [read_run(folder) for folder in folders]
    shared = [name for name in runs[0].cards if all(name in run.cards for run in runs)]
    if not shared:
        raise RunError("the runs share no task; run every model on the same suite")
    return [_task(name, runs, folders, halvings=halvings, bootstrap=bootstrap, seed=seed) for name in shared]


def _task(
    name: str, runs: Sequence[Run], folders: Sequence[Path], *, halvings: int, bootstrap: int, seed: int
) -> Reliability:
    card = runs[0].cards[name]
    items = [run.items(name) for run in runs]
    for run, folder, found in zip(runs, folders, items, strict=True):
        same = [item.id for item in found] == [item.id for item in items[0]]
        if run.cards[name].sha256 != card.sha256 or not same:
            raise RunError(f"{folder} ran other items of {name} than {folders[0]}; run both on the same suite")
    groups = [item.group for item in items[0]]
    sample = resample(groups, draws=bootstrap, seed=seed, name=name)
    replicates = [estimate(_headline(card, own), own, sample).replicates for own in items]
    halves = _halves(sample, halvings, seed)
    rho = _split_half([_on(card, own, halves) for own in items], halvings)
    spread, apart = _differences(replicates)
    stepped = None if rho is None else 2 * rho / (1 + rho) if rho > -1 else -1.0
    return Reliability(name, len(runs), len(set(groups)), rho, stepped, apart, spread)


def _headline(card: Card, items: Sequence[ScoredItem]) -> Measure:
    return metrics_for(card, items)[0]


def _halves(sample: Resamples, halvings: int, seed: int) -> Resamples:
    """Random halves of the groups as weights 0 and 1, each followed by its other half."""
    size = sample.weights.shape[1]
    rng = np.random.default_rng([seed, size])
    first = np.zeros((halvings, size))
    for row in first:
        row[rng.permutation(size)[: size // 2]] = 1
    return Resamples(np.stack([first, 1 - first], axis=1).reshape(-1, size), sample.codes)


def _on(card: Card, items: Sequence[ScoredItem], halves: Resamples) -> Floats:
    """The skill on every half, shape (2 halvings,); NaN where it has no value."""
    metric = _headline(card, items)
    kept = metric.scored(items)
    whole = [item for item, keep in zip(items, kept, strict=True) if keep]
    return metric.replicates(whole, halves, kept) if whole else np.full(len(halves.weights), np.nan)


def _split_half(skills: Sequence[Floats], halvings: int) -> float | None:
    """Mean rank correlation between the models' skills on a half and on its other half."""
    table = np.stack(skills).reshape(len(skills), halvings, 2)
    found = []
    for k in range(halvings):
        pair = table[:, k, :]
        if np.isfinite(pair).all() and np.ptp(pair[:, 0]) > 0 and np.ptp(pair[:, 1]) > 0:
            found.append(float(spearmanr(pair[:, 0], pair[:, 1]).statistic))
    return float(np.mean(found)) if len(found) >= halvings / 2 else None


def _differences(replicates: Sequence[Floats]) -> tuple[float | None, float | None]:
    """The median resolvable difference, and the share of the pairs of models that are told apart."""
    errors, apart = [], []
    for first, second in combinations(replicates, 2):
        bounds = interval(first - second)
        apart.append(bounds is not None and not bounds[0] <= 0 <= bounds[1])
        if bounds is not None:
            errors.append(float(np.nanstd(first - second, ddof=1)))
    if not errors or np.median(errors) == 0:
        return None, float(np.mean(apart)) if apart else None
    return POWER * float(np.median(errors)), float(np.mean(apart))


def write_resolves(found: Sequence[Reliability], folders: Mapping[str, Path]) -> list[str]:
    """Put `resolves` into the cards of the tasks that have one; returns the names of those written."""
    from rmbench.task import update_card

    written = []
    for one in found:
        if one.task in folders and one.resolves is not None:
            update_card(folders[one.task], resolves=float(f"{one.resolves:.2g}"))
            written.append(one.task)
    return written
