"""A causal language model as a policy: safe loading, answers drawn with given luck, and its KL from the reference."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmbench.errors import ModelError, TooLongError
from rmbench.models import ModelOptions
from rmbench.models.base import Tokens
from rmbench.models.hf import load_folder
from rmbench.models.hub import Snapshot, fetch
from rmbench.models.tokens import pad
from rmbench.types import Floats, Message

if TYPE_CHECKING:
    import torch

ROWS = 16  # sequences that are generated or read at once
PACKAGED = "smollm2"


def snapshot_of(policy: str) -> Snapshot:
    """The files of a folder, of a Hub id, or of the packaged `smollm2`. Raises ModelError."""
    from rmbench.models import smollm2

    return fetch(str(smollm2.converted_folder()) if policy == PACKAGED else policy, ModelOptions())


@lru_cache(maxsize=4)
def digests(policy: str) -> dict[str, str]:
    """What pins a policy down, whatever its path: sha256 of its weights and of its tokenizer."""
    snapshot = snapshot_of(policy)
    return {"policy_sha256": snapshot.weights_digest(), "tokenizer_sha256": snapshot.tokenizer_digest()}


@dataclass(frozen=True, slots=True)
class LmPolicy:
    """A model in fp32 with its tokenizer. `ends` are the tokens that end an answer, `folder` is where it came from."""

    model: Any
    tokenizer: Any
    ends: tuple[int, ...]
    window: int | None
    folder: Path

    def prompt_tokens(self, messages: Sequence[Message]) -> list[int]:
        """A prompt through the chat template, up to where the assistant begins."""
        chat = [dict(message) for message in messages]
        found = self.tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=True, return_dict=True)
        return list(found["input_ids"])

    def check_fits(self, prompts: Sequence[Sequence[Message]], max_new_tokens: int) -> None:
        """Raise TooLongError if an answer of `max_new_tokens` may run over the window."""
        longest = max(len(self.prompt_tokens(prompt)) for prompt in prompts)
        if self.window is not None and longest + max_new_tokens > self.window:
            raise TooLongError(
                f"the policy {self.folder} has a window of {self.window} tokens, but the longest prompt has {longest} "
                f"and an answer may have {max_new_tokens}; take a shorter answer or another policy"
            )


def load_policy(policy: str) -> LmPolicy:
    """Load a causal language model with a chat template. Raises ModelError for all that is not one."""
    snapshot = snapshot_of(policy)
    _refuse_other_heads(snapshot)
    loaded = load_folder(snapshot, ModelOptions(dtype="float32"), "AutoModelForCausalLM")
    tokenizer, said = loaded.tokenizer, loaded.model.generation_config.eos_token_id
    ends = {said} if isinstance(said, int) else {*(said or ())}
    ends |= set() if tokenizer.eos_token_id is None else {tokenizer.eos_token_id}
    if tokenizer.eos_token_id is None:
        raise ModelError(
            f"the tokenizer in {snapshot.folder} has no token that ends an answer; set eos_token in "
            "tokenizer_config.json"
        )
    tokenizer.padding_side = "left"  # answers are written on the right
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return LmPolicy(loaded.model, tokenizer, tuple(sorted(ends)), loaded.window, snapshot.folder)


def _refuse_other_heads(snapshot: Snapshot) -> None:
    """A model with another head may load as a language model without a word, if its embeddings are tied."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    written = snapshot.config().get("architectures") or []
    if not {*written} & {*MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values()}:
        what = ", ".join(map(str, written)) or "no architecture"
        raise ModelError(
            f"{snapshot.folder} is not a causal language model (config.json says {what}), so it cannot write answers; "
            "give the folder of one, saved with save_pretrained"
        )


