"""All that decided the numbers of a run, as tables of plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rmbench.report import words
from rmbench.scores import Run
from rmbench.trajectory import Trajectory


def tables(run: Run) -> list[dict[str, Any]]:
    """The tables of a run's settings, each with label, heads and rows."""
    manifest = run.manifest
    own = [course for course in run.trajectories if course.rewarded == "model"]
    about = [
        ("suite", manifest.suite or words.MISSING),
        ("seed", manifest.seed),
        ("limit", manifest.limit or "none"),
        ("created", manifest.created),
        ("rmbench", manifest.rmbench),
        ("digest of the scores", manifest.scores),
        *([("digest of the trajectory", manifest.trajectory)] if manifest.trajectory else []),
        *([("digest of the attempts", manifest.attempts)] if manifest.attempts else []),
    ]
    counts = [
        (name, c.items, c.responses, c.scored, c.failed, c.tied, c.truncated, c.tokens, words.number(c.seconds, 1))
        for name, c in manifest.counts.items()
    ]
    heads = ["Task", "Items", "Responses", "Scored", "Failed", "Tied", "Truncated", "Tokens", "Seconds"]
    versions = [
        (name, f"version {card.version}, {card.licence}, {card.source}, sha256 {card.sha256}")
        for name, card in manifest.cards.items()
    ]
    return [
        _table("Model", ["Setting", "Value"], [(k, _plain(v)) for k, v in manifest.settings.items()]),
        _table("Run", ["Setting", "Value"], about),
        *_optimizers(own),
        _table("Environment", ["Setting", "Value"], list(manifest.environment.items())),
        _table("Counts per task", heads, counts),
        *([_queries(own)] if own else []),
        _table("Task versions", ["Task", "Version"], versions),
    ]


def _optimizers(courses: Sequence[Trajectory]) -> list[dict[str, Any]]:
    """One table per optimiser and settings; the queries differ by task and are counted elsewhere."""
    found: dict[tuple[str, str], tuple[Mapping[str, Any], list[str]]] = {}
    for course in courses:
        settings = {key: value for key, value in course.settings.items() if key != "queries"}
        found.setdefault((course.optimizer, repr(sorted(settings.items()))), (settings, []))[1].append(course.task)
    return [
        _table(
            f"Optimiser: {words.optimizer(name)}",
            ["Setting", "Value"],
            [("tasks", ", ".join(names)), *((k, _plain(v)) for k, v in settings.items())],
        )
        for (name, _), (settings, names) in found.items()
    ]


def _queries(courses: Sequence[Trajectory]) -> dict[str, Any]:
    heads = ["Task", "Optimiser", "Budget", "Queries", "Asked before", "Failed", "Steps"]
    rows = [
        (
            course.task,
            words.optimizer(course.optimizer),
            _plain(course.settings.get("queries")),
            *(words.count(n) for n in (course.queries, course.steps[-1].cached, course.steps[-1].failed)),
            course.steps[-1].step,
        )
        for course in courses
    ]
    return _table("Reward queries per task", heads, rows)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {_plain(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value)) or "none"
    return words.MISSING if value is None else str(value)


def _table(label: str, heads: list[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    return {"label": label, "heads": heads, "rows": [[words.visible(cell) for cell in row] for row in rows]}
