"""The few numbers that stand beside a task's skill, in the terminal and on the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from rmbench.report.words import MISSING, number, one_line, optimizer, percent, share, why
from rmbench.trajectory import Trajectory
from rmbench.types import AXES, Axis, Result, TaskResult

CATEGORY = "Accuracy(category="
MOST_CATEGORIES = 8
LEVEL = 0.05  # of p-values
LINE = 32  # characters that the terminal's table has for the details of a task
POOL_METHODS = ("tilt", "best_of_n", "global_tilt")
_QUERIED = re.compile(r"Recovery\((.+)=(\d+)\)")
_BESIDE = {
    "TieSkill": (("AUC", "TieAUC"), ("near ties", "TieAUC(against='near')")),
    "SelectiveSkill": (("AURC", "AURC"), ("E-AURC", "EAURC")),
}
_ERRORS = (("T", "Temperature"), ("ECE", "ECE"), ("NLL", "NLL"))


def axes_run(result: Result) -> list[Axis]:
    """The axes that have a task in this run."""
    return [axis for axis in AXES if any(task.card.axis == axis for task in result.tasks.values())]


def skills_shown(result: Result) -> list[str]:
    """The skills to show: the axes that were run, and overall only if it is about all three."""
    axes = axes_run(result)
    return [*axes, *(["overall"] if len(axes) == len(AXES) else [])]


def not_run(result: Result) -> str:
    """`not run: calibration, …`, or nothing."""
    absent = [axis for axis in AXES if axis not in axes_run(result)]
    return f"not run: {', '.join(absent)}" if absent else ""


def _value(task: TaskResult, name: str) -> str:
    """The named metric as text; a dash if it was not measured."""
    return number(task.metrics[name].value if name in task.metrics else None)


def _percent(task: TaskResult, name: str) -> str:
    value = task.metrics[name].value
    return MISSING if value is None else percent(value, 1)


def _recoveries(task: TaskResult) -> list[str]:
    budgets = task.card.budgets
    lines = []
    for label, name, amounts in (("{} nats", "tilt", budgets.tilt), ("n={}", "best_of_n", budgets.best_of_n)):
        if amounts:
            points = [f"{name}={amount:g}" for amount in sorted(amounts)]
            values = [_value(task, f"Recovery({point})") for point in points]
            said = label.format("/".join(f"{amount:g}" for amount in sorted(amounts)))
            lines += [f"{said}: {' '.join(values)}", *_saturation(task, points)]
    return lines


def _saturation(task: TaskResult, points: Sequence[str]) -> list[str]:
    """The share of saturated prompts at each of the budgets, in their order; nothing where there is none."""
    known = [task.metrics.get(f"Saturated({point})") for point in points]
    shares = [None if found is None else found.value for found in known]
    if not any(shares):
        return []
    return [
        f"  saturated {'/'.join(MISSING if found is None else share(found) for found in shares)}\N{NO-BREAK SPACE}%"
    ]


def queried(task: TaskResult) -> dict[str, str]:
    """The optimisers that asked the reward, each with its budget as metrics name it: `search` -> `search=4096`."""
    found = [match for name in task.metrics if (match := _QUERIED.fullmatch(name))]
    return {match[1]: f"{match[1]}={match[2]}" for match in found if match[1] not in POOL_METHODS}


def pursued(task: TaskResult, courses: Mapping[tuple[str, str], Trajectory]) -> list[str]:
    """One line per optimiser that asked the reward: its recovery, or else where gold went.

    `courses` are the model's own, by task and optimiser.
    """
    lines = []
    for name, label in queried(task).items():
        recovery, gain = (task.metrics[f"{kind}({label})"].value for kind in ("Recovery", "GoldGain"))
        course = courses.get((task.card.name, name))
        if recovery is not None or gain is None:
            lines.append(f"{optimizer(name)}: {number(recovery)}")
        elif course is None:
            lines.append(f"{optimizer(name)}: gold gain {number(gain)}")
        else:
            lines += [f"{optimizer(name)}: gold {from_to(course)}", f"  {distance(course)}".rstrip()]
    return [line for line in lines if line]


def from_to(course: Trajectory) -> str:
    """Mean gold at the start and at the end: `0.42 → 0.40`."""
    return " → ".join(number(sum(step.golds) / len(step.golds)) for step in (course.steps[0], course.steps[-1]))


def distance(course: Trajectory) -> str:
    """How far the policy has moved: `KL ≈ 1.3 nats, estimated`; nothing for a method without KL."""
    last = course.steps[-1]
    if last.kl is None:
        return ""
    return f"KL {'≈ ' * last.estimate}{number(last.kl, 1)} nats{', estimated' * last.estimate}"


def reasons(tasks: Sequence[TaskResult]) -> list[str]:
    """Why a skill or an optimiser has no number, each reason once, after the tasks and optimisers that it concerns."""
    found: dict[str, list[str]] = {}
    for task in tasks:
        points = [task.skill, *(task.metrics[f"Recovery({label})"] for label in queried(task).values())]
        said: dict[str, list[str]] = {}
        for reason in dict.fromkeys(why(e.reason) for e in points if e.value is None):
            name, _, rest = reason.partition(": ")
            ours = name in map(optimizer, queried(task))
            said.setdefault(rest if ours else reason, []).extend([name] if ours else [])
        for rest, names in said.items():
            found.setdefault(f"{', '.join(names)}: {rest}" if names else rest, []).append(one_line(task.card.name))
    return [f"{', '.join(names)}: {reason}" for reason, names in found.items()]


def _calibrations(task: TaskResult) -> list[str]:
    """What belongs to the headline: how far ties stand apart, what the surest pairs get wrong, or T and the errors."""
    facts = _BESIDE.get(task.headline, _ERRORS)
    lines = ["  ".join(f"{label} {_value(task, name)}" for label, name in facts if name in task.metrics)]
    if task.headline in _BESIDE and "Accuracy" in task.metrics:
        lines.append(f"accuracy {_percent(task, 'Accuracy')}")
    return lines


def _accuracies(task: TaskResult) -> list[str]:
    if "Accuracy(split='base')" in task.metrics:
        base, shift = (_percent(task, f"Accuracy(split='{split}')") for split in ("base", "shift"))
        return [f"{base} → {shift}  skill gap {_value(task, 'Gap')}", *_worst_kind(task), *_strongest_bias(task)]
    plain, strict = (_percent(task, name) for name in ("Accuracy", "StrictAccuracy"))
    return [plain if strict == plain else f"{plain}, ties as errors {strict}", *_categories(task)]


def _worst_kind(task: TaskResult) -> list[str]:
    """The lowest skill among the kinds of a shift; which one it is, the page shows."""
    return [f"worst kind of shift {_value(task, 'WorstShift')}"] if "WorstShift" in task.metrics else []


def _strongest_bias(task: TaskResult) -> list[str]:
    """The probe that moves the reward most, of those that are beyond chance."""
    found = {name: task.metrics[name].value or 0.0 for name, p in task.p_values.items() if p <= LEVEL}
    if not found:
        return []
    name = max(found, key=lambda metric: abs(found[metric]))
    probe = one_line(name.partition("'")[2].rpartition("'")[0]).replace("_", " ")
    return [f"{probe} {number(found[name])} sd"]


def _categories(task: TaskResult) -> list[str]:
    """Accuracy of each category, as far as that stays a few short lines; the page and the JSON have them all."""
    found = {name: task.metrics[name].value for name in task.metrics if name.startswith(CATEGORY)}
    if len(found) > MOST_CATEGORIES or None in found.values():
        return []
    lines: list[str] = []
    for name, value in found.items():
        said = f"{one_line(name.removeprefix(CATEGORY)[1:-2])} {number(100 * (value or 0.0), 1)}"
        if lines and len(lines[-1]) + len(said) < LINE:
            lines[-1] += f"  {said}"
        else:
            lines.append(said)
    return lines


DETAILS: dict[Axis, tuple[str, Callable[[TaskResult], list[str]]]] = {
    "generalisation": ("accuracy", _accuracies),
    "calibration": ("calibration", _calibrations),
    "overoptimization": ("recovery per budget", _recoveries),
}
