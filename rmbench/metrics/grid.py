"""Gold along a whole range of budgets, from none up to the card's largest: what curves are fitted to and peak on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rmbench.metrics.base import Measure
from rmbench.metrics.reach import Optimizer, label, spots, why_not
from rmbench.optimizers import BestOfN, Tilt
from rmbench.optimizers.along import READ_AT, Along
from rmbench.types import Budgets, Floats, ScoredItem

NATS = (0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0)
STEPS = 64  # a path with more steps is thinned to about as many

Grid = tuple[Optimizer, ...]


def pool_grids(budgets: Budgets) -> list[Grid]:
    """Rising budgets of tilt and of best-of-n up to the card's largest, its own among them, from 0 nats and n = 1 on.

    A method without budgets has no grid.
    """
    grids: list[Grid] = []
    if budgets.tilt:
        steps = (nats for nats in NATS if nats < max(budgets.tilt))
        grids.append(tuple(Tilt(nats) for nats in sorted({0.0, *steps, *budgets.tilt})))
    if budgets.best_of_n:
        most = max(budgets.best_of_n)
        doubled = (2**k for k in range(most.bit_length()) if 2**k < most)
        grids.append(tuple(BestOfN(n) for n in sorted({1, *doubled, *budgets.best_of_n})))
    return grids


def path_grid(items: Sequence[ScoredItem], point: Along) -> Grid:
    """The steps of a path up to a point, by their queries; the point alone where no item holds such a path."""
    path = next((item.paths[point.name] for item in items if point.name in item.paths), None)
    if path is None:
        return (point,)
    steps = np.unique(path.queries[path.queries <= point.budget])[:-1]
    kept = steps[np.unique(np.linspace(0, len(steps) - 1, min(STEPS, len(steps))).round().astype(int))]
    return (*(Along(point.name, queries=int(q)) for q in kept), point)


def path_points(budgets: Budgets, items: Sequence[ScoredItem]) -> list[Along]:
    """Where paths are measured by queries: the card's budgets, and the end of every path that has none there."""
    points = dict(budgets.queries)
    for item in items:
        for name in sorted(item.paths.keys() - budgets.queries.keys()):
            points[name] = max(points.get(name, 0), int(item.paths[name].queries[-1]))
    return [Along(name, queries=queries) for name, queries in points.items()]


def read_offs(name: str, items: Sequence[ScoredItem]) -> list[Along]:
    """Where a path is read off by nats: nowhere if it has no KL."""
    paths = (item.paths[name] for item in items if name in item.paths)
    return [Along(name, nats=nats) for nats in READ_AT] if any(np.isfinite(path.kl).any() for path in paths) else []


def on_paths(grid: Grid) -> bool:
    """Whether a curve is one of paths, which need none of a pool's scores."""
    return all(isinstance(point, Along) for point in grid)


@dataclass(frozen=True, repr=False)
class AlongGrid(Measure):
    """The base of the metrics of a whole curve: mean gold gain against mean KL over `grid`, its last point the budget.

    The curve is made anew in every resample.
    """

    grid: Grid

    def rows(self, items: Sequence[ScoredItem]) -> Floats:
        """Gains along the grid, KL along it, and 1: shape (items, 2 * grid + 1)."""
        found = spots(items, self.grid)
        return np.concatenate([found.gain, found.kl, np.ones((len(items), 1))], axis=1)

    def curve(self, sums: Floats) -> tuple[Floats, Floats]:
        """Mean gain and mean KL (nats, never below 0), each of shape (..., grid), from sums of rows."""
        size = len(self.grid)
        with np.errstate(divide="ignore", invalid="ignore"):
            means = sums[..., :-1] / sums[..., -1:]
        return means[..., :size], np.maximum(means[..., size:], 0.0)

    def complete(self, item: ScoredItem) -> bool:
        return on_paths(self.grid) or item.complete

    def why(self, items: Sequence[ScoredItem]) -> str:
        return next(filter(None, (unreached(items, point) for point in self.grid)), self.otherwise())

    def otherwise(self) -> str:
        """Why there is no value though every point of the curve is there."""
        return "the value is undefined on these items"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({label(self.grid[-1])})"


def unreached(items: Sequence[ScoredItem], optimizer: Optimizer) -> str | None:
    """Why the proxy reaches no point there, or one without KL; None where it does (headroom is another matter)."""
    found = spots(items, [optimizer])
    if np.isnan(found.gain).any():
        return why_not(items, optimizer)
    if np.isnan(found.kl).any():
        return f"{optimizer.name}: it has no policy, so its path has no KL"
    return None
