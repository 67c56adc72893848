"""The courses of optimisers that asked the reward again and again: one column of a task's panel each."""

from __future__ import annotations

import math
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rmbench.optimizers.along import READ_AT, Along, reached
from rmbench.report import charts as draw
from rmbench.report.details import distance, from_to, queried
from rmbench.report.labels import Ends, place
from rmbench.report.sentences import fitted, turning
from rmbench.report.words import MISSING, count, interval, number, optimizer, reward, why
from rmbench.scores import Run
from rmbench.stats import interval as bounds_of
from rmbench.stats import resample
from rmbench.trajectory import Trajectory
from rmbench.types import Estimate, Floats, Path, ScoredItem, TaskResult

STEPS = 64  # a course with more steps is drawn at about as many
MARKS = 4  # marked points of a course without KL: its whole budget, a half, a quarter ...
BOOTSTRAP = 200
OWN_UNITS = "the model's own units"
DEVIATIONS = "sd within a prompt"

Points = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Course:
    """What an optimiser did with a task's reward. `points` is empty where its curve says nothing.

    `label` names the budget as metrics do; `scale` is the standard deviation of the rewards within a prompt, None where
    that is unknown (no pool was scored).
    """

    trajectory: Trajectory
    label: str
    points: Points
    scale: float | None

    @property
    def by_kl(self) -> bool:
        return any(step.kl is not None for step in self.trajectory.steps)

    @property
    def estimated(self) -> bool:
        return any(step.estimate for step in self.trajectory.steps)


def courses(run: Run, task: TaskResult) -> list[Course]:
    """The model's courses on one task, in the order of its metrics."""
    found = {t.optimizer: t for t in run.trajectories if (t.task, t.rewarded) == (task.card.name, "model")}
    return [_course(run, task, found[name], label) for name, label in queried(task).items() if name in found]


def spread(items: Sequence[ScoredItem]) -> dict[str, float]:
    """Standard deviation of the rewards in the pool of each prompt, where it has one and its rewards differ."""
    sizes = {i.id: float(i.scores.std()) for i in items if i.scores.size and i.complete}
    return {item: size for item, size in sizes.items() if size > 0}


def column(task: TaskResult, course: Course, charts: MutableMapping[str, Any], ends: Ends | None) -> dict[str, Any]:
    """A course as the page takes it. Adds two charts to `charts`; `ends` are those of the gold axis."""
    name, label = course.trajectory.optimizer, course.label
    recovery, gain = (task.metrics[f"{kind}({label})"] for kind in ("Recovery", "GoldGain"))
    panel = {
        "title": _title(name),
        "recovery": recovery,
        # the skill of the task stands above, with its reason
        "why": why(recovery.reason) if recovery.value is None and recovery.reason != task.skill.reason else "",
        "gain": gain if recovery.value is None and gain.value is not None else None,
        "said": _said(task, course) if gain.value is not None else [],
        "spent": spent(course.trajectory),
        "chart": None,
    }
    if not course.points:
        return panel
    here = f"{task.card.name}-{name}"
    points = place(course.points, ends)
    floor = points[0]["gold"]
    charts[f"gold-{here}"] = draw.gold_chart(points, floor, draw.NATS if course.by_kl else draw.QUERIES, ends)
    charts[f"proxy-{here}"] = draw.proxy_chart(points, _axis(course))
    marked = [p for p in points if p["budgeted"]]
    along = "the square root of KL" if course.by_kl else "reward queries"
    told = "; ".join(f"{p['label']} {number(p['gold'])} of {number(p['oracle'])}" for p in marked)
    return panel | {
        "chart": f"gold-{here}",
        "proxy_chart": f"proxy-{here}",
        "measure": f"rise of the reward, in {OWN_UNITS if course.scale is None else DEVIATIONS}",
        "gold_label": f"Mean gold against {along} for {optimizer(name)} on {task.card.title}."
        f" At the start {number(floor)}; reached, of what the gold itself reaches: {told}",
        "proxy_label": f"Rise of the reward against {along} for {optimizer(name)} on {task.card.title}",
        "table": _table(task, course, [points[0], *marked]),
    }


