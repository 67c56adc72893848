"""Writes the folder of pages, whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rmbench.errors import RunError, UsageError
from rmbench.leaderboard.layout import LARGEST
from rmbench.leaderboard.names import is_suite, split_key
from rmbench.leaderboard.site import board_page, entry_page
from rmbench.leaderboard.site.data import board_script, entry_script
from rmbench.leaderboard.site.words import slug
from rmbench.leaderboard.types import Board, Entry
from rmbench.report import html

MARKER = ".rmbench-site"
HERE = Path(__file__).parent
ASSETS = ("board.css", "board.js", "pareto.js", "compare.js")
Progress = Callable[[int, int], None]


def write_site(
    boards: Sequence[Board],
    out: Path,
    *,
    cache: Path | None = None,
    pages: bool = True,
    workers: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Write the pages of all boards into the folder `out`, and return it; the first board is that of index.html.

    `pages` False leaves out the page of each entry and its files. What is expensive of those pages is kept in `cache`,
    under the digests of the submission and of our own code, so ranks and trust may change without computing it again.
    `workers` processes make them; `progress` is called with the pages that are done and their number.

    The folder is built beside `out` and takes its place at once. Raises UsageError if `out` holds anything but a site
    of ours or a name is no safe one, RunError if something cannot be written.
    """
    out = Path(out)
    _check(boards, out)
    try:
        with _draft(out) as draft:
            _assets(draft)
            for board in boards:
                _board(boards, board, draft, pages=pages)
            if pages:
                made = [(entry, board) for board in boards for entry in board.entries]
                _entries(made, draft, cache, workers, progress)
            _swap(draft, out)
    except OSError as error:
        raise RunError(f"{out} could not be written: {error.strerror or error}") from error
    return out


def _check(boards: Sequence[Board], out: Path) -> None:
    if not boards:
        raise UsageError("there is no board to show; add a submission, or name the folder that holds them")
    suites = [board.suite for board in boards]
    if odd := [name for name in suites if not is_suite(name) or suites.count(name) > 1]:
        raise UsageError(f"the suite {odd[0]!r:.80} is not name@version, or is there twice; build one board of each")
    keys = [entry.key for board in boards for entry in board.entries]
    if bad := [key for key in keys if split_key(key) is None]:
        raise UsageError(f"the entry {bad[0]!r:.80} has a name that is no safe folder; call it org__model")
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise UsageError(f"{out} is not a folder; name another one for the pages")
    if out.is_dir() and any(out.iterdir()) and not (out / MARKER).is_file():
        raise UsageError(f"{out} holds something that is not a site of ours; name an empty or a new folder")


@contextmanager
def _draft(out: Path) -> Iterator[Path]:
    """A folder beside `out`, gone at the end unless it was moved."""
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.parent / f".{out.name}.{os.getpid()}.tmp"
    try:
        draft.mkdir()
        (draft / MARKER).write_text("Written by rmbench; the next build replaces this folder.\n", encoding="utf-8")
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _swap(draft: Path, out: Path) -> None:
    """Put the draft in the place of the folder that was there, which returns if that fails."""
    old = out.parent / f".{out.name}.{os.getpid()}.old"
    if out.exists():
        out.rename(old)
    try:
        draft.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _assets(draft: Path) -> None:
    assets = draft / "assets"
    assets.mkdir()
    for name in ASSETS:
        shutil.copyfile(HERE / "assets" / name, assets / name)
    for name in ("style.css", "draw.js"):
        shutil.copyfile(html.HERE / name, assets / name)
    _write(assets / "vega.js", html.charts_library())


def _board(boards: Sequence[Board], board: Board, draft: Path, *, pages: bool) -> None:
    """The table of one suite, the page that compares its entries, and what their scripts read."""
    where, main = slug(board.suite), board is boards[0]
    _write(draft / board_page.file_name(board, main=main), board_page.render(boards, board, pages=pages))
    _write(draft / board_page.compare_name(board, main=main), board_page.render_compare(boards, board, pages=pages))
    _write(draft / "assets" / f"data-{where}.js", board_script(board, board_page.scale(board)))
    for entry in board.entries:
        folder = draft / where / entry.key
        folder.mkdir(parents=True)
        _write(folder / "data.js", entry_script(entry, board))


def _entries(
    made: Sequence[tuple[Entry, Board]], draft: Path, cache: Path | None, workers: int, progress: Progress | None
) -> None:
    """The page of each entry, and its files beside it."""
    for done, (entry, board, body) in enumerate(_bodies(made, cache, workers), start=1):
        folder = draft / slug(board.suite) / entry.key
        files = [name for name in LARGEST if (entry.folder / name).is_file() and not (entry.folder / name).is_symlink()]
        for name in files:
            shutil.copyfile(entry.folder / name, folder / name)
        main = next(other for _, other in made)
        home = board_page.file_name(board, main=board is main)
        against = board_page.compare_name(board, main=board is main)
        sizes = [(name, (folder / name).stat().st_size) for name in files]
        _write(folder / "index.html", entry_page.render(entry, board, body, sizes, home=home, against=against))
        if progress:
            progress(done, len(made))


def _bodies(
    made: Sequence[tuple[Entry, Board]], cache: Path | None, workers: int
) -> Iterable[tuple[Entry, Board, entry_page.Body]]:
    """The expensive part of each page: in this process, or as they come from several."""

    def told(entry: Entry, board: Board) -> dict[str, Any]:
        return {
            "folder": entry.folder,
            "key": entry.key,
            "suite": entry.suite,
            "digest": entry.digest,
            "settings": dict(board.settings),
            "cards": dict(board.cards),
            "cache": cache,
        }

    if workers <= 1 or len(made) < 2:
        for entry, board in made:
            yield entry, board, entry_page.body(**told(entry, board))
        return
    # fork would copy locks that other threads hold
    with ProcessPoolExecutor(min(workers, len(made)), mp_context=get_context("spawn")) as pool:
        asked: dict[Future[entry_page.Body], tuple[Entry, Board]] = {
            pool.submit(entry_page.body, **told(entry, board)): (entry, board) for entry, board in made
        }
        for future in as_completed([*asked]):
            yield (*asked.pop(future), future.result())  # a page is a megabyte: none is kept longer


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")
