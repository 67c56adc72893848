"""The model that is being trained, as a reward model: lent for a moment and given back as it was."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rmbench.errors import ModelError, UsageError
from rmbench.models.base import ModelOptions
from rmbench.models.classifier import Classifier
from rmbench.models.hf import Loaded, window_of

if TYPE_CHECKING:
    import torch

BATCH_TOKENS = 16384  # off the CPU: a size that is found by filling the memory would take it from the training


class InTraining(Classifier):
    """A classifier whose weights change under it: no score of it is kept for later."""

    def __init__(self, loaded: Loaded, options: ModelOptions) -> None:
        # For other types than fp32, Classifier turns the head into fp32 for good; `lent` does it for the moment.
        dtype, loaded.settings["dtype"] = loaded.settings["dtype"], "float32"
        super().__init__(loaded, options, 0)
        self.settings["dtype"] = dtype

    @cached_property
    def identity(self) -> None:
        """Nothing names weights that are about to change."""
        return None


def in_training(trainer: Any, name: str, max_batch_tokens: int | None) -> InTraining:
    """The trainer's model as it stands, in its own precision and on its own device. Too long a text is missing."""
    model, tokenizer = _unwrapped(trainer), tokenizer_of(trainer)
    window, source = window_of(model.config.get_text_config(), tokenizer)
    step = trainer.state.global_step
    settings = {
        "name": f"{name}-step-{step}",
        "step": step,
        "architecture": type(_inner(model)).__name__,
        "parameters": sum(p.numel() for p in model.parameters()),
        "template_sha256": hashlib.sha256(str(tokenizer.get_chat_template()).encode()).hexdigest(),
        "dtype": str(next(model.parameters()).dtype).removeprefix("torch."),
        "mixed_precision": str(trainer.accelerator.mixed_precision),
        "device": next(model.parameters()).device.type,
        "window": window,
        "too_long": "null",
    }
    if max_batch_tokens is None and settings["device"] != "cpu":
        max_batch_tokens = BATCH_TOKENS
    options = ModelOptions(too_long="null", max_batch_tokens=max_batch_tokens)
    return InTraining(Loaded(model, tokenizer, settings, window, source), options)


def name_of(trainer: Any) -> str:
    """What the model is called in tables: the last part of where it was loaded from, or its class."""
    model = _inner(_unwrapped(trainer))
    return Path(str(model.config.name_or_path or "")).name or type(model).__name__


def tokenizer_of(trainer: Any) -> Any:
    """The trainer's tokenizer, also where a processor holds it."""
    return getattr(trainer.processing_class, "tokenizer", trainer.processing_class)


@contextmanager
def lent(model: Any) -> Iterator[None]:
    """Lend the model for scoring: evaluation mode, no gradients, an exact head; then all is as it was, bit for bit.

    What scoring may change is put back: modes, padding id, buffers, hooks, and the state of every random generator.
    """
    import torch

    config = model.config.get_text_config()
    pad_id, modes = config.pad_token_id, [(module, module.training) for module in model.modules()]
    buffers = [
        (module, name, buffer, buffer.detach().clone())
        for module in model.modules()
        for name, buffer in module.named_buffers(recurse=False)
    ]
    dice, numbers = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global one is what must not move
    hooks = [head.register_forward_hook(_exact) for head in _heads(model)]
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    try:
        model.eval()
        with torch.random.fork_rng(devices=devices), torch.no_grad():
            yield
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes:
            module.training = training
        for module, name, buffer, before in buffers:
            buffer.copy_(before)
            setattr(module, name, buffer)
        config.pad_token_id = pad_id
        random.setstate(dice)
        np.random.set_state(numbers)  # noqa: NPY002


def refuse(trainer: Any) -> None:
    """Raise UsageError or ModelError, in one sentence, for a trainer whose model cannot be measured as it trains."""
    from transformers import Trainer

    if not isinstance(trainer, Trainer):
        raise UsageError(
            f"RewardBenchmarkCallback was given a {type(trainer).__name__}; it goes with a transformers or TRL trainer:"
            " trainer.add_callback(RewardBenchmarkCallback(trainer))"
        )
    _refuse_sharded(trainer)
    model = _inner(_unwrapped(trainer))
    kind = type(model).__name__
    if getattr(model, "config", None) is None or not hasattr(model.config, "get_text_config"):
        raise ModelError(
            f"{kind} has no transformers config; rmbench measures sequence classifiers of transformers",
            problem="config",
        )
    if kind.endswith(("ForCausalLM", "LMHeadModel")):
        raise ModelError(
            f"{type(trainer).__name__} trains a language model ({kind}), which gives no reward; rmbench measures a "
            "sequence classifier with one label in training, and a saved language model with likelihood:PATH",
            problem="causal-lm",
        )
    if model.config.num_labels != 1:
        raise ModelError(
            f"{kind} has {model.config.num_labels} outputs, and a reward is one number; load it with num_labels=1",
            problem="labels",
        )
    _refuse_tokenizer(trainer)


def _refuse_tokenizer(trainer: Any) -> None:
    tokenizer = tokenizer_of(trainer)
    if tokenizer is None or not hasattr(tokenizer, "get_chat_template"):
        raise UsageError("the trainer has no tokenizer; pass it as processing_class, with a chat template")
    try:
        tokenizer.get_chat_template()
    except ValueError:
        raise ModelError(
            "the tokenizer of the trainer has no chat template, so conversations cannot be written as in training; "
            "set processing_class.chat_template (or chat_template_path in RewardConfig) to the one that you train with",
            problem="no-template",
        ) from None


def _refuse_sharded(trainer: Any) -> None:
    """The main process alone measures, so it must hold the whole model."""
    plugin = getattr(trainer.accelerator.state, "deepspeed_plugin", None)
    sharded = None
    if trainer.is_fsdp_enabled:
        sharded = "FSDP"
    elif plugin is not None and plugin.zero_stage == 3:
        sharded = "DeepSpeed ZeRO stage 3"
    elif any(type(p).__name__ == "DTensor" for p in trainer.model.parameters()):
        sharded = "tensor parallelism"
    if sharded:
        raise UsageError(
            f"{sharded} spreads the weights over processes, and rmbench measures in one; train with DDP or ZeRO stage "
            "1 or 2, or run `rmbench run` on the saved checkpoints"
        )


def _unwrapped(trainer: Any) -> Any:
    return trainer.accelerator.unwrap_model(trainer.model, keep_torch_compile=False)


def _inner(model: Any) -> Any:
    """The model of transformers, also inside a PEFT adapter."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _heads(model: Any) -> list[torch.nn.Linear]:
    """Where one number comes out, wherever wrappers have put it; quantised layers and gates are left alone."""
    import torch

    found = [(n, m) for n, m in model.named_modules() if type(m) is torch.nn.Linear and m.out_features == 1]
    return [module for name, module in found if not name.endswith("gate")]


def _exact(module: torch.nn.Linear, args: tuple[torch.Tensor, ...], _output: torch.Tensor) -> torch.Tensor:
    """The head in fp32: rounding to bf16, as autocast does in training, ties responses that the model tells apart."""
    import torch

    with torch.autocast(args[0].device.type, enabled=False):
        bias = None if module.bias is None else module.bias.float()
        return torch.nn.functional.linear(args[0].float(), module.weight.float(), bias)
