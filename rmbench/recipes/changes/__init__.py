"""Changes that ought not to change a verdict: each turns a pair into its shifted twin.

One file per family; each defines `CHANGES`. Adding a change = a line in its family's file, or a file.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from rmbench.errors import TaskError
from rmbench.items import did_you_mean
from rmbench.recipes.changes.base import Case, Change, Changed

__all__ = ["Case", "Change", "Changed", "changes", "get_change"]


@cache
def changes() -> dict[str, Change]:
    """Every change by name: those that the modules of this package list as their `CHANGES`."""
    modules = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    return {change.name: change for module in modules for change in getattr(module, "CHANGES", ())}


def get_change(name: str) -> Change:
    """The change called `name`. Raises TaskError naming the known ones."""
    if name not in changes():
        raise TaskError(f"there is no change {name!r}{did_you_mean(name, changes())}; known: {', '.join(changes())}")
    return changes()[name]
