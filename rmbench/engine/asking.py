"""One batch is asked, in parts if it does not fit into the memory."""

from __future__ import annotations

import gc
import sys

from rmbench.models.answers import Score, TooBigError, checked
from rmbench.models.base import Batch, TokenModel
from rmbench.types import Failure

__all__ = ["NO_MEMORY", "ask_batch"]

NO_MEMORY = "out of memory"


def ask_batch(model: TokenModel, batch: Batch) -> list[Score]:
    """The scores of one batch. A batch that does not fit into the memory is halved, as often as it takes.

    A single sequence that does not fit is a Failure. Raises ModelError if the model breaks its contract.
    """
    try:
        return checked(model, lambda rows: model.score_tokens(rows, batch.shared), batch.rows)
    except TooBigError:
        _release(model)
    if len(batch.rows) == 1:
        return [Failure(f"{NO_MEMORY}: {len(batch.rows[0].ids)} tokens")]
    middle = (len(batch.rows) + 1) // 2
    return [score for part in (slice(middle), slice(middle, None)) for score in ask_batch(model, _cut(batch, part))]


def _release(model: TokenModel) -> None:
    """Give back what the failed try still holds; only now, when its traceback is gone."""
    if forget := getattr(model, "forget", None):
        forget()
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _cut(batch: Batch, part: slice) -> Batch:
    return Batch(batch.rows[part], batch.shared[part] if batch.shared else None)
