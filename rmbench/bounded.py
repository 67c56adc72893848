"""Reading what strangers wrote: bounded in size and depth, links not followed, refusals in one sentence."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rmbench.errors import SubmissionError

DEPTH = 32  # of nested JSON: a manifest has 6
LINE = 64_000  # bytes of one line of a JSON-lines file, unless the reader says otherwise
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


def _refuse(constant: str) -> object:
    raise ValueError(f"it holds {constant}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        again = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {again[:40]!r} is there twice")
    return found
