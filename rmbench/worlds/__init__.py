"""Procedural tasks whose gold is a program. One folder per world; each defines `WORLD`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from rmbench.errors import TaskError, UsageError
from rmbench.worlds.base import Prompt, World

PRACTICE = 256  # prompts that a policy is trained on
PRACTICE_SEED = 500_000  # far from the seeds of every task


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


def prompt_from_tags(tags: Mapping[str, str]) -> Prompt:
    """The prompt that an item was made from, with what is needed to grade any text under it.

    Raises TaskError if the tags do not name a world's prompt, or one of another version of the world.
    """
    lacking = [key for key in ("world", "world_version", "seed", "difficulty", "domain") if key not in tags]
    if lacking:
        raise TaskError(f"an item without the tag {lacking[0]!r} cannot be optimised against: its world is unknown")
    world = get_world(tags["world"])
    if tags["world_version"] != str(world.version):
        raise TaskError(
            f"the item was made by version {tags['world_version']} of the world {world.name}, and this is version"
            f" {world.version}; rebuild the task"
        )
    options: dict[str, Any] = {"difficulty": tags["difficulty"], "domain": tags["domain"]}
    return world.prompt(int(tags["seed"]), **options)


@lru_cache(maxsize=16)
def practice_prompts(world: str, count: int) -> tuple[Prompt, ...]:
    """Prompts to train a policy on: of the test split, as the tasks are, and none of them in a task."""
    return tuple(get_world(world).prompt(PRACTICE_SEED + i) for i in range(count))
