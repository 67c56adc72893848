"""`rmbench leaderboard build`: from a source to pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

from rmbench.errors import LedgerError, UsageError
from rmbench.items import replace_file
from rmbench.leaderboard.assess import Assessed, Assessor, board_cache
from rmbench.leaderboard.board import Builder, Hold
from rmbench.leaderboard.ledgering import check_ledger
from rmbench.leaderboard.readme import board_readme
from rmbench.leaderboard.site import write_site
from rmbench.leaderboard.sources import Candidate, Source, open_source
from rmbench.leaderboard.standard import Standards
from rmbench.leaderboard.types import Board


def build(
    spec: str,
    out: Path,
    *,
    readme: Path | None = None,
    suites: Sequence[str] | None = None,
    pages: bool = True,
    workers: int = 1,
    bootstrap: int = 1000,
    cached: bool = True,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Board]:
    """Recompute all submissions of a source (see `open_source`) and write their pages to `out`.

    `readme`: also write the boards as markdown there. What was computed is kept in the user's cache folder, unless
    not `cached`; `tell` hears how far it is. Raises LedgerError for a ledger that does not hold, UsageError for a
    source without any submission.
    """
    cache = board_cache() if cached else None
    with open_source(spec) as source, ExitStack() as stack:
        builder = Builder(
            suites=suites,
            assessor=Assessor(bootstrap=bootstrap, cache=cache),
            heldout=source.root / "heldout",
            workers=workers if source.stays else 1,
            progress=lambda count: tell(f"{count:,} submissions recomputed"),
        )

        def kept(candidate: Candidate) -> AbstractContextManager[Path]:
            """Pages show the files of an entry, so they stay until those are written."""
            return nullcontext(stack.enter_context(candidate.files()))

        boards = boards_of(source, builder, kept if pages else None)
        if not boards:
            raise UsageError(f"{spec}: there is no submission of a suite that this rmbench holds")
        write_site(boards, out, cache=cache and cache / "pages", pages=pages, workers=workers, progress=_of_pages(tell))
    if readme is not None:
        replace_file(readme, board_readme(boards).encode())
    return boards


def _of_pages(tell: Callable[[str], None]) -> Callable[[int, int], None]:
    return lambda done, total: tell(f"{done:,} of {total:,} pages")


def boards_of(source: Source, builder: Builder, hold: Hold | None = None) -> list[Board]:
    """The boards of an open source, its ledger checked first. Raises LedgerError for one that does not hold."""
    events, problems = check_ledger(source.root)
    if problems:
        raise LedgerError(f"the ledger of {source.name} does not hold: {problems[0]}")
    return builder.boards(source.submissions(), events, *([hold] if hold else []))


def assessed_all(root: Path, assess: Assessor, standards: Standards) -> Iterator[Assessed]:
    """Everything that lies among the submissions below `root`, assessed anew."""
    with open_source(str(root)) as source:
        for candidate in source.submissions():
            if candidate.problem:
                yield Assessed(candidate.key, candidate.suite, root, "", (candidate.problem,))
            else:
                with candidate.files() as folder:
                    yield assess(folder, standards)
