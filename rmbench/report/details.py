"""The few numbers that stand beside a task's skill, in the terminal and on the page."""

from __future__ import annotations

from collections.abc import Callable

from rmbench.report.words import number
from rmbench.types import Axis, TaskResult

_ERRORS = (("T", "Temperature"), ("ECE", "ECE"), ("NLL", "NLL"))


def _value(task: TaskResult, *names: str) -> str:
    """The first of the named metrics that was measured, as text; a dash if none was."""
    return number(next((task.metrics[name].value for name in names if name in task.metrics), None))


def _recoveries(task: TaskResult) -> list[str]:
    budgets = task.card.budgets
    lines = []
    for label, name, amounts in (("{} nats", "tilt", budgets.tilt), ("n={}", "best_of_n", budgets.best_of_n)):
        if amounts:
            values = [_value(task, f"Recovery({name}={amount:g})") for amount in sorted(amounts)]
            said = label.format("/".join(f"{amount:g}" for amount in sorted(amounts)))
            lines.append(f"{said}: {' '.join(values)}")
    return lines


def _calibrations(task: TaskResult) -> list[str]:
    pairs = [(label, _value(task, name, f"{name}(shifted=True)")) for label, name in _ERRORS]
    return ["  ".join(f"{label} {value}" for label, value in pairs)]


def _accuracies(task: TaskResult) -> list[str]:
    if "Accuracy(split='base')" not in task.metrics:
        return [_value(task, "Accuracy")]
    base, shift = (_value(task, f"Accuracy(split='{split}')") for split in ("base", "shift"))
    return [f"{base} → {shift}  skill gap {_value(task, 'Gap')}"]


DETAILS: dict[Axis, tuple[str, Callable[[TaskResult], list[str]]]] = {
    "generalisation": ("accuracy base → shift", _accuracies),
    "calibration": ("calibration, T fitted", _calibrations),
    "overoptimization": ("recovery per budget", _recoveries),
}
