"""The facts that notices hold, in no language: a language says how to show a value and how to speak of it.

A value is known by its place in the field's list, so that the same record can be written in any language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

SHOWN = 5  # fields that a record shows, of those that its subject has
WORDS = {"weekday", "shows", "person", "city", "heating", "toppings"}  # kinds whose values have no digits


@dataclass(frozen=True)
class Field:
    """A field and the values that it takes. `kind` names the way that a language shows them."""

    key: str
    kind: str
    values: Sequence[Any]


@dataclass(frozen=True)
class Subject:
    """What a notice is about: its names, its fields in their order, and the fields that one sentence may join."""

    key: str
    name: Field
    fields: tuple[Field, ...]
    pairs: tuple[tuple[str, str], ...]

    def field(self, key: str) -> Field:
        """The field of that key; `name` is one too."""
        return next(f for f in (self.name, *self.fields) if f.key == key)


def _clock(*times: str) -> tuple[tuple[int, int], ...]:
    return tuple((int(hours), int(minutes)) for hours, _, minutes in (t.partition(":") for t in times))


WEEKDAYS = range(7)
# Days that every language writes without an ordinal, and that no preposition changes its form before.
DATES = tuple((day, month) for month, day in product(range(1, 13), (3, 5, 8, 12, 14, 17, 19, 23, 26, 28)))
MORNING = _clock("7:05", "7:20", "7:48", "8:10", "8:32", "8:55", "9:14", "9:36", "10:04", "10:27", "10:51", "11:18")
AFTERNOON = _clock("14:06", "14:22", "14:49", "15:13", "15:38", "16:02", "16:25", "16:57", "17:11", "17:34", "18:08")
EVENING = _clock("17:30", "17:45", "18:00", "18:15", "18:30", "18:45", "19:00", "19:15", "19:30", "20:00")
TOURS = _clock("10:30", "11:00", "11:30", "13:30", "14:00", "14:30", "15:00", "15:30", "16:15")
CLOSING = _clock("17:00", "17:30", "18:00", "18:30", "19:00", "19:30", "20:00", "21:00")
OPENING = _clock("8:30", "9:00", "9:30", "10:00", "11:00")
SPANS = tuple(product(OPENING, _clock("16:30", "17:00", "17:30", "18:00", "19:00")))

MUSEUM = Subject(
    "museum",
    Field("name", "museums", range(6)),
    (
        Field("hours", "span", SPANS),
        Field("closed", "weekday", WEEKDAYS),
        Field("ticket", "price", (4.5, 5, 6, 6.5, 7, 8, 8.5, 9, 9.5, 11, 12)),
        Field("free_under", "number", (6, 8, 10, 12, 14, 16)),
        Field("show", "shows", range(6)),
        Field("tour", "time", TOURS),
    ),
    (("hours", "closed"), ("ticket", "free_under")),
)
COURSE = Subject(
    "course",
    Field("name", "courses", range(6)),
    (
        Field("teacher", "person", range(8)),
        Field("starts", "date", DATES),
        Field("day", "weekday", WEEKDAYS),
        Field("time", "time", EVENING),
        Field("fee", "price", (60, 75, 80, 85, 95, 110, 120, 135, 140, 150, 165, 180)),
        Field("places", "number", (8, 10, 12, 14, 15, 16, 18, 20, 25)),
    ),
    (("day", "time"), ("fee", "places")),
)
TRAIN = Subject(
    "train",
    Field("name", "route", tuple(permutations(range(5), 2))),
    (
        Field("departs", "time", MORNING),
        Field("platform", "number", range(2, 15)),
        Field("stop", "city", range(5, 10)),
        Field("arrives", "time", AFTERNOON),
        Field("fare", "price", (19.9, 24.5, 29.9, 34.5, 38, 42.5, 47, 49.9, 56, 63.5)),
        Field("coach", "number", range(3, 13)),
    ),
    (("departs", "platform"), ("stop", "arrives")),
)
FLAT = Subject(
    "flat",
    Field("name", "city", range(10)),
    (
        Field("rooms", "rooms", range(2, 7)),
        Field("area", "number", (38, 45, 52, 57, 64, 68, 73, 81, 88, 95, 104)),
        Field("rent", "price", (540, 620, 690, 735, 780, 850, 890, 940, 985, 1080, 1150, 1240)),
        Field("free", "date", DATES),
        Field("heating", "heating", range(5)),
        Field("viewing", "weekday", WEEKDAYS),
    ),
    (("rooms", "area"), ("rent", "free")),
)
RECIPE = Subject(
    "recipe",
    Field("name", "cakes", range(6)),
    (
        Field("slices", "number", (6, 8, 10, 12, 14, 16)),
        Field("flour", "number", (180, 200, 220, 240, 250, 280, 300, 320, 350)),
        Field("eggs", "eggs", range(2, 7)),
        Field("oven", "number", (160, 165, 170, 175, 180, 190, 200, 210, 220)),
        Field("bake", "number", (25, 30, 35, 40, 45, 50, 55, 60, 70)),
        Field("topping", "toppings", range(6)),
    ),
    (("flour", "eggs"), ("oven", "bake")),
)
LIBRARY = Subject(
    "library",
    Field("name", "city", range(10)),
    (
        Field("books", "number", (5, 8, 10, 12, 15, 20, 25, 30)),
        Field("loan", "weeks", (2, 3, 4, 5, 6, 8)),
        Field("card", "price", (10, 12, 14, 15, 16, 18, 20, 24, 25, 30)),
        Field("fee", "number", (10, 15, 20, 25, 30, 35, 40, 50, 75)),
        Field("closes", "time", CLOSING),
        Field("stories", "weekday", WEEKDAYS),
    ),
    (("books", "loan"), ("card", "fee")),
)
SUBJECTS = {s.key: s for s in (MUSEUM, COURSE, TRAIN, FLAT, RECIPE, LIBRARY)}
