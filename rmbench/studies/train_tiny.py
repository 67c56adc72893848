"""Train the embedded `tiny` reward model.

    python -m rmbench.studies.train_tiny --out rmbench/models/tiny_weights --steps 12000

First the model learns to look things up: it repeats random tokens that it has seen before (Olsson et al. 2022 on
induction heads). Checking a claim against a prompt is that skill, and learning it from the claims alone takes a model
this small many times longer. Then it learns from the worlds, which know which claims of a text are true: a second head
predicts that at the last token of every claim, and a third the next token of true claims. Both are dropped afterwards:
what is saved is a plain sequence classifier with one scalar at the last token. The record world leads for some steps,
since its claims are looked up and nothing more; the other worlds join when that works.

Under `torchrun --nproc_per_node 2 -m rmbench.studies.train_tiny …` the processes share each step, each with prompts
of its own.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn import functional as F  # noqa: N812 - the community's name

from rmbench.studies.decoder import new_decoder
from rmbench.studies.tiny_data import (
    SPECIALS,
    VALIDATION,
    Encoded,
    Sample,
    encode,
    groups,
    load_tokenizer,
    train_tokenizer,
)

BETAS = (0.9, 0.98)
CHUNK = 16  # sequences in one forward pass: long enough to be efficient, short enough for the cache
TAU = 0.15  # gold difference that doubles as one nat of preference: the scale of the reward


@dataclass(frozen=True)
class Settings:
    """All that decides the outcome."""

    out: Path
    steps: int
    seed: int = 0
    prompts: int = 8
    candidates: int = 4
    hidden: int = 128
    layers: int = 4
    heads: int = 4
    inner: int = 384
    vocabulary: int = 3000
    rate: float = 1e-3
    warmup: int = 100
    copy_steps: int = 700
    lead_steps: int = 500
    copy_rate: float = 2e-3
    decay: float = 0.4
    lm_weight: float = 1.0
    window: int = 1024
    threads: int = 2
    worlds: tuple[str, ...] | None = None


class Trainee(nn.Module):
    """A sequence classifier with the two extra heads that are used in training alone."""

    def __init__(self, settings: Settings, tokenizer: Any) -> None:
        super().__init__()
        self.model = new_decoder(
            tokenizer,
            hidden=settings.hidden,
            inner=settings.inner,
            layers=settings.layers,
            heads=settings.heads,
            window=settings.window,
        )
        self.claim = nn.Linear(settings.hidden, 1)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden states (batch, length, hidden) and the reward at each row's last token (batch,)."""
        hidden = self.model.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        last = mask.sum(1) - 1
        return hidden, self.model.score(hidden[torch.arange(len(ids)), last])[:, 0]

    def next_token_loss(self, hidden: Tensor, ids: Tensor, answer: Tensor) -> Tensor:
        """Cross-entropy of the answer tokens whose value can be known (`answer` marks them), embeddings tied."""
        rows, columns = answer.nonzero(as_tuple=True)
        logits = hidden[rows, columns - 1] @ self.model.model.embed_tokens.weight.T
        return F.cross_entropy(logits, ids[rows, columns])


def collate(batch: Sequence[Encoded], pad: int) -> tuple[Tensor, Tensor]:
    """Right-padded ids and mask, (batch, longest)."""
    longest = max(len(e.ids) for e in batch)
    ids = torch.full((len(batch), longest), pad)
    mask = torch.zeros((len(batch), longest), dtype=torch.long)
    for row, e in enumerate(batch):
        ids[row, : len(e.ids)] = torch.tensor(e.ids)
        mask[row, : len(e.ids)] = 1
    return ids, mask


