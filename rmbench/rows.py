"""scores.parquet: its rows, their canonical form, and the checks that they pass on the way in."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rmbench.errors import RunError
from rmbench.types import Conversation, Failure, Floats, Item, ScoredItem, Task


class Row(NamedTuple):
    """One response, as stored. `score` is None exactly where `reason` is given. `tags` is a JSON object."""

    task: str
    item: str
    index: int  # type: ignore[assignment]  # the column's name; nobody needs tuple.index here
    group: str
    digest: str
    score: float | None
    reason: str | None
    gold: float
    probability: float | None
    votes_first: int | None
    votes_second: int | None
    tags: str

    @property
    def shared(self) -> tuple[object, ...]:
        """The columns that every response of an item repeats."""
        return (self.group, self.probability, self.votes_first, self.votes_second, self.tags)


def canonical(value: object) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no NaN. Digests are made from it."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def sha256(value: object) -> str:
    """The sha256 of a value's canonical JSON, as 64 hex characters."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def digest(conversation: Conversation) -> str:
    """What names a conversation: 32 hex characters of the sha256 of its canonical JSON."""
    return sha256([{"role": m["role"], "content": m["content"]} for m in conversation])[:32]


def _key(row: Row) -> tuple[object, ...]:
    return row[:3]


def content_digest(rows: Sequence[Row]) -> str:
    """The sha256 of the rows, whatever their order in the file and whatever the parquet version."""
    return sha256(sorted(rows, key=_key))


def task_rows(task: Task, scores: Sequence[Sequence[float | Failure]]) -> list[Row]:
    if len(scores) != len(task.items):
        raise RunError(f"task {task.card.name} has {len(task.items)} items but scores for {len(scores)}")
    return [
        row for item, given in zip(task.items, scores, strict=True) for row in _item_rows(task.card.name, item, given)
    ]


def _item_rows(task: str, item: Item, scores: Sequence[float | Failure]) -> Iterator[Row]:
    if len(scores) != len(item.responses):
        raise RunError(f"{task}/{item.id} has {len(item.responses)} responses but {len(scores)} scores")
    tags = canonical(dict(item.tags))
    first, second = item.votes or (None, None)
    for index, given in enumerate(scores):
        if isinstance(given, Failure):
            score, reason = None, given.reason
        elif math.isfinite(given):
            score, reason = float(given), None
        else:
            score, reason = None, f"non-finite score: {float(given)}"
        name = digest(item.conversation(index))
        gold = float(item.gold[index])
        yield Row(task, item.id, index, item.group, name, score, reason, gold, item.probability, first, second, tags)


def _schema() -> Any:
    import pyarrow as pa

    kinds = {"index": pa.int32(), "votes_first": pa.int64(), "votes_second": pa.int64()}
    kinds |= dict.fromkeys(("score", "gold", "probability"), pa.float64())
    optional = {"score", "reason", "probability", "votes_first", "votes_second"}
    return pa.schema([pa.field(n, kinds.get(n, pa.string()), nullable=n in optional) for n in Row._fields])


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows as parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = list(zip(*rows, strict=True)) or [()] * len(Row._fields)
    arrays = [pa.array(cells, field.type) for cells, field in zip(columns, _schema(), strict=True)]
    pq.write_table(pa.table(arrays, schema=_schema()), path, compression="zstd")


def read_rows(path: Path) -> list[Row]:
    """The rows in canonical order: by task, item and index. Raises RunError for a damaged file or a wrong column."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise RunError(f"{path} is not readable as parquet: {str(error).splitlines()[0]}; run it again") from error
    if missing := [n for n in Row._fields if n not in table.column_names]:
        raise RunError(f"{path} has no column {missing[0]!r}; it has {', '.join(table.column_names)}")
    if extra := [n for n in table.column_names if n not in Row._fields]:
        raise RunError(f"{path} has an unknown column {extra[0]!r}; a run holds {', '.join(Row._fields)}")
    columns = []
    for field in _schema():
        column = table.column(field.name)
        if column.null_count and not field.nullable:
            raise RunError(f"{path}: column {field.name!r} has {column.null_count} empty cells; run it again")
        try:
            columns.append(column.cast(field.type).to_pylist())
        except pa.ArrowException as error:
            raise RunError(f"{path}: column {field.name!r} holds {column.type}, not {field.type}") from error
    return sorted((Row(*cells) for cells in zip(*columns, strict=True)), key=_key)


def scored_items(path: Path, rows: Sequence[Row], tasks: Iterable[str]) -> dict[str, tuple[ScoredItem, ...]]:
    """Items by task, in the order of the rows. Raises RunError, naming the item, for rows that contradict."""
    parts: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        parts.setdefault((row.task, row.item), []).append(row)
    out: dict[str, list[ScoredItem]] = {name: [] for name in tasks}
    for (task, item), found in parts.items():
        if task not in out:
            raise RunError(f"{path} scores task {task!r}, which has no card in the manifest; run it again")
        if problem := _order_problem(found) or _row_problem(found) or _tags_problem(found[0]):
            raise RunError(f"{path}: item {task}/{item} {problem}; run it again")
        out[task].append(_scored(found))
    return {name: tuple(items) for name, items in out.items()}


def _order_problem(rows: Sequence[Row]) -> str | None:
    indices = [row.index for row in rows]
    if again := [a for a, b in pairwise(indices) if a == b]:
        return f"has duplicate rows for response {again[0]}"
    if indices != list(range(len(rows))):
        return f"lacks rows: its responses are numbered {indices[:20]}"
    return None


def _row_problem(rows: Sequence[Row]) -> str | None:
    for row in rows:
        if row.shared != rows[0].shared:
            return "has rows that disagree on group, probability, votes or tags"
        if not math.isfinite(row.gold):
            return f"response {row.index} has a gold of {row.gold}, which is not a finite number"
        if row.score is not None and not math.isfinite(row.score):
            return f"response {row.index} has a score of {row.score} in place of null and a reason"
        if (row.score is None) != bool(row.reason):
            return f"response {row.index} needs either a score or a reason, and one only"
    return None


def _tags_problem(row: Row) -> str | None:
    if row.probability is not None and not 0 <= row.probability <= 1:
        return f"has a probability of {row.probability}, outside 0 to 1"
    votes = (row.votes_first, row.votes_second)
    if votes != (None, None) and (None in votes or min(v for v in votes if v is not None) < 0):
        return f"has votes {votes}, which must be two counts"
    try:
        tags = json.loads(row.tags)
    except (ValueError, RecursionError):
        tags = None
    if not isinstance(tags, dict) or not all(isinstance(v, str) for v in tags.values()):
        return f"has tags {row.tags[:60]!r}, which are not a JSON object of texts"
    return None


def _scored(rows: Sequence[Row]) -> ScoredItem:
    first = rows[0]
    votes = None if first.votes_first is None or first.votes_second is None else (first.votes_first, first.votes_second)
    scores: Floats = np.array([math.nan if row.score is None else row.score for row in rows])
    gold: Floats = np.array([row.gold for row in rows])
    return ScoredItem(first.item, first.group, scores, gold, first.probability, votes, json.loads(first.tags))
