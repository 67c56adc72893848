"""How a reward was optimised, step by step: the files `trajectory.parquet` and `attempts.parquet`.

    trajectory.parquet   one row per task, optimiser and step; `rewarded` tells the model's run from the gold's own
    attempts.parquet     one row per query of a search, with the text of what was kept

A task keeps the gold's own runs in `reference.parquet`, which has the columns of a trajectory.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path as File
from typing import Any, Literal

import numpy as np

from rmbench.bounded import measure_parquet
from rmbench.errors import RunError, SubmissionError
from rmbench.rows import sha256
from rmbench.types import Attempt, Path, Step

TRAJECTORY = "trajectory.parquet"
ATTEMPTS = "attempts.parquet"
MOST_ROWS, MOST_BYTES = 2_000_000, 1_000_000_000  # of a file, unpacked
Rewarded = Literal["model", "gold"]
STEP_COLUMNS = tuple(f.name for f in fields(Step) if f.name != "attempts")
ATTEMPT_COLUMNS = tuple(f.name for f in fields(Attempt))


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One optimiser's course on one task. `items` are the ids that `golds` of every step speak of, in order.

    `settings` is all that decided the course, the budget and the seed included.
    """

    task: str
    optimizer: str
    rewarded: Rewarded
    items: tuple[str, ...]
    settings: Mapping[str, Any]
    steps: tuple[Step, ...]

    @property
    def queries(self) -> int:
        """Reward queries spent in all."""
        return self.steps[-1].queries

    def like(self, other: Trajectory) -> Trajectory:
        """The same course seen from another one: at its items, up to its last step, at its counts of queries.

        Steps are matched by number: where a task is cut to fewer prompts, a step of a search costs fewer queries (and
        which of them were cached is not known).
        """
        where = {item: index for index, item in enumerate(self.items)}
        mine = {step.step: step for step in self.steps}
        columns = [where[item] for item in other.items]
        steps = tuple(
            replace(
                mine[theirs.step],
                queries=theirs.queries,
                cached=0,
                golds=tuple(mine[theirs.step].golds[c] for c in columns),
                proxies=tuple(mine[theirs.step].proxies[c] for c in columns) if mine[theirs.step].proxies else (),
                attempts=(),
            )
            for theirs in other.steps
        )
        return replace(self, items=other.items, steps=steps)


def step_rows(trajectories: Sequence[Trajectory]) -> list[dict[str, Any]]:
    """The rows of a trajectory file, in canonical order."""
    rows = []
    for t in sorted(trajectories, key=lambda t: (t.task, t.optimizer, t.rewarded)):
        head = {"task": t.task, "optimizer": t.optimizer, "rewarded": t.rewarded, "items": list(t.items)}
        settings = json.dumps(t.settings, sort_keys=True, allow_nan=False)
        for step in t.steps:
            cells = {name: getattr(step, name) for name in STEP_COLUMNS}
            cells |= {"golds": list(step.golds), "proxies": [_null(x) for x in step.proxies]}
            rows.append({**head, "settings": settings, **cells})
    return rows


def attempt_rows(trajectories: Sequence[Trajectory]) -> list[dict[str, Any]]:
    """The rows of an attempts file, in canonical order; only the model's runs have any."""
    return [
        {"task": t.task, "optimizer": t.optimizer, **_plain(attempt)}
        for t in sorted(trajectories, key=lambda t: (t.task, t.optimizer, t.rewarded))
        if t.rewarded == "model"
        for attempt in sorted((a for step in t.steps for a in step.attempts), key=lambda a: (a.item, a.query))
    ]


def rows_digest(rows: Sequence[Mapping[str, Any]], about: str = "") -> str:
    """The sha256 of the rows, whatever the parquet version, and of what they are `about` (the hash of a task's items).

    Raises RunError for a number that is not finite: no file of ours holds one.
    """
    try:
        return sha256([about, *rows])
    except ValueError as error:
        raise RunError(
            f"a course holds a number that is not finite ({error}); it was changed, make it again"
        ) from error


