"""Scores that were already paid for: one SQLite file in the user's cache folder, for all models and runs.

What is kept is a batch: its scores, under a digest of the model (weights, tokenizer, template, dtype, versions) and of
the exact tokens of all its rows. A score hangs on its batch mates in the last bits, so a score that was kept for other
mates would make a run depend on what was run before it. This way a run has the same bits whether it was cut off, served
from here or spread over machines.

Every batch is written and synced by itself: whatever happens, no more than the batch at work is lost.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from filelock import FileLock

from rmbench.cache import cache_folder
from rmbench.errors import RunError
from rmbench.models.base import Batch
from rmbench.types import Failure

Score = float | Failure
T = TypeVar("T")
DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")  # all other errors say nothing against the file
OURS = 0x726D6265  # SQLite's application_id: "rmbe"
LAYOUT = 1  # of the tables; a version of rmbench with another one has another file
MARK = 8  # bytes of a digest that are kept with a row, so that a changed row is noticed


def default_path() -> Path:
    """The file that runs share if they are not told another one."""
    return cache_folder() / f"scores-{LAYOUT}.sqlite"


def opened(where: Path | str | Literal[False] | None) -> AbstractContextManager[ScoreStore | None]:
    """The store of a run: the shared file for None, none at all for False."""
    return nullcontext() if where is False else ScoreStore(default_path() if where is None else Path(where))


def batch_key(identity: str, batch: Batch | tuple[str, ...]) -> bytes:
    """The digest that names a batch of a model, 32 bytes: its exact tokens, or the digests of its conversations."""
    asked: object = batch
    if isinstance(batch, Batch):
        asked = [[[tokens.ids, tokens.start] for tokens in batch.rows], batch.shared]
    return hashlib.sha256(json.dumps([identity, asked]).encode()).digest()


class ScoreStore:
    """Scores by batch, and the measured token budget of each model. A context manager; several processes may share it.

    `notes` are sentences about what had to be done to the file; each is also a Python warning. `served` counts the
    conversations that were answered from here.
    """

    def __init__(self, path: Path) -> None:
        """Open or create; a damaged file is set aside and begun anew. Raises RunError for a file of another kind."""
        self.path = path
        self.notes: list[str] = []
        self.served = 0
        self._base = self._opened()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()

    def get(self, keys: Iterable[bytes]) -> dict[bytes, list[Score]]:
        """The scores of the batches that are kept; a row that was changed is left out, with a note."""

        def read() -> dict[bytes, list[Score]]:
            found, bad = {}, []
            for key in keys:
                row = self._base.execute("SELECT scores, mark FROM batches WHERE key = ?", (key,)).fetchone()
                if row is not None:
                    scores = _scores(key, *row)
                    if scores is None:
                        bad.append(key)
                    else:
                        found[key] = scores
            if bad:
                with self._base:
                    self._base.executemany("DELETE FROM batches WHERE key = ?", [(key,) for key in bad])
                self._tell(f"{len(bad)} of the kept batches in {self.path} were damaged; they are scored again")
            return found

        return self._done(read)

    def put(self, key: bytes, scores: Sequence[Score]) -> None:
        """Keep a batch for good: when this returns, it is on the disk. Raises RunError if there is no room."""
        text = json.dumps([{"reason": s.reason} if isinstance(s, Failure) else s for s in scores])

        def write() -> None:
            with self._base:
                self._base.execute("INSERT OR REPLACE INTO batches VALUES (?, ?, ?)", (key, text, _mark(key, text)))

        self._done(write)

    def budget(self, identity: str, measure: Callable[[], int]) -> int:
        """Tokens per batch for a model: as measured the first time, so that every later run makes the same batches."""

        def read() -> Any:
            return self._base.execute("SELECT tokens FROM budgets WHERE identity = ?", (identity,)).fetchone()

        def write() -> None:
            with self._base:
                self._base.execute("INSERT OR IGNORE INTO budgets VALUES (?, ?)", (identity, tokens))

        if (row := self._done(read)) is None:
            tokens = measure()
            self._done(write)
            row = self._done(read)
        return int(row[0]) if row and isinstance(row[0], int) and row[0] > 0 else measure()

    def _opened(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.is_dir() or (self.path != default_path() and not _may_be_ours(self.path)):
                raise RunError(f"{self.path} is no store of scores; choose another file, or one that does not exist")
            if self.path.exists() and not os.access(self.path, os.W_OK):
                raise PermissionError(f"{self.path.name} is read-only")
            return _connected(self.path)
        except sqlite3.Error as error:
            return self._renewed(error) if _is_damage(error) else self._without(error)
        except OSError as error:
            return self._without(error)

    def _without(self, error: Exception) -> sqlite3.Connection:
        self._tell(f"scores cannot be kept in {self.path} ({error}); this run keeps none: a cut-off run starts afresh")
        return _connected(None)

    def _renewed(self, error: Exception) -> sqlite3.Connection:
        """A new file in the place of a damaged one, which is kept under another name.

        One process at a time, and each looks again first: another one may have renewed it already.
        """
        try:
            with FileLock(f"{self.path}.lock"):
                try:
                    return _connected(self.path)
                except sqlite3.Error as again:
                    if not _is_damage(again):
                        raise
                aside = _free_name(self.path)
                for suffix in ("", "-wal", "-shm"):  # the log, too: something may be saved from it by hand
                    if (part := Path(f"{self.path}{suffix}")).exists():
                        part.rename(f"{aside}{suffix}")
                why = " ".join(str(error).split())
                self._tell(
                    f"the kept scores in {self.path} were damaged ({why}); set aside as {aside.name}, begun anew"
                )
                return _connected(self.path)
        except (OSError, sqlite3.Error) as again:
            return self._without(again)

    def _done(self, act: Callable[[], T]) -> T:
        """`act`, and once more on a new file if this one turns out to be damaged. Raises RunError for a full disk."""
        try:
            try:
                return act()
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                self._base.close()
                self._base = self._renewed(error)
                return act()
        except sqlite3.Error as error:
            raise RunError(
                f"scores cannot be kept in {self.path}: {error}; make room (or choose another file with --store) "
                "and run it again: what was scored so far is kept"
            ) from error

    def _tell(self, note: str) -> None:
        self.notes.append(note)
        warnings.warn(note, stacklevel=2)


class _UnsoundError(sqlite3.DatabaseError):
    """The file can be read, and is not what it should be."""


def _connected(path: Path | None) -> sqlite3.Connection:
    """An open and sound file (None: in memory). Raises sqlite3.Error for one that is damaged or cannot be used."""
    base = sqlite3.connect(":memory:" if path is None else path, timeout=60)
    try:
        (layout,) = base.execute("PRAGMA user_version").fetchone()
        (verdict,) = base.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise _UnsoundError(verdict)  # noqa: TRY301 - closed below, like any other
        if layout not in (0, LAYOUT):
            raise sqlite3.NotSupportedError(f"it has layout {layout}, this version reads {LAYOUT}")  # noqa: TRY301
        if layout == 0:
            _create(base)
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=FULL")
        with closing(base.execute("SELECT key, scores, mark FROM batches LIMIT 1")) as some:
            some.fetchone()
    except BaseException:
        base.close()
        raise
    return base


def _create(base: sqlite3.Connection) -> None:
    """All at once, and before the log is switched on: the mark must be in the file itself, where others look for it."""
    base.execute("BEGIN IMMEDIATE")
    base.execute(f"PRAGMA application_id={OURS}")
    base.execute(f"PRAGMA user_version={LAYOUT}")
    base.execute("CREATE TABLE IF NOT EXISTS batches (key BLOB PRIMARY KEY, scores TEXT, mark BLOB)")
    base.execute("CREATE TABLE IF NOT EXISTS budgets (identity TEXT PRIMARY KEY, tokens INTEGER)")
    base.commit()


def _may_be_ours(path: Path) -> bool:
    """Whether the file is new, empty or carries our mark, which stands in SQLite's header."""
    if not path.exists() or not path.stat().st_size:
        return True
    with path.open("rb") as file:
        head = file.read(72)
    return head.startswith(b"SQLite format 3\0") and int.from_bytes(head[68:72], "big") == OURS


def _is_damage(error: sqlite3.Error) -> bool:
    name = str(getattr(error, "sqlite_errorname", ""))
    return isinstance(error, _UnsoundError) or name.startswith(DAMAGE)


def _free_name(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return aside


def _mark(key: bytes, text: str) -> bytes:
    return hashlib.sha256(key + text.encode()).digest()[:MARK]


def _scores(key: bytes, text: object, mark: object) -> list[Score] | None:
    if not isinstance(text, str) or mark != _mark(key, text):
        return None
    return [Failure(x["reason"]) if isinstance(x, dict) else float(x) for x in json.loads(text)]
