"""Numbers in another dress: 1900 as 1,900, four as 4, 18:30 as 6:30 pm, 14 May as May 14. Their value stays."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from rmbench.recipes.changes.base import Case, Change, Changed, in_turn
from rmbench.types import Message

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
SMALL = 12  # counts up to this are often written as words

_ALONE = re.compile(r"(?<![\w.,:/$€£-])\d+(?![\w%]|[.,:/-]\d)")
_CLOCK = re.compile(r"(?<![\w.,:])(?P<h>[01]\d|2[0-3]):(?P<m>[0-5]\d)(?![\w:])")
_DAY = re.compile(r"(?P<day>\d{1,2}) (?P<month>[A-Z][a-z]+)")
_YEARS = frozenset(("Joined", "Opened", "Published", "Built", "Launched"))
_LABELS = frozenset(("Extension", "Desk", "Kennel", "Room"))  # a name, not a count


def spoken(number: int) -> str:
    """A number below 100 in words."""
    if number < len(_ONES):
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_ONES[ones]}" if ones else "")


def twelve_hours(text: str) -> str:
    """Every time of day in the text on a clock of twelve hours."""

    def put(found: re.Match[str]) -> str:
        hour = int(found["h"])
        return f"{hour % 12 or 12}:{found['m']} {'pm' if hour >= 12 else 'am'}"

    return _CLOCK.sub(put, text)


def _field(key: str, value: str) -> str:
    """The value of a record's field, written in another way; as it is where there is none."""
    if key in _YEARS or key in _LABELS:
        return value
    if value.isdigit():
        return spoken(int(value)) if int(value) <= SMALL else f"{int(value):,}"
    return _DAY.sub(r"\g<month> \g<day>", twelve_hours(value))


def _record_prompt(case: Case, _rng: Random) -> Changed | None:
    text = case.prompt.text
    for key, value in case.prompt.data["facts"].items():
        text = text.replace(f"\n{key}: {value}", f"\n{key}: {_field(key, value)}")
    return None if text == case.prompt.text else Changed((Message(role="user", content=text),), case.texts)


def _in_claims(case: Case, index: int, rewrite: Callable[[str, str], str]) -> str:
    """An answer with the values of its claims, right or wrong, written in another way."""
    text = case.texts[index]
    for claim in sorted(case.claims(index), key=lambda c: -c.start):
        said = text[claim.start : claim.end]
        text = text[: claim.start] + rewrite(claim.key, said) + text[claim.end :]
    return text


def _record_answers(case: Case, _rng: Random) -> Changed | None:
    def rewrite(key: str, said: str) -> str:
        return _VALUE.sub(lambda found: _field(key, found.group()), said)

    return _both(case, rewrite)


_VALUE = re.compile(rf"{_CLOCK.pattern}|\b\d{{1,2}} [A-Z][a-z]+|{_ALONE.pattern}")


def _both(case: Case, rewrite: Callable[[str, str], str]) -> Changed | None:
    """Both answers rewritten; None unless something changes in each."""
    one, other = _in_claims(case, 0, rewrite), _in_claims(case, 1, rewrite)
    return None if one == case.texts[0] or other == case.texts[1] else Changed(case.prompt.messages, (one, other))


def _story(case: Case, _rng: Random) -> Changed | None:
    """The numbers below 100 of a word problem as words. The answers keep their figures."""
    text = case.prompt.text

    def put(found: re.Match[str]) -> str:
        number = int(found.group())
        if number >= 100:
            return found.group()
        opens = re.search(r"(?:^|[.!?]\s+)$", text[: found.start()])
        return spoken(number).capitalize() if opens else spoken(number)

    changed = _ALONE.sub(put, text)
    return None if changed == text else Changed((Message(role="user", content=changed),), case.texts)


def _clocks(case: Case, _rng: Random) -> Changed | None:
    """Every time of day, in the question and in both answers."""
    asked, one, other = (twelve_hours(text) for text in (case.prompt.text, *case.texts))
    changed = asked != case.prompt.text and (one, other) != case.texts
    return Changed((Message(role="user", content=asked),), (one, other)) if changed else None


def _counts(case: Case, _rng: Random) -> Changed | None:
    """Small counts at the end of what an answer says, as words, or as figures where they are words."""

    def rewrite(_key: str, said: str) -> str:
        head, space, last = said.rpartition(" ")
        if last.isdigit() and int(last) <= SMALL and not head.endswith(("and", ",")):
            return f"{head}{space}{spoken(int(last))}"
        return f"{head}{space}{_ONES.index(last)}" if last in _ONES[1 : SMALL + 1] else said

    return _both(case, rewrite)


def _number_format(case: Case, rng: Random) -> Changed | None:
    forms = {
        "records": in_turn(_record_prompt, _record_answers),
        "arithmetic": _story,
        "transforms": in_turn(_clocks, _counts),
    }
    return forms[case.world.name](case, rng)


# the prompts of `instructions` have numbers that constraints are about ("use the figure 27")
CHANGES = (Change("number_format", "both", _number_format, worlds=("records", "arithmetic", "transforms")),)
