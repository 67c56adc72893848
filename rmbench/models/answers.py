"""What counts as an answer of a model: one finite number, or one Failure, for each question."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from rmbench.errors import ModelError, RmbenchError
from rmbench.types import Failure, RewardModel

Score = float | Failure
T = TypeVar("T")
NON_FINITE = "non-finite score: "  # begins the reason of a Failure that was NaN or infinity


class TooBigError(ModelError):
    """The question did not fit into the memory."""


def checked(model: RewardModel, ask: Callable[[Sequence[T]], Iterable[Score]], batch: Sequence[T]) -> list[Score]:
    """What the model answers, as finite floats and Failures. Raises ModelError ("scoring") for any other answer."""
    name = model.settings.get("name", type(model).__name__)
    try:
        answer = list(ask(batch))
    except RmbenchError:
        raise
    except Exception as error:
        kind = TooBigError if is_out_of_memory(error) else ModelError
        raise kind(f"model {name} failed while scoring: {type(error).__name__}: {error}", problem="scoring") from error
    if len(answer) != len(batch):
        raise miscounted(model, len(answer), len(batch))
    return [_clean(name, score) for score in answer]


def miscounted(model: RewardModel, got: int, expected: int) -> ModelError:
    """The error of a model that does not answer each question once."""
    name = model.settings.get("name", type(model).__name__)
    told = f"model {name} gave {got} scores for {expected} conversations; it must give one for each"
    return ModelError(told, problem="scoring")


def is_out_of_memory(error: Exception) -> bool:
    """Whether a library gave up for want of memory: each device has its own way to say so."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    signs = ("out of memory", "not enough memory", "can't allocate memory", "alloc_failed")
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in signs)


def _clean(name: str, score: object) -> Score:
    if isinstance(score, Failure):
        return score if score.reason else Failure("the model gave no reason")
    value = None if isinstance(score, bool | str) else _number(score)
    if value is None:
        told = f"model {name} gave {score!r:.40} as a score; expected a number or a Failure"
        raise ModelError(told, problem="scoring")
    # + 0.0: a negative zero is a zero, here and in every file
    return value + 0.0 if math.isfinite(value) else Failure(f"{NON_FINITE}{value}")


def _number(score: Any) -> float | None:
    try:
        return float(score)  # numpy and torch scalars are welcome too
    except (TypeError, ValueError, OverflowError):
        return None
