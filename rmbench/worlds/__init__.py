"""Procedural tasks whose gold is a program. One folder per world; each defines `WORLD`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from rmbench.errors import UsageError
from rmbench.worlds.base import World


@cache
def worlds() -> dict[str, World]:
    """Every world by name: each sub-package of this one that defines `WORLD`."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if m.ispkg)
    return {name: importlib.import_module(f"{__name__}.{name}").WORLD for name in names}


def get_world(name: str) -> World:
    """The world called `name`. Raises UsageError naming the known ones."""
    try:
        return worlds()[name]
    except KeyError:
        raise UsageError(f"there is no world {name!r}; known worlds: {', '.join(worlds())}") from None
