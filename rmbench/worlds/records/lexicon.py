"""What the reader knows of a kind of record: its predicates, subjects, labels and the values that its fields take."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from random import Random

from rmbench.worlds import phrases
from rmbench.worlds.records.bank import BASE, FIRST, HELD_OUT, LAST, Field, Kind, person
from rmbench.worlds.repair import WORD, Vocabulary
from rmbench.worlds.stance import undenied

KINDS = {kind.key: kind for kind in (*BASE, *HELD_OUT)}
NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()
DRAWS = 1500  # enough to see every value of a field that is not a number

_TOKEN = r"[^\W_]+(?:(?:[.:,](?=\d)|['’-])[^\W_]+)*+"  # noqa: S105 - a word
_SPACE = r"[\s\"'“”‘’()*_\[\]]{1,60}"  # between the words of a value
_APART = r"[^\w.!?:=]{1,60}"  # between the words of a predicate; "Starts in: Lyon" is none
_END = r"(?=[,;)!?–—\v…\"”’]|:(?!\d)|\s+(?:and|but|which|who|as|because)\b|\s+-|\.(?![\d])|\s*$)"
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")


@dataclass(frozen=True, slots=True)
class Found:
    """A predicate in a sentence: sentence[start:stop], its value ending at `end`."""

    key: str
    value: str
    start: int
    end: int
    stop: int


@dataclass(frozen=True, slots=True)
class Predicate:
    """One way to say a field. `closed` ends with its clause, `loose` lets junk in. `tail`: words follow the value."""

    key: str
    closed: re.Pattern[str]
    loose: re.Pattern[str]
    tail: bool


def canonical(value: str) -> str:
    """A value as it is compared: small letters, single spaces, numbers in digits."""
    if not value.isascii():
        value = unicodedata.normalize("NFKC", value)
    return " ".join([_number(word) for word in value.lower().split()])


def _number(word: str) -> str:
    if word in NUMBERS:
        return str(NUMBERS.index(word))
    return word.replace(",", "") if _THOUSANDS.fullmatch(word) else word


def _predicate(field: Field, say: str) -> Predicate:
    before, after = say.split("{v}")
    plain = (re.escape(part).replace(r"\ ", r"\s+") for part in (before, after))
    first, last = plain
    closed = rf"{first}(?P<v>{_TOKEN}(?:\s(?!and\b){_TOKEN}){{0,2}}?){last}{_END}"
    many = "{0,7}?" if after.strip() else "{0,2}"
    head = _APART.join(re.escape(w) for w in before.split())
    rest = "".join(_APART + re.escape(w) for w in after.split())
    loose = rf"{head}{_APART}(?P<v>{_TOKEN}(?:{_SPACE}(?!and\b){_TOKEN}){many}){rest}(?!\w)"
    flags = re.IGNORECASE
    return Predicate(field.key, re.compile(closed, flags), re.compile(loose, flags), bool(after.strip()))


@dataclass(frozen=True)
class Lexicon:
    """All of this for one kind."""

    kind: Kind

    @cached_property
    def predicates(self) -> dict[str, list[Predicate]]:
        """By first word."""
        out: dict[str, list[Predicate]] = {}
        for field in self.kind.fields:
            for say in field.says:
                out.setdefault(say.split()[0].lower(), []).append(_predicate(field, say))
        return out

    @cached_property
    def options(self) -> dict[str, frozenset[str]]:
        """The values of each field, as far as they can be counted."""
        rng = Random(0)
        people = frozenset(canonical(f"{first} {last}") for first in FIRST for last in LAST)
        return {
            f.key: people if f.values is person else frozenset(canonical(f.values(rng)) for _ in range(DRAWS))
            for f in self.kind.fields
        }

    @cached_property
    def numeric(self) -> frozenset[str]:
        """The fields whose values have digits."""
        return frozenset(key for key, values in self.options.items() if any(map(str.isdigit, "".join(values))))

    @cached_property
    def openers(self) -> frozenset[str]:
        """First words of values that are no numbers."""
        return frozenset(v.split()[0] for key in self.options.keys() - self.numeric for v in self.options[key])

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Every word that a sentence about such a record may hold."""
        says = [say.replace("{v}", " ") for f in self.kind.fields for say in f.says]
        values = [v for values in self.options.values() for v in values]
        labels = [f.key for f in self.kind.fields]
        names = [self.kind.names(Random(i)) for i in range(400)]
        joints = ["and also but which who that it this the flat or", *phrases.AGAIN, *NUMBERS]
        return Vocabulary([*says, *values, *labels, *names, *joints, *self.kind.subjects, self.kind.noun])

    @cached_property
    def mentions(self) -> list[tuple[str, str, re.Pattern[str]]]:
        """Values named without a sentence: "Rooms: 9", "9 rooms". They earn nothing, but false ones are false.

        Each with its field and the word that it cannot do without.
        """
        out = []
        for field in self.kind.fields:
            label = re.escape(field.key).replace(r"\ ", r"\s+")
            link = r"[^\w.!?]{1,6}(?:(?:is|are|was|of|at|in|equals|number)\W{1,3}){0,2}"
            needle = field.key.split(maxsplit=1)[0].lower()
            out.append((field.key, needle, rf"\b{label}{link}(?P<v>{_TOKEN}(?:\s{_TOKEN}){{0,2}})"))
            tails = {say.split("{v}")[1] for say in field.says} - {""}
            out += [
                (
                    field.key,
                    t.split(maxsplit=1)[0],
                    rf"(?P<v>{_TOKEN}){re.escape(t).replace(chr(92) + ' ', _APART)}\b(?!\s*[:=])",
                )
                for t in tails
            ]
        return [(key, needle, re.compile(pattern, re.IGNORECASE)) for key, needle, pattern in out]

    def starting(self, word: str) -> Sequence[Predicate]:
        """The predicates that begin with a word."""
        return self.predicates.get(word.lower(), ())

    def alike(self, key: str, value: str) -> str:
        """The part of a canonical value that could be a value of this field; "" if none could."""
        words = value.split()
        if key in self.numeric:
            return next((w for w in words if any(map(str.isdigit, w))), "")
        starts = (" ".join(words[:n]) for n in range(len(words), 0, -1))
        return next((s for s in starts if s in self.options[key]), "")

    def closed(self, sentence: str) -> Iterator[Found]:
        """The predicates of a well-formed sentence. Of readings that overlap, the first with the shortest value."""
        at = 0
        for word in WORD.finditer(sentence):
            starts = self.predicates.get(word.group().lower())
            if starts is None or word.start() < at:
                continue
            best, size = None, len(sentence)
            for predicate in starts:
                m = predicate.closed.match(sentence, word.start())
                if m and m.end("v") - m.start("v") < size:
                    best, size = (predicate.key, m), m.end("v") - m.start("v")
            if best:
                key, m = best
                at = m.end("v")
                yield Found(key, canonical(m["v"]), m.start(), at, m.end())

    def loose(self, sentence: str, truths: Mapping[str, str]) -> Iterator[Found]:
        """The predicates of any sentence, with junk in or after them. True readings first, then telling ones."""
        at = 0
        for word in WORD.finditer(sentence):
            if word.start() < at:
                continue
            found = [f for p in self.starting(word.group()) if (f := self._loose(p, sentence, word.start(), truths))]
            if found:
                best = min(found, key=lambda f: (f.value != truths.get(f.key), not self.alike(f.key, f.value), f.end))
                yield best
                at = best.stop

    def _loose(self, predicate: Predicate, sentence: str, at: int, truths: Mapping[str, str]) -> Found | None:
        key = predicate.key
        m = predicate.loose.match(sentence, at)
        if m is None:
            return None
        words = list(re.finditer(_TOKEN, m["v"]))
        value = canonical(" ".join(w.group() for w in words))
        truth = truths.get(key, "\0")
        said, size = value.split(), len(truth.split())
        if said[:size] == truth.split() and not predicate.tail:
            end = m.start("v") + words[size - 1].end()
            return Found(key, truth, at, end, end)
        if predicate.tail and f" {truth} " in f" {value} " and not self._hedged(key, said, truth.split()):
            return Found(key, truth, at, m.end("v"), m.end())
        telling = self.alike(key, value)
        if telling and not predicate.tail and key not in self.numeric:
            end = m.start("v") + words[len(telling.split()) - 1].end()
            return Found(key, telling, at, end, end)
        strict = predicate.closed.match(sentence, at)
        if telling or strict:
            return Found(key, canonical(strict["v"]) if strict else value, at, m.end("v"), m.end())
        return None

    def _hedged(self, key: str, said: Sequence[str], truth: Sequence[str]) -> bool:
        """Whether a value holds more than the truth and harmless words."""
        rest = [w for w in said if w not in truth]
        return bool(QUALIFIER.match(" ".join(rest)) or self.alike(key, " ".join(rest)))


