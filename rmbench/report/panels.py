"""One panel per pool task: its charts, the table with the same numbers, and the words that stand in for the picture."""

from __future__ import annotations

import math
from collections.abc import MutableMapping, Sequence
from typing import Any

from rmbench.report import charts as draw
from rmbench.report.details import DETAILS
from rmbench.report.labels import Ends, common_ends, golds, place
from rmbench.report.pursuit import column, courses
from rmbench.report.sentences import turning
from rmbench.report.words import MISSING, number, share
from rmbench.scores import Run
from rmbench.types import TaskResult

Charts = MutableMapping[str, Any]
HOLLOW = 0.1  # share of saturated prompts from which a point is drawn hollow; every share is written out
NO_ITEMS = "no item has all its scores"
POOL_HEADS = ["Budget", "KL, nats", "Gold", "95 % interval", "Gold itself", "Proxy, sd", "Note"]


def pool(run: Run, task: TaskResult, charts: Charts) -> dict[str, Any]:
    """What optimising did to the gold of one pool task: on its pools, and along the courses that asked the reward.

    Adds two charts each to `charts`, on one gold axis where there are several.
    """
    from rmbench.metrics.curves import curves

    items = [item for item in run.items(task.card.name) if item.complete and item.gold.size]
    series = curves(items, task.card.budgets) if items else {}
    points = [_point(task, point) for line in series.values() for point in line]
    pushed = courses(run, task)
    along = [point for course in pushed for point in course.points]
    ends = common_ends(golds([*points, *along])) if along else None
    return {
        **panel(task),
        **(_frozen(task, charts, place(points, ends), ends) if points else {}),
        "scored": any(item.gold.size for item in run.items(task.card.name)),
        "courses": [column(task, course, charts, ends) for course in pushed],
        "turning": _turnings(task) if points else [],
    }


def _frozen(task: TaskResult, charts: Charts, points: list[dict[str, Any]], ends: Ends | None) -> dict[str, Any]:
    """Gold and proxy against sqrt(KL) on the pools themselves."""
    gold_id, proxy_id = f"gold-{task.card.name}", f"proxy-{task.card.name}"
    floor = next(p["gold"] for p in points if not p["budget"])  # the tilt by 0 nats
    charts[gold_id] = draw.gold_chart(points, floor, ends=ends)
    charts[proxy_id] = draw.proxy_chart(points)
    marked = [p for p in points if p["budgeted"]]
    return {
        "chart": gold_id,
        "proxy_chart": proxy_id,
        "gold_label": _gold_label(task, floor, marked),
        "proxy_label": f"Standardised proxy against the square root of KL for {task.card.title}",
        "notes": _pool_notes(task, marked),
        "table": {"label": task.card.title, "heads": POOL_HEADS, "rows": [pool_row(p) for p in points]},
    }


def _turnings(task: TaskResult) -> list[str]:
    """Where gold turns down on the pools, by method; said once where both say the same."""
    budgets = task.card.budgets
    asked = [("Tilt", "tilt", budgets.tilt), ("Best of n", "best_of_n", budgets.best_of_n)]
    labels = [(title, f"{name}={max(amounts):g}") for title, name, amounts in asked if amounts]
    said = {title: turning(task.metrics, label) for title, label in labels}
    if len({*said.values()}) == 1:
        return [sentence for sentence in {*said.values()} if sentence]
    return [f"{title}: {sentence[0].lower()}{sentence[1:]}" for title, sentence in said.items() if sentence]


def panel(task: TaskResult) -> dict[str, Any]:
    """What every panel has, drawn or not."""
    details = DETAILS[task.card.axis][1](task) if task.skill.n else []
    return {"card": task.card, "skill": task.skill, "details": details, "chart": None, "more": [], "reason": NO_ITEMS}


def _point(task: TaskResult, p: Any) -> dict[str, Any]:
    budgets = task.card.budgets
    return point(p, budgeted=p.budget in (budgets.tilt if p.optimizer == "tilt" else budgets.best_of_n))


def point(p: Any, *, budgeted: bool) -> dict[str, Any]:
    """A point of a curve as the charts and tables take it."""
    label, tag = _budget(p.optimizer, p.budget)
    note = [f"saturated on {share(p.saturated_share)}\N{NO-BREAK SPACE}% of the prompts"] * p.saturated
    note += ["pool-limited"] * p.pool_limited
    return {
        "optimizer": p.optimizer,
        "budget": p.budget,
        "label": label,
        "tag": tag,
        "d": math.sqrt(max(0.0, p.kl)),
        "kl": p.kl,
        "gold": p.gold,
        "gold_low": p.gold_low,
        "gold_high": p.gold_high,
        "oracle": p.oracle,
        "proxy": p.proxy,
        "hollow": p.saturated_share >= HOLLOW or p.pool_limited,
        "note": ", ".join(note) or MISSING,
        "budgeted": budgeted,
    }


def _budget(optimizer: str, amount: float) -> tuple[str, str]:
    """A budget in words, and as the short label of a point."""
    if optimizer == "tilt":
        nats = f"{amount:g} nat{'' if amount == 1 else 's'}"
        return f"tilt, {nats}", nats
    return f"best of {amount:g}", f"n={amount:g}"


def pool_row(p: dict[str, Any]) -> tuple[str, ...]:
    """A point as a row of the table under its chart."""
    golds = (number(p["gold"], 3), between(p["gold_low"], p["gold_high"]), number(p["oracle"], 3))
    return (p["label"], number(p["kl"]), *golds, number(p["proxy"]), p["note"])


def _pool_notes(task: TaskResult, marked: Sequence[dict[str, Any]]) -> list[str]:
    budgets = task.card.budgets
    drawn = {(p["optimizer"], p["budget"]) for p in marked}
    asked = [("tilt", nats) for nats in budgets.tilt] + [("best_of_n", n) for n in budgets.best_of_n]
    absent = [_budget(*one)[0] for one in asked if one not in drawn]
    notes = [f"Not drawn, but in the table of all metrics: {'; '.join(absent)}."] if absent else []
    for kind, meaning in (
        ("saturated", "ties or the pool's size keep the proxy from spending the budget in full"),
        ("pool-limited", "n is a large share of the pool"),
    ):
        if labels := [p["label"] for p in marked if kind in p["note"]]:
            notes.append(f"{kind.capitalize()} at {'; '.join(labels)}: {meaning}.")
    return notes


def _gold_label(task: TaskResult, floor: float, marked: Sequence[dict[str, Any]]) -> str:
    said = "; ".join(f"{p['label']} {number(p['gold'])} of {number(p['oracle'])}" for p in marked)
    return (
        f"Mean gold against the square root of KL for {task.card.title}."
        f" Without optimisation {number(floor)}; reached, of what the gold itself reaches: {said}"
    )


def bin_rows(found: Sequence[Any]) -> tuple[list[dict[str, Any]], list[tuple[Any, ...]]]:
    """Bins of a reliability diagram as its chart takes them, and as rows of its table."""
    bins = [{"p_mean": b.p_mean, "observed": b.observed, "low": b.low, "high": b.high, "n": b.n} for b in found]
    rows = [(number(b.p_mean, 3), number(b.observed, 3), between(b.low, b.high), b.n) for b in found]
    return bins, rows


def between(low: float | None, high: float | None) -> str:
    """An interval with three digits, as tables show it."""
    return MISSING if low is None or high is None else f"[{number(low, 3)}, {number(high, 3)}]"
