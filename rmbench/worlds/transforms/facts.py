"""Operations that carry their input with them: a word, a date, a time of day, an amount."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from rmbench.worlds.transforms import banks
from rmbench.worlds.transforms.operations import Args, Inputs, Operation, nearby, swap_letters
from rmbench.worlds.transforms.slots import (
    COUNT,
    DATE,
    NUMBER,
    TIME,
    UNIT,
    WEEKDAY,
    WORD,
    YEAR,
    as_date,
    from_date,
)

_FAR = 300  # days; further than any prompt goes, near enough that a year is never overrun twice
_EARLIEST, _LATEST = date(YEAR, 3, 2), date(YEAR, 12, 30)  # the end of February is left out: it depends on the year


def _a_word(rng: Random, inputs: Inputs) -> Args | None:
    return (rng.choice([w for w in banks.WORDS if w not in inputs.words]),)


def _an_odd_word(rng: Random, inputs: Inputs) -> Args | None:
    """A word with a middle letter that differs from the letters beside it."""
    fit = [w for w in banks.WORDS if len(w) % 2 and len(set(w[len(w) // 2 - 1 :][:3])) == 3 and w not in inputs.words]
    return (rng.choice(fit),)


def _middle(_inputs: Inputs, args: Args) -> str | None:
    word = args[0]
    return word[len(word) // 2] if len(word) % 2 else None


def _beside_middle(rng: Random, _inputs: Inputs, args: Args, _truth: str) -> str:
    word = args[0]
    return word[len(word) // 2 + rng.choice((-1, 1))]


def _first_lost(_rng: Random, _inputs: Inputs, args: Args, truth: str) -> str:
    """The wrong end is cut off."""
    return args[0][1:] if args[0][1:] != truth else truth[1:] + truth[0]


def _vowels(_inputs: Inputs, args: Args) -> str | None:
    return str(sum(ch in "aeiou" for ch in args[0]))


def _day_and_weekday(rng: Random, _inputs: Inputs) -> Args | None:
    return (str(rng.randint(2, 12)), rng.choice(banks.WEEKDAYS))


def _weekday(sign: int, days: int, start: str) -> str:
    return banks.WEEKDAYS[(banks.WEEKDAYS.index(start) + sign * days) % 7]


def _next_weekday(rng: Random, _inputs: Inputs, _args: Args, truth: str) -> str:
    return _weekday(rng.choice((-1, 1)), 1, truth)


def _days_and_date(sign: int, rng: Random) -> Args:
    days = rng.randint(3, 40)
    room = (_LATEST - _EARLIEST).days - days
    start = _EARLIEST + timedelta(days=rng.randrange(room) + (days if sign < 0 else 0))
    return (str(days), from_date(start))


def _date(sign: int, args: Args) -> str | None:
    start = as_date(args[1])
    return from_date(start + sign * timedelta(days=int(args[0]))) if start and int(args[0]) <= _FAR else None


def _next_date(rng: Random, _inputs: Inputs, _args: Args, truth: str) -> str:
    day = as_date(truth)
    assert day is not None
    return from_date(day + timedelta(days=rng.choice((-1, 1))))


def _two_dates(rng: Random, _inputs: Inputs) -> Args | None:
    days, start = _days_and_date(1, rng)
    end = _date(1, (days, start))
    assert end is not None
    return (start, end)


def _days_between(_inputs: Inputs, args: Args) -> str | None:
    start, end = as_date(args[0]), as_date(args[1])
    return str((end - start).days) if start and end and end > start else None


def _minutes_and_time(sign: int, rng: Random) -> Args:
    minutes = rng.randrange(10, 100, 5)
    start = rng.randrange(6 * 60, 20 * 60, 5) + (120 if sign < 0 else 0)
    return (str(minutes), f"{start // 60:02d}:{start % 60:02d}")


def _time(sign: int, args: Args) -> str:
    hours, minutes = (int(part) for part in args[1].split(":"))
    total = (hours * 60 + minutes + sign * int(args[0])) % (24 * 60)
    return f"{total // 60:02d}:{total % 60:02d}"


def _near_time(rng: Random, _inputs: Inputs, _args: Args, truth: str) -> str:
    """Ten minutes or one hour out, as when a carry is lost."""
    return _time(1, (str(rng.choice((-10, 10, -60, 60))), truth))


def _amount(rng: Random, _inputs: Inputs) -> Args | None:
    large, small = rng.choice(list(banks.FACTORS))
    return (str(rng.randint(3, 12)), large, small)


def _amount_back(rng: Random, _inputs: Inputs) -> Args | None:
    large, small = rng.choice(list(banks.FACTORS))
    return (str(rng.randint(3, 12) * banks.FACTORS[large, small][0]), small, large)


def _convert(_inputs: Inputs, args: Args) -> str | None:
    amount, large, small = args
    return str(int(amount) * banks.FACTORS[large, small][0]) if (large, small) in banks.FACTORS else None


def _convert_back(_inputs: Inputs, args: Args) -> str | None:
    amount, small, large = args
    if (large, small) not in banks.FACTORS or int(amount) % banks.FACTORS[large, small][0]:
        return None
    return str(int(amount) // banks.FACTORS[large, small][0])


def _misconvert(rng: Random, _inputs: Inputs, args: Args, _truth: str) -> str:
    """The neighbouring amount, or a factor that people mix up with the right one."""
    amount, large, small = args
    factor, confused = banks.FACTORS[large, small]
    return str(rng.choice(((int(amount) - 1) * factor, (int(amount) + 1) * factor, int(amount) * confused)))


_A_WORD = {"word": WORD}
_SPAN = {"days": COUNT, "start": WEEKDAY}
_DAYS = {"days": COUNT, "start": DATE}
_MINUTES = {"minutes": NUMBER, "start": TIME}
_AMOUNT = {"amount": NUMBER, "unit": UNIT, "target": UNIT}

BASE = {
    "backwards": Operation("letters", WORD, lambda _i, a: a[0][::-1], swap_letters, _A_WORD, _a_word),
    "letter_count": Operation("letters", COUNT, lambda _i, a: str(len(a[0])), nearby, _A_WORD, _a_word),
    "weekday_after": Operation(
        "calendar", WEEKDAY, lambda _i, a: _weekday(1, int(a[0]), a[1]), _next_weekday, _SPAN, _day_and_weekday
    ),
    "date_after": Operation(
        "calendar", DATE, lambda _i, a: _date(1, a), _next_date, _DAYS, lambda rng, _i: _days_and_date(1, rng)
    ),
    "days_between": Operation("calendar", NUMBER, _days_between, nearby, {"start": DATE, "end": DATE}, _two_dates),
    "time_after": Operation(
        "calendar", TIME, lambda _i, a: _time(1, a), _near_time, _MINUTES, lambda rng, _i: _minutes_and_time(1, rng)
    ),
    "convert": Operation("units", NUMBER, _convert, _misconvert, _AMOUNT, _amount),
}
HELD_OUT = {
    "vowel_count": Operation("letters", COUNT, _vowels, nearby, _A_WORD, _a_word),
    "drop_last_letter": Operation("letters", WORD, lambda _i, a: a[0][:-1] or None, _first_lost, _A_WORD, _a_word),
    "middle_letter": Operation("letters", WORD, _middle, _beside_middle, _A_WORD, _an_odd_word),
    "weekday_before": Operation(
        "calendar", WEEKDAY, lambda _i, a: _weekday(-1, int(a[0]), a[1]), _next_weekday, _SPAN, _day_and_weekday
    ),
    "date_before": Operation(
        "calendar", DATE, lambda _i, a: _date(-1, a), _next_date, _DAYS, lambda rng, _i: _days_and_date(-1, rng)
    ),
    "time_before": Operation(
        "calendar", TIME, lambda _i, a: _time(-1, a), _near_time, _MINUTES, lambda rng, _i: _minutes_and_time(-1, rng)
    ),
    "convert_back": Operation("units", NUMBER, _convert_back, nearby, _AMOUNT, _amount_back),
}