def loss_of(
    trainee: Trainee, batch: list[list[Sample]], tokenizer: Any, lm_weight: float
) -> tuple[Tensor, dict[str, float]]:
    """Preference, regression, claim and next-token losses of some groups."""
    samples = [s for group in batch for s in group]
    encoded = encode(tokenizer, samples)
    reward, logits, ok, foresight = _forward(trainee, encoded, tokenizer.pad_token_id)
    gold = torch.tensor([s.gold for s in samples]).view(len(batch), -1)
    first, second = torch.triu_indices(gold.shape[1], gold.shape[1], offset=1)
    margin = reward.view(gold.shape)[:, first] - reward.view(gold.shape)[:, second]
    preference = F.binary_cross_entropy_with_logits(margin, torch.sigmoid((gold[:, first] - gold[:, second]) / TAU))
    regression = F.mse_loss(reward * TAU, gold.flatten() - 0.5)
    claim = F.binary_cross_entropy_with_logits(logits, ok)
    total = preference + 4 * regression + claim + lm_weight * foresight
    log = {
        "preference": preference.item(),
        "claim": claim.item(),
        "claim_accuracy": ((logits > 0) == (ok > 0.5)).float().mean().item(),
        "next_token": foresight.item(),
        "gold_error": regression.item() ** 0.5,
    }
    return total, log


