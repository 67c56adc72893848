"""Where the labels of the gold chart go: one side per optimizer, and no label on another one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

# The plot's size where it is narrowest (a phone), in pixels: labels that are apart there are apart everywhere.
_WIDTH, _HEIGHT = 265, 230
_CHARACTER, _LINE = 6.5, 12
_PADDING = 12  # right of the plot
_MARK = 4  # half a mark
_LEANING = [(1, False), (-1, False), (0, True)]
_ABOVE, _BELOW = -12, 14  # from the point to the middle of its label; `charts.py` draws them there

LEAN = 4  # from the point to the near end of a label beside it
Ends = tuple[float, float]  # of the gold axis
Pixel = tuple[float, float]
Box = tuple[float, float, float, float]


def reach(points: Sequence[Mapping[str, Any]]) -> float:
    """Right end of the x axis in sqrt(KL): a little beyond the largest one, at least 1."""
    furthest: float = max(point["d"] for point in points)
    return max(1.0, math.ceil(4 * (furthest + 0.05)) / 4)


def place(points: list[dict[str, Any]], ends: Ends | None = None) -> list[dict[str, Any]]:
    """Give each point `above` (its label's side) and an empty `tag` where its label would touch another one.

    The optimizer that reaches more gold at its budgets has its labels above, the other one below: away from both lines.
    A point with `lean` is on a line of its own: its label goes below on the right (1), below on the left (-1) or above
    (0), the first of these that is off the line. Points at one place (a constant reward) keep the label of the smallest
    budget. `ends` are those of the gold axis, None where the values decide them.
    """
    upper = _upper(points)
    right, (low, high) = reach(points), ends or _apart(golds(points))
    pixels = [(p["d"] / right * _WIDTH, (high - p["gold"]) / (high - low) * _HEIGHT) for p in points]
    marks = [pixel for point, pixel in zip(points, pixels, strict=True) if point["budgeted"]]
    taken: list[Box] = []
    for point, pixel in zip(points, pixels, strict=True):
        point["above"] = point["optimizer"] == upper
        if not point["budgeted"] or not point["tag"]:
            continue
        sides = _LEANING if "lean" in point else [(0, point["above"])]
        boxes = [(lean, above, _box(pixel, point["tag"], lean, above=above)) for lean, above in sides]
        free = [side for side in boxes if not any(_touch(side[2], other) for other in taken)]
        if not free:
            point["tag"] = ""
            continue
        lean, point["above"], box = next((side for side in free if not _on_line(side[2], pixels, marks)), free[0])
        if "lean" in point:
            point["lean"] = lean
        taken.append(box)
    return points


def _box(pixel: Pixel, tag: str, lean: int, *, above: bool) -> Box:
    half = _CHARACTER * len(tag) / 2
    x, y = pixel[0] + lean * (LEAN + half), pixel[1] + (_ABOVE if above else _BELOW)
    return x - half, x + half, y - _LINE / 2, y + _LINE / 2


def _on_line(box: Box, pixels: Sequence[Pixel], marks: Sequence[Pixel]) -> bool:
    """Whether the line through the pixels or a mark on it meets the box, or the box leaves the plot on the right."""
    import numpy as np

    if any(_touch(box, (x - _MARK, x + _MARK, y - _MARK, y + _MARK)) for x, y in marks):
        return True
    xs, ys = zip(*sorted(pixels), strict=True)
    line = np.interp(np.linspace(box[0], box[1], 9), xs, ys, left=np.nan, right=np.nan)
    return box[1] > _WIDTH + _PADDING or bool(((line > box[2]) & (line < box[3])).any())


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
