"""What is to be asked, in batches: each is carried out once, and kept as soon as it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from rmbench.engine.asking import NO_MEMORY
from rmbench.engine.store import ScoreStore, batch_key
from rmbench.models.answers import Score
from rmbench.models.base import Batch, Tokens
from rmbench.types import Failure, RewardModel

Progress = Callable[[int, int, int], None]  # (conversations done, all of them, tokens read so far)
B = TypeVar("B", Batch, tuple[str, ...])  # of tokens, or of digests of conversations


class Work(Generic[B]):
    """The batches of several sets, and how far they are.

    `codes[i]` is what stands for the conversations of set i in the batches of `plans[i]`: `rows(batch)` gives those of
    a batch. A code that is a Failure is in no batch: it is its own answer. What several sets hold is asked once.
    """

    def __init__(
        self,
        plans: Sequence[Sequence[B]],
        codes: Sequence[Sequence[Hashable]],
        rows: Callable[[B], Sequence[Hashable]],
        tell: Progress,
    ) -> None:
        self._plans: Sequence[Sequence[B]] = plans
        self._codes, self._tell = codes, tell
        self._rows: Callable[[B], Sequence[Hashable]] = rows
        # the set with the longest row first: what does not fit the memory shows at once
        order = sorted((plan for plan in plans if plan), key=lambda plan: -max(map(_length, rows(plan[0]))))
        self._batches: list[B] = list(dict.fromkeys(batch for plan in order for batch in plan))
        self._weights: Counter[B] = Counter()  # conversations that a batch answers
        for plan, some in zip(plans, codes, strict=True):
            counts = Counter(some)
            self._weights.update({batch: sum(counts[row] for row in rows(batch)) for batch in plan})
        self._total = sum(map(len, codes))
        self._done = self._total - self._weights.total()
        self._tokens = 0

    def carried_out(
        self,
        model: RewardModel,
        answers: Callable[[Sequence[B]], Iterator[tuple[int, list[Score]]]],
        store: ScoreStore | None,
    ) -> list[list[Score]]:
        """The score of every code of every set. `answers` carries out batches in any order: (number, scores)."""
        identity = getattr(model, "identity", None)
        keys = {batch: batch_key(identity, batch) for batch in self._batches} if store and identity else {}
        kept = store.get(keys.values()) if store else {}
        found = {batch: kept[key] for batch, key in keys.items() if key in kept}
        self._told(found)
        if store:
            store.served += sum(self._weights[batch] for batch in found)
        rest = [batch for batch in self._batches if batch not in found]
        for number, scores in answers(rest):
            batch = rest[number]
            if store and batch in keys and not _lacked_memory(scores):
                store.put(keys[batch], scores)
            found[batch] = scores
            self._tokens += sum(map(_length, self._rows(batch)))
            self._told([batch])
        return [self._scores(plan, some, found) for plan, some in zip(self._plans, self._codes, strict=True)]

    def _scores(self, plan: Sequence[B], codes: Sequence[Hashable], found: dict[B, list[Score]]) -> list[Score]:
        by_row = {row: s for batch in plan for row, s in zip(self._rows(batch), found[batch], strict=True)}
        return [code if isinstance(code, Failure) else by_row[code] for code in codes]

    def _told(self, batches: Iterable[B]) -> None:
        self._done += sum(self._weights[batch] for batch in batches)
        self._tell(self._done, self._total, self._tokens)


def _length(row: Hashable) -> int:
    return len(row.ids) if isinstance(row, Tokens) else 0


def _lacked_memory(scores: Sequence[Score]) -> bool:
    """Such a failure is not kept: with more memory it is none."""
    return any(isinstance(score, Failure) and score.reason.startswith(NO_MEMORY) for score in scores)
