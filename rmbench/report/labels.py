"""Where the labels of the gold chart go: one side per optimizer, and no label on another one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

# The plot's size where it is narrowest (a phone), in pixels: labels that are apart there are apart everywhere.
_WIDTH, _HEIGHT = 265, 230
_CHARACTER, _LINE = 6.5, 12
_ABOVE, _BELOW = -12, 14  # from the point to the middle of its label; `charts.py` draws them there

Ends = tuple[float, float]  # of the gold axis
Box = tuple[float, float, float, float]


def reach(points: Sequence[Mapping[str, Any]]) -> float:
    """Right end of the x axis in sqrt(KL): a little beyond the largest one, at least 1."""
    furthest: float = max(point["d"] for point in points)
    return max(1.0, math.ceil(4 * (furthest + 0.05)) / 4)


def place(points: list[dict[str, Any]], ends: Ends | None = None) -> list[dict[str, Any]]:
    """Give each point `above` (its label's side) and an empty `tag` where its label would touch another one.

    The optimizer that reaches more gold at its budgets has its labels above, the other one below: away from both lines.
    Points at one place (a constant reward) keep the label of the smallest budget. `ends` are those of the gold axis,
    None where the values decide them.
    """
    marked = [point for point in points if point["budgeted"]]
    upper = _upper(points)
    left, right = 0.0, reach(points)
    low, high = ends or _apart(golds(points))
    taken: list[Box] = []
    for point in points:
        point["above"] = point["optimizer"] == upper
    for point in marked:
        x = (point["d"] - left) / (right - left) * _WIDTH
        y = (high - point["gold"]) / (high - low) * _HEIGHT + (_ABOVE if point["above"] else _BELOW)
        half = _CHARACTER * len(point["tag"]) / 2
        box = (x - half, x + half, y - _LINE / 2, y + _LINE / 2)
        if any(_touch(box, other) for other in taken):
            point["tag"] = ""
        else:
            taken.append(box)
    return points


def _upper(points: Sequence[Mapping[str, Any]]) -> str:
    """The optimizer whose labels go above: tilt, unless best-of-n is higher where both reach."""
    import numpy as np

    lines = {
        name: sorted((p["d"], p["gold"]) for p in points if p["optimizer"] == name) for name in ("tilt", "best_of_n")
    }
    if not all(lines.values()):
        return "tilt"
    grid = np.linspace(0, min(line[-1][0] for line in lines.values()), 50)
    tilt, best = (np.interp(grid, [d for d, _ in line], [gold for _, gold in line]) for line in lines.values())
    return "best_of_n" if best.mean() > tilt.mean() else "tilt"


def golds(points: Sequence[Mapping[str, Any]]) -> list[float]:
    """All the values that the gold axis has to hold."""
    values = [point[key] for point in points for key in ("gold", "gold_low", "gold_high", "oracle")]
    return [value for value in values if value is not None]


def common_ends(values: Sequence[float]) -> Ends:
    """The ends of one gold axis for several charts, on tenths, with room for a label below."""
    low, high = _apart(values)
    margin = 0.08 * (high - low)
    return math.floor(10 * (low - margin)) / 10, math.ceil(10 * high) / 10


def _apart(values: Sequence[float]) -> Ends:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _touch(a: Box, b: Box) -> bool:
    return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]
