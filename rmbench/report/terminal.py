"""Results in the terminal, readable at 80 columns. Whatever a run says is printed as text, never as markup."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from rmbench.report.details import DETAILS, not_run, pursued, reasons, skills_shown
from rmbench.report.progress import RunProgress
from rmbench.report.words import CLOSED_TRACK, DISTANCES, SKILL_SCALE, TITLES, interval, number, one_line, why
from rmbench.trajectory import TRAJECTORY, Trajectory, read_rows, trajectories_from
from rmbench.types import AXES, Axis, Estimate, Result, TaskResult

__all__ = ["RunProgress", "print_result"]

_CELLS = 24
_LINES = ((0, "·", "dim"), (1, "━", "green"), (2, "─", "green"), (3, "●", "bold green"))


def print_result(result: Result, console: Console, *, run: Path | None = None) -> None:
    """Print the skills, every task of every axis, and what to do next. `run` is the run folder, for the commands."""
    courses = {} if run is None else _courses(run)
    console.print(_headline(result))
    console.print()
    if any(estimate.value is not None for estimate in result.track.values()):
        console.print(_track(result))
        console.print()
    for axis in AXES:
        tasks = [task for task in result.tasks.values() if task.card.axis == axis]
        if tasks:
            console.print(_axis_table(axis, tasks, courses))
            for reason in reasons(tasks):
                console.print(Text(reason, "yellow"))
            console.print()
    console.print(Text(f"signature {one_line(result.signature)}", "dim", overflow="fold", no_wrap=False))
    if run is not None:
        whole = result.settings["suite"] is not None and result.settings["limit"] is None
        console.print(_next_steps(run, whole=whole))


def _headline(result: Result) -> Panel:
    skills = {name: result.skills[name] for name in skills_shown(result)}
    table = Table.grid(padding=(0, 2, 0, 0))
    for justify in ("left", "right", "left", "left"):
        table.add_column(no_wrap=True, justify=justify)
    low = _left_end(list(skills.values()))
    for name, skill in skills.items():
        title = Text(TITLES[name], "bold" if name == "overall" else "")
        table.add_row(title, Text(number(skill.value), "bold"), _bar(skill, low), Text(interval(skill), "dim"))
    reasons = [_why(name, skill) for name, skill in skills.items() if skill.value is None]
    notes = [Text(SKILL_SCALE, "dim")]
    if absent := not_run(result):
        notes.append(Text(absent, "dim"))
    return Panel(
        Group(table, *reasons, Text(), *notes),
        title=Text(one_line(result.model), "bold", overflow="ellipsis", no_wrap=True),
        title_align="left",
        box=box.ROUNDED,
        border_style="dim",
        padding=(1, 2),
    )


def _track(result: Result) -> Group:
    """How the skill of a closed-track model holds, the further the items lie from what it was trained on."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for justify in ("left", "right", "left", "left"):
        table.add_column(justify=justify)
    for name, skill in result.track.items():
        title, meaning = DISTANCES[name]
        said = meaning if skill.value is not None else why(skill.reason)
        table.add_row(title, Text(number(skill.value), "bold"), Text(interval(skill), "dim"), Text(said, "dim"))
    return Group(Text(CLOSED_TRACK, "bold"), table)


def _why(name: str, estimate: Estimate) -> Text:
    return Text(f"{name}: no number, {why(estimate.reason)}", "yellow")


def _left_end(estimates: Sequence[Estimate]) -> float:
    """Where the bars begin: 0, or further left in quarters (down to -1) if something is negative."""
    lowest = min((v for e in estimates for v in (e.value, e.low) if v is not None), default=0.0)
    return max(-1.0, math.floor(4 * min(0.0, lowest)) / 4)


def _bar(estimate: Estimate, low: float) -> Text:
    """A bar from 0 to the value, and its interval: `━━━━━━━─●─·····`. Left end is `low`, right end is 1."""
    marks = [_LINES[0]] * _CELLS

    def cell(value: float) -> int:
        return round((min(1.0, max(low, value)) - low) / (1 - low) * (_CELLS - 1))

    def draw(start: float, end: float, kind: int) -> None:
        for i in range(min(cell(start), cell(end)), max(cell(start), cell(end)) + 1):
            marks[i] = _LINES[kind]

    if estimate.value is not None:
        draw(0.0, estimate.value, 1)
        if estimate.low is not None and estimate.high is not None:
            draw(estimate.low, estimate.high, 2)
        draw(estimate.value, estimate.value, 3)
    if low < 0 and marks[cell(0.0)][0] < 3:
        marks[cell(0.0)] = (1, "│", "dim")
    text = Text()
    for _, sign, style in marks:
        negative = estimate.value is not None and estimate.value < 0
        text.append(sign, style.replace("green", "red") if negative else style)
    return text


def _courses(run: Path) -> dict[tuple[str, str], Trajectory]:
    """What the model was put through in this run, by task and optimiser."""
    path = run / TRAJECTORY
    found = trajectories_from(path, read_rows(path)) if path.is_file() else []
    return {(course.task, course.optimizer): course for course in found if course.rewarded == "model"}


def _axis_table(axis: Axis, tasks: Sequence[TaskResult], courses: Mapping[tuple[str, str], Trajectory]) -> Table:
    heading, describe = DETAILS[axis]
    lines = {task.card.name: [*describe(task), *pursued(task, courses)] for task in tasks}
    table = Table(box=box.SIMPLE_HEAD, title=TITLES[axis], title_justify="left", title_style="bold")
    table.show_edge = table.pad_edge = False
    table.collapse_padding = True
    table.add_column("task", overflow="fold")
    table.add_column("skill", justify="right", no_wrap=True)
    table.add_column("95 % interval", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    # Long names and reasons may fold; the numbers stay on their lines.
    table.add_column(heading, overflow="fold", min_width=max(map(len, chain(*lines.values())), default=0))
    for task in tasks:
        skill = task.skill
        details = Text("\n".join(lines[task.card.name]))
        if skill.missing:
            details.append(f"\n{skill.missing} items missing a score", "yellow")
        name = Text(one_line(task.card.name))
        table.add_row(name, Text(number(skill.value), "bold"), Text(interval(skill), "dim"), str(skill.n), details)
    return table


def _next_steps(run: Path, *, whole: bool) -> Text:
    import shlex

    name = shlex.quote(str(run))
    text = Text(overflow="fold")
    steps = [
        (f"report {name}", "the page: curves, reliability, worst-fooled examples"),
        (f"evaluate {name}", "these numbers again, from the raw scores"),
        *([(f"submit {name} --as ORG/MODEL", "an entry for the leaderboard")] if whole else []),
    ]
    for command, meaning in steps:
        text.append(f"rmbench {command}\n", "bold").append(f"    {meaning}\n", "dim")
    text.rstrip()
    return text
