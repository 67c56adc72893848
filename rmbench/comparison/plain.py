"""A comparison and a gate as plain values for strict JSON. Numbers are rounded to 12 decimals, as in evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rmbench.analysis.plain import rounded
from rmbench.comparison.flips import in_turn
from rmbench.comparison.gating import Gate
from rmbench.comparison.types import Comparison, Difference, Flip
from rmbench.evaluation import plain


def comparison_json(found: Comparison, *, flips: int = 0) -> dict[str, Any]:
    """Keys: a and b {model, run, signature}, skills.AXIS, tasks.NAME, only_a, only_b, flips (as many as asked for).

    A difference is {a, b, difference, p, adjusted, verdict, resolves, identical}, its estimates {value, low, high, n,
    missing} with a reason where something is null. A task has also metric, items, missing {a, b}, alone {a, b},
    flipped {a, b} and tested.METRIC.
    """
    return {
        **_sides(found),
        "skills": {name: _difference(one) for name, one in found.skills.items()},
        "tasks": {
            name: {
                "metric": task.metric,
                **_difference(task.headline),
                "items": task.items,
                **{key: getattr(task, key)._asdict() for key in ("missing", "alone", "flipped")},
                "tested": {metric: _difference(one) for metric, one in task.tested.items()},
            }
            for name, task in found.tasks.items()
        },
        "only_a": list(found.only_a),
        "only_b": list(found.only_b),
        "flips": [_flip(one) for one in in_turn([task.flips for task in found.tasks.values()], flips)],
        "settings": dict(found.settings),
    }


def gate_json(found: Gate) -> dict[str, Any]:
    """Keys: outcome, exit_code, max_drop, on, numbers.NAME {drop, p, adjusted, outcome, more}, a (the run) and b (the
    baseline), only_a, only_b, settings.
    """
    return {
        "outcome": found.outcome,
        "exit_code": found.exit_code,
        "max_drop": found.max_drop,
        "on": found.on,
        "numbers": {
            name: {
                "drop": plain(one.drop),
                "p": rounded(one.p),
                "adjusted": rounded(one.adjusted),
                "outcome": one.outcome,
                "more": rounded(one.more),
            }
            for name, one in found.numbers.items()
        },
        **_sides(found.comparison),
        "only_a": list(found.comparison.only_a),
        "only_b": list(found.comparison.only_b),
        "settings": dict(found.comparison.settings),
    }


def _sides(found: Comparison) -> Mapping[str, Any]:
    return {
        name: {"model": side.model, "run": side.label, "signature": side.signature}
        for name, side in (("a", found.a), ("b", found.b))
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "a": plain(one.a),
        "b": plain(one.b),
        "difference": plain(one.difference),
        "p": rounded(one.p),
        "adjusted": rounded(one.adjusted),
        "verdict": one.verdict,
        "resolves": rounded(one.resolves),
        "identical": one.identical,
    }


def _flip(one: Flip) -> dict[str, Any]:
    told = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(one).items()}
    return {**told, "better": one.better}
