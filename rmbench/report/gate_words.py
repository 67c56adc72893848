"""What a gate answers, in words, and what to do where it could not decide."""

from __future__ import annotations

import math

from rmbench.comparison import Gate
from rmbench.comparison.gating import Gated
from rmbench.report.words import TITLES, number, one_line

_MOST = 50  # times as many groups: beyond that, more groups are no advice


def said(found: Gate) -> str:
    """The answer in one sentence."""
    limit = f"{found.max_drop:g}"
    if found.outcome == "pass":
        return f"PASS: no number that is gated has dropped by more than {limit}."
    names = [_name(key) for key, one in found.numbers.items() if one.outcome == found.outcome]
    if found.outcome == "regression":
        return f"REGRESSION: {_list(names)} dropped by more than {limit}, beyond doubt."
    return f"INSUFFICIENT EVIDENCE: {_list(names)} may have dropped by more than {limit}, or not."


def advice(found: Gate) -> list[str]:
    """What to do next; nothing after a pass."""
    if found.outcome == "pass":
        return []
    name, worst = max(found.numbers.items(), key=lambda pair: _by_how_much(pair[1]))
    if found.outcome == "regression":
        runs = f"{one_line(found.comparison.a.label)} {one_line(found.comparison.b.label)}"
        return [f"Look at what changed: rmbench compare {runs} --flips 10"]
    return [_more(_name(name), worst, found)]


def _more(name: str, worst: Gated, found: Gate) -> str:
    if worst.drop.low is None:
        return f"{name} has no interval ({worst.drop.reason}): run both with more groups."
    wide = f"A drop of {name} by {number(worst.drop.high, 3)} cannot be ruled out"
    if worst.more is None or worst.more > _MOST:
        return (
            f"{wide}, and the drop ({number(worst.drop.value, 3)}) is too near to {found.max_drop:g} for more groups to"
            " help: allow more, or gate another number (--on)."
        )
    times = max(2, math.ceil(worst.more))
    return (
        f"{wide}. If it stays at {number(worst.drop.value, 3)}, about {times} times as many groups decide it: run both"
        " on a larger suite (--suite core), or without --limit."
    )


def _by_how_much(one: Gated) -> float:
    """How far the upper end is: what cannot be bounded comes first."""
    if one.outcome == "pass":
        return -math.inf
    return math.inf if one.drop.high is None else one.drop.high


def _name(key: str) -> str:
    return TITLES.get(key, one_line(key)).lower() if key in TITLES else one_line(key)


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
