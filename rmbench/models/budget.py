"""How many tokens a device reads best at a time: measured, not guessed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from rmbench.models.answers import is_out_of_memory
from rmbench.models.base import Tokens

LENGTH = 256  # tokens of a made-up sequence
LEAST, MOST = 2048, 2**19  # tokens per batch
GAIN = 0.95  # a larger batch must bring the time per token down to this part, or it is not worth its memory


class _Scorer(Protocol):
    def score_tokens(self, batch: Sequence[Tokens]) -> Sequence[object]: ...


def measured_budget(model: _Scorer, clock: Callable[[], float] = time.perf_counter) -> int:
    """Double the tokens per batch until the time per token stops falling, or the memory is full.

    Where not even the least fits, it is returned all the same: the engine halves what does not fit.
    """
    best, before = LEAST, float("inf")
    size = LEAST
    while size <= MOST:
        batch = [Tokens((1,) * LENGTH)] * (size // LENGTH)
        try:
            model.score_tokens(batch)  # the first time is slower: memory is taken, kernels are chosen
            began = clock()
            model.score_tokens(batch)
            each = (clock() - began) / size
        except Exception as error:
            if is_out_of_memory(error):
                return best
            raise
        if each > GAIN * before:
            return best
        best, before, size = size, each, size * 2
    return best
