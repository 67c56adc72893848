"""Sizes, times, ranks and states of an entry in plain words, for the pages and the README."""

from __future__ import annotations

from rmbench.leaderboard.types import TRUST, Contamination, Entry, HeldOut, Rank, Trust
from rmbench.report.words import MISSING, count, number, percent

LEVELS: tuple[Trust, ...] = tuple(TRUST)
CONTAMINATION = {"clean": "clean", "overlap": "known overlap", "unknown": "unknown"}
CONTAMINATION_MEANS = {
    "clean": "all declared training data was scanned and holds none of the items, or there is none",
    "overlap": "some items are in the training data; the numbers without them stand beside",
    "unknown": "no training data was declared, or it could not be scanned",
}


def name(entry: Entry) -> str:
    """`org/model`, as an entry is called everywhere."""
    return f"{entry.submission.organisation}/{entry.submission.model}"


def slug(suite: str) -> str:
    """`core@3` as a safe part of a file's name and of an address: `core-3`."""
    return suite.replace("@", "-")


def size(value: float | None) -> str:
    """A number of parameters or tokens, three digits that count: `1.24M`, `8.03B`."""
    if value is None:
        return MISSING
    for unit, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= 0.9995 * unit:
            return f"{float(f'{value / unit:.3g}'):g}{letter}"
    return f"{value:.0f}"


def duration(seconds: float) -> str:
    """Seconds as a reader says them: `47 s`, `2 min 23 s`, `3.4 h`."""
    if seconds < 59.5:
        return f"{seconds:.0f} s" if seconds >= 9.95 or not seconds else f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    if minutes < 10:
        return f"{minutes} min {left} s" if left else f"{minutes} min"
    return f"{seconds / 60:.0f} min" if seconds < 5_970 else f"{seconds / 3600:.1f} h"


def price(dollars: float | None) -> str:
    """US dollars, with cents unless they are all there is."""
    if dollars is None:
        return MISSING
    return f"${dollars:.2f}" if dollars >= 0.995 or not dollars else f"${dollars:.2g}"


def rank(found: Rank | None) -> str:
    """`3`, or `2–4` where the data allow more than one place."""
    if found is None:
        return MISSING
    return str(found.low) if found.low == found.high else f"{found.low}–{found.high}"


def coverage(entry: Entry) -> str:
    """Share of items with all their scores; only what is whole reads 100 %."""
    if not entry.items:
        return MISSING
    share = 1 - entry.missing / entry.items
    return percent(1) if not entry.missing else percent(min(share, 0.999), 1)


def overlap(found: Contamination) -> str:
    """The state of contamination, with the number of items where there are some."""
    told = CONTAMINATION[found.status]
    return f"{told}, {count(found.items)} of {count(found.total)} items" if found.items else told


def without(found: Contamination) -> str | None:
    """Overall skill without the overlapping items, if it was computed."""
    told = found.skills.get("overall")
    return None if told is None or told.value is None else f"{number(told.value)} without"


def places(found: HeldOut) -> str:
    """How the place on the held-out tasks compares with the public one."""
    lost = found.places_lost
    if lost is None:
        return "not ranked"
    if not lost:
        return "same place"
    return f"{abs(lost)} place{'s' * (abs(lost) != 1)} {'lower' if lost > 0 else 'higher'}"


def attempts(found: HeldOut) -> str:
    """How often it was tried."""
    return f"{found.attempts} attempt{'s' * (found.attempts != 1)}"
