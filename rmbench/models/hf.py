"""How models of the transformers library are loaded: safely, whole, with all that decides their scores written down."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rmbench.errors import ModelError, UsageError
from rmbench.models.base import ModelOptions
from rmbench.models.hub import Snapshot

DTYPES = ("float32", "bfloat16", "float16")
NO_WINDOW = 2**17  # tokens


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to score, its tokenizer, and all that decides its scores."""

    model: Any
    tokenizer: Any
    settings: dict[str, Any]
    window: int
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
    how = {"dtype": getattr(torch, dtype), "use_safetensors": True, "output_loading_info": True}
    try:
        model, info = _pretrained(snapshot, options, auto_class, **how, **attention(device, dtype))
    except ModelError:
        if not attention(device, dtype):
            raise
        model, info = _pretrained(snapshot, options, auto_class, **how)  # not every model can
    _refuse_unmerged(snapshot, info["unexpected_keys"])
    if missing := sorted(info["missing_keys"]):
        raise ModelError(
            f"{snapshot.folder} lacks the weights {', '.join(missing[:3])}{' …' if len(missing) > 3 else ''} of "
            f"{type(model).__name__}, which would be random; save the trained model with save_pretrained, "
            "head included",
            problem="missing-head",
        )
    window, source = window_of(model.config.get_text_config(), tokenizer)
    settings = {
        "name": snapshot.name,
        "revision": snapshot.revision,
        "architecture": type(model).__name__,
        "parameters": sum(p.numel() for p in model.parameters()),
        "weights_sha256": snapshot.weights_digest(),
        "config_sha256": snapshot.config_digest(),
        "tokenizer_sha256": snapshot.tokenizer_digest(),
        "template_sha256": hashlib.sha256(template.encode()).hexdigest(),
        "dtype": dtype,
        "device": torch.device(device).type,
        "attention": model.config.get_text_config()._attn_implementation,  # noqa: SLF001 - it has no public name
        "window": window,
        "too_long": options.too_long,
        "remote_code": snapshot.code_digest() if options.trust_remote_code else False,
    }
    return Loaded(model.to(device).eval(), tokenizer, settings, window, source)


def _refuse_unmerged(snapshot: Snapshot, unread: Iterable[str]) -> None:
    """Raise ModelError for adapter weights that lie beside the base ones and would be left out without a word."""
    if found := sorted(key for key in unread if ".lora_" in key or ".modules_to_save." in key):
        raise ModelError(
            f"{snapshot.folder} holds the weights of an adapter that was not merged ({found[0]}); "
            "call merge_and_unload() on the trained model and save what it returns",
            problem="adapter",
        )


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


def attention(device: str, dtype: str) -> dict[str, str]:
    """Flash attention where it is installed and can be used: CUDA, in half precision. Else what transformers takes."""
    import torch
    from transformers.utils import is_flash_attn_2_available

    usable = torch.device(device).type == "cuda" and dtype != "float32" and is_flash_attn_2_available()
    return {"attn_implementation": "flash_attention_2"} if usable else {}


def computing(device: Any) -> dict[str, str]:
    """What computes, as far as the last bits of a score may hang on it: library versions, kind of processor."""
    import torch
    import transformers

    found = {"torch": torch.__version__, "transformers": transformers.__version__}
    if torch.device(device).type == "cuda":
        with suppress(PackageNotFoundError):
            found["flash_attn"] = version("flash-attn")
        return found | {"processor": torch.cuda.get_device_name(device)}
    return found | {"processor": torch.backends.cpu.get_cpu_capability(), "threads": str(torch.get_num_threads())}


def refuse_remote_code(snapshot: Snapshot, options: ModelOptions, auto_class: str) -> None:
    """Raise ModelError for a model that only its own Python files can load, unless the user trusts them."""
    from transformers import CONFIG_MAPPING

    raw = snapshot.config()
    own, kind = raw.get("auto_map") or {}, raw.get("model_type")
    if own and not options.trust_remote_code and (auto_class in own or kind not in CONFIG_MAPPING):
        raise ModelError(
            f"{snapshot.folder} needs Python code of its own (auto_map in config.json), which is not run by default; "
            "read that code, then pass --trust-remote-code",
            problem="remote-code",
        )
    if not own and kind not in CONFIG_MAPPING:
        raise ModelError(
            f"{snapshot.folder / 'config.json'}: model_type {kind!r} is unknown to the installed transformers; "
            "upgrade it, or correct the field",
            problem="config",
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
            f"{snapshot.folder} cannot be loaded by {auto_class}: {type(error).__name__}: {why}",
            problem="unreadable",
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
            "conversation; put the one used in training into chat_template.jinja in that folder",
            problem="no-template",
        ) from None


def window_of(config: Any, tokenizer: Any) -> tuple[int, str]:
    limits = [
        (getattr(config, "max_position_embeddings", None), "max_position_embeddings in config.json"),
        (getattr(tokenizer, "model_max_length", None), "model_max_length in tokenizer_config.json"),
    ]
    # a tokenizer without a limit says 10**30
    found = [(limit, name) for limit, name in limits if isinstance(limit, int) and 0 < limit < 10**9]
    return min(found, default=(NO_WINDOW, "set by rmbench where a model states none"))
