"""One question to a model, and what counts as an answer."""

from __future__ import annotations

import gc
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from rmbench.errors import ModelError, RmbenchError
from rmbench.models.base import Batch, TokenModel, is_out_of_memory
from rmbench.types import Failure, RewardModel

Score = float | Failure
T = TypeVar("T")
NO_MEMORY = "out of memory"


def ask_batch(model: TokenModel, batch: Batch) -> list[Score]:
    """The scores of one batch. A batch that does not fit into the memory is halved, as often as it takes.

    A single sequence that does not fit is a Failure. Raises ModelError if the model breaks its contract.
    """
    try:
        return checked(model, lambda rows: model.score_tokens(rows, batch.shared), batch.rows)
    except _TooBigError:
        _release()
    if len(batch.rows) == 1:
        return [Failure(f"{NO_MEMORY}: {len(batch.rows[0].ids)} tokens")]
    middle = (len(batch.rows) + 1) // 2
    return [score for part in (slice(middle), slice(middle, None)) for score in ask_batch(model, _cut(batch, part))]


def checked(model: RewardModel, ask: Callable[[Sequence[T]], Iterable[Score]], batch: Sequence[T]) -> list[Score]:
    """What the model answers, as finite floats and Failures. Raises ModelError for any other answer."""
    name = model.settings.get("name", type(model).__name__)
    try:
        answer = list(ask(batch))
    except RmbenchError:
        raise
    except Exception as error:
        kind = _TooBigError if is_out_of_memory(error) else ModelError
        raise kind(f"model {name} failed while scoring: {type(error).__name__}: {error}") from error
    if len(answer) != len(batch):
        raise miscounted(model, len(answer), len(batch))
    return [_clean(name, score) for score in answer]


def miscounted(model: RewardModel, got: int, expected: int) -> ModelError:
    """The error of a model that does not answer each question once."""
    name = model.settings.get("name", type(model).__name__)
    return ModelError(f"model {name} gave {got} scores for {expected} conversations; it must give one for each")


class _TooBigError(ModelError):
    """The batch did not fit into the memory."""


def _release() -> None:
    """Give back what the failed try still holds; only now, when its traceback is gone."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _cut(batch: Batch, part: slice) -> Batch:
    return Batch(batch.rows[part], batch.shared[part] if batch.shared else None)


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
