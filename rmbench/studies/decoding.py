"""Many i.i.d. answers to one prompt from a language model at a temperature, each with its log-probability."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

DROP = 8  # finished rows leave the batch when they are one in so many: leaving costs a copy of the cache
ROOM = 64  # positions that a cache grows by at once


@dataclass(frozen=True, slots=True)
class Draw:
    """One answer: its tokens (the end-of-turn mark included), its log-probability (nats), and whether it ended."""

    tokens: tuple[int, ...]
    logprob: float
    ended: bool


class RoomyLayer(DynamicLayer):  # type: ignore[misc]  # the library has no types
    """A cache layer that grows by many positions at once: the library's copies all of it at every token.

    On a CPU, with 64 rows and 150 positions, those copies take more than half of the time.
    """

    is_initialized: bool

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Append states of shape (rows, heads, new, size); returns all of them so far."""
        if not self.is_initialized:
            self.dtype, self.device, self.is_initialized = key_states.dtype, key_states.device, True
            self.keys, self.values = key_states, value_states
        else:
            self.keys = _append("_keys", self, self.keys, key_states)
            self.values = _append("_values", self, self.values, value_states)
        return self.keys, self.values


def _append(name: str, layer: Any, old: Tensor, new: Tensor) -> Tensor:
    """The old states with the new ones behind them, in the room kept under `name` if they still lie there."""
    used = old.shape[2]
    total = used + new.shape[2]
    room = getattr(layer, name, None)
    if room is None or room.data_ptr() != old.data_ptr() or room.shape[2] < total:
        room = old.new_empty((*old.shape[:2], total + ROOM, old.shape[3]))
        room[:, :, :used] = old
        setattr(layer, name, room)
    room[:, :, used:total] = new
    return room[:, :, :total]


def draw(
    model: Any,
    prompt: Sequence[int],
    count: int,
    *,
    temperature: float,
    limit: int,
    ends: Collection[int],
    generator: torch.Generator,
) -> list[Draw]:
    """`count` i.i.d. continuations of the prompt's tokens: ancestral sampling over the whole vocabulary.

    An answer ends with one of the tokens `ends`, or at `limit` tokens: it is then kept as it is, and its
    log-probability is that of the tokens drawn. The prompt is read once. Each row has luck of its own, so the other
    rows do not decide when it ends.
    """
    with torch.inference_mode():
        cache = DynamicCache(config=model.config)
        if all(type(layer) is DynamicLayer for layer in cache.layers):  # a sliding window keeps its own layer
            cache.layers = [RoomyLayer() for _ in cache.layers]
        ids = torch.tensor([list(prompt)], device=model.device)
        logits = model(ids, past_key_values=cache, logits_to_keep=1).logits[:, -1].repeat(count, 1)
        cache.batch_repeat_interleave(count)
        rows = list(range(count))  # the answers that the batch still holds
        tokens: list[list[int]] = [[] for _ in rows]
        total, ended = [0.0] * count, [False] * count
        for _ in range(limit):
            luck = torch.rand(count, generator=generator, dtype=torch.float64)[rows].to(logits.device)
            chosen, nats = choose(logits, temperature, luck)
            for row, token, gain in zip(rows, chosen.tolist(), nats.tolist(), strict=True):
                if not ended[row]:
                    tokens[row].append(token)
                    total[row] += gain
                    ended[row] = token in ends
            going = [i for i, row in enumerate(rows) if not ended[row]]
            if not going:
                break
            if len(rows) - len(going) >= max(1, len(rows) // DROP):
                kept = torch.tensor(going, device=chosen.device)
                rows, chosen = [rows[i] for i in going], chosen[kept]
                cache.batch_select_indices(kept)
            logits = model(chosen[:, None], past_key_values=cache).logits[:, -1]
    return [Draw(tuple(t), min(0.0, n), e) for t, n, e in zip(tokens, total, ended, strict=True)]


def choose(logits: Tensor, temperature: float, luck: Tensor) -> tuple[Tensor, Tensor]:
    """One token per row of logits (rows, vocabulary), and its log-probability at the temperature (rows,).

    The token at which the distribution function first exceeds `luck`, uniform in [0, 1), shape (rows,). Summed in
    double precision, so that rare tokens keep their chance.
    """
    scaled = logits.float() / temperature
    scaled -= scaled.max(dim=-1, keepdim=True).values
    below = scaled.exp().cumsum(dim=-1, dtype=torch.float64)
    mass = below[:, -1:]
    chosen = torch.searchsorted(below, luck[:, None] * mass, right=True).clamp(max=logits.shape[-1] - 1)
    nats = scaled.gather(1, chosen).double() - mass.log()
    return chosen[:, 0], nats[:, 0]
