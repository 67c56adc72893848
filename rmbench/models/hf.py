"""What models of the transformers library share: safe loading, the chat template, tokens, windows and padding."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from rmbench.errors import ModelError, TooLongError, UsageError
from rmbench.models.base import ModelOptions, Tokens, TooLong
from rmbench.models.hub import Snapshot
from rmbench.types import Conversation, Failure

if TYPE_CHECKING:
    import torch

DTYPES = ("float32", "bfloat16", "float16")
# Padded tokens per batch. CPU: measured on 1M to 135M parameters, where 512 to 1,024 is best; larger batches of short
# texts fall out of the cache (60-token texts, 1M parameters: 33k tokens/s at 512, 28k at 1,024, 17k at 4,096).
BATCH_TOKENS = {"cpu": 1024, "cuda": 16384}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to score, its tokenizer, and all that decides its scores."""

    model: Any
    tokenizer: Any
    settings: dict[str, Any]
    window: int | None
    window_source: str


def load_folder(snapshot: Snapshot, options: ModelOptions, auto_class: str) -> Loaded:
    """Load `auto_class` (a name in transformers) and its tokenizer from a checked folder.

    Raises ModelError for every way in which this fails, in particular for weights that the folder does not hold:
    transformers fills those with random numbers.
    """
    import torch

    device, dtype = placement(options)
    refuse_remote_code(snapshot, options, auto_class)
    tokenizer = _pretrained(snapshot, options, "AutoTokenizer")
    template = _template(snapshot, tokenizer)
    model, info = _pretrained(
        snapshot, options, auto_class, dtype=getattr(torch, dtype), use_safetensors=True, output_loading_info=True
    )
    if missing := sorted(info["missing_keys"]):
        raise ModelError(
            f"{snapshot.folder} lacks the weights {', '.join(missing[:3])}{' …' if len(missing) > 3 else ''} of "
            f"{type(model).__name__}, which would be random; save the trained model with save_pretrained, head included"
        )
    window, source = _window(model.config.get_text_config(), tokenizer)
    settings = {
        "name": snapshot.name,
        "revision": snapshot.revision,
        "architecture": type(model).__name__,
        "parameters": sum(p.numel() for p in model.parameters()),
        "weights_sha256": snapshot.weights_digest(),
        "tokenizer_sha256": snapshot.tokenizer_digest(),
        "template_sha256": hashlib.sha256(template.encode()).hexdigest(),
        "dtype": dtype,
        "device": torch.device(device).type,
        "window": window,
        "too_long": options.too_long,
        "remote_code": options.trust_remote_code,
    }
    return Loaded(model.to(device).eval(), tokenizer, settings, window, source)


def placement(options: ModelOptions) -> tuple[str, str]:
    """Device and dtype with "auto" resolved: fp32 on CPU (bf16 is slower there), bf16 on CUDA."""
    import torch

    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        why = str(error).splitlines()[0]
        raise UsageError(f"device {device!r} cannot be used here: {why}; use auto, cpu or cuda") from error
    dtype = options.dtype
    if dtype == "auto":
        dtype = "bfloat16" if torch.device(device).type == "cuda" else "float32"
    if dtype not in DTYPES:
        raise UsageError(f"dtype {dtype!r} is not one of auto, {', '.join(DTYPES)}")
    return device, dtype


def refuse_remote_code(snapshot: Snapshot, options: ModelOptions, auto_class: str) -> None:
    """Raise ModelError for a model that only its own Python files can load, unless the user trusts them."""
    from transformers import CONFIG_MAPPING

    raw = snapshot.config()
    own, kind = raw.get("auto_map") or {}, raw.get("model_type")
    if own and not options.trust_remote_code and (auto_class in own or kind not in CONFIG_MAPPING):
        raise ModelError(
            f"{snapshot.folder} needs Python code of its own (auto_map in config.json), which is not run by default; "
            "read that code, then pass --trust-remote-code"
        )
    if not own and kind not in CONFIG_MAPPING:
        raise ModelError(
            f"{snapshot.folder / 'config.json'}: model_type {kind!r} is unknown to the installed transformers; "
            "upgrade it, or correct the field"
        )


