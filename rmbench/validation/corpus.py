"""The training data that a task must not repeat: a sample of the closed track's, or a person's own file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from rmbench.errors import DataError
from rmbench.training_data import Settings, training_pairs
from rmbench.validation.overlap import Document

SAMPLE = 2000  # pairs of the closed track's training data
LONGEST_LINE = 64_000_000  # bytes of one JSON line
COLUMNS = ("prompt", "chosen", "rejected")


@cache
def training_sample() -> tuple[Document, ...]:
    """The first pairs that `rmbench train-data` writes."""
    return tuple(
        Document(pair.prompt, f"{pair.chosen}\n{pair.rejected}") for pair in training_pairs(Settings(pairs=SAMPLE))
    )


def read_pairs(path: Path) -> Iterator[Document]:
    """The preference pairs of a .jsonl or .parquet file in TRL's format, one at a time.

    Conversational or plain text, with or without a prompt of its own. Raises DataError naming the row.
    """
    readers = {".jsonl": _jsonl, ".parquet": _parquet}
    if path.suffix not in readers:
        raise DataError(f"{path}: training data are read from files that end in {' or '.join(readers)}")
    try:
        for number, row in enumerate(readers[path.suffix](path), start=1):
            yield _document(row, f"{path}, row {number}")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def _document(row: Any, where: str) -> Document:
    if not isinstance(row, Mapping) or row.get("chosen") is None or row.get("rejected") is None:
        raise DataError(f"{where}: a preference pair needs the columns chosen and rejected (TRL's format)")
    prompt, chosen, rejected = (_text(row.get(name), f"{where}, column {name}") for name in COLUMNS)
    # without a prompt of its own, it is what both begin with
    return Document(prompt or _common_start(chosen, rejected), f"{chosen}\n{rejected}")


def _common_start(first: str, second: str) -> str:
    pairs = enumerate(zip(first, second, strict=False))
    return first[: next((n for n, (a, b) in pairs if a != b), min(len(first), len(second)))]


def _text(value: Any, where: str) -> str:
    """A text, or the texts of the messages in a list."""
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return "\n".join(message["content"] for message in value)
    except (TypeError, KeyError):
        raise DataError(f"{where}: expected a text or a list of messages with role and content") from None


def _jsonl(path: Path) -> Iterator[Any]:
    with path.open("rb") as lines:
        number = 0
        while line := lines.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise DataError(f"{path}, line {number}: longer than {LONGEST_LINE} bytes, which no pair is")
            try:
                yield json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DataError(f"{path}, line {number}: not JSON ({error})") from None


def _parquet(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            columns = [name for name in COLUMNS if name in file.schema_arrow.names]
            for batch in file.iter_batches(batch_size=1000, columns=columns):
                yield from batch.to_pylist()
    except pa.ArrowException as error:
        raise DataError(f"{path}: not a readable parquet file ({error})") from None