def _forward(trainee: Trainee, encoded: Sequence[Encoded], pad: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Rewards in the given order, claim logits and truths, and the next-token loss; in chunks of like length."""
    order = sorted(range(len(encoded)), key=lambda i: len(encoded[i].ids))
    rewards: dict[int, Tensor] = {}
    logits, truths, foresight = [], [], []
    for chunk in (order[i : i + CHUNK] for i in range(0, len(order), CHUNK)):
        part = [encoded[i] for i in chunk]
        ids, mask = collate(part, pad)
        hidden, reward = trainee(ids, mask)
        rewards.update(zip(chunk, reward, strict=True))
        marks = [(row, last, float(ok)) for row, e in enumerate(part) for _, last, ok in e.spans]
        rows, positions, ok = (torch.tensor(column) for column in zip(*marks, strict=True))
        logits.append(trainee.claim(hidden[rows, positions])[:, 0])
        truths.append(ok)
        foresight.append(trainee.next_token_loss(hidden, ids, _known_tokens(part, ids.shape)))
    ordered = torch.stack([rewards[i] for i in range(len(encoded))])
    return ordered, torch.cat(logits), torch.cat(truths), torch.stack(foresight).mean()


def _known_tokens(encoded: Sequence[Encoded], shape: Sequence[int]) -> Tensor:
    """Marks the tokens of true claims: what the prompt lets a reader foresee. Wrong claims would teach errors."""
    known = torch.zeros(tuple(shape), dtype=torch.bool)
    for row, e in enumerate(encoded):
        for first, last, ok in e.spans:
            known[row, first : last + 1] = ok
    return known


@torch.no_grad()
def validate(trainee: Trainee, tokenizer: Any, settings: Settings, prompts: int = 120) -> dict[str, float]:
    """Pair accuracy per world on training-split prompts that training never sees."""
    right: dict[str, list[float]] = defaultdict(list)
    for group in itertools.islice(groups(VALIDATION, 8, settings.worlds), prompts):
        ids, mask = collate(encode(tokenizer, group), tokenizer.pad_token_id)
        reward = trainee(ids, mask)[1].numpy()
        gold = np.array([s.gold for s in group])
        for a, b in itertools.combinations(range(len(group)), 2):
            if abs(gold[a] - gold[b]) >= 0.1:
                right[group[0].world].append(float((reward[a] > reward[b]) == (gold[a] > gold[b])))
    return {name: round(float(np.mean(hits)), 3) for name, hits in right.items()}


def learn_to_look_up(trainee: Trainee, settings: Settings) -> None:
    """Random tokens, a gap, and the same tokens again from another start: predict all of the second run."""
    run, gap, rows = 24, 8, 32
    optimizer = torch.optim.AdamW(trainee.parameters(), lr=settings.copy_rate, betas=BETAS, weight_decay=0.01)
    tokens = trainee.model.config.vocab_size
    for step in range(settings.copy_steps):
        first, between = (torch.randint(len(SPECIALS), tokens, (rows, n)) for n in (run, gap))
        cut = int(torch.randint(4, run - 4, (1,)))
        ids = torch.cat([first, between, first[:, cut:], first[:, :cut]], dim=1)
        foreseen = torch.zeros_like(ids, dtype=torch.bool)
        foreseen[:, run + gap + 1 :] = True  # what starts the second run, and what follows its seam, is a surprise
        foreseen[:, run + gap + run - cut] = False
        hidden, _ = trainee(ids, torch.ones_like(ids))
        loss = trainee.next_token_loss(hidden, ids, foreseen)
        descend(trainee, optimizer, loss, settings.copy_rate * min(1.0, (step + 1) / settings.warmup))
        if (step + 1) % 100 == 0:
            print(json.dumps({"copy_step": step + 1, "next_token": round(loss.item(), 3)}), flush=True)


def rate_at(step: int, settings: Settings) -> float:
    """Warm-up, plateau, linear decay over the last share."""
    left = (settings.steps - step) / (settings.decay * settings.steps)
    return settings.rate * min(1.0, (step + 1) / settings.warmup, max(left, 0.01))


def train(settings: Settings) -> None:
    """Train, log a line every 100 steps, save every 500, resume from the checkpoint if there is one."""
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    settings.out.mkdir(parents=True, exist_ok=True)
    checkpoint = settings.out.with_suffix(".checkpoint.pt")
    state = torch.load(checkpoint, weights_only=True) if checkpoint.exists() else None
    rank = dist.get_rank() if dist.is_initialized() else 0
    if not state and rank == 0:
        train_tokenizer(settings.vocabulary, 3000, settings.out)
    if dist.is_initialized():
        dist.barrier()  # the others read what the first has written
    tokenizer = load_tokenizer(settings.out)
    trainee = Trainee(settings, tokenizer)
    optimizer = torch.optim.AdamW(trainee.parameters(), lr=settings.rate, betas=BETAS, weight_decay=0.01)
    if state:
        trainee.load_state_dict(state["trainee"])
        optimizer.load_state_dict(state["optimizer"])
    else:
        learn_to_look_up(trainee, settings)
    start = state["step"] if state else 0
    seed = settings.seed + start * settings.prompts + rank * VALIDATION // 4  # prompts that no earlier step has used
    lead, stream = (groups(seed, settings.candidates, names) for names in (("records",), settings.worlds))
    began, logs = time.time(), []
    for step in range(start, settings.steps):
        batch = list(itertools.islice(lead if step < settings.lead_steps else stream, settings.prompts))
        loss, log = loss_of(trainee, batch, tokenizer, settings.lm_weight)
        descend(trainee, optimizer, loss, rate_at(step, settings))
        logs.append(log)
        if rank:
            continue
        if (step + 1) % 100 == 0:
            means = {key: round(float(np.mean([entry[key] for entry in logs])), 4) for key in logs[0]}
            print(json.dumps({"step": step + 1, "minutes": round((time.time() - began) / 60, 1), **means}), flush=True)
            logs = []
        if (step + 1) % 500 == 0 or step + 1 == settings.steps:
            print(json.dumps({"step": step + 1, "pair_accuracy": validate(trainee, tokenizer, settings)}), flush=True)
            state = {"trainee": trainee.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}
            torch.save(state, checkpoint)
            trainee.model.save_pretrained(settings.out)


def descend(trainee: Trainee, optimizer: torch.optim.Optimizer, loss: Tensor, rate: float) -> None:
    """One step of gradient descent, gradients clipped."""
    for parameters in optimizer.param_groups:
        parameters["lr"] = rate
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    if dist.is_initialized():
        for parameter in trainee.parameters():
            if parameter.grad is not None:
                dist.all_reduce(parameter.grad)
                parameter.grad /= dist.get_world_size()
    nn.utils.clip_grad_norm_(trainee.parameters(), 1.0)
    optimizer.step()


def main() -> None:
    """Read the options and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    for name in (
        "seed",
        "prompts",
        "candidates",
        "hidden",
        "layers",
        "heads",
        "inner",
        "vocabulary",
        "threads",
        "copy_steps",
        "lead_steps",
        "warmup",
    ):
        parser.add_argument(f"--{name}", type=int, default=getattr(Settings, name))
    for name in ("rate", "lm_weight", "decay"):
        parser.add_argument(f"--{name}", type=float, default=getattr(Settings, name))
    parser.add_argument("--worlds", nargs="*")
    options = vars(parser.parse_args())
    options["worlds"] = tuple(options["worlds"]) if options["worlds"] else None
    if "RANK" in os.environ:  # set by torchrun
        dist.init_process_group("gloo")
    train(Settings(**options))


if __name__ == "__main__":
    main()
