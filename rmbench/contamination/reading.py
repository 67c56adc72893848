"""Training files of any schema, a row at a time: the texts of every cell, however deep they lie."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from rmbench.errors import DataError

LONGEST = 64_000_000  # bytes of one line or cell
WHOLE = 256_000_000  # bytes of a .json file: it is read at once
PASSAGE, CARRIED = 1 << 16, 1 << 14  # characters of a text that are looked at together, and of those the next begins
BATCH = 256  # rows of a parquet file at once
ROLES = {"user", "assistant", "system", "human", "gpt", "tool", "prompter", "bot", "model"}  # not a text: who speaks
PACKED = (".gz", ".zst")
KINDS = (".jsonl", ".json", ".parquet", ".csv", ".tsv", ".txt")


class Row(NamedTuple):
    """The texts of a row, in the order of the file. `number` counts from 1; of a text it is the line.

    Row 0 holds what the file says of itself.
    """

    number: int
    texts: tuple[str, ...]


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a training file, with memory for a few of them. Raises DataError naming the file and the row."""
    kind = "".join(path.suffixes[-2:] if path.suffix in PACKED else path.suffixes[-1:]).removesuffix(path.suffix)
    kind = kind if path.suffix in PACKED else path.suffix
    if kind not in KINDS or (kind == ".parquet" and path.suffix in PACKED):
        raise DataError(
            f"{path}: training files end in {', '.join(KINDS)}; {' or '.join(PACKED)} may follow, but not on .parquet"
        )
    if not path.is_file():  # a pipe would wait for ever
        raise DataError(f"{path}: there is no such file")
    try:
        if kind == ".parquet":
            yield from _parquet(path)
        else:
            with _opened(path) as file:
                yield from _READERS[kind](file, path)
    except (OSError, EOFError, zlib.error) as error:
        told = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path}: cannot be read ({' '.join(told.split())[:200]})") from None


def texts_in(value: Any) -> tuple[str, ...]:
    """Every text in a value of lists and mappings, in order, without those that only say who speaks."""
    found, left = [], [value]
    while left:
        at = left.pop()
        if isinstance(at, str):
            if at and at not in ROLES:
                found.append(at)
        elif isinstance(at, dict):
            left.extend(reversed(at.values()))
        elif isinstance(at, list | tuple):
            left.extend(reversed(at))
    return tuple(found)


def _opened(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    if path.suffix == ".zst":
        import pyarrow as pa

        return cast("IO[bytes]", io.BufferedReader(pa.input_stream(str(path), compression="zstd"), 1 << 20))
    return path.open("rb", buffering=1 << 20)


def _lines(file: IO[bytes], path: Path) -> Iterator[Row]:
    for number in count(1):
        line = file.readline(LONGEST + 1)
        if not line:
            return
        if len(line) > LONGEST:
            raise DataError(f"{path}, line {number}: longer than {LONGEST:,} bytes, which no example is")
        if line.strip():
            yield Row(number, texts_in(_parsed(line, f"{path}, line {number}")))


def _parsed(content: bytes, where: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not JSON ({' '.join(str(error).split())[:200]})") from None


def _json(file: IO[bytes], path: Path) -> Iterator[Row]:
    """A list of rows, or a mapping whose values are rows; or lines of JSON under this name."""
    content = file.read(WHOLE + 1)
    if len(content) > WHOLE:
        raise DataError(f"{path}: larger than {WHOLE:,} bytes, and .json is read at once; make it JSON lines (.jsonl)")
    try:
        found = _parsed(content, str(path))
    except DataError as error:
        if "Extra data" not in str(error):
            raise
        yield from _lines(io.BytesIO(content), path)
        return
    del content
    entries = found.values() if isinstance(found, dict) else found if isinstance(found, list) else [found]
    for number, entry in enumerate(entries, start=1):
        yield Row(number, texts_in(entry))


def _parquet(path: Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            about = [value.decode("utf-8", "replace") for value in (schema.metadata or {}).values()]
            yield Row(0, tuple(about))
            columns = [field.name for field in schema if _holds_text(field.type)]
            number = 0
            for batch in file.iter_batches(batch_size=BATCH, columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    yield Row(number, texts_in(row))
    except (pa.ArrowException, ValueError) as error:  # ValueError: a text that is not UTF-8
        raise DataError(f"{path}: not a readable parquet file ({' '.join(str(error).split())[:200]})") from None


def _holds_text(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _holds_text(kind.value_type)
    if pa.types.is_nested(kind):
        return any(_holds_text(kind.field(n).type) for n in range(kind.num_fields))
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _csv(file: IO[bytes], path: Path) -> Iterator[Row]:
    usual = csv.field_size_limit(LONGEST)
    number = 0
    try:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        found = csv.reader(text, delimiter="\t" if ".tsv" in path.suffixes else ",")
        for number, cells in enumerate(found, start=1):
            yield Row(number, tuple(filter(None, cells)))
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path}, row {number + 1}: not a readable table ({error})") from None
    finally:
        csv.field_size_limit(usual)


def _text(file: IO[bytes], path: Path) -> Iterator[Row]:  # noqa: ARG001
    """Passages of a text, each of which begins with the end of the one before."""
    text = io.TextIOWrapper(file, encoding="utf-8", errors="replace")
    line, passage = 1, ""
    while more := text.read(PASSAGE):
        passage += more
        yield Row(line, tuple(passage.splitlines()))
        line += passage.count("\n", 0, max(len(passage) - CARRIED, 0))
        passage = passage[-CARRIED:]


_READERS = {".jsonl": _lines, ".json": _json, ".csv": _csv, ".tsv": _csv, ".txt": _text}