QUALIFIER = re.compile(
    r"\W*(?:or|fewer|less|more|too|plus|minus|times|than|through|ago|bc|short|extra|each|per|of|almost|nearly|about|over"
    r"|under|least|most|around|up|not(?! \d)|maybe|perhaps|possibly|either|rather|actually|instead)\b|\s*[%/+]",
    re.IGNORECASE,
)


@lru_cache(maxsize=1 << 16)
def idle(kind: str, sentence: str) -> bool:
    """Whether a sentence holds no predicate and no value, so that it cannot say anything of any record."""
    words = lexicon(kind)
    if any(w.lower() in words.openers or any(map(str.isdigit, w)) for w in WORD.findall(sentence)):
        return False
    texts = (words.vocabulary.repair(sentence), words.vocabulary.repair(undenied(sentence) or ""))
    starts = ((p, text, w.start()) for text in texts for w in WORD.finditer(text) for p in words.starting(w.group()))
    return not any(p.loose.match(text, at) for p, text, at in starts)


@cache
def lexicon(kind: str) -> Lexicon:
    """What is known of a kind."""
    return Lexicon(KINDS[kind])


@lru_cache(maxsize=512)
def openings(kind: str, name: str) -> frozenset[str]:
    """All that may stand before the first predicate of a well-formed sentence, in small letters."""
    subjects = {name.lower(), *(s.lower() for s in KINDS[kind].subjects)}
    return frozenset(lead + s for lead in ("", *(a.lower() for a in phrases.AGAIN)) for s in subjects)


@lru_cache(maxsize=512)
def subject(kind: str, name: str) -> re.Pattern[str]:
    """The record itself, wherever it is named. Its possessive is something else."""
    noun = KINDS[kind].noun
    names = {name, *KINDS[kind].subjects, f"the {noun}", f"this {noun}", f"our {noun}", "it", "this one"}
    if kind in {"employee", "pet"}:
        names |= {name.split(maxsplit=1)[0], "he", "she", "they"}
    either = "|".join(re.escape(n).replace(r"\ ", r"\s+") for n in sorted(names, key=len, reverse=True))
    return re.compile(rf"\b(?:{either})\b(?!['’]s\b)", re.IGNORECASE)
