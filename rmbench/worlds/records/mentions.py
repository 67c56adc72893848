"""What a free text says about a record, one sentence at a time: values, and the words that tie them to fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from random import Random
from typing import Literal, NamedTuple

from rmbench.worlds.free import WORD, Span, words
from rmbench.worlds.records.bank import FIRST, LAST, MONTHS
from rmbench.worlds.records.bank_cues import CUES, Cue
from rmbench.worlds.records.world import KINDS

Shape = Literal["number", "clock", "day", "person", "listed"]
REACH = 4  # words between a value and the cue that ties it to its field; a comma or "and" between them counts double
FAR = 7  # the same for the record's own value where it is a word or a name: it can hardly mean another field
NONE = 99  # further than any cue
DRAWS = 400  # enough to see every value of a field that has a list of them

NUMBER_WORDS = {
    word: str(n)
    for n, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split(), start=2
    )
}
_NUMBER = re.compile(
    rf"(?<![\w.,:/])\d{{2,4}}[-/]\d{{1,2}}[-/]\d{{2,4}}|(?<![\w.,:/])\d{{1,3}}(?:,\d{{3}})+(?![\w.,]*\d)|(?<![\w.,:/])\d+(?:\.\d+)?(?![^\W_]|[.,:]\d)"
    rf"|\b(?:{'|'.join(NUMBER_WORDS)})\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(?<!\d)(?P<h>\d{1,2})(?:[:.h](?P<m>\d{2}))?\s*(?P<half>[ap]\.?m\b\.?)?(?!\d)", re.IGNORECASE)
_MONTH = "|".join(MONTHS)
_DAY = re.compile(
    rf"\b(?:(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m>{_MONTH})|(?P<m2>{_MONTH})\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"\b[A-Z][\w'’-]+(?:\s+(?:[A-Z][\w'’-]+))+|\b[A-Z][\w'’-]*[\w]\b")
_DIGITS = re.compile(r"\d[\d.,]*")
_FOREIGN = re.compile(r"[$£¥]|\b(?:dollars?|pounds?|usd|gbp)\b", re.IGNORECASE)
_OF_WORDS = re.compile(r"[ -]?words?\b", re.IGNORECASE)
_BREAK = re.compile(r"[,;:()]|\band\b|\bor\b", re.IGNORECASE)


class Mention(NamedTuple):
    """A value in a sentence, what it says (in the record's spelling), and the field it is tied to, if any."""

    span: Span
    value: str
    key: str
    against: bool = False


@cache
def shape_of(kind: str, key: str) -> tuple[Shape, tuple[str, ...]]:
    """What the values of a field look like, and the list of them where there is one."""
    field = next(f for f in KINDS[kind].fields if f.key == key)
    drawn = sorted({field.values(Random(seed)) for seed in range(DRAWS)})
    if all(re.fullmatch(r"\d+(?:\.\d)?", v) for v in drawn):
        return "number", ()
    if all(re.fullmatch(r"\d\d:\d\d", v) for v in drawn):
        return "clock", ()
    if all(_DAY.fullmatch(v) for v in drawn):
        return "day", ()
    if all(v.split()[0] in FIRST and v.split()[-1] in LAST for v in drawn):
        return "person", ()
    return "listed", tuple(drawn)


@cache
def cue_pattern(kind: str, key: str) -> re.Pattern[str]:
    """The cue of a field as whole words; digits may run into it (a 40-year-old)."""
    return re.compile(rf"(?:(?<!\w)|(?<=\d))(?:{CUES[kind][key].words})(?!\w)", re.IGNORECASE)


@cache
def against_pattern(kind: str, key: str) -> re.Pattern[str] | None:
    """What points away from a field, if anything does."""
    against = CUES[kind][key].against
    return re.compile(rf"\b(?:{against})\b", re.IGNORECASE) if against else None


@cache
def literal(value: str) -> re.Pattern[str]:
    """A value as whole words; a weekday in the singular or the plural."""
    body = r"\s+".join(map(re.escape, value.split()))
    return re.compile(
        rf"(?<!\w){body[:-1]}s?(?!\w)" if value.endswith("days") else rf"(?<!\w){body}(?!\w)", re.IGNORECASE
    )


def distance(sentence: str, one: Span, other: Span) -> int:
    """Words between two spans; 0 if they touch. A comma, colon, "and" or "or" between them counts as one more."""
    first, second = sorted((one, other))
    between = sentence[first[1] : second[0]]
    return len(WORD.findall(between)) + len(_BREAK.findall(between))


def nearest(pattern: re.Pattern[str], sentence: str, span: Span) -> int:
    """The distance of the nearest cue that is not the value itself; NONE if there is none."""
    spans = (m.span() for m in pattern.finditer(sentence))
    found = [distance(sentence, span, s) for s in spans if s[1] <= span[0] or s[0] >= span[1]]
    return min(found, default=NONE)


def nearest_without_number(pattern: re.Pattern[str], sentence: str, span: Span) -> int:
    """As `nearest`, but a cue beyond another number belongs to that one."""
    before = max((m.end() for m in _DIGITS.finditer(sentence, 0, span[0])), default=0)
    after = next((m.start() for m in _DIGITS.finditer(sentence, span[1])), len(sentence))
    return nearest(pattern, sentence[before:after], (span[0] - before, span[1] - before))


class Reader:
    """The mentions in one sentence about a record of this kind. `facts` are the record's fields."""

    def __init__(self, kind: str, name: str, facts: dict[str, str], sentence: str) -> None:
        self.kind, self.facts = kind, facts
        self.cues: dict[str, Cue] = CUES[kind]
        self.sentence = literal(name).sub(lambda m: "_" * len(m.group()), sentence)
        self.taken: list[Span] = []

    def mentions(self) -> list[Mention]:
        """What is said, the surest readings first; no stretch of text is read twice."""
        found: list[Mention] = []
        for read in (self.lines, self.days, self.clocks, self.listed, self.people, self.numbers):
            for mention in read():
                if all(mention.span[1] <= a or b <= mention.span[0] for a, b in self.taken):
                    found.append(mention)
                    self.taken.append(mention.span)
        return found

    def lines(self) -> Iterator[Mention]:
        """Fields written as "Key: value"."""
        for key in self.cues:
            pattern = rf"(?<!\w){re.escape(key)}s?\s*[:=]\s*(?P<v>[^\s,;|][^,;|]*?)\s*(?=[,;|]|\.?$|\.\s)"
            for m in re.finditer(pattern, self.sentence, re.IGNORECASE):
                right = self.facts.get(key, "")
                exact = right and re.match(rf"{re.escape(right)}(?!\w)", m["v"], re.IGNORECASE)
                value = right if exact else m["v"][:40]
                end = m.start("v") + len(right) if exact else m.end("v")
                yield Mention((m.start(), end), value, key)

    def _of_shape(self, shape: Shape) -> list[str]:
        return [key for key in self.cues if shape_of(self.kind, key)[0] == shape]

    def days(self) -> Iterator[Mention]:
        """Dates in any order of day and month."""
        keys = self._of_shape("day")
        for m in _DAY.finditer(self.sentence):
            value = f"{int(m['d'] or m['d2'])} {(m['m'] or m['m2']).capitalize()}"
            yield Mention(m.span(), value, keys[0] if keys else "date")

    def clocks(self) -> Iterator[Mention]:
        """Times of day; "4 pm" counts, a bare "4" does not."""
        keys = self._of_shape("clock")
        for m in _CLOCK.finditer(self.sentence):
            if not m["half"] and (not m["m"] or (m[0][len(m["h"])] == "." and not keys)):
                continue
            hour = int(m["h"]) % 12 + 12 if (m["half"] or "").lower().startswith("p") else int(m["h"])
            value = f"{hour:02d}:{m['m'] or '00'}"
            if keys and (value == self.facts.get(keys[0]) or m["half"] or m[0].find(":") > 0):
                away = against_pattern(self.kind, keys[0])
                yield Mention(m.span(), value, keys[0], bool(away and nearest(away, self.sentence, m.span()) <= 1))
            elif m["half"] or ":" in m[0]:
                yield Mention(m.span(), value, "clock")

    def listed(self) -> Iterator[Mention]:
        """Values of fields that have a list of them. The record's own value may stand further from its cue."""
        for key in self._of_shape("listed"):
            own = self.facts.get(key, "")
            options = sorted({own, *shape_of(self.kind, key)[1]} - {""}, key=lambda v: (v != own, -len(v)))
            away = against_pattern(self.kind, key)
            for value in options:
                reach = FAR if value == own else REACH - 1
                for m in literal(value).finditer(self.sentence):
                    near = nearest(cue_pattern(self.kind, key), self.sentence, m.span())
                    near = 0 if self.cues[key].bare and value == own else near
                    if near <= reach:
                        against = bool(away and nearest(away, self.sentence, m.span()) <= near)
                        yield Mention(m.span(), value, key, against)

    def people(self) -> Iterator[Mention]:
        """Names in the role that the record has for somebody."""
        for key in self._of_shape("person"):
            pattern = cue_pattern(self.kind, key)
            own = self.facts.get(key)
            for m in literal(own).finditer(self.sentence) if own else ():
                if nearest(pattern, self.sentence, m.span()) <= FAR - 2:
                    yield Mention(m.span(), str(own), key)
            for m in _NAME.finditer(self.sentence):
                known = own is not None and set(words(m.group())) & set(words(own))
                before = self.sentence[: m.start()].rstrip()
                directly = any(c.end() == len(before) for c in pattern.finditer(before))
                if " " in m.group() and not known and "_" not in m.group() and directly:
                    yield Mention(m.span(), m.group(), key)

    def numbers(self) -> Iterator[Mention]:
        """Numbers, each tied to the field with the nearest cue. A number without one has no key."""
        keys = self._of_shape("number")
        for m in _NUMBER.finditer(self.sentence):
            if _OF_WORDS.match(self.sentence, m.end()) or self.sentence[: m.start()].endswith("out of "):
                continue  # speaks of the text itself, or of a scale
            word = m.group().lower()
            value = NUMBER_WORDS.get(word, word.replace(",", ""))
            near = {k: nearest_without_number(cue_pattern(self.kind, k), self.sentence, m.span()) for k in keys}
            ranked = sorted(keys, key=lambda k: (near[k], self.facts.get(k) != value, k not in self.facts))
            reach = 1 if word in NUMBER_WORDS else REACH
            if ranked and self.facts.get(ranked[0]) != value and value in self.facts.values():
                reach = 0  # the value of another field, unless it stands right at the cue
            key = ranked[0] if ranked and near[ranked[0]] <= reach else ""
            if key or word not in NUMBER_WORDS:
                abroad = bool(key and self.cues[key].money and self._abroad(m.span()))
                yield Mention(m.span(), value, key, abroad)

    def _abroad(self, span: Span) -> bool:
        """Whether the sum is in another currency."""
        return nearest(_FOREIGN, self.sentence, span) == 0


def invented_names(sentence: str, known: Callable[[str], bool], taken: Sequence[Span]) -> list[tuple[Span, str]]:
    """Capitalised words in mid-sentence that the prompt does not have: people, places and titles of one's own.

    A sentence in capitals, and one that is written as a title, tell nothing by their capitals.
    """
    letters = [w for w in WORD.findall(sentence) if w.isalpha()]
    capital = sum(w[0].isupper() for w in letters)
    if len(letters) > 3 and capital > 0.8 * len(letters):
        return []
    out = []
    for m in _NAME.finditer(sentence):
        opens = not re.search(r"\w", sentence[: m.start()])
        rest = [w for w in words(m.group()) if not known(w) and len(w) > 1]
        if opens:  # the first word of a sentence has its capital from there
            rest = [w for w in rest if w != words(m.group())[0]]
        if rest and all(m.end() <= a or b <= m.start() for a, b in taken):
            out.append((m.span(), m.group().lower()))
    return out
