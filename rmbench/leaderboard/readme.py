"""leaderboard/README.md as text: what the board says, for whoever reads the repository and not the pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from rmbench.leaderboard.site import words
from rmbench.leaderboard.site.board_page import LEFT
from rmbench.leaderboard.site.canary import NOTE, canary
from rmbench.leaderboard.types import SKILLS, TRUST, Board, Entry
from rmbench.report.words import MISSING, SKILL_SCALE, interval, number, one_line, why
from rmbench.types import Estimate

_COLUMNS = ("overall", *SKILLS[:-1])
_HEADS = ("rank", "model", *_COLUMNS, "trust", "coverage", "parameters", "contamination")
_HEAD = f"| {' | '.join(_HEADS)} |\n{'|---' * len(_HEADS)}|"
_LEGEND = (
    "A rank such as 2–4 says that the data allow any of these places; ranks are among entries of one suite version with"
    " full coverage. Skills stand with their 95 % intervals. Overall is the mean of the three."
)


def board_readme(boards: Sequence[Board]) -> str:
    """The text of leaderboard/README.md: one table per suite, in the order given.

    It holds no time, machine or version, so the same boards give the same bytes.
    """
    parts = [
        "# Leaderboard",
        "Generated from the submissions in this folder; edit those and never this file.",
        f"{SKILL_SCALE}. {_LEGEND}",
        *(part for board in boards for part in _board(board)),
        "## What trust means",
        "\n".join(f"- **{name}**: {meaning}." for name, meaning in TRUST.items()),
        "\n".join(f"- **{told}**: {words.CONTAMINATION_MEANS[key]}." for key, told in words.CONTAMINATION.items()),
        f"{NOTE}\n\n<!-- {canary(card for board in boards for card in board.cards.values())} -->",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _board(board: Board) -> Iterable[str]:
    yield f"## {board.suite}"
    if board.ranked:
        yield "\n".join([_HEAD, *map(_line, board.ranked)])
    else:
        yield "No entry has full coverage yet."
    if board.partial:
        yield f"### {board.suite}: partial entries, without a rank"
        yield "\n".join([_HEAD, *map(_line, board.partial)])
        yield "\n".join(f"- {_name(one)}: {escape(one.partial or MISSING)}" for one in board.partial)
    if board.left:
        yield f"### {board.suite}: not on the board"
        yield "\n".join(
            f"- {escape(one.name)} ({LEFT[one.kind].lower()}): {escape(' '.join(one.sentences))}" for one in board.left
        )


def _line(entry: Entry) -> str:
    where = quote(f"submissions/{entry.key}/{entry.suite}")
    name = f"[{_name(entry)}]({where})" + (" *(baseline)*" if entry.baseline else "")
    without = words.without(entry.contamination)
    cells = [
        words.rank(entry.ranks.get("overall")),
        name,
        *(_skill(entry.skills.get(skill), bold=skill == "overall") for skill in _COLUMNS),
        entry.trust,
        words.coverage(entry),
        words.size(entry.parameters),
        words.overlap(entry.contamination) + (f"; overall {without} them" if without else ""),
    ]
    return f"| {' | '.join(cells)} |"


def _skill(found: Estimate | None, *, bold: bool) -> str:
    if found is None or found.value is None:
        return MISSING if found is None else f"{MISSING} {escape(why(found.reason))}"
    value = f"**{number(found.value)}**" if bold else number(found.value)
    return value if found.low is None else f"{value} {interval(found)}"


def _name(entry: Entry) -> str:
    """`org/model`: of a safe name, only an underscore is mark-up, and only www. makes a link of its own."""
    return words.name(entry).replace("_", "\\_").replace("www.", "www\\.")


def escape(text: str) -> str:
    """One line of a stranger's text that markdown shows as it stands: no mark-up, no HTML, no link of its own."""
    marked = re.sub(r"([\\`*_{}\[\]()#+!|~$:@-])", r"\\\1", one_line(text))
    plain = marked.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"(?i)\bwww\.", r"www\\.", plain)
