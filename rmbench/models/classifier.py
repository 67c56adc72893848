"""Any sequence classifier of the transformers library with one output: the usual shape of a trained reward model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rmbench.errors import ModelError, UsageError
from rmbench.models.base import LABEL, Adapter, ModelOptions, Tokens
from rmbench.models.hf import Loaded, load_folder
from rmbench.models.hub import Snapshot, fetch
from rmbench.models.tokens import TokenScorer
from rmbench.types import Conversation


class Classifier(TokenScorer):
    """The reward is the raw output (logit) of the head for the whole conversation."""

    def __init__(self, loaded: Loaded, options: ModelOptions, label: int) -> None:
        super().__init__(loaded, options)
        self._label = label
        self._config = loaded.model.config.get_text_config()
        # The decoders of transformers read the score at the last token that differs from this id. It stays as the
        # authors set it; where they set none (or one outside the vocabulary), `_free_id` finds one that is safe.
        pad_id = self._config.pad_token_id
        known = isinstance(pad_id, int) and 0 <= pad_id < (self._vocabulary or pad_id + 1)
        self._pad_id: int | None = pad_id if known else None
        self.settings["pad_token"] = loaded.tokenizer.convert_ids_to_tokens(pad_id) if known else None
        if loaded.settings["dtype"] != "float32":
            keep_head_exact(loaded.model)

    def pieces(self, conversation: Conversation) -> tuple[str, ...]:
        return (self.render(conversation),)

    def score_tokens(self, batch: Sequence[Tokens], shared: Sequence[int] | None = None) -> list[float]:
        """One logit per sequence. Raises ModelError if the head does not give one row per sequence."""
        pad_id = self._pad_id if self._pad_id is not None else self._free_id(batch)
        if pad_id is None and len(batch) > 1:
            return [score for tokens in batch for score in self.score_tokens([tokens])]
        self._config.pad_token_id = pad_id
        rows, inputs = self.inputs(batch, shared, pad_id or 0)
        return self._forward(inputs, len(rows))

    def _forward(self, inputs: dict[str, Any], rows: int) -> list[float]:
        import torch

        with torch.inference_mode():
            logits = self.model(**inputs).logits
        if logits.ndim != 2 or logits.shape[0] != rows:
            shape = tuple(logits.shape)
            raise ModelError(
                f"{self.settings['name']} gave outputs of shape {shape} for {rows} conversations", problem="outputs"
            )
        return [float(x) for x in logits[:, self._label].float().cpu()]

    def _free_id(self, batch: Sequence[Tokens]) -> int | None:
        """A padding id that ends no sequence, so that the score is read at each sequence's true last token."""
        last = {tokens.ids[-1] for tokens in batch}
        return next((i for i in range(self._vocabulary or 0) if i not in last), None)


def keep_head_exact(model: Any) -> None:
    """Run the head in fp32: rounding its output to bf16 ties responses that the model tells apart."""
    for part in model.children():
        if part is not model.base_model:
            part.float()
            part.register_forward_pre_hook(lambda _, args: (args[0].float(), *args[1:]))


def load(argument: str, options: ModelOptions) -> Classifier:
    """A folder or Hub id, with `::label=NAME` where the head has several outputs."""
    source, chosen, label = argument.partition(LABEL)
    if chosen and not label:
        raise UsageError(f"{argument!r} names no label; write PATH{LABEL}NAME")
    return load_snapshot(fetch(source, options), options, label)


def load_snapshot(snapshot: Snapshot, options: ModelOptions, label: str = "", name: str | None = None) -> Classifier:
    """As `load`, from files that are already here. `name` replaces the folder's name in tables."""
    raw = snapshot.config()
    causal = [a for a in raw.get("architectures") or () if str(a).endswith("ForCausalLM")]
    if causal:
        raise ModelError(
            f"{snapshot.folder} is a language model ({causal[0]} in config.json) without a reward head; "
            f"score by its likelihood with likelihood:{snapshot.source}, or save the trained reward model itself",
            problem="causal-lm",
        )
    loaded = load_folder(snapshot, options, "AutoModelForSequenceClassification")
    index = _label_index(snapshot, loaded.model.config, label)
    loaded.settings.update({"name": name or snapshot.name} | ({"label": label} if label else {}))
    return Classifier(loaded, options, index)


def _label_index(snapshot: Snapshot, config: Any, label: str) -> int:
    names = [str(config.id2label.get(i, i)) for i in range(config.num_labels)]
    if label in names:
        return names.index(label)
    if label.isdecimal() and int(label) < len(names):
        return int(label)
    shown = ", ".join(names[:8])
    if label:
        raise ModelError(f"{snapshot.folder} has no label {label!r}; it has {shown}", problem="labels")
    if len(names) != 1:
        raise ModelError(
            f"{snapshot.folder} has {len(names)} outputs ({shown}), and a reward is one number; "
            f"choose one with {snapshot.source}{LABEL}{names[0]}",
            problem="labels",
        )
    return 0


ADAPTER = Adapter("classifier", "a transformers sequence classifier: a folder or a Hub id ORG/NAME", load, "PATH")
