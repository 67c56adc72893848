"""A person's own table: parquet, CSV or JSON lines in, plain columns out. Whatever is wrong is said with its row.

Rows are counted from 1, without the header of a CSV.
"""

from __future__ import annotations

import difflib
import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmbench.errors import DataError
from rmbench.types import Floats

KINDS = ".parquet, .csv, .csv.gz, .jsonl or .jsonl.gz"
# what people write into a cell that has no number
NOTHING = ["", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "-"]
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?(inf|infinity)$"


@dataclass(frozen=True, slots=True)
class Table:
    """The columns that were asked for, as pyarrow arrays of one length."""

    path: Path
    columns: dict[str, Any]
    rows: int

    def numbers(self, name: str) -> Floats:
        """A column as doubles, shape (rows,); NaN where a cell has no number. Raises DataError for anything else."""
        import pyarrow as pa
        import pyarrow.compute as pc

        column = self.columns[name]
        kind = column.type
        if pa.types.is_null(kind):
            return np.full(self.rows, np.nan)
        if pa.types.is_boolean(kind):
            column = column.cast(pa.uint8())
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return self._spelt(name, pc.utf8_trim_whitespace(column))
        elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
            raise DataError(f"{self.path}: column {name!r} holds {kind} values, where numbers are needed")
        found: Floats = column.cast(pa.float64(), safe=False).to_numpy()
        return found

    def _spelt(self, name: str, text: Any) -> Floats:
        """Numbers that are written as text."""
        import pyarrow as pa
        import pyarrow.compute as pc

        lower = pc.utf8_lower(text)
        absent = pc.is_in(lower, value_set=pa.array(NOTHING, type=lower.type))
        wrong = np.flatnonzero(~_plain(pc.or_(absent, pc.match_substring_regex(lower, NUMBER)), empty=True))
        if wrong.size:
            shown = text[int(wrong[0])].as_py()
            raise DataError(f"{self.path}: row {wrong[0] + 1}: {name!r} is {_short(shown)}, which is not a number")
        found: Floats = pc.if_else(absent, pa.scalar(None, lower.type), lower).cast(pa.float64()).to_numpy()
        return found

    def complete(self, name: str, what: str) -> Floats:
        """As `numbers`, for a column that must hold a finite one in every row. Raises DataError, naming the row."""
        values = self.numbers(name)
        self.check(name, values, np.isfinite(values), f"{what} must be a finite number in every row")
        return values

    def check(self, name: str, values: Floats, fine: NDArray[np.bool_], rule: str) -> None:
        """Raise DataError for the first row that is not fine."""
        if not fine.all():
            row = int(np.argmin(fine))
            shown = "missing" if np.isnan(values[row]) else f"{values[row]:g}"
            raise DataError(f"{self.path}: row {row + 1}: {name!r} is {shown}; {rule}")

    def names(self, name: str) -> tuple[NDArray[np.intp], list[str]]:
        """A column of names: each row's place in the list of different names. Raises DataError for an empty cell."""
        import pyarrow as pa

        column = self.columns[name]
        if column.null_count:
            row = int(np.argmax(_plain(column.is_null(), empty=False)))
            raise DataError(f"{self.path}: row {row + 1}: {name!r} is missing; every row needs one")
        if pa.types.is_nested(column.type):
            raise DataError(f"{self.path}: column {name!r} holds {column.type} values, where one name a row is needed")
        if not pa.types.is_dictionary(column.type):
            column = column.cast(pa.large_string()).dictionary_encode()
        whole = column.combine_chunks()
        whole = whole if isinstance(whole, pa.DictionaryArray) else whole.chunk(0)
        codes, labels = whole.indices.to_numpy().astype(np.intp), whole.dictionary.to_pylist()
        blank = np.array([label is None or not str(label).strip() for label in labels], dtype=bool)[codes]
        if blank.any():
            raise DataError(f"{self.path}: row {int(np.argmax(blank)) + 1}: {name!r} is empty; every row needs one")
        occurs = np.bincount(codes, minlength=len(labels)) > 0  # a category may be declared and never used
        kept = [str(label) for label, some in zip(labels, occurs, strict=True) if some]
        return (np.cumsum(occurs) - 1)[codes].astype(np.intp), kept


