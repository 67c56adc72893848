"""A language model as a reward model: how likely it finds the response.

The reward is the mean log-likelihood per token of the response given the prompt, in nats. The prompt is written by the
chat template up to where the assistant begins; prompt and response are tokenised apart, so that the border is exact,
and the end-of-turn mark is not counted.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from rmbench.models.base import Adapter, ModelOptions, Tokens
from rmbench.models.hf import Loaded, load_folder
from rmbench.models.hub import Snapshot, fetch
from rmbench.models.tokens import TokenScorer
from rmbench.types import Conversation


class Likelihood(TokenScorer):
    """Mean log-likelihood per token of ids[start:], by a causal language model."""

    def __init__(self, loaded: Loaded, options: ModelOptions) -> None:
        super().__init__(loaded, options)
        self.settings["score"] = "mean log-likelihood per response token (nats)"
        self._can_keep = "logits_to_keep" in inspect.signature(loaded.model.forward).parameters

    def pieces(self, conversation: Conversation) -> tuple[str, ...]:
        return (self.render(conversation[:-1], prompt_only=True), conversation[-1]["content"])

    def score_tokens(self, batch: Sequence[Tokens], shared: Sequence[int] | None = None) -> list[float]:
        """One mean log-likelihood per sequence; the token before ids[start] predicts the first one."""
        import torch

        rows, inputs = self.inputs(batch, shared, 0)
        width = inputs["input_ids"].shape[1]
        starts = [max(tokens.start, 1) for tokens in rows]  # nothing predicts a very first token
        first = min(starts) - 1  # logits before this position predict prompts only
        keep = {"logits_to_keep": width - first} if self._can_keep else {}
        with torch.inference_mode():
            logits = self.model(**{"use_cache": False, **inputs}, **keep).logits[:, -(width - first) :]
            out = []
            for row, tokens, start in zip(logits, rows, starts, strict=True):
                predicted = row[start - 1 - first : len(tokens.ids) - 1 - first].float()
                target = torch.tensor(tokens.ids[start:], device=row.device)
                chosen = predicted.gather(1, target[:, None])[:, 0]
                out.append(float((chosen - predicted.logsumexp(1)).mean()))  # no second table over the vocabulary
        return out


def load(argument: str, options: ModelOptions) -> Likelihood:
    """Any causal language model with a chat template: a folder or a Hub id."""
    return load_snapshot(fetch(argument, options), options)


def load_snapshot(snapshot: Snapshot, options: ModelOptions, name: str | None = None) -> Likelihood:
    """As `load`, from files that are already here. `name` replaces the folder's name in tables."""
    loaded = load_folder(snapshot, options, "AutoModelForCausalLM")
    loaded.settings["name"] = name or f"likelihood-{snapshot.name}"
    return Likelihood(loaded, options)


ADAPTER = Adapter("likelihood", "a causal language model: mean log-likelihood of the response", load, "PATH")
