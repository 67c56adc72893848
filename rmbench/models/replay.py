"""Saved scores as a reward model: any system that can write a file can be measured.

A file (.parquet, .jsonl, .jsonl.gz) has one row per conversation: `digest` and `score`, or `prompt`, `response` and
`score`, where the prompt is a string or a list of messages. A null score is a failure; `reason` says why.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rmbench.errors import ModelError
from rmbench.models.base import Adapter, ModelOptions, Rule
from rmbench.types import Conversation, Failure

Rows = Iterator[tuple[int, Mapping[str, Any]]]  # (line or row number from 1, cells)
SUFFIXES = (".parquet", ".jsonl", ".jsonl.gz")


def load(argument: str, _options: ModelOptions) -> Rule:
    """Read the file (or the scores of a run folder) and look conversations up in it.

    A conversation that the file does not hold is a Failure. Raises ModelError naming file and line for a row that
    cannot be read, and for two rows that give one conversation different scores.
    """
    from rmbench.scores import digest

    given = Path(argument)
    path = given / "scores.parquet" if given.is_dir() else given
    if not path.is_file():
        raise ModelError(
            f"there are no saved scores at {path}; replay takes a {', '.join(SUFFIXES)} file or a run folder"
        )
    saved: dict[str, tuple[int, float | Failure]] = {}
    for line, row in _rows(path):
        key, value = _key(path, line, row), _value(path, line, row)
        first, before = saved.setdefault(key, (line, value))
        if not _same(before, value):
            raise ModelError(
                f"{path}: rows {first} and {line} give one conversation different scores; keep one of them"
            )
    unknown = Failure(f"not in {path.name}")

    def rule(conversation: Conversation) -> float | Failure:
        return saved.get(digest(conversation), (0, unknown))[1]

    name = _stem(given)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return Rule(rule, {"name": f"replay-{name}", "file": path.name, "sha256": found, "conversations": len(saved)})


def _stem(given: Path) -> str:
    """The file's name without its own suffix: model names have dots too (Llama-3.1-8B). A folder keeps its name."""
    suffix = next((s for s in SUFFIXES if given.name.endswith(s)), "") if given.is_file() else ""
    return given.name.removesuffix(suffix) or "scores"


def _rows(path: Path) -> Rows:
    if path.name.endswith(".parquet"):
        return _parquet(path)
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        return _jsonl(path)
    raise ModelError(f"{path} is of an unknown kind; replay reads {', '.join(SUFFIXES)}")


def _parquet(path: Path) -> Rows:
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = ("digest", "prompt", "response", "score", "reason")
    try:
        file = pq.ParquetFile(path)
        columns = [name for name in wanted if name in file.schema_arrow.names]
        start = 1
        for batch in file.iter_batches(columns=columns):
            yield from enumerate(batch.to_pylist(), start)
            start += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise ModelError(f"{path} is not readable as parquet: {str(error).splitlines()[0]}") from error


def _jsonl(path: Path) -> Rows:
    number = 0
    try:
        with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise ModelError(f"{path}, line {number}: expected a JSON object with digest and score")
                    yield number, row
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}, line {number}: not valid JSON ({type(error).__name__}: {error})") from error
    except (OSError, EOFError) as error:
        raise ModelError(f"{path} could not be read after line {number}: {error}") from error


def _key(path: Path, line: int, row: Mapping[str, Any]) -> str:
    from rmbench.scores import digest

    if (key := row.get("digest")) is not None:
        if isinstance(key, str):
            return key
        raise ModelError(f"{path}, row {line}: digest must be a text")
    prompt, response = row.get("prompt"), row.get("response")
    if isinstance(prompt, str):
        prompt = [{"role": "user", "content": prompt}]
    if not isinstance(response, str) or not isinstance(prompt, list) or not all(map(_is_message, prompt)):
        raise ModelError(
            f"{path}, row {line}: needs either `digest`, or `response` (a text) with `prompt` "
            "(a text or a list of {role, content})"
        )
    return digest([*prompt, {"role": "assistant", "content": response}])


def _is_message(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role"), str) and isinstance(value.get("content"), str)


def _value(path: Path, line: int, row: Mapping[str, Any]) -> float | Failure:
    if "score" not in row:
        raise ModelError(f"{path}, row {line}: has no `score`; write null where there is none")
    score = row["score"]
    if score is None:
        return Failure(str(row.get("reason") or f"no score in {path.name}"))
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise ModelError(f"{path}, row {line}: score must be a number or null, not {score!r:.40}")
    try:
        return float(score)
    except OverflowError:
        raise ModelError(f"{path}, row {line}: score is too large for a float") from None


def _same(a: float | Failure, b: float | Failure) -> bool:
    if isinstance(a, Failure) or isinstance(b, Failure):
        return isinstance(a, Failure) and isinstance(b, Failure)
    return a == b or (math.isnan(a) and math.isnan(b))


ADAPTER = Adapter("replay", "scores saved earlier: .parquet, .jsonl, .jsonl.gz, or a run folder", load, "FILE")
