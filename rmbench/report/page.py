"""What the page shows, gathered from a run folder: plain values for the template, no HTML."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmbench.evaluation import evaluate
from rmbench.report import pair_panels, panels, words
from rmbench.report.charts import CONFIG
from rmbench.report.details import not_run, skills_shown
from rmbench.report.exploits import exploits
from rmbench.report.meanings import families
from rmbench.report.sections import section
from rmbench.report.settings import tables
from rmbench.report.worst import texts, worst_fooled
from rmbench.scores import Run, read_run
from rmbench.types import AXES, Axis, Card, Estimate, Result, TaskResult


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps skills to per cent of a bar's width: 0 (or the lowest skill, down to -1) on the left, 1 on the right."""

    low: float

    def x(self, value: float) -> float:
        """Position of a value, clamped to the bar."""
        return round(100 * (min(1.0, max(self.low, value)) - self.low) / (1 - self.low), 2)

    def width(self, a: float, b: float) -> float:
        """Distance between two values, never negative."""
        return round(abs(self.x(b) - self.x(a)), 2)


def build_page(
    run_path: Path,
    tasks_dir: Path | None,
    *,
    bootstrap: int = 1000,
    seed: int = 0,
    cards: Mapping[str, Card] | None = None,
) -> dict[str, Any]:
    """The template's values for a run folder; `bootstrap` and `seed` are those of `evaluate`.

    `cards`: say this of the tasks, and not what the run says. Raises RunError if the folder cannot be read.
    """
    run = read_run(run_path).described_by(cards or {})
    result = evaluate(run, bootstrap=bootstrap, seed=seed)
    by_axis = {axis: [t for t in result.tasks.values() if t.card.axis == axis] for axis in AXES}
    charts: dict[str, Any] = {}
    kinds: dict[Axis, Callable[..., dict[str, Any]]] = {
        "overoptimization": lambda *told: panels.pool(*told) | {"exploits": exploits(run, told[1], tasks_dir)},
        "calibration": pair_panels.calibration,
        "generalisation": pair_panels.generalisation,
    }
    drawn: dict[str, Any] = {
        axis: section([task.card for task in by_axis[axis]], [draw(run, task, charts) for task in by_axis[axis]])
        for axis, draw in kinds.items()
    }
    return {
        "model": words.one_line(result.model),
        "manifest": run.manifest,
        "facts": _facts(run),
        "sections": _sections(by_axis),
        "skill_scale": words.SKILL_SCALE,
        "notices": _notices(run),
        "skills": [_skill(result, name) for name in sorted(skills_shown(result), key=lambda name: name != "overall")],
        "not_run": not_run(result),
        "closed_track": words.CLOSED_TRACK,
        "distances": _distances(result),
        "scale": _scale(result),
        "missing": any(task.skill.missing for task in result.tasks.values()),
        "tasks_by_axis": [(words.TITLES[axis], tasks) for axis, tasks in by_axis.items() if tasks],
        **drawn,
        **_fooled(run, result, tasks_dir),
        "all_tasks": [(task, families(task.metrics, task.card.axis)) for task in result.tasks.values()],
        "settings": tables(run),
        "commands": _commands(run_path),
        "signature": words.visible(result.signature),
        "glossary": [*words.GLOSSARY, *(words.QUERY_GLOSSARY if run.trajectories else ())],
        "charts": {"config": CONFIG, "charts": charts},
    }


def _facts(run: Run) -> list[str]:
    manifest = run.manifest
    responses = sum(count.responses for count in manifest.counts.values())
    queries = sum(course.queries for course in run.trajectories if course.rewarded == "model")
    facts = [
        f"suite {manifest.suite}" if manifest.suite else "chosen tasks",
        f"{len(manifest.cards)} task{'s' if len(manifest.cards) != 1 else ''}",
        f"{words.count(responses)} responses" if responses or not queries else "",
        f"{words.count(queries)} reward queries" if queries else "",
        f"first {manifest.limit} prompts of each task" if manifest.limit else "",
        f"seed {manifest.seed}",
        manifest.created.replace("T", " ").replace("+00:00", " UTC"),
    ]
    return [words.one_line(fact) for fact in facts if fact]


def _sections(by_axis: Mapping[Any, Sequence[TaskResult]]) -> list[tuple[str, str]]:
    # AXES backwards: the axis that no other benchmark shows comes first on the page.
    middle = [(axis, words.TITLES[axis]) for axis in reversed(AXES) if by_axis[axis]]
    rest = [("fooled", "Worst-fooled examples"), ("metrics", "All metrics"), ("settings", "Settings")]
    return [("skills", "Skills"), *middle, *rest, ("recompute", "Recompute"), ("glossary", "Glossary")]


def _skill(result: Result, name: str) -> dict[str, Any]:
    estimate = result.skills[name]
    return {
        "key": name,
        "title": words.TITLES[name],
        "asks": words.ASKS.get(name, ""),
        "estimate": estimate,
        "reading": words.reading(name, estimate),
    }


def _distances(result: Result) -> list[tuple[str, str, Estimate]]:
    """Title, meaning and skill at each distance from the closed track's training data, if there is any number."""
    found = [(*words.DISTANCES[name], estimate) for name, estimate in result.track.items()]
    return found if any(estimate.value is not None for _, _, estimate in found) else []


def _scale(result: Result) -> Scale:
    estimates = [*result.skills.values(), *(task.skill for task in result.tasks.values())]
    lowest = min((v for e in estimates for v in (e.value, e.low) if v is not None), default=0.0)
    return Scale(max(-1.0, math.floor(min(0.0, lowest) * 4) / 4))


def _notices(run: Run) -> list[str]:
    """What a reader must know before the numbers: failed scores and cut texts."""
    counts = run.manifest.counts.values()
    failed, total = sum(c.failed for c in counts), sum(c.responses for c in counts)
    notes = []
    if failed:
        top = sorted(run.reasons.items(), key=lambda pair: (-pair[1], pair[0]))[:3]
        reasons = "; ".join(f"{words.one_line(reason)} ({count})" for reason, count in top)
        notes.append(
            f"{failed} of {total} responses have no score, and their items are left out of the numbers: {reasons}."
        )
    if truncated := sum(c.truncated for c in counts):
        notes.append(f"{truncated} of {total} responses were cut to fit the model's window.")
    for course in (c for c in run.trajectories if c.rewarded == "model" and c.steps[-1].failed):
        failed, name = course.steps[-1].failed, words.optimizer(course.optimizer)
        notes.append(f"{course.task}, {name}: {failed} of {course.queries} reward queries got no score.")
    return notes


def _fooled(run: Run, result: Result, tasks_dir: Path | None) -> dict[str, Any]:
    cases = worst_fooled(run)
    found, notes = texts(run, cases, tasks_dir)
    shown = [
        {"case": case, "title": result.tasks[case.task].card.title, "texts": found.get((case.task, case.item))}
        for case in cases
    ]
    scored = any(count.responses for count in run.manifest.counts.values())
    none = "in no complete item does the top score lose gold, or all scores of an item are equal"
    return {
        "fooled": shown,
        "fooled_none": none if scored else "this run scored no responses of its own",
        "fooled_notes": [words.one_line(note) for note in notes],
    }


def _commands(run_path: Path) -> str:
    import shlex

    name = shlex.quote(words.one_line(run_path.name or run_path.resolve().name))
    return f"rmbench evaluate {name}\nrmbench evaluate {name} --json\nrmbench report {name} --out report.html"
