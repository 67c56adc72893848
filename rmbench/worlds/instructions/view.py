"""A text as the constraints see it: its sentences, its words, and where it states what."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from rmbench.worlds import surface, tidy
from rmbench.worlds.instructions.kinds import core, whole

Span = tuple[int, int]

LONGEST = 1000  # characters of a sentence; more are read as several
BABBLE = 6  # words of a sentence of which more than half must differ
_POSTSCRIPT = re.compile(r"^p\.?\s?s\b[.:]*\s*", re.IGNORECASE)
_BARE_POSTSCRIPT = re.compile(r"p\.?\s?s[.:]*", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_WORD_OR_TWO = re.compile(r"[^\W_]+(?:['’.,:-][^\W_]+)?")  # well-known, 2.5, o'clock
_GLUED = re.compile(r"(?<=[^\W\d_]{2}[.!?])(?=[^\W\d_]{2})")


def postscript(sentence: str) -> int:
    """The length of the "PS:" in front of a sentence; 0 without one."""
    match = _POSTSCRIPT.match(sentence)
    return match.end() if match else 0


def bare(text: str) -> str:
    """Lower-cased words with single spaces; all else dropped."""
    return " ".join(_WORD.findall(text.lower().replace("’", "'")))


def words_of(text: str) -> Iterator[re.Match[str]]:
    """The words of a text, as `bare` sees them."""
    return _WORD.finditer(text)


@dataclass
class View:
    """A text as the constraints see it: sentences without markdown, words = what stands between spaces in them.

    `stated` is where each detail is stated, once the text has been read; before that any mention of a value from
    `slots` counts. `idle` are the starts of sentences that are none, or are the prompt's own: what is asked for must
    not be looked for there.
    """

    text: str
    slots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the values that each detail may take
    stated: Mapping[str, list[Span]] | None = None
    idle: Collection[int] = ()

    @cached_property
    def sentences(self) -> list[surface.Sentence]:
        """The sentences; a lone "P.S." belongs to the sentence after it."""
        out: list[surface.Sentence] = []
        for found in _sentences(self.text):
            if out and _BARE_POSTSCRIPT.fullmatch(out[-1].text):
                head = out.pop()
                joined = (*head.origin, head.end - 1, *found.origin)
                out.append(surface.Sentence(f"{head.text} {found.text}", head.start, found.end, joined))
            else:
                out.append(found)
        return out

    @cached_property
    def plain(self) -> str:
        """The text without markdown marks, sentences joined by spaces."""
        return " ".join(s.text for s in self.sentences)

    @cached_property
    def end(self) -> str:
        """The words that it ends with, at least so many as an ending has."""
        return " ".join(bare(self.plain[-200:]).split()[-10:])

    @cached_property
    def words(self) -> int:
        """The number of words."""
        return len(self.plain.split())

    @cached_property
    def least_words(self) -> int:
        """The number of words to reach a minimum with: marks alone are none, nor is babble."""
        return sum(_count_words(s.text) for s in self.sentences)

    @cached_property
    def most_words(self) -> int:
        """The number of words to stay under a maximum with: those run together count one by one."""
        return max(self.words, len(_WORD_OR_TWO.findall(self.plain)))

    def spans(self, pattern: re.Pattern[str], sentences: Sequence[surface.Sentence] | None = None) -> list[Span]:
        """Where the pattern stands, as offsets in the raw text."""
        return [
            (s.origin[m.start()], s.origin[m.end() - 1] + 1)
            for s in (self.sentences if sentences is None else sentences)
            for m in pattern.finditer(s.text)
            if m.end() > m.start()
        ]

    def own(self, pattern: re.Pattern[str]) -> list[Span]:
        """Where the pattern stands in sentences that are not idle."""
        return self.spans(pattern, [s for s in self.sentences if s.start not in self.idle])

    def mentions(self, key: str) -> list[Span]:
        """Where the text states any value, right or wrong, of an asked detail; in the order of the text."""
        if self.stated is not None:
            return self.stated.get(key, [])
        found = {span for value in self.slots.get(key, ()) for span in self.spans(whole(core(value)))}
        return sorted(found)


def _count_words(sentence: str) -> int:
    words = [word for word in sentence.split() if any(map(str.isalnum, word))]
    distinct = len({word.lower() for word in words})
    return len(words) if len(words) < BABBLE or 2 * distinct > len(words) else distinct


def _sentences(text: str) -> Iterator[surface.Sentence]:
    """The sentences of a text. A mere line break ends none, and a full stop does though no space follows."""
    for found in surface.split(tidy.unwrap(tidy.tidy(text)[0]), LONGEST):
        cuts = [m.start() for m in _GLUED.finditer(found.text)]
        at = 0
        for stop in (*cuts, len(found.text)) if cuts else ():
            origin = found.origin[at:stop]
            yield surface.Sentence(found.text[at:stop], origin[0], origin[-1] + 1, origin)
            at = stop
        if not cuts:
            yield found
