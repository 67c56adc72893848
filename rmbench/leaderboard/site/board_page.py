"""The table of one suite version and the page that sets two of its entries side by side: plain values for templates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from rmbench.leaderboard.site import words
from rmbench.leaderboard.site.canary import canary
from rmbench.leaderboard.site.pages import environment, page_settings
from rmbench.leaderboard.types import SKILLS, TRUST, Board, Entry
from rmbench.report.page import Scale
from rmbench.report.words import ASKS, SKILL_SCALE, TITLES, count

OVERALL_FIRST = ("overall", *SKILLS[:-1])


class Column(NamedTuple):
    """A column of the table: `key` is its class and what the script sorts by; `first` the way of a first click."""

    key: str
    title: str
    hint: str
    shown: bool = True
    first: str = "descending"


COLUMNS = (
    Column("rank", "Rank", "the places that the data allow", first="ascending"),
    Column("name", "Model", "organisation and model", first="ascending"),
    *(Column(name, TITLES[name], ASKS.get(name, "the mean of the three skills")) for name in OVERALL_FIRST),
    Column("trust", "Trust", "what has been checked"),
    Column("parameters", "Parameters", "", first="ascending"),
    Column("contamination", "Contamination", "overlap of training data and items", first="ascending"),
    Column("heldout", "Held-out", "place on the held-out tasks, against the public one", first="ascending"),
    Column("coverage", "Coverage", "share of items with all their scores", shown=False),
    Column("tokens", "Tokens", "tokens that the model read", shown=False, first="ascending"),
    Column("time", "Wall time", "as the run measured it, on its own machine", shown=False, first="ascending"),
    Column("price", "Price", "US dollars for this suite, at the declared price", shown=False, first="ascending"),
)
SIZES = (10**6, 10**7, 10**8, 10**9, 10**10, 10**11)  # of the filter by parameters
LEFT = {
    "rejected": "Rejected",
    "withdrawn": "Withdrawn",
    "disqualified": "Disqualified",
    "other version": "Of another version",
}


def file_name(board: Board, *, main: bool) -> str:
    """The page of a board, in the top folder."""
    return "index.html" if main else f"{words.slug(board.suite)}.html"


def compare_name(board: Board, *, main: bool) -> str:
    """The page that compares two entries of a board."""
    return "compare.html" if main else f"compare-{words.slug(board.suite)}.html"


def scale(board: Board) -> Scale:
    """The common scale of all bars of a board: from 0, or as low as -1 in steps of a tenth, to 1."""
    found = [one.skills[name] for one in board.entries for name in SKILLS if name in one.skills]
    lowest = min((v for e in found for v in (e.value, e.low) if v is not None), default=0.0)
    return Scale(max(-1.0, math.floor(round(min(0.0, lowest) * 10, 6)) / 10))


def render(boards: Sequence[Board], board: Board, *, pages: bool) -> str:
    """The page of a board as text; `pages` says whether its entries have pages to link to."""
    found = _frame(boards, board, pages=pages) | {
        "facts": _facts(board),
        "scale": scale(board),
        "skill_scale": SKILL_SCALE,
        "skills": OVERALL_FIRST,
        "titles": TITLES,
        "columns": [column for column in COLUMNS if _told(board, column.key)],
        "levels": [(name, meaning) for name, meaning in TRUST.items()],
        "sizes": [(value, words.size(value)) for value in SIZES],
        "states": [(key, told, words.CONTAMINATION_MEANS[key]) for key, told in words.CONTAMINATION.items()],
        "tracks": sorted({entry.track for entry in board.entries}),
        "ranked": [_row(entry, number) for number, entry in enumerate(board.ranked)],
        "partial": [_row(entry, len(board.ranked) + number) for number, entry in enumerate(board.partial)],
        "left": [(LEFT[kind], [one for one in board.left if one.kind == kind]) for kind in LEFT],
        "season": board.season,
        "bootstrap": count(int(board.settings.get("bootstrap", 0))),
    }
    return str(environment().get_template("board.html.j2").render(found))


def render_compare(boards: Sequence[Board], board: Board, *, pages: bool) -> str:
    """The page that compares two entries of a board, chosen in the browser."""
    found = _frame(boards, board, pages=pages) | {
        "options": [(entry.key, words.name(entry)) for entry in board.entries],
        "bootstrap": count(int(board.settings.get("bootstrap", 0))),
    }
    return str(environment().get_template("compare.html.j2").render(found))


def _frame(boards: Sequence[Board], board: Board, *, pages: bool) -> dict[str, Any]:
    main = board is boards[0]
    others = [(one.suite, file_name(one, main=one is boards[0]), one is board) for one in boards]
    return page_settings(depth=0, home=file_name(board, main=main)) | {
        "board": board,
        "slug": words.slug(board.suite),
        "suites": others,
        "compare": compare_name(board, main=main),
        "canary": canary(board.cards.values()),
        "pages": pages,
    }


def _facts(board: Board) -> list[str]:
    baselines = sum(entry.baseline for entry in board.entries)
    facts = [
        f"suite {board.suite}",
        f"{len(board.cards)} tasks",
        f"{len(board.ranked)} ranked" if board.ranked else "",
        f"{len(board.partial)} partial" if board.partial else "",
        f"{baselines} baseline{'s' * (baselines != 1)}" if baselines else "",
        f"held-out season {board.season}" if board.season else "",
    ]
    return [fact for fact in facts if fact]


def _told(board: Board, column: str) -> bool:
    """Whether any entry has something to say in a column that only some boards need."""
    if column == "heldout":
        return any(entry.heldout for entry in board.entries)
    return column != "price" or any(entry.price is not None for entry in board.entries)


def _row(entry: Entry, index: int) -> dict[str, Any]:
    held = entry.heldout
    return {
        "index": index,
        "entry": entry,
        "href": f"{words.slug(entry.suite)}/{entry.key}/index.html",
        "organisation": entry.submission.organisation,
        "model": entry.submission.model,
        "level": words.LEVELS.index(entry.trust),
        "trust_means": TRUST[entry.trust],
        "rank": words.rank(entry.ranks.get("overall")),
        "parameters": words.size(entry.parameters),
        "contamination": words.CONTAMINATION[entry.contamination.status],
        "without": words.without(entry.contamination),
        "held": None if held is None else (words.places(held), words.attempts(held), held.skills.get("overall")),
        "coverage": words.coverage(entry),
        "tokens": words.size(entry.tokens),
        "time": words.duration(entry.seconds),
        "price": words.price(entry.price),
    }
