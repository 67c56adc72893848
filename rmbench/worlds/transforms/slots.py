"""The typed blanks of a template: how each is written, recognised, and brought to one canonical form.

Canonical forms are strings ("13", "third" as "3", "harbor, lemon", "13 March", "09:30"), so that values compare with ==
and live in JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from random import Random

from rmbench.worlds.transforms import banks

YEAR = 2023  # any year without a 29 February; prompts stay clear of it
_SEPARATOR = re.compile(r",\s*(?:and\s+)?|\s+and\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Slot:
    """`pattern` finds the text, `canon` reads it (None = not a value after all), `show` writes a canonical value."""

    pattern: str
    canon: Callable[[str], str | None]
    show: Callable[[str, Random], str]


def _plain(value: str, _rng: Random) -> str:
    return value


def listing(parts: list[str]) -> str:
    """Elements as prose, such as a, b and c."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def _read_list(text: str) -> str:
    return ", ".join(_SEPARATOR.split(text.lower()))


def _show_list(value: str, _rng: Random) -> str:
    return listing(value.split(", "))


def _read_number(text: str) -> str | None:
    word = text.lower()
    if word in banks.NUMBER_WORDS:
        return str(banks.NUMBER_WORDS.index(word))
    digits = word.replace(",", "")
    return str(int(digits)) if digits.isascii() and digits.isdigit() else None


def _show_number(value: str, rng: Random) -> str:
    return f"{int(value):,}" if len(value) > 3 and rng.random() < 0.5 else value


def _show_count(value: str, rng: Random) -> str:
    small = int(value) < len(banks.NUMBER_WORDS)
    return banks.NUMBER_WORDS[int(value)] if small and rng.random() < 0.5 else value


def _read_ordinal(text: str) -> str | None:
    word = text.lower()
    if word in banks.ORDINALS:
        return str(banks.ORDINALS.index(word) + 1)
    digits = word[:-2]
    return str(int(digits)) if digits.isascii() and digits.isdigit() else None


def _show_ordinal(value: str, _rng: Random) -> str:
    return banks.ORDINALS[int(value) - 1]


def as_date(text: str) -> date | None:
    """The day of a date such as "3 March", "March 3" or "3rd of March"; None if there is no such day."""
    number = re.search(r"[0-9]+", text)
    month = next((i for i, name in enumerate(banks.MONTHS, 1) if name.lower() in text.lower()), None)
    try:
        return date(YEAR, month, int(number.group())) if number and month else None
    except ValueError:
        return None


def from_date(day: date) -> str:
    """A date as we write it, such as 3 March."""
    return f"{day.day} {banks.MONTHS[day.month - 1]}"


def _read_date(text: str) -> str | None:
    day = as_date(text)
    return from_date(day) if day else None


def _read_time(text: str) -> str | None:
    hours, minutes = (int(part) for part in text.split(":"))
    return f"{hours:02d}:{minutes:02d}" if hours < 24 and minutes < 60 else None


def _read_unit(text: str) -> str | None:
    word = text.lower()
    return next((unit for unit, short in banks.UNITS.items() if word == unit or word in short), None)


def _show_unit(value: str, rng: Random) -> str:
    return banks.SHOWN[value] if value in banks.SHOWN and rng.random() < 0.3 else value


def _any(options: Iterable[str]) -> str:
    return "|".join(sorted(options, key=len, reverse=True))  # the longest first, or "m" would hide "minutes"


_LETTERS = r"(?!and\b)[a-z]+"
_BREAK = r"(?:,\s+(?:and\s+)?|\s+and\s+)"


def listed(element: str) -> str:
    """The pattern of a list of such elements, as prose."""
    return rf"{element}(?:{_BREAK}{element})*"


_DAY = r"[0-9]{1,2}(?:st|nd|rd|th)?"
_MONTH = _any(banks.MONTHS)
_NUMBER = rf"[0-9]{{1,3}}(?:,[0-9]{{3}}){{1,2}}|[0-9]{{1,7}}|{_any(banks.NUMBER_WORDS)}"

WORD = Slot(r"[a-z]+", str.lower, _plain)
EXACT = Slot(r"[a-z]+", str, _plain)  # case matters
NUMBER = Slot(_NUMBER, _read_number, _show_number)
COUNT = Slot(_NUMBER, _read_number, _show_count)
ORDINAL = Slot(rf"{_any(banks.ORDINALS)}|[0-9]{{1,2}}(?:st|nd|rd|th)", _read_ordinal, _show_ordinal)
WORD_LIST = Slot(listed(_LETTERS), _read_list, _show_list)
NUMBER_LIST = Slot(listed("[0-9]{1,4}"), _read_list, _show_list)
DATE = Slot(rf"{_DAY}\s+(?:of\s+)?(?:{_MONTH})|(?:{_MONTH})\s+{_DAY}", _read_date, _plain)
WEEKDAY = Slot(_any(banks.WEEKDAYS), str.capitalize, _plain)
TIME = Slot(r"[0-9]{1,2}:[0-9]{2}", _read_time, _plain)
UNIT = Slot(_any([*banks.UNITS, *(s for short in banks.UNITS.values() for s in short)]), _read_unit, _show_unit)
TOPIC = Slot(_any(t.replace(" ", r"\s+") for t in banks.TOPICS), lambda t: " ".join(t.lower().split()), _plain)
