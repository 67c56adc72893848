"""Reading through dirt: slips of two letters are set right, foreign words are blanked, and nothing changes its place.

Without this, a wrong statement with a typo or a stray word in it could no longer be read, and dirt would pay.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from rmbench.worlds import stance

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


class Vocabulary:
    """The words that a world's sentences are made of.

    After `leads`, and in quotes, any word may be a value; there a slip in one of the words in `exact` is an error.
    """

    def __init__(self, texts: Iterable[str], leads: Collection[str] = (), exact: Collection[str] = ()) -> None:
        self._words = frozenset(w.lower() for text in texts for w in WORD.findall(text))
        self._leads, self._exact = frozenset(leads), frozenset(exact)
        self._slips = {
            f"{w[:i]}{w[i + 1]}{w[i]}{w[i + 2 :]}": w for w in self._words if len(w) > 3 for i in range(len(w) - 1)
        }

    def repair(self, sentence: str) -> str:
        """The sentence with slips corrected and foreign words blanked. Numbers, single letters and denials stay."""
        out, at, last = [], 0, ""
        for found in WORD.finditer(sentence):
            put = self._put(found.group(), last, sentence[found.start() - 1 : found.start()])
            out += [sentence[at : found.start()], put]
            at = found.end()
            last = put.strip().lower() or last
        return "".join(out) + sentence[at:]

    def _put(self, word: str, last: str, mark: str) -> str:
        low = word.lower()
        if low in self._words or len(word) == 1 or any(map(str.isdigit, word)):
            return word
        meant = self._slips.get(low)
        if meant and not (last in self._leads and meant in self._exact):
            return str(meant)
        if last in self._leads or (self._leads and mark and mark in "\"'“‘"):
            return word
        return " " * len(word) if stance.plain(word) else word


def spare_words(sentence: str, repaired: str) -> list[str]:
    """The words that the repair changed."""
    return [m.group() for m in WORD.finditer(sentence) if repaired[m.start() : m.end()] != m.group()]
