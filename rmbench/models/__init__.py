"""Every way of being a reward model, one file each.

A module of this folder that defines `ADAPTER` (or `ADAPTERS`) is found by itself. Modules are light: what is heavy is
imported when the model is loaded.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from rmbench.errors import UsageError
from rmbench.models.base import LABEL, Adapter, Batch, ModelOptions, TokenModel, Tokens, reads_tokens
from rmbench.types import RewardModel, Track

__all__ = [
    "Adapter",
    "Batch",
    "ModelOptions",
    "TokenModel",
    "Tokens",
    "adapters",
    "load_model",
    "reads_tokens",
    "track_of",
]


@cache
def adapters() -> dict[str, Adapter]:
    """Every adapter by name, in the order of names."""
    found: list[Adapter] = []
    for module in pkgutil.iter_modules(__path__):
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        found += getattr(loaded, "ADAPTERS", ())
        found += [loaded.ADAPTER] if hasattr(loaded, "ADAPTER") else []
    return {adapter.name: adapter for adapter in sorted(found, key=lambda a: a.name)}


def load_model(spec: str, options: ModelOptions | None = None) -> RewardModel:
    """The reward model that `spec` names: `name`, `name:argument`, a folder, or a Hub id with a slash.

    Raises UsageError for a name that means nothing, ModelError for a model that cannot be used.
    """
    options = options or ModelOptions()
    name, _, argument = spec.partition(":")
    adapter = adapters().get(name)
    if adapter is not None:
        if bool(argument) != bool(adapter.argument):
            needs = f"is written {adapter.usage}" if adapter.argument else f"takes no argument, but got {argument!r}"
            raise UsageError(f"model {adapter.name!r} {needs}")
        return adapter.load(argument, options)
    source = Path(spec.partition(LABEL)[0])
    if source.is_file():
        raise UsageError(f"{source} is a file; saved scores are read with replay:{source}, a model is a folder")
    if source.is_dir() or "/" in spec:
        return adapters()["classifier"].load(spec, options)
    raise UsageError(_unknown(spec, name))


def track_of(model: str | RewardModel) -> Track:
    """The track of a model where none is declared: its adapter's; open for a folder, a Hub id, an object."""
    adapter = adapters().get(model.partition(":")[0]) if isinstance(model, str) else None
    return adapter.track if adapter else "open"


def _unknown(spec: str, name: str) -> str:
    from rmbench.items import did_you_mean

    usages = ", ".join(adapter.usage for adapter in adapters().values())
    hint = did_you_mean(name, adapters())
    return f"there is no model {spec!r}{hint}; known: {usages}, a folder such as ./my-model, or a Hub id ORG/NAME"
