"""How each language writes times, prices, dates and counted things. Units stand in the templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Forms = Mapping[str, str]
Show = Callable[[Any], Forms]
Clock = tuple[int, int]


def words(entries: Sequence[str]) -> Show:
    """Words by place; `|` parts their forms, which the slots call v, w, x."""
    table = [dict(zip("vwx", entry.split("|"), strict=False)) for entry in entries]
    return lambda index: table[index]


def _plain(value: Any) -> Forms:
    return {"v": str(value)}


def _hours_and_minutes(value: Clock) -> str:
    return f"{value[0]}:{value[1]:02d}"


def _half_days(value: Clock) -> str:
    hour, minute = value
    minutes = f":{minute:02d}" if minute else ""
    return f"{(hour - 1) % 12 + 1}{minutes} {'am' if hour < 12 else 'pm'}"


def _german_hours(value: Clock) -> str:
    return _hours_and_minutes(value) if value[1] else str(value[0])


def _french_hours(value: Clock) -> str:
    return f"{value[0]} h {value[1]:02d}" if value[1] else f"{value[0]} h"


def _portuguese_hours(value: Clock) -> str:
    return f"{value[0]}h{value[1]:02d}" if value[1] else f"{value[0]}h"


def _language(time: Callable[[Clock], str], date: str, months: str, point: str, thousands: str = "") -> dict[str, Show]:
    """The kinds of values that a language shows by rule. Counts have one form unless the language says otherwise."""
    names = months.split()

    def price(value: float) -> Forms:
        whole, cents = divmod(round(value * 100), 100)
        return {"v": f"{whole:,}".replace(",", thousands) + (f"{point}{cents:02d}" if cents else "")}

    return {
        "time": lambda value: {"v": time(value)},
        "span": lambda value: {"a": time(value[0]), "b": time(value[1])},
        "price": price,
        "date": lambda value: {"v": date.format(day=value[0], month=names[value[1] - 1])},
        **dict.fromkeys(("number", "rooms", "eggs", "weeks"), _plain),
    }


def _counted(few: str, many: str) -> Show:
    """A Russian noun after a number from 2 to 20: one form up to four, another from five on."""
    return lambda value: {"v": f"{value} {few if value < 5 else many}", "w": str(value)}


_RUSSIAN = _language(
    _hours_and_minutes,
    "{day} {month}",
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    ",",
)
SHOW: Mapping[str, Mapping[str, Show]] = {
    "en": _language(
        _half_days,
        "{day} {month}",
        "January February March April May June July August September October November December",
        ".",
        ",",
    ),
    "de": _language(
        _german_hours,
        "{day}. {month}",
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        ",",
        ".",
    ),
    "fr": _language(
        _french_hours,
        "{day} {month}",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        ",",
        " ",
    ),
    "es": _language(
        _hours_and_minutes,
        "{day} de {month}",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        ",",
    ),
    "pt": _language(
        _portuguese_hours,
        "{day} de {month}",
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        ",",
    ),
    "ru": {
        **_RUSSIAN,
        "rooms": _counted("комнаты", "комнат"),
        "eggs": _counted("яйца", "яиц"),
        "weeks": _counted("недели", "недель"),
    },
    "zh": _language(_hours_and_minutes, "{month}月{day}日", "1 2 3 4 5 6 7 8 9 10 11 12", "."),
}
