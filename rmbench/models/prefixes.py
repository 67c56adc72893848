"""A prompt that many responses share is read once: its keys and values serve them all. And padding.

First the distinct beginnings of a batch are read, padded on the right; then the rest of every row, each with the keys
and values of its own beginning. The mask hides the padding between the two, and positions count on from the beginning.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from rmbench.models.base import Tokens

if TYPE_CHECKING:
    import torch

# largest difference between the two paths, as a part of the largest score, that is rounding
TOLERANCE = {"float32": 1e-4, "bfloat16": 0.05, "float16": 0.02}
MOVING = ("dynamic", "longrope")  # rotary positions that change with the length of the whole


class Prefixes:
    """The beginnings that were read last, by one model. `usable`: the model keeps keys and values in the known way."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._read: tuple[tuple[tuple[int, ...], ...], Any] | None = None
        config = model.config.get_text_config()
        rope = getattr(config, "rope_parameters", None) or {}
        kinds = {str(rope.get("rope_type"))} | {str(r.get("rope_type")) for r in rope.values() if isinstance(r, dict)}
        self._reach: int | None = getattr(config, "sliding_window", None)
        self.usable = not kinds & {*MOVING}

    def fits(self, batch: Sequence[Tokens]) -> bool:
        """Whether no row reaches beyond a sliding window: a layer that has forgotten cannot be gone on from."""
        return self._reach is None or max(len(tokens.ids) for tokens in batch) < self._reach

    def inputs(
        self, batch: Sequence[Tokens], shared: Sequence[int], pad_id: int
    ) -> tuple[Sequence[Tokens], dict[str, Any]]:
        """The rests of the rows, and the arguments that make the model go on from their beginnings."""
        import torch

        rests = [Tokens(t.ids[n:], max(t.start - n, 0)) for t, n in zip(batch, shared, strict=True)]
        # a head that looks for the last token that is no padding finds none in a rest of such tokens
        if not self.fits(batch) or any(set(rest.ids) == {pad_id} for rest in rests):
            return batch, pad(batch, pad_id, self._model.device)
        beginnings = [t.ids[:n] for t, n in zip(batch, shared, strict=True)]
        distinct = tuple(dict.fromkeys(beginnings))
        mask, past = self._past(distinct, pad_id)
        index = torch.tensor([distinct.index(ids) for ids in beginnings], device=self._model.device)
        given = pad(rests, pad_id, self._model.device)
        width = given["input_ids"].shape[1]
        positions = torch.tensor([list(range(n, n + width)) for n in shared], device=self._model.device)
        return rests, {
            "input_ids": given["input_ids"],
            "attention_mask": torch.cat([mask.index_select(0, index), given["attention_mask"]], dim=1),
            "position_ids": positions,
            "past_key_values": _going_on(past, index, len(distinct)),
            "use_cache": True,
        }

    def _past(self, distinct: tuple[tuple[int, ...], ...], pad_id: int) -> tuple[torch.Tensor, Any]:
        """Mask and cache of the beginnings. The last ones are kept: the next batch is often of the same prompt."""
        import torch

        if self._read is None or self._read[0] != distinct:
            self._read = None  # first make room
            inputs = pad([Tokens(ids) for ids in distinct], pad_id, self._model.device)
            with torch.inference_mode():
                past = self._model.base_model(**inputs, use_cache=True).past_key_values
            self._read = (distinct, (inputs["attention_mask"], past))
        mask, past = self._read[1]
        return mask, past


class Trial(NamedTuple):
    """Made-up rows on which it is tried out whether a faster path gives the scores of the plain one."""

    rows: list[Tokens]
    shared: list[int]

    @classmethod
    def of(cls, vocabulary: int) -> Self:
        """Two beginnings with two rows each, all of different lengths; the score is about what follows."""
        luck = random.Random(0)
        words = range(vocabulary // 2, vocabulary)  # special tokens are mostly the first ones
        starts = [[luck.choice(words) for _ in range(n)] for n in (19, 13)]
        rows = [Tokens((*ids, *(luck.choice(words) for _ in range(n))), len(ids) + 1) for ids in starts for n in (7, 4)]
        return cls(rows, [19, 19, 13, 13])

    def agrees(self, plain: Callable[[], list[float]], faster: Callable[[], list[float]], dtype: str) -> bool:
        """Whether both give the same scores, to rounding; False for a model that cannot do it at all."""
        try:
            expected, found = plain(), faster()
        except Exception:  # noqa: BLE001 - whatever a model of any author raises here, it cannot do it
            return False
        most = TOLERANCE[dtype] * max(map(abs, expected))
        return all(abs(a - b) <= most for a, b in zip(expected, found, strict=True))


def _going_on(past: Any, index: torch.Tensor, distinct: int) -> Any:
    """A cache whose layers hand out the beginnings of the rows before what the rows add, and keep nothing of it."""
    from transformers import DynamicCache

    layer = _layer()
    found = DynamicCache()
    found.layers = [layer(kept, index, distinct) for kept in past.layers]
    return found


@cache
def _layer() -> Any:
    import torch
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    class Shared(DynamicLayer):  # type: ignore[misc]
        _layer_type = None  # it is nobody's default

        def __init__(self, kept: Any, index: torch.Tensor, distinct: int) -> None:
            super().__init__()
            if type(kept) not in (DynamicLayer, DynamicSlidingWindowLayer):
                raise TypeError(f"{type(kept).__name__} keeps more than keys and values")
            self.is_sliding = kept.is_sliding
            self.keys, self.values, self.is_initialized = kept.keys, kept.values, True
            self.dtype, self.device = kept.keys.dtype, kept.keys.device
            self._index, self._distinct = index, distinct

        def update(self, keys: torch.Tensor, values: torch.Tensor, *_: Any, **__: Any) -> Any:
            return self._before(self.keys, keys), self._before(self.values, values)

        def _before(self, kept: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
            if self._distinct == 1:
                return torch.cat([kept.expand(new.shape[0], -1, -1, -1), new], dim=-2)
            return torch.cat([kept.index_select(0, self._index), new], dim=-2)

    return Shared


def pad(batch: Sequence[Tokens], pad_id: int, device: torch.device) -> dict[str, torch.Tensor]:
    """Right-padded `input_ids` and `attention_mask`, both of shape (batch, longest)."""
    import torch

    width = max(len(t.ids) for t in batch)
    ids = torch.tensor([[*t.ids, *[pad_id] * (width - len(t.ids))] for t in batch])
    mask = torch.tensor([[1] * len(t.ids) + [0] * (width - len(t.ids)) for t in batch])
    return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
