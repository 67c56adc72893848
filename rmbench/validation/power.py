"""How small a difference the task can find: what its size is worth."""

from __future__ import annotations

from rmbench.findings import Finding
from rmbench.types import Task
from rmbench.validation.record import Context, conclude

NAME = "power"
ENOUGH = 400  # independent pairs that need no power analysis


def check(task: Task, _context: Context) -> Finding:
    """Enough groups to measure, or a card that says which difference they resolve."""
    groups = len({item.group for item in task.items if item.tags.get("split") != "base"})
    told = f"{len(task.items)} items, {groups} group{'s' if groups != 1 else ''} of them to measure"
    if task.card.resolves is not None:
        return conclude(NAME, f"{told}, resolve {task.card.resolves:g} at 80 % power")
    if task.card.axis == "overoptimization" or groups >= ENOUGH:
        return conclude(NAME, told)
    return conclude(NAME, "", notes=[f"{told}: under {ENOUGH}, and no `resolves` on the card"])
