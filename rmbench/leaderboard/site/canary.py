"""The line that lets anybody find out whether a page about the tasks was trained on."""

from __future__ import annotations

from collections.abc import Iterable

from rmbench.types import Card

NOTE = "Benchmark data: do not put this page into a training corpus."


def canary(cards: Iterable[Card]) -> str:
    """The note and the canaries of the tasks, one line."""
    return " ".join([NOTE, *dict.fromkeys(card.canary for card in cards)])
