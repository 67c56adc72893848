"""What prompts reach at a budget, whatever the optimiser: on their pools, or along the path of one that pushes.

Everything about overoptimization is made of these points, and most metrics ask for the same ones: they are kept.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rmbench.optimizers import PoolOptimizer
from rmbench.optimizers.along import SATURATED, Along, reached, spent
from rmbench.optimizers.sweep import Sweep, sweep
from rmbench.types import Floats, Path, ScoredItem

Optimizer = PoolOptimizer | Along
MOST_FAILED = 0.10  # a course in which more than this share of the queries got no score says nothing
KEPT = 200_000  # points, each of four numbers


class Spots(NamedTuple):
    """One number per prompt and budget, each of shape (items, optimizers); NaN = there is none (see `why_not`).

    `gain`: gold gained over the reference by optimising the proxy; `headroom`: by optimising the gold itself. `kl` in
    nats, `saturated` 1 where the proxy cannot spend the budget.
    """

    gain: Floats
    headroom: Floats
    kl: Floats
    saturated: Floats


_Point = tuple[float, float, float, float]
NOWHERE: _Point = (math.nan, math.nan, math.nan, math.nan)
_kept: dict[tuple[PoolOptimizer, int, int], tuple[weakref.ref[Floats], weakref.ref[Floats], _Point]] = {}


def spots(items: Sequence[ScoredItem], optimizers: Sequence[Optimizer]) -> Spots:
    """What every prompt reaches at every budget. What is not known yet is found at once: each pool is sorted once."""
    _sweep([item for item in items if item.gold.size], [one for one in optimizers if not isinstance(one, Along)])
    found = [[_point(item, optimizer) for optimizer in optimizers] for item in items]
    return Spots(*np.moveaxis(np.array(found, dtype=np.float64).reshape(len(items), len(optimizers), 4), -1, 0))


def gains(item: ScoredItem, optimizer: Optimizer) -> tuple[float, float]:
    """Gold gain of the proxy and of the gold itself (the headroom); NaN where there is none: `why_not` tells why."""
    found = spots([item], [optimizer])
    return float(found.gain[0, 0]), float(found.headroom[0, 0])


def label(optimizer: Optimizer) -> str:
    """How a budget is written in the names of metrics: `tilt=2`, `search=4096`, `policy_gradient@4nats`."""
    return optimizer.label if isinstance(optimizer, Along) else f"{optimizer.name}={optimizer.budget:g}"


def flat(items: Sequence[ScoredItem]) -> list[str]:
    """Ids of the prompts with no headroom: all their candidates have the same gold."""
    return [item.id for item in items if item.gold.size and np.ptp(item.gold) == 0]


def why_not(items: Sequence[ScoredItem], optimizer: Optimizer) -> str | None:
    """Why there is no recovery at this budget, in one sentence; None where nothing is missing."""
    for item in items:
        if reason := _missing(item, optimizer):
            return reason
    if spots(items, [optimizer]).headroom.sum() > 0:
        return None
    if isinstance(optimizer, Along):
        return f"{optimizer.name}: no prompt has headroom: the gold itself gains nothing when it is optimised"
    return "no prompt has headroom: all candidates of each have the same gold"


def _missing(item: ScoredItem, optimizer: Optimizer) -> str | None:
    if isinstance(optimizer, Along):
        path = item.paths.get(optimizer.name)
        asked = "it was not asked for, or the model only replays saved scores"
        reason = f"this run holds no such path ({asked})" if path is None else _missing_on(path, optimizer)
        return f"{optimizer.name}: {reason}" if reason else None
    if not item.gold.size:
        return f"{item.id}: this run holds no responses, only the courses of optimisers that query the model"
    reason = optimizer.spend(item.gold).reason
    return f"{item.id}: {reason}" if reason else None


def _missing_on(path: Path, point: Along) -> str | None:
    no_kl = f"has no KL, so it cannot be read at {point.budget:g} nats"
    if path.failed > MOST_FAILED:
        share = f"{100 * path.failed:.{0 if path.failed >= MOST_FAILED + 0.005 else 2}f}"
        return f"the model gave no score to {share} % of the queries; above 10 % its course says nothing"
    if math.isnan(_on_path(path, point)[0]):
        return f"its path {no_kl}"
    if path.oracle is None:
        return "there is no reference run in which the gold itself is optimised as far, so the headroom is unknown"
    return f"its reference run {no_kl}" if math.isnan(_on_path(path, point)[1]) else None


def _point(item: ScoredItem, optimizer: Optimizer) -> _Point:
    if not isinstance(optimizer, Along):
        return _known(optimizer, item) or NOWHERE
    path = item.paths.get(optimizer.name)
    return NOWHERE if path is None else _on_path(path, optimizer)


def _on_path(path: Path, point: Along) -> _Point:
    gold, note = reached(path, point)
    gain = gold - float(path.gold[0])
    headroom = math.nan if path.oracle is None else reached(path.oracle, point)[0] - float(path.oracle.gold[0])
    if path.failed > MOST_FAILED:
        return math.nan, headroom, math.nan, math.nan
    return gain, headroom, spent(path, point), math.nan if math.isnan(gain) else float(note == SATURATED)


def _known(optimizer: PoolOptimizer, item: ScoredItem) -> _Point | None:
    """By the identity of the arrays (items are frozen), so that a large pool is neither copied nor hashed."""
    entry = _kept.get((optimizer, id(item.scores), id(item.gold)))
    return entry[2] if entry and entry[0]() is item.scores and entry[1]() is item.gold else None


def remember(items: Sequence[ScoredItem], found: Sweep) -> None:
    """Keep the points of a sweep over these items' pools, so that no metric has to make it again."""
    gain, headroom = found.gold - found.mean[:, None], found.oracle - found.mean[:, None]
    points = np.stack([gain, headroom, found.kl, found.saturated], axis=-1).tolist()
    for item, row in zip(items, points, strict=True):
        scores, gold = weakref.ref(item.scores), weakref.ref(item.gold)
        for optimizer, point in zip(found.optimizers, row, strict=True):
            _kept[optimizer, id(item.scores), id(item.gold)] = (scores, gold, tuple(point))


def _sweep(items: Sequence[ScoredItem], optimizers: Sequence[PoolOptimizer]) -> None:
    """Keep the points that are not known yet. What is asked for now is all known afterwards, so room is made first."""
    if len(_kept) >= KEPT:
        _kept.clear()
    items = [item for item in items if any(_known(optimizer, item) is None for optimizer in optimizers)]
    optimizers = [one for one in optimizers if any(_known(one, item) is None for item in items)]
    if not items:
        return
    remember(items, sweep([item.scores for item in items], [item.gold for item in items], optimizers))
