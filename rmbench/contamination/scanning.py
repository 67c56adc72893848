"""The scan: the tasks are indexed and the files run past them, so memory depends on the tasks alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from rmbench.contamination.passages import Passage, prompts, responses
from rmbench.contamination.reading import Row, read_rows
from rmbench.contamination.report import CANARY, Kind, Overlap, Place, Report, ScannedFile, ScannedTask
from rmbench.contamination.whole import Whole
from rmbench.errors import DataError, UsageError
from rmbench.scores import VERSION
from rmbench.types import Task
from rmbench.validation.overlap import FEWEST, Hashes, Index, N, Text, hashes, sequences, words

MOST = 2 / 3  # of a prompt's own sequences in one row make it a part of it: no two prompts of a template come so close
BATCH = 1 << 20  # characters that are hashed at once
WINDOW, STEP = 4000, 2000  # words of a long row that are looked at together
BITS = 24
_CANARY = re.compile(CANARY)
Told = Callable[[str, int], None]


def scan(files: Sequence[Path], tasks: Sequence[Task], *, suite: str | None = None, told: Told | None = None) -> Report:
    """What the files hold of the tasks' items. `told` is called with a file's name and the rows read so far.

    The same files and tasks give the same report, in whatever order they are named. Raises DataError for a file that
    cannot be read, UsageError where there is nothing to look at or for.
    """
    if not files or not tasks:
        raise UsageError("name at least one training file and one task")
    known = sorted(((path.name, _digest(path), path) for path in files), key=lambda found: found[:2])
    search = _Search(tasks)
    read = []
    for number, (name, digest, path) in enumerate(known, start=1):
        rows = search.file(number, path, told)
        read.append(ScannedFile(name=name, sha256=digest, bytes=path.stat().st_size, rows=rows))
    return _report(read, tasks, search, suite)


class _Search:
    """The index of the tasks, and what was found so far."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.prompts = prompts(tasks)
        self.whole = Whole([*self.prompts, *responses(tasks)])
        self.parts = Index([Text(one.text, one.group, one.task) for one in self.prompts])
        self.found: dict[int, Place] = {}  # passages that stand whole somewhere, by number
        self.canaries: dict[str, Place] = {}
        self.bits = np.zeros(1 << BITS, dtype=np.bool_)  # most words of most corpora end here
        for known in (self.parts.grams, self.whole.anchors):
            self.bits[known >> np.uint64(64 - BITS)] = True

    def file(self, number: int, path: Path, told: Told | None) -> int:
        """Look through a file; the number of its rows."""
        rows = 0
        for batch in _batches(read_rows(path)):
            self._batch(number, batch)
            rows += sum(row.number > 0 for row in batch)
            if told:
                told(path.name, rows)
        return rows

    def _batch(self, file: int, rows: Sequence[Row]) -> None:
        of_rows = [[words(text) for text in row.texts] for row in rows]
        sizes = np.array([sum(map(len, found)) for found in of_rows])
        ends = np.cumsum(sizes)
        every = hashes([*chain.from_iterable(chain.from_iterable(of_rows))])
        grams = sequences(every)
        hits = np.flatnonzero(self.bits[grams >> np.uint64(64 - BITS)])
        at = np.searchsorted(ends, hits, "right")
        inside = hits + N <= ends[at]  # a sequence does not run on into the next row
        hits, at = hits[inside], at[inside]
        bounds = np.searchsorted(at, np.arange(len(rows) + 1))
        for n, (row, texts) in enumerate(zip(rows, of_rows, strict=True)):
            self._canaries(file, row)
            self._note(self.whole.by_message(texts), file, row)
            mine = hits[bounds[n] : bounds[n + 1]]
            if mine.size:
                self._sequences(file, row, grams[mine], mine - (ends[n] - sizes[n]), _title(texts))

    def _sequences(self, file: int, row: Row, seen: Hashes, where: np.ndarray, title: int) -> None:
        self._note(self.whole.by_sequence(np.unique(seen), "\n".join(row.texts)), file, row)
        last = int(where[-1])
        for start in range(0, max(last - WINDOW + STEP, 0) + 1, STEP):
            found = np.unique(seen[(where >= start) & (where < start + WINDOW)])
            if found.size:
                self.parts.see(found, _number(file, row), title ^ start << 20)

    def _canaries(self, file: int, row: Row) -> None:
        for text in row.texts:
            low = text.lower()
            if "rmbench:" in low:
                for canary in _CANARY.findall(low):
                    self.canaries.setdefault(canary, Place(file=file, row=row.number))

    def _note(self, numbers: Iterable[int], file: int, row: Row) -> None:
        for n in numbers:
            self.found.setdefault(n, Place(file=file, row=row.number))

    def overlaps(self) -> Iterator[tuple[str, Overlap]]:
        """Every item that was found, with its task: whole passages, then parts of prompts that stand nowhere whole."""
        for n, place in self.found.items():
            kind: Kind = "prompt" if n < len(self.prompts) else "response"
            yield from _each(self.whole.passages[n], kind, 1.0, place)
        for n, prompt in enumerate(self.prompts):
            match = self.parts.match(n, None)
            if n not in self.found and match.holder and match.own >= FEWEST and match.held >= MOST * match.own:
                yield from _each(prompt, "part", round(match.held / match.own, 3), _place(match.holder))


