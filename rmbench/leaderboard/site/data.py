"""What the scripts of the pages read: plain script files that assign JSON, since a page on disk cannot fetch."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from rmbench.leaderboard.site import words
from rmbench.leaderboard.site.canary import canary
from rmbench.leaderboard.types import SKILLS, Board, Entry
from rmbench.report.page import Scale
from rmbench.report.words import TITLES, one_line
from rmbench.types import Estimate, Floats

MOST_DRAWS = 2000  # of an entry that its file holds; more would not move an interval that anybody can see
NONE = -32768  # the code of a replicate without a value
DIGITS = 4
_STATES = ("clean", "unknown", "overlap")  # in the order of a sorted column


def board_script(board: Board, scale: Scale) -> str:
    """`window.rmbench = …`: what sorting, filtering, the Pareto view and the choice of two entries need.

    `entries` are those of `board.entries`, in order; the rows of the table know them by their position.
    """
    told = {
        "canary": canary(board.cards.values()),
        "suite": board.suite,
        "low": scale.low,
        "skills": list(SKILLS),
        "titles": [TITLES[name] for name in SKILLS],
        "entries": [_entry(entry, words.slug(board.suite)) for entry in board.entries],
    }
    return f"window.rmbench = {script_json(told)};\n"


def entry_script(entry: Entry, board: Board) -> str:
    """`window.rmbenchRuns[key] = …`: the tasks, settings and replicates of one entry, for the page that compares."""
    tasks = [
        [name, one_line(card.title), card.axis, _numbers(entry.tasks.get(name))] for name, card in board.cards.items()
    ]
    told = {
        "canary": canary(board.cards.values()),
        "tasks": tasks,
        "settings": flat(entry.settings),
        "draws": [quantise(row) for row in entry.draws],
    }
    return f"(window.rmbenchRuns ??= {{}})[{script_json(entry.key)}] = {script_json(told)};\n"


def script_json(value: Any) -> str:
    """Strict JSON in ASCII that no script element can be ended with."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def quantise(draws: Floats) -> list[Any]:
    """Replicates as [middle, step, codes]: draw = middle + step * code; codes are 16-bit, little-endian, in base64.

    A code is off by half a step at most, a 131 068th of the range of the replicates. `NONE` marks a draw without value.
    """
    row = np.asarray(draws, dtype=np.float64)[:MOST_DRAWS]
    finite = np.isfinite(row)
    low, high = (float(row[finite].min()), float(row[finite].max())) if finite.any() else (0.0, 0.0)
    middle, step = (low + high) / 2, (high - low) / 65534
    codes = np.full(row.size, NONE, dtype="<i2")
    codes[finite] = np.rint((row[finite] - middle) / step) if step else 0
    return [middle, step, base64.b64encode(codes.tobytes()).decode()]


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Settings as text, nested ones under dotted names; nothing in them can disguise itself."""
    found: dict[str, str] = {}
    for key, value in settings.items():
        known = one_line(f"{prefix}{key}")
        if isinstance(value, Mapping):
            found |= flat(value, f"{known}.")
        else:
            found[known] = "none" if value is None else one_line(value)
    return found


def _entry(entry: Entry, folder: str) -> dict[str, Any]:
    held = entry.heldout
    return {
        "k": entry.key,
        "h": f"{folder}/{entry.key}/",
        "n": words.name(entry),
        "b": entry.baseline,
        "t": words.LEVELS.index(entry.trust),
        "p": entry.parameters,
        "ps": words.size(entry.parameters),
        "tok": entry.tokens,
        "sec": round(entry.seconds, 1),
        "usd": entry.price,
        "cov": None if not entry.items else round(1 - entry.missing / entry.items, 6),
        "con": _STATES.index(entry.contamination.status),
        "held": held.places_lost if held else None,
        "track": entry.track,
        "part": entry.partial is not None,
        "v": [_numbers(entry.skills.get(name)) for name in SKILLS],
        "r": [_rank(entry, name) for name in SKILLS],
    }


def _rank(entry: Entry, skill: str) -> list[Any] | None:
    found = entry.ranks.get(skill)
    return None if found is None else [words.rank(found), found.group]


def _numbers(found: Estimate | None) -> list[float | None]:
    """Value, low and high; None where there is none."""
    told = (None, None, None) if found is None else (found.value, found.low, found.high)
    return [None if number is None else round(number, DIGITS) + 0.0 for number in told]
