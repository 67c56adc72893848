"""What is measured: one file per family. A metric is a frozen value whose repr is its name in every table and file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rmbench.errors import TaskError, UsageError
from rmbench.items import did_you_mean
from rmbench.metrics import (
    bias,
    calibration,
    diagnostics,
    exploits,
    gao,
    generalisation,
    goodhart,
    grid,
    overoptimization,
    preference,
    reach,
    selective,
    style,
    ties,
)
from rmbench.metrics.base import Measure
from rmbench.metrics.temperature import is_shifted, raters
from rmbench.optimizers import from_budgets
from rmbench.optimizers.along import Along, from_queries
from rmbench.types import Budgets, Card, ScoredItem

HUB = Path(__file__).parent / "hub"


def metrics_for(card: Card, items: Sequence[ScoredItem]) -> list[Measure]:
    """The metrics of a task on its axis, the headline first. `items` (complete or not) tell which splits there are.

    Raises TaskError where the card's headline is none of them.
    """
    if card.axis == "overoptimization":
        found = _overoptimization(card, items)
    else:
        found = _calibration(items) if card.axis == "calibration" else _generalisation(items)
    if card.headline is None:
        return found
    first = [metric for metric in found if repr(metric) == card.headline]
    if not first:
        hint = did_you_mean(card.headline, map(repr, found))
        raise TaskError(f"task {card.name}: headline is {card.headline!r}, which is no metric of its items{hint}")
    return [*first, *(metric for metric in found if metric is not first[0])]


def load(name: str, **options: Any) -> Any:
    """A family as a Hugging Face `evaluate.Metric`, offline. Raises UsageError for an unknown name."""
    known = sorted(path.name for path in HUB.iterdir() if (path / f"{path.name}.py").is_file())
    if name not in known:
        raise UsageError(f"there is no metric {name!r}; choose one of {', '.join(known)}")
    import evaluate

    return evaluate.load(str(HUB / name / f"{name}.py"), **options)


def _overoptimization(card: Card, items: Sequence[ScoredItem]) -> list[Measure]:
    """Every metric at each of its budgets; those of pools only where there are responses."""
    pooled = any(item.gold.size for item in items)
    pool: list[reach.Optimizer] = [*from_budgets(card.budgets)]
    queried = grid.path_points(card.budgets, items)
    nats = [point for along in queried for point in grid.read_offs(along.name, items)]
    reported = [*(pool if pooled else ()), *queried, *nats]
    stuck = [*(pool if pooled else ()), *nats]
    return [
        overoptimization.MeanRecovery((*pool, *from_queries(card.budgets))),
        *(kind(o) for kind in _AT_BUDGET for o in reported),
        *(overoptimization.Saturated(o) for o in stuck),
        *_courses(card.budgets, items, queried, pooled=pooled),
        *([exploits.ExploitShare()] if any("search" in item.paths for item in items) else ()),
        *([*_scale(card.budgets), *diagnostics.POOL_DIAGNOSTICS] if pooled else ()),
    ]


_AT_BUDGET = (
    overoptimization.Recovery,
    overoptimization.Gap,
    overoptimization.GoldGain,
    overoptimization.Headroom,
)


def _courses(
    budgets: Budgets, items: Sequence[ScoredItem], queried: Sequence[Along], *, pooled: bool
) -> Iterator[Measure]:
    """The metrics of whole curves; those against KL only where a path has it."""
    pools = grid.pool_grids(budgets) if pooled else []
    paths = [grid.path_grid(items, point) for point in queried]
    with_kl = [*pools, *(path for path in paths if grid.read_offs(path[-1].name, items))]
    yield from (goodhart.GoodhartDrop(course) for course in (*pools, *paths))
    for kind in (goodhart.HackingThreshold, gao.GaoAlpha, gao.GaoBeta, gao.GaoPeak, gao.GaoR2):
        yield from (kind(course) for course in with_kl)
    yield from (diagnostics.Gamma(course) for course in pools)


def _scale(budgets: Budgets) -> Iterator[Measure]:
    for kind in (diagnostics.GlobalRecovery, diagnostics.ScaleCost):
        yield from (kind(nats) for nats in sorted(budgets.tilt))


def _calibration(items: Sequence[ScoredItem]) -> list[Measure]:
    shifted = is_shifted(items)
    known: list[type[calibration.RMSE | calibration.NLL | calibration.Brier]] = [calibration.NLL, calibration.Brier]
    if all(item.probability is not None for item in items):
        known.insert(0, calibration.RMSE)
    voted = all(item.probability is not None and raters(item) > 1 for item in items)
    metrics: list[Measure] = []
    for fitted in (True, False):
        metrics.append(calibration.CalibrationSkill(fitted, shifted=shifted))
        metrics += [calibration.VoteSkill(fitted, shifted=shifted)] if voted else []
        metrics += [kind(fitted, shifted=shifted) for kind in known]
        metrics += [calibration.ECE(fitted, shifted=shifted), calibration.ECE(fitted, by="mass", shifted=shifted)]
    return [
        *metrics,
        calibration.Temperature(shifted=shifted),
        *ties.tie_metrics(items),
        *selective.SELECTIVE,
        *_preference(items),
    ]


def _generalisation(items: Sequence[ScoredItem]) -> list[Measure]:
    metrics: list[Measure] = [generalisation.RetainedSkill()]
    if is_shifted(items):
        metrics += [generalisation.BaseSkill(), generalisation.Gap(), *generalisation.worst_shift(items)]
    return [*metrics, *style.cells(items), *bias.bias_metrics(items), *_preference(items)]


def _preference(items: Sequence[ScoredItem]) -> list[Measure]:
    """Accuracy of each split where there are two, and of each category."""
    splits = ("base", "shift") if is_shifted(items) else ()
    metrics: list[Measure] = [preference.Accuracy(), *(preference.Accuracy(split=split) for split in splits)]
    categories = sorted({item.tags["category"] for item in items if "category" in item.tags})
    return [
        *metrics,
        preference.StrictAccuracy(),
        preference.TieRate(),
        *(kind(category=c) for kind in (preference.Accuracy, preference.StrictAccuracy) for c in categories),
    ]
