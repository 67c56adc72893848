"""A record in one language, answers that tell it right or wrong, and the program that reads them.

The program reads the text alone and knows this language's own sentences only: any other, be it true and in another
language, says nothing. It grades as the worlds do, but is none of them: nothing is optimised against it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import NamedTuple

from rmbench.recipes._languages.base import Language, Wording, fill, form, literals, show, slots, small
from rmbench.recipes._languages.base import capital as with_capital
from rmbench.recipes._languages.plan import Facts, Step, worth
from rmbench.recipes._languages.schema import Field, Subject
from rmbench.recipes._languages.values import Forms
from rmbench.worlds.base import Gold

VALUE = "(.{1,40}?)"


class Said(NamedTuple):
    """What a sentence says of a field: the value's place in the field's list, or the words if it is none of them."""

    key: str
    value: int | str


class Pattern(NamedTuple):
    """What finds a template in a text, and the (field, letter) of each of its groups."""

    regex: re.Pattern[str]
    groups: tuple[tuple[str, str], ...]


class Notices:
    """The notices of a language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._patterns = cache(self._compile)
        self._places = cache(self._index)

    def ask(self, facts: Facts) -> str:
        """The user's request about these facts."""
        wording = self._wording(facts.subject)
        rows = [
            show(wording.rows[key], self._forms(facts.subject.field(key), values[0]))
            for key, values in facts.values.items()
        ]
        mark = "- " if facts.bullets else ""
        lines = [show(wording.title, self._name(facts)), *(mark + row for row in rows)]
        return _at(self.language.requests, facts.request).replace("{record}", "\n".join(lines))

    def write(self, facts: Facts, steps: Sequence[Step], rng: Random) -> str:
        """The answer that the steps describe. `rng` chooses the wording alone."""
        wording = self._wording(facts.subject)
        full, (noun, *pronouns) = _head(wording, self._name(facts)), wording.others
        lines: list[str] = []
        heads = [full]
        for step in steps:
            if step.kind == "tell":
                line, mentions = self._tell(facts, step, rng, heads, lines)
                named = mentions or full not in heads
                heads = [full] if not named else [noun, *pronouns] if mentions else [noun]
            else:
                line = _at(wording.invented if step.kind == "invented" else self.language.empty[step.kind], step.which)
                heads = heads[:1]
            lines.append(line)
        return self.language.gap.join(lines)

    def gold(self, facts: Facts, text: str) -> Gold:
        """Count what a text gets right, gets wrong, and pads with, and grade it by what that is worth."""
        found: set[Said] = set()
        invented: set[str] = set()
        filler = repeats = 0
        for match in self.language.end.finditer(text):
            sentence = match.group()
            said = self.read(facts, sentence)
            if sentence in self._wording(facts.subject).invented:
                repeats += sentence in invented
                invented.add(sentence)
            elif said:
                repeats += found.issuperset(said)
                found |= {*said}
            else:
                filler += 1
        wrong = {said for said in found if not _true(facts, said)}
        right = {said.key for said in found} - {said.key for said in wrong}
        parts = {
            "right": float(len(right)),
            "wrong": float(len(wrong) + len(invented)),
            "asked": float(len(facts.values)),
            "filler": float(filler),
            "repeats": float(repeats),
        }
        return Gold(worth(parts), parts)

    def read(self, facts: Facts, sentence: str) -> list[Said]:
        """What a sentence says: the reading that takes most of it for true, else the one that knows most values."""
        readings = [
            self._said(facts.subject, pattern, match)
            for pattern in self._patterns(facts.subject, facts.name)
            if (match := pattern.regex.fullmatch(sentence))
        ]
        return max(
            readings,
            key=lambda said: (sum(_true(facts, s) for s in said), sum(isinstance(s.value, int) for s in said)),
            default=[],
        )

    def _tell(
        self, facts: Facts, step: Step, rng: Random, heads: Sequence[str], before: Sequence[str]
    ) -> tuple[str, bool]:
        """A sentence on the step's fields, not one of those before, and whether it mentions the subject.

        `heads` are the words that may stand for the subject here: its name at first, a pronoun right after a mention.
        """
        wording = self._wording(facts.subject)
        keys = tuple(step.told)
        forms = {key: self._forms(facts.subject.field(key), value) for key, value in step.told.items()}
        head = rng.choice(heads)
        templates = rng.sample(wording.says[keys], len(wording.says[keys]))
        if head not in wording.others:
            templates.sort(key=lambda template: not _mentions_subject(template))

        def slot(key: str | None, letter: str) -> str:
            if letter in "st":
                return head if letter == "s" else small(head)
            return form(forms[key or keys[0]], letter)

        texts = {fill(template, slot): _mentions_subject(template) for template in templates}
        text = next((text for text in texts if text not in before), next(iter(texts)))
        return text, texts[text]

    def _said(self, subject: Subject, pattern: Pattern, match: re.Match[str]) -> list[Said]:
        out = []
        for key in dict.fromkeys(key for key, _ in pattern.groups):
            parts = [
                (letter, text) for (k, letter), text in zip(pattern.groups, match.groups(), strict=True) if k == key
            ]
            words = tuple(text for _, text in parts)
            places = self._places(subject, key, "".join(letter for letter, _ in parts))
            out.append(Said(key, places.get(words, " ".join(words))))
        return out

    def _index(self, subject: Subject, key: str, letters: str) -> dict[tuple[str, ...], int]:
        """Which value of a field has these words in the forms of these letters."""
        field = subject.field(key)
        shown = [self._forms(field, place) for place in range(len(field.values))]
        return {tuple(form(forms, letter) for letter in letters): place for place, forms in enumerate(shown)}

    def _compile(self, subject: Subject, name: int) -> list[Pattern]:
        """The patterns of all templates about a subject of that name."""
        wording = self._wording(subject)
        heads = [_head(wording, self._forms(subject.name, name)), *wording.others]
        return [_pattern(template, keys[0], heads) for keys, bank in wording.says.items() for template in bank]

    def _wording(self, subject: Subject) -> Wording:
        return self.language.subjects[subject.key]

    def _name(self, facts: Facts) -> Forms:
        return self._forms(facts.subject.name, facts.name)

    def _forms(self, field: Field, place: int) -> Forms:
        return self.language.show[field.kind](field.values[place])


def _at(bank: Sequence[str], share: float) -> str:
    return bank[int(share * len(bank))]


def _true(facts: Facts, said: Said) -> bool:
    return said.key in facts.values and said.value == facts.values[said.key][0]


def _head(wording: Wording, name: Forms) -> str:
    return with_capital(show(wording.full, name))


def _mentions_subject(template: str) -> bool:
    return any(letter in "st" for _, letter in slots(template))


def _pattern(template: str, key: str, heads: Sequence[str]) -> Pattern:
    """The template as a pattern. `key` is the field of slots that name none."""
    around = [re.escape(text) for text in literals(template)]
    parts, groups = [around[0]], []
    for (named, letter), after in zip(slots(template), around[1:], strict=True):
        if letter in "st":
            parts.append("(?:" + "|".join(re.escape(h if letter == "s" else small(h)) for h in heads) + ")")
        else:
            parts.append(VALUE)
            groups.append((named or key, letter))
        parts.append(after)
    return Pattern(re.compile("".join(parts)), tuple(groups))
