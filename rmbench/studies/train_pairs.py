"""Train a small reward model from scratch on a file of preference pairs: an entry of the closed track, end to end.

    rmbench train-data --out pairs.parquet
    python -m rmbench.studies.train_pairs --data pairs.parquet --out my_model --hidden 256 --layers 4 --steps 2000
    rmbench run my_model --track closed

A decoder with random weights (or, with `--init`, those of another entry), the tokenizer of the embedded model (which
saw the training split alone), and the Bradley-Terry loss -log sigmoid(r_chosen - r_rejected), all pairs weighted alike.
One GPU or a CPU; the same arguments give the same model on the same machine.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the community's name

from rmbench.studies.decoder import new_decoder
from rmbench.studies.tiny_data import load_tokenizer

TOKENIZER = Path(__file__).parent.parent / "models" / "tiny_weights"
BETAS = (0.9, 0.98)


@dataclass(frozen=True)
class Settings:
    """All that decides the outcome. `pairs` keeps the first so many; None keeps all."""

    data: Path
    out: Path
    steps: int = 2000
    batch: int = 64
    pairs: int | None = None
    hidden: int = 128
    layers: int = 4
    heads: int = 4
    rate: float = 1e-3
    warmup: int = 100
    window: int = 1024
    seed: int = 0
    device: str = "auto"
    init: Path | None = None


def new_model(settings: Settings, tokenizer: Any) -> Any:
    """The model to train: random weights, or those in `init`."""
    if settings.init is not None:
        from transformers import LlamaForSequenceClassification

        return LlamaForSequenceClassification.from_pretrained(settings.init)
    size = {"hidden": settings.hidden, "inner": 3 * settings.hidden, "layers": settings.layers, "heads": settings.heads}
    return new_decoder(tokenizer, **size, window=settings.window)


def read_pairs(path: Path, limit: int | None) -> list[tuple[list[Any], list[Any]]]:
    """(chosen, rejected) conversations of a file in TRL's preference format, jsonl or parquet."""
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        rows = pq.read_table(path, columns=["prompt", "chosen", "rejected"]).to_pylist()
    else:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(row["prompt"] + row["chosen"], row["prompt"] + row["rejected"]) for row in rows[:limit]]


def batches(pairs: Sequence[Any], settings: Settings) -> Iterator[list[Any]]:
    """Endless batches: the pairs in a new order in every epoch."""
    rng, order = Random(settings.seed), list(range(len(pairs)))
    while True:
        rng.shuffle(order)
        for start in range(0, max(1, len(order) - settings.batch + 1), settings.batch):
            yield [pairs[i] for i in order[start : start + settings.batch]]


def padded(rows: Sequence[Sequence[int]], pad: int, device: str) -> tuple[Tensor, Tensor]:
    """Right-padded ids and mask, (rows, longest)."""
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return ids.to(device), mask.to(device)


def train(settings: Settings) -> Path:
    """Train and save the model; prints the loss and the accuracy on the training pairs as it goes."""
    torch.manual_seed(settings.seed)
    device = ("cuda" if torch.cuda.is_available() else "cpu") if settings.device == "auto" else settings.device
    tokenizer = load_tokenizer(TOKENIZER)
    texts = read_pairs(settings.data, settings.pairs)
    flat = [tokenizer.apply_chat_template(chat, tokenize=False) for pair in texts for chat in pair]
    ids = tokenizer(flat, add_special_tokens=False)["input_ids"]
    pairs = [both for both in zip(ids[0::2], ids[1::2], strict=True) if max(map(len, both)) <= settings.window]
    model = new_model(settings, tokenizer).to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.rate, betas=BETAS, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: min((k + 1) / settings.warmup, 1.0, 1.0 - k / settings.steps + 1e-3)
    )
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(pairs):,} pairs, on {device}", flush=True)
    began, right = time.perf_counter(), 0.5
    for step, batch in zip(range(settings.steps), batches(pairs, settings), strict=False):
        tokens, mask = padded([row for pair in batch for row in pair], tokenizer.pad_token_id, device)
        with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
            rewards = model(input_ids=tokens, attention_mask=mask).logits[:, 0].float()
        margins = rewards[0::2] - rewards[1::2]
        loss = -F.logsigmoid(margins).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        right = 0.98 * right + 0.02 * float((margins > 0).float().mean())
        if step % 100 == 99:
            seconds = time.perf_counter() - began
            print(f"step {step + 1}  loss {loss.item():.3f}  accuracy {right:.3f}  {seconds:.0f} s", flush=True)
    model.float().cpu().save_pretrained(settings.out)
    tokenizer.save_pretrained(settings.out)
    return settings.out


def main() -> None:
    """Parse and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="pairs in TRL's format: .jsonl or .parquet")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    for name in ("steps", "batch", "pairs", "hidden", "layers", "heads", "warmup", "window", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Settings, name))
    parser.add_argument("--rate", type=float, default=Settings.rate)
    parser.add_argument("--device", default=Settings.device)
    parser.add_argument("--init", type=Path, help="start from this model, which has the same tokenizer")
    print(train(Settings(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
