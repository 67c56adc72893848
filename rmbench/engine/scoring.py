"""From tasks and a model to raw scores: every distinct conversation once, in full batches, failures kept as such."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from rmbench.engine.batches import plan_batches
from rmbench.engine.store import Store
from rmbench.errors import ModelError, RmbenchError
from rmbench.models.base import TokenModel, Tokens
from rmbench.scores import digest
from rmbench.types import Conversation, Failure, RewardModel, Task

Progress = Callable[[int, int, int], None]  # (conversations done, all of them, tokens read so far)
Score = float | Failure
T = TypeVar("T")
CHUNK = 64  # conversations per call of a model that does not read tokens


class Scored(NamedTuple):
    """`scores[task][i][j]`: response j of `task.items[i]`. `stats[task]`: seconds, tokens and truncated (always 0).

    `tokens` counts the tokens of every response with its prompt, also those that were scored only once for several;
    the seconds of the whole are shared out over the tasks in proportion to it.
    """

    scores: Mapping[str, Sequence[Sequence[Score]]]
    stats: Mapping[str, Mapping[str, float]]


def score_items(
    model: RewardModel, tasks: Sequence[Task], progress: Progress | None = None, store: Store | None = None
) -> Scored:
    """Score every response of every item; what the store holds is not asked again.

    The order of tasks, items and responses changes nothing: conversations are put in an order of their own before
    batches are made. A non-finite score becomes a Failure. Raises ModelError if the model breaks its contract.
    """
    began = time.perf_counter()
    keys = [[[digest(item.conversation(j)) for j in range(len(item.responses))] for item in t.items] for t in tasks]
    unique = {
        key: item.conversation(j)
        for task, items in zip(tasks, keys, strict=True)
        for item, row in zip(task.items, items, strict=True)
        for j, key in enumerate(row)
    }
    order = sorted(unique)
    asked = [unique[key] for key in order]
    ask = partial(score_unique, model, progress=progress)
    found = store.through(ask, asked) if store else ask(asked)
    by_key = dict(zip(order, found, strict=True))
    names = [task.card.name for task in tasks]
    scores = {n: [[by_key[k][0] for k in row] for row in items] for n, items in zip(names, keys, strict=True)}
    tokens = {n: sum(by_key[k][1] for row in items for k in row) for n, items in zip(names, keys, strict=True)}
    return Scored(scores, _stats(tokens, time.perf_counter() - began))


def score_unique(
    model: RewardModel, conversations: Sequence[Conversation], progress: Progress | None = None
) -> list[tuple[Score, int]]:
    """(score, tokens) per conversation; tokens is 0 for a model that does not read tokens."""
    tell = progress or (lambda *_: None)
    if isinstance(model, TokenModel):
        return _score_tokens(model, conversations, tell)
    out: list[tuple[Score, int]] = []
    tell(0, len(conversations), 0)
    for start in range(0, len(conversations), CHUNK):
        chunk = conversations[start : start + CHUNK]
        out += [(score, 0) for score in checked(model, model.score, chunk)]
        tell(len(out), len(conversations), 0)
    return out


def _score_tokens(model: TokenModel, conversations: Sequence[Conversation], tell: Progress) -> list[tuple[Score, int]]:
    tell(0, len(conversations), 0)
    encoded = model.encode(conversations)
    if len(encoded) != len(conversations):
        raise _miscounted(model, len(encoded), len(conversations))
    found: dict[Tokens, Score] = {}
    distinct = sorted({e for e in encoded if isinstance(e, Tokens)}, key=lambda t: (t.ids, t.start))
    done = len(conversations) - len(distinct)  # failures, and conversations that are the same tokens as another
    tell(done, len(conversations), 0)
    tokens = 0
    for plan in plan_batches([len(t.ids) for t in distinct], model.max_batch_tokens):
        batch = [distinct[i] for i in plan]
        found.update(zip(batch, checked(model, model.score_tokens, batch), strict=True))
        tokens += sum(len(t.ids) for t in batch)
        tell(done + len(found), len(conversations), tokens)
    return [(found[e], len(e.ids)) if isinstance(e, Tokens) else (e, 0) for e in encoded]


def checked(model: RewardModel, ask: Callable[[Sequence[T]], Iterable[Score]], batch: Sequence[T]) -> list[Score]:
    """What the model answers, as finite floats and Failures. Raises ModelError for any other answer."""
    name = model.settings.get("name", type(model).__name__)
    try:
        answer = list(ask(batch))
    except RmbenchError:
        raise
    except Exception as error:
        raise ModelError(f"model {name} failed while scoring: {type(error).__name__}: {error}") from error
    if len(answer) != len(batch):
        raise _miscounted(model, len(answer), len(batch))
    return [_clean(name, score) for score in answer]


def _clean(name: str, score: object) -> Score:
    if isinstance(score, Failure):
        return score if score.reason else Failure("the model gave no reason")
    value = None if isinstance(score, bool | str) else _number(score)
    if value is None:
        raise ModelError(f"model {name} gave {score!r:.40} as a score; expected a number or a Failure")
    # + 0.0: a negative zero is a zero, here and in every file
    return value + 0.0 if math.isfinite(value) else Failure(f"non-finite score: {value}")


def _number(score: Any) -> float | None:
    try:
        return float(score)  # numpy and torch scalars are welcome too
    except (TypeError, ValueError, OverflowError):
        return None


def _miscounted(model: RewardModel, got: int, expected: int) -> ModelError:
    name = model.settings.get("name", type(model).__name__)
    return ModelError(f"model {name} gave {got} scores for {expected} conversations; it must give one for each")


def _stats(tokens: Mapping[str, int], seconds: float) -> dict[str, dict[str, float]]:
    total = sum(tokens.values())
    shares = {name: n / total if total else 1 / len(tokens) for name, n in tokens.items()}
    return {n: {"seconds": seconds * shares[n], "tokens": float(tokens[n]), "truncated": 0.0} for n in tokens}
