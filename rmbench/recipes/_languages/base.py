"""What a language has to say: how values look in it, and its own ways to ask, to tell, and to say nothing.

A language is a file of text, `<code>.yaml`, that whoever speaks it can write and check without reading any code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

from rmbench.recipes._languages.schema import SUBJECTS, Subject
from rmbench.recipes._languages.values import SHOW, Forms, words

_SLOT = re.compile(r"\{(?:(\w+)\.)?(\w)\}")
Keys = tuple[str, ...]


@dataclass(frozen=True)
class Wording:
    """How a language speaks of a subject.

    Templates have slots: `{s}` is the subject at the start of a sentence (`full`, with its name, or one of `others`),
    `{t}` the same within one; `{v}`, `{w}` … are forms of the value and `{V}` a form with a capital; `{key.v}` names
    the field, where a sentence tells two. `rows` show the fields in the record; `invented` are plausible statements
    about what no record mentions.
    """

    title: str
    full: str
    others: Sequence[str]
    rows: Mapping[str, str]
    says: Mapping[Keys, Sequence[str]]
    invented: Sequence[str]


@dataclass(frozen=True)
class Language:
    """A bank of our own templates. The sentences of `empty` and `invented` stand in one order in all languages."""

    code: str
    gap: str
    end: re.Pattern[str]
    requests: Sequence[str]
    empty: Mapping[str, Sequence[str]]
    show: Mapping[str, Callable[[Any], Forms]]
    subjects: Mapping[str, Wording]


def load(code: str) -> Language:
    """The language in the file of that code."""
    text = files(__package__).joinpath(f"{code}.yaml").read_text(encoding="utf-8")
    bank: dict[str, Any] = yaml.safe_load(text)
    shown = {**SHOW[code], **{kind: words(_lines(entries)) for kind, entries in bank["words"].items()}}
    city = shown["city"]
    shown["route"] = lambda route: {"v": city(route[0])["v"], "w": city(route[1])["v"]}
    return Language(
        code=code,
        gap=bank["gap"],
        end=re.compile(rf"\S.*?(?:{bank['end']}|$)", re.MULTILINE),
        requests=[request.strip() for request in bank["requests"]],
        empty={habit: _lines(bank[habit]) for habit in ("polite", "padding", "closing")},
        show=shown,
        subjects={key: _wording(subject, bank[key]) for key, subject in SUBJECTS.items()},
    )


def _wording(subject: Subject, bank: Mapping[str, Any]) -> Wording:
    """Under a field's key stand its row and then the sentences; under two keys, the sentences that tell both."""
    fields = {field.key: _lines(bank[field.key]) for field in subject.fields}
    return Wording(
        title=bank["title"],
        full=bank["full"],
        others=bank["others"],
        rows={key: lines[0] for key, lines in fields.items()},
        says={(key,): lines[1:] for key, lines in fields.items()}
        | {pair: _lines(bank["+".join(pair)]) for pair in subject.pairs},
        invented=_lines(bank["invented"]),
    )


def _lines(block: str) -> list[str]:
    return block.splitlines()


def capital(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def small(text: str) -> str:
    """The text with its first letter in lower case."""
    return text[:1].lower() + text[1:]


def form(forms: Forms, letter: str) -> str:
    """A form by its letter; a capital letter asks for a capital."""
    return capital(forms[letter.lower()]) if letter.isupper() else forms[letter]


def fill(template: str, slot: Callable[[str | None, str], str]) -> str:
    """The template with each slot replaced by `slot(field, letter)`; the field is None where the slot names none."""
    return _SLOT.sub(lambda found: slot(found[1], found[2]), template)


def show(template: str, forms: Forms) -> str:
    """The template filled with the forms of one value."""
    return fill(template, lambda _, letter: form(forms, letter))


def slots(template: str) -> list[tuple[str | None, str]]:
    """The slots of a template, in order."""
    return [(found[1], found[2]) for found in _SLOT.finditer(template)]


def literals(template: str) -> list[str]:
    """What stands around the slots: one text more than there are slots."""
    return _SLOT.sub("\0", template).split("\0")