def _pretrained(snapshot: Snapshot, options: ModelOptions, auto_class: str, **kwargs: Any) -> Any:
    import transformers

    loader = getattr(transformers, auto_class)
    kwargs |= {"trust_remote_code": options.trust_remote_code, "local_files_only": True}
    try:
        with quiet():
            return loader.from_pretrained(snapshot.folder, **kwargs)
    except Exception as error:  # a loader of many authors raises anything; the user needs one sentence
        why = " ".join(str(error).split())[:300]
        raise ModelError(
            f"{snapshot.folder} cannot be loaded by {auto_class}: {type(error).__name__}: {why}"
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """No bars and reports of transformers on the user's terminal; what matters in them is raised as an error."""
    from transformers.utils import logging

    bars, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _template(snapshot: Snapshot, tokenizer: Any) -> str:
    try:
        return str(tokenizer.get_chat_template())
    except ValueError:
        raise ModelError(
            f"the tokenizer in {snapshot.folder} has no chat template, so nobody can know how its authors wrote a "
            "conversation; put the one used in training into chat_template.jinja in that folder"
        ) from None


def _window(config: Any, tokenizer: Any) -> tuple[int | None, str]:
    limits = [
        (getattr(config, "max_position_embeddings", None), "max_position_embeddings in config.json"),
        (getattr(tokenizer, "model_max_length", None), "model_max_length in tokenizer_config.json"),
    ]
    # a tokenizer without a limit says 10**30
    found = [(limit, name) for limit, name in limits if isinstance(limit, int) and 0 < limit < 10**9]
    return min(found, default=(None, "none"))


class TokenScorer:
    """The token half of a reward model; a subclass adds `pieces` and `score_tokens`."""

    def __init__(self, loaded: Loaded, options: ModelOptions) -> None:
        self.model = loaded.model
        self.tokenizer = loaded.tokenizer
        self.settings: dict[str, Any] = loaded.settings
        self.max_batch_tokens = options.max_batch_tokens or BATCH_TOKENS.get(loaded.settings["device"], 1024)
        self._window = (loaded.window, loaded.window_source)
        self._too_long: TooLong = options.too_long
        self._vocabulary: int | None = getattr(loaded.model.config.get_text_config(), "vocab_size", None)

    def pieces(self, conversation: Conversation) -> tuple[str, ...]:
        """The texts to tokenise one by one and join. The score is about the last one."""
        raise NotImplementedError

    def score_tokens(self, batch: Sequence[Tokens]) -> list[float]:
        """One score per sequence, the same whatever else is in the batch."""
        raise NotImplementedError

    def score(self, conversations: Sequence[Conversation]) -> list[float | Failure]:
        """Score the conversations as one batch."""
        encoded = self.encode(conversations)
        batch = [e for e in encoded if isinstance(e, Tokens)]
        found = iter(self.score_tokens(batch) if batch else ())
        return [next(found) if isinstance(e, Tokens) else e for e in encoded]

    def encode(self, conversations: Sequence[Conversation]) -> list[Tokens | Failure]:
        """Tokens through the chat template, which writes all special tokens: none is added, none doubled.

        Nothing is truncated: beyond the window a conversation is a Failure, or TooLongError for too_long="stop".
        """
        texts = [self._pieces(c) for c in conversations]
        flat = [piece for found in texts if not isinstance(found, Failure) for piece in found]
        ids = iter(self.tokenizer(flat, add_special_tokens=False, verbose=False)["input_ids"] if flat else ())
        out: list[Tokens | Failure] = []
        for found in texts:
            if isinstance(found, Failure):
                out.append(found)
                continue
            parts = [next(ids) for _ in found]
            joined = tuple(i for part in parts for i in part)
            out.append(self._checked(Tokens(joined, start=len(joined) - len(parts[-1]))))
        if self._too_long == "stop":
            self._stop_if_too_long(out)
        return [_missing_if_long(e, self._window[0]) for e in out]

    def lenient(self) -> Self:
        """The same model for texts that nobody could foresee: one beyond the window is missing and stops nothing."""
        other = copy(self)
        other._too_long = "null"  # noqa: SLF001 - of its own kind
        return other

    def render(self, conversation: Conversation, *, prompt_only: bool = False) -> str:
        """The chat template's text; with `prompt_only`, up to where the assistant would begin."""
        return str(
            self.tokenizer.apply_chat_template(
                [dict(m) for m in conversation], tokenize=False, add_generation_prompt=prompt_only
            )
        )

    def _pieces(self, conversation: Conversation) -> tuple[str, ...] | Failure:
        from jinja2 import TemplateError

        try:
            return self.pieces(conversation)
        except TemplateError as error:
            return Failure(f"the chat template refuses it: {error}")

    def _checked(self, tokens: Tokens) -> Tokens | Failure:
        if tokens.start == len(tokens.ids):
            return Failure("the response has no tokens")
        if self._vocabulary and (top := max(tokens.ids)) >= self._vocabulary:
            raise ModelError(
                f"{self.settings['name']}: the tokenizer gives token {top}, but the model knows only "
                f"{self._vocabulary} (vocab_size in config.json); model and tokenizer do not belong together"
            )
        return tokens

    def _stop_if_too_long(self, encoded: Sequence[Tokens | Failure]) -> None:
        window, source = self._window
        lengths = [len(e.ids) for e in encoded if isinstance(e, Tokens)]
        over = [n for n in lengths if window and n > window]
        if over:
            raise TooLongError(
                f"{len(over)} of {len(lengths)} conversations do not fit {self.settings['name']}: the longest has "
                f"{max(over)} tokens, the window is {window} ({source}); pass --too-long null to count them as missing"
            )


def _missing_if_long(encoded: Tokens | Failure, window: int | None) -> Tokens | Failure:
    if isinstance(encoded, Tokens) and window and len(encoded.ids) > window:
        return Failure(f"too long: {len(encoded.ids)} tokens, window {window}")
    return encoded


def pad(batch: Sequence[Tokens], pad_id: int, device: torch.device) -> dict[str, torch.Tensor]:
    """Right-padded `input_ids` and `attention_mask`, both of shape (batch, longest)."""
    import torch

    width = max(len(t.ids) for t in batch)
    ids = torch.tensor([[*t.ids, *[pad_id] * (width - len(t.ids))] for t in batch])
    mask = torch.tensor([[1] * len(t.ids) + [0] * (width - len(t.ids)) for t in batch])
    return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
