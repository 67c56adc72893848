"""Benchmarks of others, read from a local copy in their published layout. One file per benchmark.

Each module defines `CARD` (what a card says, without counts and hash), `read_items(folder)`, and
`read_scores(folder)`: published scores by model, as rows for `replay:FILE`. Their texts are never part of rmbench.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rmbench.errors import TaskError, UsageError
from rmbench.items import replace_file
from rmbench.task import write_task


def benchmark_names() -> list[str]:
    """The benchmarks that can be imported: the modules of this package."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__))


def import_benchmark(name: str, source: Path, out: Path) -> tuple[Path, list[Path]]:
    """Write OUT/NAME as a task folder, and one replay file per model whose scores lie in `source`.

    Returns the task folder and the replay files. Raises UsageError for an unknown name, TaskError for files that are
    missing or not in the published layout.
    """
    if name not in benchmark_names():
        raise UsageError(f"there is no benchmark {name!r}; known: {', '.join(benchmark_names())}")
    if not source.is_dir():
        raise UsageError(f"{source} is not a folder; give the folder that holds the files of {name}")
    module = importlib.import_module(f"{__name__}.{name}")
    items = module.read_items(source)
    saved = module.read_scores(source)
    folder = out / name
    write_task(folder, module.CARD, items)
    replays = []
    for model, rows in saved.items():
        path = folder / "scores" / f"{model}.jsonl"
        path.parent.mkdir(exist_ok=True)
        replace_file(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())
        replays.append(path)
    return folder, replays


def json_lines(path: Path, fields: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, row) for each line of a jsonl file; every row has the fields. Raises TaskError naming the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{path}: cannot be read ({error})") from None
    for number, line in enumerate(lines, start=1):
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise TaskError(f"{where}: not JSON ({error})") from None
        missing = [f for f in fields if not isinstance(row, dict) or f not in row]
        if missing:
            raise TaskError(f"{where}: the field {missing[0]!r} is missing; is this the published file?")
        yield where, row
