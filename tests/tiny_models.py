"""Tiny random transformers folders and tasks, made in a moment: what the tests of models and runs load and break."""

from __future__ import annotations

import json

from rmbench.types import Card, Item, Task

TEXTS = [
    "Ada was born in London in 1815.",
    "The answer is 42, because 6 times 7 is 42.",
    "Here is a list: one, two, three.",
    "I am not sure; experts agree.",
]
SUFFIXED = (
    "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
BARE = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }} {% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
SPECIALS = ["<s>", "</s>", "<pad>", "<|user|>", "<|assistant|>", "<|system|>"]


def chat(prompt, response):
    return ({"role": "user", "content": prompt}, {"role": "assistant", "content": response})


def task(name="toy", items=6, responses=3, axis="generalisation"):
    """Items with three answers each; the gold is 0, 1/3, 2/3 in an order that differs between items."""
    card = Card(
        name=name,
        axis=axis,
        version=1,
        title="t",
        asks="a",
        limits="l",
        licence="Apache-2.0",
        source="tests",
        canary="rmbench:00000000-0000-0000-0000-000000000000",
        chance=0.5,
        items=items,
        sha256="0" * 64,
    )
    rows = [
        Item(
            id=f"i{n}",
            prompt=({"role": "user", "content": f"Question {n}?"},),
            responses=tuple(f"Answer {k} {'word ' * (n + 2 * k)}" for k in range(responses)),
            gold=tuple(((k + n) % responses) / responses for k in range(responses)),
            group=f"g{n}",
        )
        for n in range(items)
    ]
    return Task(card, tuple(rows))


def tokenizer(template=SUFFIXED, pad="<pad>", **more):
    """A byte-level BPE that adds <s> by itself, so that a template with <s> would double it if it were allowed to."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    inner.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=320, special_tokens=SPECIALS, initial_alphabet=alphabet)
    )
    inner.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", inner.token_to_id("<s>"))]
    )
    made = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token="<s>",
        eos_token="</s>",
        pad_token=pad,
        clean_up_tokenization_spaces=False,
        **more,
    )
    made.chat_template = template
    return made


def config(kind, size, *, pad_id=2, labels=1, window=128, sliding=None, rope=None):
    import transformers

    common = {"vocab_size": size, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": pad_id, "num_labels": labels}
    if kind == "gpt2":
        return transformers.GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=window, **common)
    if kind == "bloom":
        return transformers.BloomConfig(hidden_size=32, n_layer=2, n_head=2, **common)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    shape |= {"max_position_embeddings": window, **common}
    if kind in ("bert", "gpt_neox"):
        return getattr(transformers, {"bert": "BertConfig", "gpt_neox": "GPTNeoXConfig"}[kind])(**shape)
    shape |= {"num_key_value_heads": 1} | ({"rope_parameters": rope} if rope else {})
    if kind in ("mistral", "gemma2"):
        shape |= {"sliding_window": sliding or 4096}
    names = {"llama": "Llama", "qwen2": "Qwen2", "qwen3": "Qwen3", "mistral": "Mistral", "gemma2": "Gemma2"}
    more = {"head_dim": 16} if kind in ("qwen3", "gemma2") else {}
    return getattr(transformers, f"{names[kind]}Config")(**shape, **more)


def save(
    folder,
    kind="llama",
    *,
    auto="AutoModelForSequenceClassification",
    pad_id=2,
    labels=1,
    window=128,
    sliding=None,
    rope=None,
    **more,
):
    """Write a random model with its tokenizer; `more` goes to the tokenizer."""
    import torch
    import transformers

    tok = tokenizer(**more)
    torch.manual_seed(0)
    made = getattr(transformers, auto).from_config(
        config(kind, len(tok), pad_id=pad_id, labels=labels, window=window, sliding=sliding, rope=rope)
    )
    with torch.no_grad():  # the library's small initial weights would make all scores nearly equal
        for parameter in made.parameters():
            parameter.mul_(4.0) if parameter.ndim > 1 else None
    made.save_pretrained(folder)
    tok.save_pretrained(folder)
    return folder


def edit_json(path, **fields):
    raw = json.loads(path.read_text())
    raw.update(fields)
    path.write_text(json.dumps({k: v for k, v in raw.items() if v is not None}))
