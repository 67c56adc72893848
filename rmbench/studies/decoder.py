"""The shape of the small decoders that studies train from random weights."""

from __future__ import annotations

from typing import Any


def new_decoder(tokenizer: Any, *, hidden: int, inner: int, layers: int, heads: int, window: int) -> Any:
    """A Llama-shaped sequence classifier with one label and random weights (torch's seed decides them)."""
    from transformers import LlamaConfig, LlamaForSequenceClassification

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=window,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        num_labels=1,
        attn_implementation="sdpa",
    )
    return LlamaForSequenceClassification(config)
