"""Reading what strangers wrote: bounded in size and depth, links not followed, refusals in one sentence."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rmbench.errors import SubmissionError

DEPTH = 32  # of nested JSON: a manifest has 6
LINE = 64_000  # bytes of one line of a JSON-lines file, unless the reader says otherwise
BATCH = 1024  # rows of a parquet file that are looked at together
PIECES = 100_000  # column chunks of a parquet file: 12 columns in one group make 12
WIDEST = 32  # bytes of a number
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_OTHER = re.compile(rb"[^\[\]{}]+")


def read_bytes(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes. Raises SubmissionError for any other, a link included."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise SubmissionError(f"{path} cannot be read ({error.strerror}); it must be a plain file") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise SubmissionError(f"{path} is not a plain file; replace it by one")
    with os.fdopen(handle, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise SubmissionError(f"{path} is larger than {limit:,} bytes, which no honest one is; shorten it")
    return content


def read_json(path: Path, limit: int) -> Any:
    """The JSON value in a file. Raises SubmissionError naming the file for whatever `parse_json` refuses."""
    return parse_json(read_bytes(path, limit), str(path))


def parse_json(content: bytes, where: str) -> Any:
    """Strict JSON: UTF-8, no NaN, no key twice, nested at most `DEPTH` deep, no half of a surrogate pair.

    Raises SubmissionError naming `where`.
    """
    if _deeper(content):
        raise SubmissionError(f"{where} is nested more than {DEPTH} deep, which no honest one is; flatten it")
    try:
        value = json.loads(content.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_once)
        # Half of a surrogate pair can be escaped, and is no text; 1e999 is read as infinity, and is no number
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        told = " ".join(str(error).split())[:200]
        raise SubmissionError(f"{where} is not strict JSON: {told}") from None
    return value


def read_lines(path: Path, limit: int, line: int = LINE) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers, from 1, without line breaks; each at most `line` bytes long.

    Raises SubmissionError for a longer line, and for one that does not end (it was cut short).
    """
    lines = read_bytes(path, limit).split(b"\n")
    for number, found in enumerate(lines, start=1):
        if len(found) > line:
            raise SubmissionError(f"{path}, line {number}: longer than {line:,} bytes, which no honest line is")
        if found and number == len(lines):
            raise SubmissionError(f"{path}, line {number} does not end: it was cut short; restore it")
        if found:
            yield number, found


def measure_parquet(path: Path, *, rows: int, size: int) -> tuple[int, int]:
    """Rows and bytes of a parquet file when unpacked. Counting stops as soon as there are more than `rows` or `size`.

    A footer tells how long the parts are as encoded: a text that comes a million times counts once. So what the footer
    allows is gone through in batches, repeated texts held once, and the whole is never in memory.
    Raises SubmissionError for a file that is none, is broken, or holds what no table of rmbench does.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        meta = pq.read_metadata(path)
        columns, groups = range(meta.num_columns), range(meta.num_row_groups)
        kinds = [meta.schema.column(n) for n in columns]
        if len(columns) * len(groups) > PIECES or any(_wide(kind) for kind in kinds):
            raise SubmissionError(f"{path} is made of parts that no table of rmbench has; write it again")
        encoded = sum(meta.row_group(n).total_byte_size for n in groups)
        values = sum(meta.row_group(n).column(c).num_values for n in groups for c in columns)
        found = max(encoded, 8 * values)  # a long list can be encoded in no bytes at all
        if meta.num_rows > rows or found > size:
            return meta.num_rows, found
        texts, count, found = [kind.path for kind in kinds if kind.physical_type == "BYTE_ARRAY"], 0, 0
        with pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False) as file:
            for batch in file.iter_batches(BATCH, use_threads=False):
                count, found = count + batch.num_rows, found + sum(_unpacked(column) for column in batch.columns)
                if count > rows or found > size:
                    break
    except (pa.ArrowException, OSError, ValueError, TypeError, MemoryError) as error:
        told = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise SubmissionError(f"{path} is not readable as parquet: {told}; write it again") from None
    return count, found


def complaint(error: ValidationError) -> str:
    """The first complaint of pydantic about such a file, in one short line."""
    found = error.errors()[0]
    place, told = ".".join(map(str, found["loc"]))[:100], found["msg"].removeprefix("Value error, ")
    return (f"{place}: {told.lower()}" if place else told)[:300]


def plain_folder(path: Path) -> bool:
    """Whether a path is a folder itself, and not a link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _deeper(content: bytes) -> bool:
    """Whether brackets are nested too deep; a look at the bytes alone, since parsers recurse."""
    depth = 0
    for bracket in _OTHER.sub(b"", _STRING.sub(b"", content)):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEPTH:
            return True
    return False


def _wide(column: Any) -> bool:
    """Whether a column holds long values of one length, which cannot be held once where they are repeated."""
    return bool(column.physical_type == "FIXED_LEN_BYTE_ARRAY" and column.length > WIDEST)


def _unpacked(array: Any) -> int:
    """Bytes of an array, with repeated texts counted as often as they come."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(array.type):
        lengths = pc.binary_length(array.dictionary)
        return 4 * len(array) + (pc.sum(lengths.take(array.indices)).as_py() or 0)
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        return 4 * len(array) + _unpacked(array.flatten())
    if pa.types.is_struct(array.type):
        return sum(_unpacked(part) for part in array.flatten())
    return int(array.nbytes)


def _refuse(constant: str) -> object:
    raise ValueError(f"it holds {constant}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        again = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {again[:40]!r} is there twice")
    return found
