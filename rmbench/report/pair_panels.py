"""One panel per task of pairs: charts, the tables with the same numbers, and words in place of the pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from rmbench.report import charts as draw
from rmbench.report.interval_chart import curve_chart, interval_chart
from rmbench.report.panels import NO_ITEMS, between, bin_rows, panel
from rmbench.report.words import MISSING, number, percent
from rmbench.scores import Run
from rmbench.types import Estimate, ScoredItem, TaskResult

Charts = MutableMapping[str, Any]
SPLITS = (("base", "Accuracy(split='base')"), ("shift", "Accuracy(split='shift')"), ("all", "Accuracy"))
MOST_POINTS = 200  # of a curve: more than a screen can tell apart
_CELL = re.compile(r"StyleAccuracy\(chosen='(.+)', rejected='(.+)'\)")
_HEADS = ["Kind", "Value", "95 % interval", "Items"]


def generalisation(run: Run, task: TaskResult, charts: Charts) -> dict[str, Any]:  # noqa: ARG001 - one shape for all
    """Base and shift accuracy of one task, and what its kind of shift adds: categories, probes, a style matrix."""
    found = [(split, task.metrics.get(name)) for split, name in SPLITS]
    chances = {"base": 0.5}
    rows = [
        _row(split, e) | {"split": split, "chance": chances.get(split, task.card.chance)}
        for split, e in found
        if e is not None and e.value is not None
    ]
    rows = rows[:2] if len(rows) > 1 else rows  # "all" stands alone where the task has no base side
    if not rows:
        return panel(task)
    name = f"shift-{task.card.name}"
    charts[name] = draw.shift_chart(rows)
    said = ", ".join(f"{row['split']} {percent(row['value'])}" for row in rows)
    return panel(task) | {
        "chart": name,
        "label": f"Pair accuracy of {task.card.title}: {said}",
        "table": {"label": task.card.title, "heads": ["Split", *_HEADS[1:]], "rows": list(map(_cells, rows))},
        "more": [*_matrix(task), *_probes(task, charts), *_categories(task, charts)],
    }


def calibration(run: Run, task: TaskResult, charts: Charts) -> dict[str, Any]:
    """The picture that belongs to the headline: margins of ties, risk against coverage, or a reliability diagram."""
    items = [item for item in run.items(task.card.name) if item.complete]
    kinds = {"TieSkill": _ties, "SelectiveSkill": _selection}
    if not items or not task.skill.n:
        return panel(task)
    return kinds.get(task.headline, _reliability)(run, task, items, charts)


def _reliability(run: Run, task: TaskResult, _complete: Sequence[ScoredItem], charts: Charts) -> dict[str, Any]:
    from rmbench.metrics.calibration import reliability

    name = f"reliability-{task.card.name}"
    bins, rows = bin_rows(reliability(run.items(task.card.name)))
    if not bins:  # no temperature to be had (one group)
        return panel(task) | {"reason": task.skill.reason or NO_ITEMS}
    charts[name] = draw.reliability_chart(bins)
    worst = max(bins, key=lambda b: abs(b["observed"] - b["p_mean"]))
    heads = ["Predicted", "Preferred", "95 % interval", "Pairs"]
    return panel(task) | {
        "chart": name,
        "measure": "share preferred",
        "label": f"Reliability diagram of {task.card.title}. Furthest from the diagonal: predicted"
        f" {percent(worst['p_mean'])}, preferred {percent(worst['observed'])}",
        "table": {"label": task.card.title, "heads": heads, "rows": rows},
    }


def _ties(_run: Run, task: TaskResult, items: Sequence[ScoredItem], charts: Charts) -> dict[str, Any]:
    """How large margins are where the answers are equally good, and where they are not."""
    import numpy as np

    margins = {
        kind: np.sort([abs(float(i.scores[0] - i.scores[1])) for i in items if i.tags.get("category") == kind])
        for kind in ("tie", "near", "unequal")
    }
    unit = float(np.median(np.concatenate([*margins.values()]))) or 1.0
    points = [
        {"kind": kind, "x": float(x) / unit, "y": (k + 1) / found.size}
        for kind, found in margins.items()
        for k, x in enumerate(found)
        if x <= 4 * unit
    ]
    charts[f"ties-{task.card.name}"] = curve_chart(points, "margin, in median margins", "share of pairs")
    medians = [(kind, found) for kind, found in margins.items() if found.size]
    rows = [(kind, number(float(np.median(found)) / unit, 3), MISSING, found.size) for kind, found in medians]
    said = ", ".join(f"{row[0]} {row[1]}" for row in rows)
    return panel(task) | {
        "chart": f"ties-{task.card.name}",
        "measure": "share of pairs with a smaller margin",
        "label": f"Size of the margins in {task.card.title}, median by kind of pair: {said}",
        "table": {"label": task.card.title, "heads": _HEADS, "rows": rows},
    }


def _selection(_run: Run, task: TaskResult, items: Sequence[ScoredItem], charts: Charts) -> dict[str, Any]:
    """The error rate among the pairs that the model is surest about, against their share."""
    import numpy as np

    from rmbench.metrics.preference import credit, decided

    chosen = [item for item in items if decided(item)]
    margins = np.array([abs(float(i.scores[0] - i.scores[1])) for i in chosen])
    errors = np.array([1 - credit(i) for i in chosen])
    order = np.argsort(-margins, kind="stable")
    risk = np.cumsum(errors[order]) / np.arange(1, len(chosen) + 1)
    shown = np.unique(np.linspace(0, len(chosen) - 1, min(MOST_POINTS, len(chosen))).astype(int))
    points = [{"kind": "risk", "x": (k + 1) / len(chosen), "y": float(risk[k])} for k in shown.tolist()]
    charts[f"risk-{task.card.name}"] = curve_chart(points, "coverage", "error rate")
    at = [(f"{q} % surest", risk[max(0, round(q / 100 * len(chosen)) - 1)]) for q in (10, 25, 50, 75, 100)]
    rows = [
        (name, number(float(value), 3), MISSING, round(int(name.split()[0]) / 100 * len(chosen))) for name, value in at
    ]
    return panel(task) | {
        "chart": f"risk-{task.card.name}",
        "measure": "error rate among the surest pairs",
        "label": f"Risk against coverage of {task.card.title}: " + ", ".join(f"{row[0]} {row[1]}" for row in rows),
        "table": {"label": task.card.title, "heads": _HEADS, "rows": rows},
    }


def _matrix(task: TaskResult) -> list[dict[str, Any]]:
    """Accuracy by the styles of both answers, as a table."""
    cells = {match.groups(): e for name, e in task.metrics.items() if (match := _CELL.fullmatch(name))}
    styles = [s for s in ("concise", "detailed", "markdown") if any(s in pair for pair in cells)]
    styles += sorted({style for pair in cells for style in pair} - {*styles})
    if not cells:
        return []
    rows = [(one, *(number(_value(cells.get((one, other)))) for other in styles)) for one in styles]
    heads = ["better \N{RIGHTWARDS ARROW} worse is", *styles]
    return [
        {"measure": "accuracy by style of the better answer (rows) and of the worse one", "heads": heads, "rows": rows}
    ]


def _probes(task: TaskResult, charts: Charts) -> list[dict[str, Any]]:
    """What each habit does to the reward, and whether it is beyond chance for the whole family."""
    effects = _by_argument(task.metrics, "BiasEffect")
    if not effects:
        return []
    flips = _by_argument(task.metrics, "FlipRate")
    name = f"probes-{task.card.name}"
    charts[name] = interval_chart(
        list(map(_row, *zip(*effects.items(), strict=True))), "effect on the reward, sd", rule=0.0
    )
    rows = [
        (*_cells(_row(k, e)), number(task.p_values.get(f"BiasEffect(probe={k!r})"), 3), number(_value(flips.get(k))))
        for k, e in effects.items()
    ]
    heads = ["Probe", "Effect", *_HEADS[2:], "p, corrected", "Flips"]
    return [
        {
            "measure": "effect on the reward, in standard deviations within a prompt",
            "chart": name,
            "label": f"Bias probes of {task.card.title}: " + ", ".join(f"{row[0]} {row[1]}" for row in rows),
            "table": {
                "label": "bias probes",
                "heads": heads,
                "rows": rows,
            },
        }
    ]


def _categories(task: TaskResult, charts: Charts) -> list[dict[str, Any]]:
    found = _by_argument(task.metrics, "Accuracy(category=")
    known = {kind: e for kind, e in found.items() if e.value is not None}
    if len(known) < 2:
        return []
    name = f"kinds-{task.card.name}"
    rows = [_row(kind, e) for kind, e in known.items()]
    charts[name] = interval_chart(rows, "accuracy", rule=task.card.chance, domain=(0.0, 1.0))
    said = ", ".join(f"{row['name']} {percent(row['value'])}" for row in rows)
    table = {"label": "kinds of shift", "heads": _HEADS, "rows": list(map(_cells, rows))}
    label = f"Accuracy of {task.card.title} by kind: {said}"
    return [{"measure": "accuracy by kind", "chart": name, "label": label, "table": table}]


def _by_argument(metrics: Mapping[str, Estimate], start: str) -> dict[str, Estimate]:
    """The metrics of a family by the one text that tells them apart: `FlipRate(probe='x')` -> `x`."""
    pattern = re.compile(re.escape(start) + r"\(?(?:\w+=)?'([^']*)'\)")
    return {match[1]: e for name, e in metrics.items() if (match := pattern.fullmatch(name))}


def _row(name: str, e: Estimate) -> dict[str, Any]:
    return {"name": name.replace("_", " "), "value": e.value, "low": e.low, "high": e.high, "n": e.n}


def _cells(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["name"], number(row["value"], 3), between(row["low"], row["high"]), row["n"]


def _value(e: Estimate | None) -> float | None:
    return None if e is None else e.value
