"""Which 13-word sequences of some texts stand in a corpus, and which one document holds most of a text's own ones.

The texts are indexed and the corpus runs past them, so memory depends on the texts alone, however large the corpus is.
Thirteen words are the field's usual length (Brown et al. 2020, section C of the appendix).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

N = 13
HOLDERS = 3  # a gram that more documents (or more groups of the texts) hold is a phrase in use: it tells no copy
FEWEST = 5  # grams of its own that a text must have before a share of them means something
_EAST = (
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"  # scripts that are written without blanks: each sign a word
)
_WORD = re.compile(rf"[{_EAST}]|[^\W_{_EAST}]+")
_PLAIN = re.compile(r"[a-z0-9]+")  # the same for ASCII, three times as fast
Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Text:
    """A text to look up. Texts of one `group` (within one `part`, such as a task) are versions of each other.

    Without a group, it is only counted what was seen of a text, and no copy of it is looked for.
    """

    text: str
    group: str | None
    part: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the corpus. `title` (a prompt) is compared as a whole too, and documents that share it are one.

    Without a title, each document is one of its own.
    """

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Match:
    """What the corpus holds of a text: `seen` of its `grams`, and `held` of its `own` ones in document `holder`.

    Its own grams are those that at most `HOLDERS` documents hold, and as many groups of texts in a part. `same` is the
    first document whose title is the text, but for case and punctuation. Documents count from 1.
    """

    grams: int
    seen: int
    own: int
    held: int
    holder: int | None
    same: int | None

    @property
    def copied(self) -> bool:
        """Whether one document holds more than half of what is the text's own."""
        return self.own >= FEWEST and 2 * self.held > self.own


def words(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation."""
    return (_PLAIN if text.isascii() else _WORD).findall(text.lower())


def grams(text: str) -> Hashes:
    """The hashes of all sequences of `N` words in a text, each once."""
    return np.unique(sequences(hashes(words(text))))


def hashes(found: Sequence[str]) -> Hashes:
    """The hash of each word."""
    return np.fromiter(map(_hash, found), dtype=np.uint64, count=len(found))


def sequences(found: Hashes) -> Hashes:
    """The hashes of the sequences of `N` words that begin at each word, from the hashes of the words."""
    if len(found) < N:
        return np.empty(0, dtype=np.uint64)
    out = np.zeros(len(found) - N + 1, dtype=np.uint64)
    for k in range(N):  # a polynomial in an odd number, modulo 2^64: order counts
        out = out * np.uint64(0x9E3779B97F4A7C15) + found[k : len(found) - N + 1 + k]
    return out


def look_up(texts: Sequence[Text], corpus: Iterable[Document]) -> list[Match]:
    """What the corpus holds of each text, in one pass over it."""
    index = Index(texts)
    titles: dict[int, int] = {}  # of documents that are one of the texts; few, however long the corpus
    wanted = {_whole(text.text) for text in texts}
    for number, document in enumerate(corpus, start=1):
        whole = _whole(document.title)
        if whole in wanted:
            titles.setdefault(whole, number)
        found = grams(f"{document.title}\n{document.body}")
        index.see(found, number, whole if document.title else number)
    return [index.match(n, titles.get(_whole(text.text))) for n, text in enumerate(texts)]


class Index:
    """For every gram of the texts: whether it was seen, and in which documents, as long as they are few."""

    def __init__(self, texts: Sequence[Text]) -> None:
        self.texts = texts
        of_text = [grams(text.text) for text in texts]
        self.grams = np.unique(np.concatenate(of_text)) if texts else np.empty(0, dtype=np.uint64)
        self.places = [np.searchsorted(self.grams, found) for found in of_text]
        self.shared = self._in_many_groups(texts)
        self.count = np.zeros(len(self.grams), dtype=np.int64)
        self.title = np.zeros((len(self.grams), HOLDERS), dtype=np.uint64)
        self.number = np.zeros((len(self.grams), HOLDERS), dtype=np.int64)

    def _in_many_groups(self, texts: Sequence[Text]) -> NDArray[np.bool_]:
        """Which grams more than `HOLDERS` groups of one part have."""
        by_part: dict[str, dict[str, list[NDArray[np.intp]]]] = {}
        for text, places in zip(texts, self.places, strict=True):
            if text.group is None:
                continue
            by_part.setdefault(text.part, {}).setdefault(text.group, []).append(places)
        many = np.zeros(len(self.grams), dtype=np.bool_)
        for groups in by_part.values():
            once = [np.unique(np.concatenate(found)) for found in groups.values()]
            many |= np.bincount(np.concatenate(once), minlength=len(self.grams)) > HOLDERS
        return many

    def see(self, found: Hashes, number: int, title: int) -> None:
        """Note the grams of a document. One with a title that a gram was seen under is no further document."""
        at = np.searchsorted(self.grams, found)
        inside = at < len(self.grams)
        at, found = at[inside], found[inside]
        at = at[self.grams[at] == found]
        new = (self.count[at] <= HOLDERS) & ~(self.title[at] == np.uint64(title)).any(axis=1)
        fresh = at[new]
        room = fresh[self.count[fresh] < HOLDERS]
        self.title[room, self.count[room]] = title
        self.number[room, self.count[room]] = number
        self.count[fresh] += 1

    def match(self, n: int, same: int | None) -> Match:
        """What was seen of text number `n`."""
        places = self.places[n]
        seen = int((self.count[places] > 0).sum())
        if self.texts[n].group is None:
            return Match(len(places), seen, own=0, held=0, holder=None, same=same)
        own = places[~self.shared[places] & (self.count[places] <= HOLDERS)]
        numbers, titles = self.number[own], self.title[own]
        holder, held = None, 0
        if (numbers > 0).any():
            _, where, times = np.unique(titles[numbers > 0], return_inverse=True, return_counts=True)
            best = int(np.argmax(times))
            holder, held = int(numbers[numbers > 0][where == best].min()), int(times[best])
        return Match(len(places), seen, len(own), held, holder, same)


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


_hash = lru_cache(maxsize=1 << 17)(_digest)  # of single words, which come again and again


def _whole(text: str) -> int:
    """A hash of the words of a text, far above any number of a document."""
    return _digest(" ".join(words(text))) | 1 << 63