def read_table(path: Path, columns: Sequence[str], names: Sequence[str] = ()) -> Table:
    """Read columns of a file; those of `names` are taken as text, whatever they look like.

    Raises DataError for a file that cannot be read or has no rows, an unknown ending, and a column that is not there or
    is there twice.
    """
    if not path.is_file():
        raise DataError(f"{path} is not a file; give a table as {KINDS}")
    readers: dict[str, Callable[[Path, list[str], list[str]], Any]] = {
        ".parquet": _parquet,
        ".csv": _csv,
        ".csv.gz": _csv,
        ".jsonl": _jsonl,
        ".jsonl.gz": _jsonl,
    }
    reader = next((read for ending, read in readers.items() if path.name.lower().endswith(ending)), None)
    if reader is None:
        raise DataError(f"{path} has an unknown ending; a table is read as {KINDS}")
    import pyarrow as pa

    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty; it needs a row per candidate or pair")
    try:
        table = reader(path, list(dict.fromkeys(columns)), list(names))
    except (pa.ArrowException, OSError, UnicodeDecodeError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {_sentence(error)}") from error
    if table.num_rows == 0:
        raise DataError(f"{path} has no rows; it needs one per candidate or pair")
    return Table(path, {name: table.column(name) for name in dict.fromkeys(columns)}, table.num_rows)


def _parquet(path: Path, columns: list[str], names: list[str]) -> Any:
    import pyarrow.parquet as pq

    _find(path, columns, pq.read_schema(path).names)
    return pq.ParquetFile(path, read_dictionary=names).read(columns=columns)


def _csv(path: Path, columns: list[str], names: list[str]) -> Any:  # noqa: ARG001 - one shape for all
    import pyarrow as pa
    from pyarrow import csv

    parse = csv.ParseOptions(newlines_in_values=True)
    with csv.open_csv(path, parse_options=parse) as start:
        _find(path, columns, start.schema.names)
    # all as text: a type that is guessed from the first rows would fail on a later one without a word about its row
    types = dict.fromkeys(columns, pa.large_string())
    convert = csv.ConvertOptions(include_columns=columns, column_types=types, strings_can_be_null=False)
    return csv.read_csv(path, parse_options=parse, convert_options=convert)


def _jsonl(path: Path, columns: list[str], names: list[str]) -> Any:
    """Python's own reader, line by line, where pyarrow's gives up: it knows NaN, and which line is wrong."""
    import pyarrow as pa
    from pyarrow import json as fast

    try:
        table = fast.read_json(path, fast.ReadOptions(block_size=1 << 24))
    except pa.ArrowInvalid:
        return _slowly(path, columns, names)
    if any(not pa.types.is_string(table.schema.field(name).type) for name in names if name in table.column_names):
        return _slowly(path, columns, names)  # a name such as "2024-01-01" was taken for a date
    _find(path, columns, table.column_names)
    return table


def _slowly(path: Path, columns: list[str], names: list[str]) -> Any:
    import pyarrow as pa

    cells: dict[str, list[str | None]] = {name: [] for name in columns}
    known: dict[str, None] = {}
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                row = _line(path, number, line)
                known.update(dict.fromkeys(row))
                for name, cell in cells.items():
                    cell.append(_text(row.get(name), name in names))
                    if cell[-1] and not _is_unicode(cell[-1]):
                        raise DataError(
                            f"{path}: line {number}: {name!r} is {_short(cell[-1])}, which is not text: it holds one"
                            " half of a surrogate pair; mend that escape"
                        )
    _find(path, columns, list(known))
    return pa.table({name: pa.array(cell, type=pa.large_string()) for name, cell in cells.items()})


def _line(path: Path, number: int, line: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        row = dict(pairs)
        if len(row) < len(pairs):
            twice = next(name for at, (name, _) in enumerate(pairs) if name in dict(pairs[:at]))
            raise DataError(f"{path}: line {number} has the key {twice!r} twice; keep one")
        return row

    try:
        row = json.loads(line, object_pairs_hook=once)
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{path}: line {number} is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise DataError(f"{path}: line {number} is {_short(line.strip())}, where an object with column names is needed")
    return row


def _text(value: Any, is_name: bool) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) and not is_name:
        return str(int(value))
    return repr(value) if isinstance(value, float) else json.dumps(value)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _find(path: Path, wanted: Sequence[str], there: Sequence[str]) -> None:
    """Raise DataError unless every wanted column is there exactly once."""
    for name in wanted:
        if name not in there:
            near = difflib.get_close_matches(name, there, n=1, cutoff=0.5)
            near = near or [other for other in there if other.lower() == name.lower()]
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(map(repr, there[:20])) or 'none'}"
            raise DataError(f"{path} has no column {name!r}; {hint}")
        if list(there).count(name) > 1:
            raise DataError(f"{path} has {list(there).count(name)} columns called {name!r}; rename all but one")


def _plain(mask: Any, *, empty: bool) -> NDArray[np.bool_]:
    """A pyarrow mask as numpy's, its nulls as `empty`."""
    return np.asarray(mask.fill_null(empty).to_numpy(zero_copy_only=False), dtype=bool)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
