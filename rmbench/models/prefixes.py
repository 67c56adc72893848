"""A prompt that many responses share is read once: its keys and values serve them all. And padding.

First the distinct prefixes of a batch are read, padded on the right; then the suffix of every row, with the keys and
values of its own prefix. The mask hides the padding between the two, and positions count on from the prefix.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from inspect import signature
from typing import TYPE_CHECKING, Any

from rmbench.models.base import Tokens

if TYPE_CHECKING:
    import torch

MOVING = ("dynamic", "longrope")  # rotary positions that change with the length of the whole
WINDOWS = ("sliding_window", "attention_chunk_size")  # beyond so many tokens, some layers have forgotten


class Prefixes:
    """The shared prefixes that one model read last.

    `usable`: its positions stay where they are. `reach`: prefix and suffix together, padding included, must be shorter
    than this; None = any length.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._read: tuple[tuple[tuple[int, ...], ...], Any] | None = None
        config = model.config.get_text_config()
        rope = getattr(config, "rope_parameters", None) or {}
        kinds = {str(rope.get("rope_type"))} | {str(r.get("rope_type")) for r in rope.values() if isinstance(r, dict)}
        self.usable = not kinds & {*MOVING}
        # newer versions of transformers call it by another name, and warn of this one
        self._argument = "cache" if "cache" in signature(model.forward).parameters else "past_key_values"
        reaches = [getattr(config, name, None) for name in WINDOWS]
        self.reach = min((reach for reach in reaches if isinstance(reach, int)), default=None)

    def inputs(
        self, batch: Sequence[Tokens], shared: Sequence[int], pad_id: int
    ) -> tuple[Sequence[Tokens], dict[str, Any]]:
        """The suffixes of the rows, and the arguments that make the model go on from their prefixes."""
        import torch

        suffixes = [Tokens(t.ids[n:], max(t.start - n, 0)) for t, n in zip(batch, shared, strict=True)]
        # a head that looks for the last token that is no padding finds none in a suffix of such tokens
        if not self._fits(shared, suffixes) or any(set(suffix.ids) == {pad_id} for suffix in suffixes):
            return batch, pad(batch, pad_id, self._model.device)
        prefixes = [t.ids[:n] for t, n in zip(batch, shared, strict=True)]
        distinct = tuple(sorted({*prefixes}))
        mask, past = self._past(distinct, pad_id)
        index = torch.tensor([distinct.index(ids) for ids in prefixes], device=self._model.device)
        given = pad(suffixes, pad_id, self._model.device)
        return suffixes, {
            "input_ids": given["input_ids"],
            "attention_mask": torch.cat([mask.index_select(0, index), given["attention_mask"]], dim=1),
            "position_ids": _positions(shared, suffixes).to(self._model.device),
            self._argument: _going_on(past, index, len(distinct)),
            "use_cache": True,
        }

    def forget(self) -> None:
        """Give back the memory of what was read."""
        self._read = None

    def _fits(self, shared: Sequence[int], suffixes: Sequence[Tokens]) -> bool:
        """A window counts places in the cache, and the padding between prefix and suffix has places, too."""
        return self.reach is None or max(shared) + max(len(suffix.ids) for suffix in suffixes) < self.reach

    def _past(self, distinct: tuple[tuple[int, ...], ...], pad_id: int) -> tuple[torch.Tensor, Any]:
        """Mask and cache of the prefixes. The last ones are kept: the next batch is often of the same prompt."""
        import torch

        if self._read is None or self._read[0] != distinct:
            self._read = None  # first make room
            inputs = pad([Tokens(ids) for ids in distinct], pad_id, self._model.device)
            with torch.inference_mode():
                found = self._model.base_model(**inputs, use_cache=True)
            past = found.cache if "cache" in found else found.past_key_values
            self._read = (distinct, (inputs["attention_mask"], past))
        mask, past = self._read[1]
        return mask, past


def _positions(shared: Sequence[int], suffixes: Sequence[Tokens]) -> torch.Tensor:
    """Where each token stands; padding stays at the last place, since beyond it a model may have no positions."""
    import torch

    width = max(len(suffix.ids) for suffix in suffixes)
    return torch.tensor(
        [[n + min(k, len(suffix.ids) - 1) for k in range(width)] for n, suffix in zip(shared, suffixes, strict=True)]
    )


def _going_on(past: Any, index: torch.Tensor, distinct: int) -> Any:
    """A cache whose layers hand out the prefixes of the rows before what the rows add, and keep nothing of it."""
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