def write_rows(path: File, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows of either file as parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _attempt_schema() if path.name == ATTEMPTS else _step_schema()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path, compression="zstd")


def read_rows(path: File) -> list[dict[str, Any]]:
    """The rows of either file, as written. Raises RunError for a damaged file or other columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _attempt_schema() if path.name == ATTEMPTS else _step_schema()
    try:
        found = measure_parquet(path, rows=MOST_ROWS, size=MOST_BYTES)
    except SubmissionError as error:
        raise RunError(str(error).replace("; write it again", "; make it again")) from error
    if found[0] > MOST_ROWS or found[1] > MOST_BYTES:
        raise RunError(f"{path} unfolds into {found[0]:,} rows and {found[1]:,} bytes, which no run has; make it again")
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise RunError(f"{path} is not readable as parquet: {str(error).splitlines()[0]}; make it again") from error
    if table.column_names != schema.names:
        raise RunError(f"{path} has the columns {', '.join(table.column_names)}; expected {', '.join(schema.names)}")
    try:
        rows: list[dict[str, Any]] = table.cast(schema).to_pylist()
        if empty := [field.name for field in schema if not field.nullable and table[field.name].null_count]:
            raise RunError(f"{path}: column {empty[0]!r} has empty cells; make it again")
    except (pa.ArrowException, ValueError) as error:
        raise RunError(f"{path}: {str(error).splitlines()[0]}; make it again") from error
    return rows


def trajectories_from(path: File, rows: Sequence[Mapping[str, Any]]) -> list[Trajectory]:
    """Rows of a trajectory file as trajectories. Raises RunError, naming the step, for rows that contradict."""
    parts: dict[tuple[str, str, Rewarded], list[Mapping[str, Any]]] = {}
    for row in rows:
        parts.setdefault((row["task"], row["optimizer"], row["rewarded"]), []).append(row)
    out = []
    for key, found in parts.items():
        where = f"{path}: {key[0]}, {key[1]}, {key[2]}"
        steps = tuple(_step(where, row) for row in found)
        problem = _course_problem(steps) or _shape_problem(found)
        if problem or key[2] not in ("model", "gold"):
            raise RunError(f"{where}: {problem or 'rewarded must be model or gold'}; make it again")
        try:
            settings = json.loads(found[0]["settings"])
        except (ValueError, RecursionError) as error:
            raise RunError(f"{where}: its settings are not JSON ({error}); make it again") from error
        if not isinstance(settings, dict):
            raise RunError(f"{where}: its settings are not a JSON object; make it again")
        out.append(Trajectory(*key, tuple(found[0]["items"]), settings, steps))
    return out


def attempts_from(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], list[Attempt]]:
    """The attempts by task and optimiser."""
    out: dict[tuple[str, str], list[Attempt]] = {}
    for row in rows:
        cells = {name: row[name] for name in ATTEMPT_COLUMNS}
        cells |= {name: math.nan if cells[name] is None else cells[name] for name in ("proxy_before", "proxy")}
        out.setdefault((row["task"], row["optimizer"]), []).append(Attempt(**cells))
    return out


def paths_by_item(trajectories: Sequence[Trajectory]) -> dict[tuple[str, str], dict[str, Path]]:
    """(task, item) -> optimiser -> path, each with the gold's own where there is one."""
    gold = {(t.task, t.optimizer): t for t in trajectories if t.rewarded == "gold"}
    out: dict[tuple[str, str], dict[str, Path]] = {}
    for t in (t for t in trajectories if t.rewarded == "model"):
        reference = gold.get((t.task, t.optimizer))
        try:
            oracles = list(_paths(reference.like(t), None)) if reference else [None] * len(t.items)
        except KeyError as error:
            raise RunError(f"{t.task}, {t.optimizer}: the gold's course lacks {error}; run it again") from error
        for item, path in zip(t.items, _paths(t, oracles), strict=True):
            out.setdefault((t.task, item), {})[t.optimizer] = path
    return out


