"""The canary tells whether a corpus holds our items, so it must be with them, and be the task's alone."""

from __future__ import annotations

from rmbench.findings import Finding
from rmbench.types import Task
from rmbench.validation.record import Context, conclude

NAME = "canary"


def check(task: Task, context: Context) -> Finding:
    """The card's canary stands in the parquet's metadata and in no other card."""
    problems, notes = [], []
    others = [name for name in context.canaries.get(task.card.canary, ()) if name != task.card.name]
    if others:
        problems.append(f"{', '.join(others)} has the same canary; give each task a UUID of its own")
    path = None if task.folder is None else task.folder / "items.parquet"
    if path is None or not path.is_file():
        notes.append("the card alone holds the canary: items.jsonl has no place for it")
    else:
        found = _in_parquet(str(path))
        if found != task.card.canary:
            said = "no canary" if found is None else f"the canary {found:.44}"
            problems.append(f"items.parquet has {said}, the card {task.card.canary}; run `rmbench tasks build`")
    return conclude(NAME, "in the card and with the items, and in no other task", problems, notes)


def _in_parquet(path: str) -> str | None:
    import pyarrow.parquet as pq

    found = (pq.read_schema(path).metadata or {}).get(b"canary")
    return None if found is None else str(found, "utf-8", "replace")
