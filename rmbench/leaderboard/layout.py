"""What a submission folder may hold, and the bounds that are looked at before anything is read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from rmbench.bounded import measure_parquet, plain_folder
from rmbench.errors import SubmissionError
from rmbench.leaderboard.names import is_suite, split_key
from rmbench.leaderboard.types import Problem
from rmbench.scores import VERSION

SUBMISSION = "submission.json"
MANIFEST = "manifest.json"
SCORES = "scores.parquet"
TRAJECTORY = "trajectory.parquet"
ATTEMPTS = "attempts.parquet"
CONTAMINATION = "contamination.json"
# Bytes; the core suite needs 50 kB, 4 MB, 200 kB and 600 kB of the first ones.
LARGEST = {
    SUBMISSION: 64_000,
    MANIFEST: 1_000_000,
    SCORES: 64_000_000,
    TRAJECTORY: 16_000_000,
    ATTEMPTS: 64_000_000,
    CONTAMINATION: 16_000_000,
}
NEEDED = (SUBMISSION, MANIFEST, SCORES)
# Rows, and bytes when unpacked, of any suite: a parquet file of some kilobytes can unfold into gigabytes.
MOST_ROWS = 2_000_000
MOST_UNPACKED = 1_000_000_000
# Versions of rmbench that score alike: what one of them wrote, this one may judge.
SCORERS = frozenset({VERSION})


def check_layout(folder: Path) -> list[Problem]:
    """Whether a submission lies where and as it should: names, kinds and sizes of files. Reads none of them."""
    if not plain_folder(folder):
        told = "a submission is a folder <org>__<model>/<suite@version> of plain files; this is something else"
        return [Problem("layout", folder.name, told)]
    found = [*_names(folder)]
    present = set()
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            present.add(entry.name)
            found += _file(entry)
    missing = [name for name in NEEDED if name not in present]
    return found + [
        Problem("layout", name, "it is missing; make the folder with `rmbench submit RUN`") for name in missing
    ]


def digest_of(folder: Path) -> str:
    """The sha256 of the names and contents of the files of a submission: what the ledger knows it by."""
    whole = hashlib.sha256()
    for name in LARGEST:
        path = folder / name
        if path.is_file():
            with path.open("rb") as file:
                whole.update(f"{name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()


def check_parquet(path: Path, *, rows: int = MOST_ROWS, size: int = MOST_UNPACKED) -> Problem | None:
    """Whether a parquet file has at most so many rows, and bytes when unpacked; it is gone through in small parts."""
    try:
        found = measure_parquet(path, rows=rows, size=size)
    except SubmissionError as error:
        told = str(error).removeprefix(f"{path} is ").removesuffix("; write it again")
        return Problem("parquet", path.name, f"{told}; submit the file as the run wrote it")
    if found[0] > rows or found[1] > size:
        told = f"it holds {found[0]:,} rows and unfolds into {found[1]:,} bytes or more"
        return Problem("size", path.name, f"{told}, over the {rows:,} rows and {size:,} bytes that it can have")
    return None


def _names(folder: Path) -> Iterator[Problem]:
    if split_key(folder.parent.name) is None:
        told = f"the folder is called {folder.parent.name!r:.80}"
        yield Problem("name", "folder", f"{told}; call it <org>__<model>, in a-z, 0-9, dot, dash and underscore")
    if not is_suite(folder.name):
        yield Problem("name", "folder", f"the folder is called {folder.name!r:.80}; call it <suite>@<version>: core@3")


def _file(entry: os.DirEntry[str]) -> Iterator[Problem]:
    name = entry.name
    if name not in LARGEST:
        kind = "folder" if entry.is_dir(follow_symlinks=False) else "file"
        told = f"a {kind} that no submission has; it may hold {', '.join(LARGEST)}, and no folder"
        yield Problem("layout", f"{name!r:.80}", told)
    elif not entry.is_file(follow_symlinks=False):
        yield Problem("layout", name, "it is not a plain file (a link, perhaps); put the file itself there")
    elif (size := entry.stat(follow_symlinks=False).st_size) > LARGEST[name]:
        yield Problem("size", name, f"{size:,} bytes, more than the {LARGEST[name]:,} that any suite needs")