def spent(course: Trajectory) -> str:
    """`16 384 reward queries, 875 of them asked before, none without a score`."""
    last = course.steps[-1]
    cached = f"{count(last.cached)} of them asked before" if last.cached else "each asked once"
    failed = count(last.failed) if last.failed else "none"
    return f"{count(last.queries)} reward queries, {cached}, {failed} without a score."


def _title(name: str) -> str:
    said = optimizer(name)
    return said if name == "lm_rl" else said[:1].upper() + said[1:]


def _said(task: TaskResult, course: Course) -> list[str]:
    t, kl = course.trajectory, course.trajectory.steps[-1].kl
    lines = [turning(task.metrics, course.label), fitted(task.metrics, course.label, kl or 0.0)]
    if task.metrics[f"Recovery({course.label})"].value is None:
        lines.insert(0, f"Gold {from_to(t)}.")
    if distance(t):
        lines.append(f"{distance(t)}, at the end." if course.estimated else f"{distance(t)} at the end, exact.")
    return [line for line in lines if line]


def _axis(course: Course) -> draw.Axis:
    if not course.by_kl:
        return draw.Axis("reward queries, over all prompts", nats=False)
    return draw.Axis("√KL, as TRL estimates it" if course.estimated else "distance from the reference policy, √KL")


def _course(run: Run, task: TaskResult, trajectory: Trajectory, label: str) -> Course:
    name = trajectory.optimizer
    everyone = run.items(task.card.name)
    items = [item for item in everyone if item.complete and name in item.paths]
    sizes = spread(everyone)
    scale = float(np.mean([*sizes.values()])) if sizes else None
    drawn = task.metrics[f"GoldGain({label})"].value is not None and len(trajectory.steps) > 1
    return Course(trajectory, label, _points(items, name, scale) if items and drawn else [], scale)


def _points(items: Sequence[ScoredItem], name: str, scale: float | None) -> Points:
    """The course at its steps, and at its marks, by rising step; where it has KL, at the steps that have it."""
    paths = [item.paths[name] for item in items]
    mean = _mean(paths)
    by_kl = bool(np.isfinite(mean.kl).any())
    low, high = _band(np.stack([path.gold for path in paths]), [item.group for item in items])
    columns = {"queries": mean.queries, "kl": mean.kl, "gold": mean.gold, "proxy": _rise(mean.proxy) / (scale or 1.0)}
    columns |= {"gold_low": low, "gold_high": high}
    columns = {key: values[np.isfinite(mean.kl) | (not by_kl)] for key, values in columns.items()}
    columns["step"] = np.arange(len(columns["gold"]), dtype=np.float64)
    last = len(columns["step"]) - 1

    def point(at: float, label: str = "", tag: str = "") -> dict[str, Any]:
        """The course at a step, or between two."""
        before, share = math.floor(at), at - math.floor(at)
        cells = {
            key: float(v[before] + (share * (v[before + 1] - v[before]) if share else 0)) for key, v in columns.items()
        }
        x = math.sqrt(max(0.0, cells["kl"])) if by_kl else cells["queries"]
        ceiling = _ceiling(mean.oracle, name, cells["kl"] if by_kl else None, cells["queries"])
        cells = cells | {"d": x, "oracle": ceiling}
        told = {"optimizer": "push", "label": label, "tag": tag, "note": MISSING, "hollow": False, "lean": 1}
        return {k: v if math.isfinite(v) else None for k, v in cells.items()} | told | {"budgeted": bool(label)}

    kept = np.unique(np.linspace(0, last, min(STEPS, last + 1)).round().astype(int))
    marks = _at_nats(columns["kl"]) if by_kl else _at_queries(columns["queries"])
    found = [*(point(float(k)) for k in kept if k < last), *(point(*mark) for mark in marks)]
    return sorted(found, key=lambda p: p["step"])


