"""Finding passages that stand whole in a text, whatever their case and punctuation.

Each passage is looked for by its rarest 13-word sequence; where that is seen, the words are compared. So a template's
sentences cost nothing, and no hash is trusted. A passage whose messages are all shorter is found where each is a
text of its own (a cell, a message) in one row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from rmbench.contamination.passages import Passage
from rmbench.validation.overlap import Hashes, N, hashes, sequences, words

CHUNK = 4000  # passages whose words are held at once


class Whole:
    """The passages, by their rarest sequence or, where they are short, by a message of theirs."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.passages = passages
        found = [_sequences(passages, start) for start in range(0, len(passages), CHUNK)]
        nothing = (np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.intp))
        every, of = (np.concatenate(part) for part in zip(*found, nothing, strict=True))
        _, place, times = np.unique(every, return_inverse=True, return_counts=True)
        order = np.lexsort((every, times[place], of))
        first = order[np.unique(of[order], return_index=True)[1]]
        by_hash = np.argsort(every[first], kind="stable")
        self.anchors: Hashes = every[first][by_hash]
        self.owners: NDArray[np.intp] = of[first][by_hash]
        self.short: dict[str, list[int]] = {}
        for n in sorted({*range(len(passages))}.difference(of[first].tolist())):
            self.short.setdefault(max(passages[n].parts, key=len), []).append(n)

    def by_sequence(self, seen: Hashes, text: str) -> Iterator[int]:
        """The numbers of the passages in a text that has (at least) these sequences."""
        low, high = np.searchsorted(self.anchors, seen, "left"), np.searchsorted(self.anchors, seen, "right")
        met = np.flatnonzero(high > low)
        if not met.size:
            return
        said = f" {' '.join(words(text))} "
        for n in sorted({int(owner) for k in met for owner in self.owners[low[k] : high[k]]}):
            if all(f" {part} " in said for part in self.passages[n].parts):
                yield n

    def by_message(self, texts: Sequence[Sequence[str]]) -> Iterator[int]:
        """The numbers of the short passages in a row, from the words of each of its texts."""
        said = {" ".join(text) for text in texts if len(text) < N} if self.short else set()
        for name in sorted(said & self.short.keys()):
            yield from (n for n in self.short[name] if said.issuperset(self.passages[n].parts))


def _sequences(passages: Sequence[Passage], start: int) -> tuple[Hashes, NDArray[np.intp]]:
    """The sequences within the messages of `CHUNK` passages, and the number of the passage that has each."""
    chunk = passages[start : start + CHUNK]
    texts = [part.split(" ") for passage in chunk for part in passage.parts]
    of = np.repeat(np.arange(start, start + len(chunk)), [len(passage.parts) for passage in chunk])
    sizes = np.array([len(text) for text in texts], dtype=np.intp)
    found = sequences(hashes([*chain.from_iterable(texts)]))
    left = np.repeat(np.cumsum(sizes), sizes)[: len(found)] - np.arange(len(found))  # words from here to the end
    return found[left >= N], np.repeat(of, sizes)[: len(found)][left >= N]
