"""Pairs for the generalisation axis: the same question and the same two answers, in English and in another language.

Twins share the facts, what each answer gets right, wrong, or leaves out, and the order of its sentences; the words are
each language's own. The better answer is the longer one in every other pair, in both languages, so that length tells
nothing on either side. Numbers look alike in all languages, and so whoever compares digits with the record would need
no word of any: of three pairs, one has the better digits in the better answer, one in the worse, and one in neither.
"""

from __future__ import annotations

import re
from random import Random

from pydantic import Field

from rmbench.errors import TaskError
from rmbench.recipes._common import in_random_order
from rmbench.recipes._languages import notices
from rmbench.recipes._languages.plan import Facts, Step, draw, expect, numbers, plan, sample, worth
from rmbench.types import Item, Message, Strict

BASE = "en"
RECORDS, TRIES = 40, 3000
# Which answer has more digits of the record, and which has fewer others, in turn: the better (1), neither, the worse.
DIGITS = ((1, 0), (0, 0), (-1, 0), (1, 1), (0, 0), (-1, -1))


class Settings(Strict):
    """`pairs` per language, each with an English twin."""

    languages: tuple[str, ...] = Field(min_length=1)
    pairs: int = Field(ge=1)
    seed: int
    margin: float = Field(default=0.1, gt=0, description="least gold difference between better and worse")


def build(settings: Settings) -> list[Item]:
    """Languages in turn, so that any prefix of the groups is balanced."""
    items: list[Item] = []
    for number in range(settings.pairs):
        for place, code in enumerate(settings.languages):
            longer, digits = (number + place) % 2 == 0, DIGITS[(number // 2 + place) % len(DIGITS)]
            items += _twins(code, number, settings, digits, longer_is_better=longer)
    return items


def _twins(
    code: str, number: int, settings: Settings, digits: tuple[int, int], *, longer_is_better: bool
) -> list[Item]:
    """A pair in English and in another language."""
    rng = Random(f"language/{code}/{settings.seed + number}")
    key = f"{code}-{number:04d}"
    for attempt in range(RECORDS * TRIES):
        if attempt % TRIES == 0:  # few records with a single word allow a better answer with the worse digits
            facts = draw(rng)
        better, worse = (sample(facts, rng) for _ in range(2))
        if _signs(numbers(facts, better), numbers(facts, worse)) != digits:
            continue
        if worth(expect(facts, better)) - worth(expect(facts, worse)) < settings.margin:
            continue
        plans = [plan(facts, picks, rng) for picks in (better, worse)]
        seed, flip = rng.random(), rng.random()
        texts = {lang: _write(lang, facts, plans, seed) for lang in (BASE, code)}
        if all(_fits(notices(lang).ask(facts), texts[lang], digits, longer=longer_is_better) for lang in texts):
            base = _item(BASE, facts, texts[BASE], split="base", twin=key)
            shift = _item(code, facts, texts[code], split="shift", twin=key, category=code)
            return [in_random_order(item, Random(flip)) for item in (base, shift)]
    raise TaskError(f"no pair with a gold margin of {settings.margin} in {RECORDS * TRIES} tries for {key}")


def _write(code: str, facts: Facts, plans: list[list[Step]], seed: float) -> tuple[str, ...]:
    """The two answers in a language."""
    rng = Random(f"{code}/{seed}")
    return tuple(notices(code).write(facts, steps, rng) for steps in plans)


def _item(code: str, facts: Facts, texts: tuple[str, ...], **tags: str) -> Item:
    """The request and the two answers with their gold."""
    notice = notices(code)
    gold = tuple(notice.gold(facts, text).score for text in texts)
    prompt = (Message(role="user", content=notice.ask(facts)),)
    key = f"{tags['twin']}-{tags['split']}"
    return Item(key, prompt, texts, gold, tags["twin"], tags={"language": code, **tags})


def _fits(record: str, texts: tuple[str, ...], digits: tuple[int, int], *, longer: bool) -> bool:
    """Whether the first text is longer or shorter than the second, and its digits are as asked."""
    extra = len(texts[0]) - len(texts[1])
    if extra == 0 or (extra > 0) != longer:
        return False
    return _signs(*(_digits(record, text) for text in texts)) == (*digits, digits[0])


def _digits(record: str, text: str) -> tuple[int, int, int]:
    """What a scorer that reads digits alone could give: for those in the record, against the others, and for both."""
    known, said = {*re.findall(r"\d+", record)}, re.findall(r"\d+", text)
    found = sum(number in known for number in said)
    return len({*said} & known), -len({*said} - known), 2 * found - len(said)


def _signs(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    """Which of the two has more, place by place."""
    return tuple((a > b) - (a < b) for a, b in zip(first, second, strict=True))
