"""`rmbench compare --html`: one self-contained page about two runs, by the means of the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rmbench.comparison import Comparison, Difference, TaskComparison
from rmbench.comparison.types import Flip, Side
from rmbench.report.charts import CONFIG
from rmbench.report.comparison_words import (
    FlipTexts,
    by_axis,
    flip_texts,
    flip_title,
    notes,
    probe_names,
    signed,
    summary,
    verdict,
)
from rmbench.report.exploits import Forest
from rmbench.report.html import write_page
from rmbench.report.words import GLOSSARY, TITLES, count, number, one_line, reward, visible
from rmbench.scores import VERSION
from rmbench.types import AXES, Axis

TEMPLATE = "comparison.html.j2"
PER_TASK = 5  # flips that are shown with their text
LONGEST = 6000  # characters of a text that are shown
TERMS = ("Gold", "Skill", "Missing")
OWN_TERMS = (
    ("A − B", "What A has more than B, on the items that both scored. Above 0, A is better."),
    ("Interval", "95 % percentile bootstrap over prompts. Both runs are resampled alike: the difference is paired."),
    (
        "Insufficient evidence",
        "The data agree with no difference. The interval says how far apart the two may still be.",
    ),
    ("Would show", "The smallest true difference that this test finds with 80 % power, allowing for many tests."),
    (
        "Correction",
        "p-values of tasks are corrected together, as are those of axes (Holm), and of a task's probes (BH).",
    ),
    ("Flip", "An item where one run's first choice has more gold. In a pair: one run is right, the other is not."),
    ("sd", "Standard deviations of a run's rewards within an item, over all items of the task."),
)


def write_comparison(found: Comparison, out: Path, *, tasks_dir: Path | None = None) -> Path:
    """Write the page to `out`, whole or not at all. `tasks_dir` holds a person's own tasks, whose texts are shown.

    Raises RunError if it cannot be written, UsageError if it is a folder.
    """
    return write_page(build_comparison(found, tasks_dir), out, TEMPLATE)


def build_comparison(found: Comparison, tasks_dir: Path | None) -> dict[str, Any]:
    """The template's values: plain, no HTML."""
    held = by_axis(found)
    shown = [name for name in ("overall", *held) if name != "overall" or len(held) == len(AXES)]
    texts, missing = _texts(found, tasks_dir)
    tested = [(task.card.title, _probes(task)) for task in found.tasks.values() if task.tested]
    flipped = any(task.flips for task in found.tasks.values())
    sections = [("differences", "Differences"), ("flips", "Where they part")]
    sections += [("probes", "Probes")] if tested else []
    return {
        "version": VERSION,
        "a": _side(found.a),
        "b": _side(found.b),
        "facts": _facts(found),
        "sections": [*sections, ("recompute", "Recompute"), ("glossary", "Glossary")],
        "summary": summary(found),
        "notes": [one_line(note) for note in notes(found)],
        "cards": [_row(TITLES[name], found.skills[name]) | {"key": name} for name in shown],
        "axes": [_axis(found, axis) for axis in held],
        "scale": _scale([*found.skills.values(), *(task.headline for task in found.tasks.values())]),
        "flip_notes": [one_line(note) for note in missing],
        "flips": [_flips(found, name, texts) for name in found.tasks if found.tasks[name].flips],
        "flipped": flipped,
        "identical": all(task.headline.identical for task in found.tasks.values()),
        "probes": [(title, rows, _scale([row["one"] for row in rows], limit=math.inf)) for title, rows in tested],
        "commands": _commands(found),
        "signatures": [visible(found.a.signature), visible(found.b.signature)],
        "glossary": [*(entry for entry in GLOSSARY if entry[0] in TERMS), *OWN_TERMS],
        "charts": {"config": CONFIG, "charts": {}},
    }


def _side(side: Side) -> dict[str, str]:
    label = "" if side.label == side.model else one_line(side.label)
    return {"model": one_line(side.model), "label": label}