def _paths(t: Trajectory, oracles: Sequence[Path | None] | None) -> Iterator[Path]:
    queries = np.array([s.queries for s in t.steps], dtype=np.float64)
    kl = np.array([math.nan if s.kl is None else s.kl for s in t.steps])
    mean = np.array([math.nan if s.proxy is None else s.proxy for s in t.steps])
    gold = np.array([s.golds for s in t.steps], dtype=np.float64)
    failed = t.steps[-1].failed / t.queries if t.queries else 0.0
    estimate = any(s.estimate for s in t.steps)
    for index in range(len(t.items)):
        own = [s.proxies[index] if s.proxies else m for s, m in zip(t.steps, mean, strict=True)]
        oracle = oracles[index] if oracles else None
        yield Path(queries, kl, np.array(own, dtype=np.float64), gold[:, index], failed, estimate, oracle)


def _step(where: str, row: Mapping[str, Any]) -> Step:
    cells = {name: row[name] for name in STEP_COLUMNS}
    golds = tuple(row["golds"])
    if any(g is None or not math.isfinite(g) for g in golds):
        raise RunError(f"{where}: step {row['step']} has a gold that is not a finite number; make it again")
    proxies = tuple(math.nan if x is None else x for x in row["proxies"])
    return Step(**{**cells, "golds": golds, "proxies": proxies})


def _course_problem(steps: Sequence[Step]) -> str | None:
    numbers = [s.step for s in steps]
    if numbers[0] != 0 or any(b <= a for a, b in pairwise(numbers)):
        return f"its steps are numbered {numbers[:20]}"
    counts = np.array([(s.queries, s.cached, s.failed) for s in steps])
    if counts[0].any() or (np.diff(counts, axis=0) < 0).any():
        return "its counts of queries do not start at 0 or fall"
    if any(s.cached > s.queries or s.failed > s.queries for s in steps):
        return "it has more cached or failed queries than queries"
    if any(x is not None and not math.isfinite(x) for s in steps for x in (s.kl, s.proxy)):
        return "it has a KL or reward that is not a finite number"
    return None


def _shape_problem(rows: Sequence[Mapping[str, Any]]) -> str | None:
    items, settings = rows[0]["items"], rows[0]["settings"]
    if any(row["items"] != items or row["settings"] != settings for row in rows) or len(set(items)) < len(items):
        return "its rows disagree on items or settings"
    if any(len(row["golds"]) != len(items) or len(row["proxies"]) not in (0, len(items)) for row in rows):
        return "a step does not have one value per item"
    return None


def _plain(attempt: Attempt) -> dict[str, Any]:
    cells = {name: getattr(attempt, name) for name in ATTEMPT_COLUMNS}
    return {**cells, "proxy_before": _null(attempt.proxy_before), "proxy": _null(attempt.proxy)}


def _null(value: float) -> float | None:
    return None if math.isnan(value) else value


def _step_schema() -> Any:
    import pyarrow as pa

    kinds = {"items": pa.list_(pa.string()), "golds": pa.list_(pa.float64()), "proxies": pa.list_(pa.float64())}
    kinds |= dict.fromkeys(("step", "queries", "cached", "failed"), pa.int64())
    kinds |= {"kl": pa.float64(), "proxy": pa.float64(), "estimate": pa.bool_()}
    return _schema(("task", "optimizer", "rewarded", "items", "settings", *STEP_COLUMNS), kinds, {"kl", "proxy"})


def _attempt_schema() -> Any:
    import pyarrow as pa

    kinds = dict.fromkeys(("proxy_before", "proxy", "gold_before", "gold"), pa.float64())
    kinds |= {"query": pa.int64(), "kept": pa.bool_()}
    return _schema(("task", "optimizer", *ATTEMPT_COLUMNS), kinds, {"proxy_before", "proxy", "text"})


def _schema(columns: Sequence[str], kinds: Mapping[str, Any], optional: set[str]) -> Any:
    import pyarrow as pa

    return pa.schema([pa.field(name, kinds.get(name, pa.string()), nullable=name in optional) for name in columns])
