"""How items are made from worlds. One file per recipe; each defines `Settings` (pydantic) and `build(settings)`.

A card's `build` block names the recipe and its settings, so a new task from the worlds is a card and one command.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from rmbench.errors import TaskError
from rmbench.types import Item


def recipe_names() -> list[str]:
    """The recipes that exist: the modules of this package."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_") and not m.ispkg)


def build_items(build: Mapping[str, Any], where: str) -> list[Item]:
    """The items that a card's `build` block describes. The same block gives the same items.

    Raises TaskError naming `where` and the field when the block is empty or misspelt.
    """
    settings = dict(build)
    name = settings.pop("recipe", None)
    if name not in recipe_names():
        raise TaskError(f"{where}: build.recipe is {name!r}; known recipes: {', '.join(recipe_names())}")
    recipe = importlib.import_module(f"{__name__}.{name}")
    try:
        parsed = recipe.Settings.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise TaskError(f"{where}: build.{field}: {first['msg'].lower()}") from None
    items: list[Item] = recipe.build(parsed)
    return items