def _facts(found: Comparison) -> list[str]:
    tasks, items = len(found.tasks), sum(task.items for task in found.tasks.values())
    return [
        f"{tasks} task{'s' * (tasks != 1)} in both",
        f"{count(items)} items in both",
        f"{count(found.settings['bootstrap'])} resamples",
        f"seed {found.settings['seed']}",
    ]


def _axis(found: Comparison, axis: Axis) -> dict[str, Any]:
    rows = [_row(task.card.title, task.headline) | {"name": name} for name, task in by_axis(found)[axis]]
    return {"title": TITLES[axis], "rows": rows}


def _row(title: str, one: Difference) -> dict[str, Any]:
    """One line of a table, or a card."""
    kind = {"A": "for-a", "B": "for-b"}.get(one.verdict[0], "open")
    open_ = one.verdict == "insufficient evidence" and not one.identical
    return {
        "title": one_line(title),
        "one": one,
        "value": signed(one.difference.value),
        "verdict": verdict(one),
        "kind": kind,
        "seen": number(one.resolves) if open_ and one.resolves else None,
    }


def _probes(task: TaskComparison) -> list[dict[str, Any]]:
    names = probe_names(task)
    return [_row(names[metric], one) for metric, one in task.tested.items()]


def _scale(differences: Sequence[Difference], limit: float = 2.0) -> Forest:
    """Symmetric about 0, so that both directions are drawn alike."""
    told = [one.difference for one in differences]
    furthest = max((abs(v) for e in told for v in (e.value, e.low, e.high) if v is not None), default=0.0)
    reach = min(limit, furthest) * 1.06 or 1.0
    return Forest(-reach, reach)


def _texts(found: Comparison, tasks_dir: Path | None) -> tuple[dict[tuple[str, str], FlipTexts], list[str]]:
    chosen = [flip for task in found.tasks.values() for flip in task.flips[:PER_TASK]]
    return flip_texts(chosen, found, tasks_dir)


def _flips(found: Comparison, name: str, texts: dict[tuple[str, str], FlipTexts]) -> dict[str, Any]:
    task = found.tasks[name]
    total = len(task.flips)
    both = task.items - task.headline.difference.missing
    return {
        "title": one_line(task.card.title),
        "a": task.flipped.a,
        "b": task.flipped.b,
        "whole": count(both),
        "share_a": round(50 * task.flipped.a / max(task.flipped), 2),
        "share_b": round(50 * task.flipped.b / max(task.flipped), 2),
        "more": total - PER_TASK if total > PER_TASK else 0,
        "examples": [_flip(flip, texts.get((name, flip.item))) for flip in task.flips[:PER_TASK]],
    }


def _flip(flip: Flip, told: FlipTexts | None) -> dict[str, Any]:
    sides = []
    for letter, index, gold in (("A", 0, flip.gold_a), ("B", 1, flip.gold_b)):
        text = None if told is None else told.pick_a if letter == "A" else told.pick_b
        sides.append(
            {
                "letter": letter,
                "better": flip.better == letter,
                "gold": number(gold),
                "reward_a": reward(flip.rewards_a[index]),
                "reward_b": reward(flip.rewards_b[index]),
                "prompt": None if told is None or letter == "A" else told.prompt_b,
                "text": None if text is None else _short(text),
            }
        )
    return {
        "title": flip_title(flip),
        "better": flip.better,
        "change": number(flip.change, 1),
        "item": visible(flip.item),
        "task": flip.task,
        "prompt": None if told is None else _short(told.prompt),
        "sides": sides,
    }


def _short(text: str) -> str:
    left = len(text) - LONGEST
    return text if left <= 0 else f"{text[:LONGEST]}\n… {left} more characters"


def _commands(found: Comparison) -> str:
    import shlex

    a, b = (shlex.quote(one_line(side.label)) for side in (found.a, found.b))
    return f"rmbench compare {a} {b}\nrmbench compare {a} {b} --json\nrmbench gate {a} --baseline {b} --max-drop 0.02"
