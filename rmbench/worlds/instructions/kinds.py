"""What a kind of text is: its topics, the details it may carry, and the sentences that belong to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "June", "July", "August", "September", "October", "November")
TIMES = ("2 pm", "3 pm", "4 pm", "5 pm", "6 pm", "7 pm", "8 pm")

_ARTICLE = re.compile(r"^(?:a|an|the|some|my|your)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Slot:
    """A detail: its `noun`, its `values`, clauses that ask for it and sentences that say it (with {v})."""

    noun: str
    values: tuple[str, ...]
    asks: tuple[str, ...]
    says: tuple[str, ...]

    @property
    def plain(self) -> bool:
        """Whether the values are words alone, so that writing one in capitals is a clear request."""
        return not any(ch.isdigit() for value in self.values for ch in value)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of text. Every sentence under a key of `words` holds that word once, and no other sentence holds it."""

    domain: str
    topics: tuple[str, ...]
    requests: tuple[str, ...]
    slots: Mapping[str, Slot]
    words: Mapping[str, tuple[str, str, str]]
    questions: tuple[str, ...]
    names: tuple[str, ...]
    numbers: tuple[str, ...]


def core(value: str) -> str:
    """The value without its article: what a reader looks for."""
    return _ARTICLE.sub("", value)


@lru_cache(maxsize=4096)
def whole(phrase: str) -> re.Pattern[str]:
    """A pattern for the phrase as whole words (27 is not in 27.5), in any case and with any spacing."""
    words = r"\s+".join(map(re.escape, phrase.split()))
    return re.compile(rf"(?<![^\W_])(?<!\d[.,:]){words}(?![^\W_]|[.,:]\d)", re.IGNORECASE)
