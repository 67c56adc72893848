"""Scores that were already paid for, on disk: what a killed run had asked is not asked again.

One SQLite file per unfinished run. All answers to one question of the engine (a step of an optimiser, the frozen
responses) are written in one transaction: a killed run lost all of a step or nothing, so that it is asked again in the
same batches, and the resumed run equals an uninterrupted one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rmbench.errors import RunError
from rmbench.scores import digest
from rmbench.types import Conversation, Failure

Answer = tuple[float | Failure, int]  # (score, tokens)
Ask = Callable[[Sequence[Conversation]], list[Answer]]


class Store:
    """Answers by the digest of the conversation. A context manager; `done()` removes the file."""

    def __init__(self, path: Path | None) -> None:
        """Open or create; None keeps in memory. Raises RunError, with the way out, for a file that is no store."""
        self.path = path
        self._made_folder = path is not None and not path.parent.exists()
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path or ":memory:", timeout=60)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute(
                "CREATE TABLE IF NOT EXISTS answers"
                " (digest TEXT PRIMARY KEY, score REAL, reason TEXT, tokens INTEGER NOT NULL)"
            )
            self._base.execute("SELECT digest, score, reason, tokens FROM answers LIMIT 1")
            (self.kept,) = self._base.execute("SELECT count(*) FROM answers").fetchone()
        except (sqlite3.Error, OSError) as error:
            raise RunError(f"the kept scores in {path} cannot be read ({error}); remove the file") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        (held,) = self._base.execute("SELECT count(*) FROM answers").fetchone() if kind else (1,)
        self._base.close()
        if not held:  # what failed before anything was paid for leaves nothing behind
            self.done()
            if self.path is not None and self._made_folder:
                self.path.parent.rmdir()

    def done(self) -> None:
        """Close, and remove the file: its scores are in the run folder now."""
        self._base.close()
        if self.path is not None:
            for suffix in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def through(self, ask: Ask, conversations: Sequence[Conversation]) -> list[Answer]:
        """The answers, in order; `ask` gets those that are not kept yet, all at once, and what it says is kept."""
        keys = [digest(conversation) for conversation in conversations]
        known = self._known(keys)
        missing = {k: c for k, c in zip(keys, conversations, strict=True) if k not in known}
        if missing:
            found = dict(zip(missing, ask(list(missing.values())), strict=True))
            self._keep(found)
            known |= found
        return [known[key] for key in keys]

    def _known(self, keys: Sequence[str]) -> dict[str, Answer]:
        found: dict[str, Answer] = {}
        for start in range(0, len(keys), 500):
            some = keys[start : start + 500]
            marks = ",".join("?" * len(some))
            query = f"SELECT digest, score, reason, tokens FROM answers WHERE digest IN ({marks})"  # noqa: S608
            try:
                for key, score, reason, tokens in self._base.execute(query, some):
                    found[key] = (Failure(str(reason)) if score is None else float(score), int(tokens))
            except (sqlite3.Error, ValueError, TypeError) as error:
                raise RunError(f"the kept scores in {self.path} are damaged ({error}); remove the file") from error
        return found

    def _keep(self, answers: dict[str, Answer]) -> None:
        rows = [(key, *_columns(score), tokens) for key, (score, tokens) in answers.items()]
        try:
            with self._base:
                self._base.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise RunError(f"scores cannot be kept in {self.path}: {error}; make room and run it again") from error


def _columns(score: float | Failure) -> tuple[float | None, str | None]:
    """Score and reason; what no file can hold of a reason is replaced."""
    if isinstance(score, Failure):
        return None, score.reason.encode(errors="replace").decode()
    return score, None
