"""What the embedded `tiny` model learns from: responses of the worlds' training split, with gold and checked claims."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from rmbench.types import Message
from rmbench.worlds import worlds
from rmbench.worlds.base import Claim

TEMPLATE = (
    "{% for m in messages %}{{ '<|user|>' if m['role'] == 'user' else '<|assistant|>' }}"
    "{{ m['content'] }}{% endfor %}<|end|>"
)
SPECIALS = ["<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"]
VALIDATION = 1_000_000_000  # training-split prompts from this seed on are for validation only


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer to one training prompt."""

    world: str
    messages: tuple[Message, ...]
    gold: float
    claims: tuple[Claim, ...]


def groups(seed: int, candidates: int, names: Sequence[str] | None = None) -> Iterator[list[Sample]]:
    """Endless groups of `candidates` answers to one fresh training prompt; worlds take turns."""
    chosen = [world for name, world in worlds().items() if names is None or name in names]
    number = seed
    while True:
        for world in chosen:
            prompt = world.prompt(number, split="train")
            rng = Random(f"train/{world.name}/{number}")
            group = []
            for _ in range(candidates):
                text = world.render(prompt, world.sample(prompt, rng), rng.randrange(2**31))
                gold = world.gold(prompt, text)
                answer = Message(role="assistant", content=text)
                group.append(Sample(world.name, (*prompt.messages, answer), gold.score, gold.claims))
            yield group
        number += 1


def train_tokenizer(vocabulary: int, prompts: int, folder: Path) -> Any:
    """A byte-level BPE tokenizer (digits one by one) from training texts, saved with its chat template."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\d| ?[^\s\d]+|\s+"), behavior="isolated"),
            pre_tokenizers.Split(Regex(r"[.,;:!?()*/\"'–-]+$"), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    stream = groups(0, 3)
    texts = (m["content"] for _ in range(prompts) for s in next(stream) for m in s.messages)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=SPECIALS, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token="<|end|>")  # noqa: S106
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    return fast


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer that an earlier start of the training has saved."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(folder)


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of a conversation, and (first token, last token, truth) of each claim."""

    ids: list[int]
    spans: list[tuple[int, int, bool]]


def encode(tokenizer: Any, samples: Sequence[Sample]) -> list[Encoded]:
    """Token ids, and where each claim begins and ends among the tokens."""
    texts = [tokenizer.apply_chat_template(list(s.messages), tokenize=False) for s in samples]
    batch = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
    out = []
    for sample, text, ids, offsets in zip(samples, texts, batch["input_ids"], batch["offset_mapping"], strict=True):
        start = len(text) - len("<|end|>") - len(sample.messages[-1]["content"])
        token_of = {}
        for position, (low, high) in enumerate(offsets):
            for char in range(max(low, start), high):
                token_of[char - start] = position
        spans = [(token_of[c.start], token_of[c.end - 1], c.ok) for c in sample.claims]
        out.append(Encoded(ids, spans))
    return out