def answer(
    policy: LmPolicy, prompts: Sequence[Sequence[int]], uniforms: Floats, temperature: float
) -> list[tuple[int, ...]]:
    """The tokens of one sampled answer per prompt, the end mark included.

    `uniforms`, shape (prompts, most tokens), is all the luck there is: number [i, t] picks token t of answer i from the
    cumulative distribution at `temperature`. So an answer does not depend on its neighbours in the batch, and a policy
    that has not moved gives the same answer again.
    """
    import torch

    out: list[tuple[int, ...]] = []
    for start in range(0, len(prompts), ROWS):
        rows = prompts[start : start + ROWS]
        width = max(map(len, rows))
        ids = torch.tensor([[policy.tokenizer.pad_token_id] * (width - len(row)) + list(row) for row in rows])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
        luck = torch.tensor(uniforms[start : start + ROWS], device=policy.model.device)
        written = _generate(policy, ids, mask, luck, temperature)[:, width:].tolist()
        out += [_until_end(row, policy.ends) for row in written]
    return out


def _generate(policy: LmPolicy, ids: Any, mask: Any, luck: Any, temperature: float) -> Any:
    """`generate` with the tokens dealt by `luck`. The model's own generation settings are put aside: they would mix."""
    import torch
    from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

    class Dealt(LogitsProcessor):  # type: ignore[misc]
        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            now = input_ids.shape[1] - ids.shape[1]
            mass = torch.softmax(scores.double() / temperature, dim=-1).cumsum(dim=-1)
            token = torch.searchsorted(mass, luck[:, now : now + 1] * mass[:, -1:], right=True)
            token = token.clamp(max=scores.shape[1] - 1)
            return torch.full_like(scores, -torch.inf).scatter(1, token, 0.0)

    model, own = policy.model, policy.model.generation_config
    model.generation_config = GenerationConfig(
        max_new_tokens=luck.shape[1],
        do_sample=False,
        eos_token_id=list(policy.ends),
        pad_token_id=policy.tokenizer.pad_token_id,
        disable_compile=True,
    )
    training = model.training
    try:
        with torch.no_grad():
            return model.eval().generate(
                input_ids=ids.to(model.device),
                attention_mask=mask.to(model.device),
                logits_processor=LogitsProcessorList([Dealt()]),
            )
    finally:
        model.generation_config = own
        model.train(training)


def _until_end(row: Sequence[int], ends: Sequence[int]) -> tuple[int, ...]:
    stop = next((i for i, token in enumerate(row) if token in ends), len(row) - 1)
    return tuple(row[: stop + 1])


def estimate_kl(model: Any, reference: Any, written: Sequence[Tokens], temperature: float) -> float:
    """KL from the reference in nats per answer, estimated on answers that the model itself gave.

    The estimator is the one that TRL's GRPO trainer logs, exp(d) - d - 1 with d the log-probability of a token under
    the reference minus that under the policy (k3 of Schulman, "Approximating KL divergence", 2020): never negative,
    unbiased, noisy. TRL gives its mean per token; here it is summed over the tokens of an answer, and the mean over
    the answers is taken, so that the unit is that of all other budgets.
    """
    total = 0.0
    for start in range(0, len(written), ROWS):
        rows = written[start : start + ROWS]
        for new, old in zip(_logps(model, rows, temperature), _logps(reference, rows, temperature), strict=True):
            d = old - new
            total += float((d.exp() - d - 1).sum())
    return total / len(written)


def _logps(model: Any, rows: Sequence[Tokens], temperature: float) -> list[torch.Tensor]:
    """Log-probabilities of ids[start:] of every row, in nats."""
    import torch

    inputs = pad(rows, 0, model.device)
    width = inputs["input_ids"].shape[1]
    first = min(row.start for row in rows) - 1
    keep = {"logits_to_keep": width - first} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}
    out = []
    with torch.no_grad():
        logits = model(**inputs, use_cache=False, **keep).logits[:, -(width - first) :]
        for row, found in zip(rows, logits, strict=True):
            logp = (found[row.start - 1 - first : len(row.ids) - 1 - first].double() / temperature).log_softmax(-1)
            target = torch.tensor(row.ids[row.start :], device=logp.device)
            out.append(logp.gather(1, target[:, None])[:, 0])
    return out