def _mean(paths: Sequence[Path]) -> Path:
    """The mean path over prompts; `queries` and `kl` are the same for all."""
    first = paths[0]
    oracles = [path.oracle for path in paths if path.oracle is not None]
    proxy = np.stack([path.proxy for path in paths])
    asked = np.isfinite(proxy).all(axis=0)
    means = np.where(asked, np.where(asked, proxy, 0.0).mean(axis=0), np.nan)
    gold = np.mean([path.gold for path in paths], axis=0)
    oracle = _mean(oracles) if len(oracles) == len(paths) else None
    return Path(first.queries, first.kl, means, gold, estimate=first.estimate, oracle=oracle)


def _band(gold: Floats, groups: Sequence[str]) -> tuple[Floats, Floats]:
    """95 % intervals of the mean gold, by prompt, each of shape (steps,); NaN for a single group."""
    sample = resample(groups, draws=BOOTSTRAP, seed=0, name="curves")
    rows = np.concatenate([gold, np.ones((len(gold), 1))], axis=1)
    replicates = sample.replicates(rows, lambda sums: sums[..., :-1] / sums[..., -1:], np.ones(len(gold), dtype=bool))
    several = sample.weights.shape[1] > 1
    found = np.array([(several and bounds_of(c)) or (math.nan, math.nan) for c in replicates.T])
    return found[:, 0], found[:, 1]


def _rise(proxy: Floats) -> Floats:
    """Since the first step with a reward."""
    known = np.flatnonzero(np.isfinite(proxy))
    return proxy - proxy[known[0]] if known.size else proxy


def _ceiling(oracle: Path | None, name: str, kl: float | None, queries: float) -> float:
    """What the gold's own run reaches with as much KL, or as many queries."""
    if oracle is None:
        return math.nan
    point = Along(name, queries=int(queries)) if kl is None else Along(name, nats=max(0.0, kl))
    return reached(oracle, point)[0]


def _at_nats(kl: Floats) -> list[tuple[float, str, str]]:
    """Where the course is first at 1, 2, 4 and 8 nats, and its end: step, label and tag."""
    marks: list[tuple[float, str, str]] = []
    for nats in READ_AT:
        beyond = np.flatnonzero(kl >= nats)
        if beyond.size and beyond[0] > 0:
            after = int(beyond[0])
            said = f"{nats:g} nat{'' if nats == 1 else 's'}"
            tag = f"{nats:g}" if marks else said  # the unit once: the labels stand close
            marks.append((after - 1 + (nats - kl[after - 1]) / (kl[after] - kl[after - 1]), said, tag))
    return [*marks, (float(len(kl) - 1), f"end, {number(float(kl[-1]), 1)} nats", "end")]


def _at_queries(queries: Floats) -> list[tuple[float, str, str]]:
    """The last steps within an eighth, a quarter and a half of the queries, and the end."""
    halves = [queries[-1] / 2**k for k in reversed(range(MARKS))]
    steps = sorted({int(np.searchsorted(queries, most, side="right")) - 1 for most in halves} - {0})
    return [(float(k), f"{count(int(queries[k]))} queries", "") for k in steps]


def _table(task: TaskResult, course: Course, rows: Points) -> dict[str, Any]:
    kl = ["KL, nats"] if course.by_kl else []
    unit = "own units" if course.scale is None else "sd"
    heads = ["Point", "Queries", *kl, "Gold", "95 % interval", "Gold itself", f"Rise of the reward, {unit}"]
    return {
        "label": f"{optimizer(course.trajectory.optimizer)}, {task.card.title}",
        "heads": heads,
        "rows": [_row(p, by_kl=course.by_kl) for p in rows],
    }


def _row(p: dict[str, Any], *, by_kl: bool) -> tuple[str, ...]:
    band = interval(Estimate(p["gold"], p["gold_low"], p["gold_high"], 0, 0), 3)
    cells = [p["label"] or "start", count(round(p["queries"])), *([number(p["kl"])] if by_kl else [])]
    return (*cells, number(p["gold"], 3), band, number(p["oracle"], 3), reward(p["proxy"]))