def _each(passage: Passage, kind: Kind, share: float, place: Place) -> Iterator[tuple[str, Overlap]]:
    for task, item in passage.items:
        yield task, Overlap(item=item, kind=kind, share=share, at=place)


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(map(len, row.texts)) + 1
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _title(texts: Sequence[Sequence[str]]) -> int:
    """What rows with one prompt share: what their first two long texts begin with alike, or else the first one."""
    long = [text for text in texts if len(text) >= N][:2]
    said = long[0] if long else [word for text in texts for word in text]
    if len(long) == 2:
        alike = next((n for n, (a, b) in enumerate(zip(*long, strict=False)) if a != b), min(map(len, long)))
        said = said[:alike] if alike >= N else said
    return int.from_bytes(hashlib.blake2b(" ".join(said).encode(), digest_size=8).digest()) | 1 << 63


def _number(file: int, row: Row) -> int:
    return file << 40 | row.number


def _place(number: int) -> Place:
    return Place(file=number >> 40, row=number & (1 << 40) - 1)


def _digest(path: Path) -> str:
    if not path.is_file():  # a pipe would wait for ever
        raise DataError(f"{path}: there is no such file")
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def _report(files: Sequence[ScannedFile], tasks: Sequence[Task], search: _Search, suite: str | None) -> Report:
    by_task: dict[str, dict[tuple[str, str], Overlap]] = {task.card.name: {} for task in tasks}
    for name, found in search.overlaps():
        known = by_task[name].setdefault((found.item, found.kind), found)
        if _order(found) < _order(known):
            by_task[name][found.item, found.kind] = found
    scanned = [_scanned(task, by_task[task.card.name], search.canaries) for task in tasks]
    return Report(
        rmbench=VERSION,
        suite=suite,
        files=tuple(files),
        tasks=tuple(sorted(scanned, key=lambda task: task.name)),
        items=sum(task.items for task in scanned),
        overlapping=sum(task.suspects for task in scanned),
        canaries=tuple(sorted(search.canaries)),
    )


def _order(found: Overlap) -> tuple[float, int, int]:
    return -found.share, found.at.file, found.at.row


def _scanned(task: Task, found: Mapping[tuple[str, str], Overlap], canaries: Mapping[str, Place]) -> ScannedTask:
    card = task.card
    whole = {item for item, kind in found if kind == "prompt"}
    overlaps = tuple(one for key, one in sorted(found.items()) if key[1] != "part" or key[0] not in whole)
    return ScannedTask(
        name=card.name,
        version=card.version,
        sha256=card.sha256,
        items=len(task.items),
        canary=canaries.get(card.canary.lower()),
        overlaps=overlaps,
    )
