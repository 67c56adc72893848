"""How many tokens a device reads best at a time: measured, not guessed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Protocol

from rmbench.models.base import Tokens

LENGTH = 256  # tokens of a made-up sequence, or as many as the model reads
LEAST, MOST = 2048, 2**19  # tokens per batch
GAIN = 0.95  # a larger batch must bring the time per token down to this part, or it is not worth its memory


class _Scorer(Protocol):
    def score_tokens(self, batch: Sequence[Tokens]) -> Sequence[object]: ...


def measured_budget(
    model: _Scorer, window: int, words: Sequence[Tokens], clock: Callable[[], float] = time.perf_counter
) -> int:
    """Double the tokens per batch until the time per token stops falling, or the memory is full.

    The sequences are made of the tokens of `words`. Where not even the least batch can be scored, its size is returned
    all the same: the engine halves what does not fit, and names any other error.
    """
    length = min(LENGTH, window)
    row = Tokens(tuple(islice(cycle([i for word in words for i in word.ids]), length)))
    best, before, size = LEAST, float("inf"), LEAST
    while size <= MOST:
        batch = [row] * (size // length)
        try:
            model.score_tokens(batch)  # the first time is slower: memory is taken, kernels are chosen
            began = clock()
            model.score_tokens(batch)
            each = (clock() - began) / size
        except Exception:  # noqa: BLE001 - mostly the memory; whatever else it is, the first real batch says it
            return best
        if each > GAIN * before:
            return best
        best, before, size = size, each, size * 2
    return best
