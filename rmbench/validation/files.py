"""Card, hash, ids: what every reader of the task relies on."""

from __future__ import annotations

from pathlib import Path

from rmbench.errors import RmbenchError
from rmbench.findings import Finding
from rmbench.task import read_reference, read_task
from rmbench.types import Task

NAME = "files"


def read(folder: Path) -> tuple[Task | None, Finding]:
    """The task of a folder, or None and why it cannot be used."""
    try:
        task = read_task(folder)
        kept = read_reference(task)
    except (RmbenchError, OSError) as error:
        return None, Finding(NAME, "problem", str(error))
    also = f", {len(kept)} runs of the gold" if kept else ""
    return task, Finding(NAME, "ok", f"card and {len(task.items)} items fit, version {task.card.version}{also}")
