"""What is done to a reward under a budget.

Optimisers on pools share the protocol of `pool.py`, those that ask the reward again and again that of `interactive.py`.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from rmbench.errors import UsageError
from rmbench.optimizers.best_of_n import BestOfN
from rmbench.optimizers.pool import PoolOptimizer, Spent
from rmbench.optimizers.tilt import Tilt
from rmbench.types import Budgets

if TYPE_CHECKING:  # worlds are not needed to evaluate
    from rmbench.optimizers.interactive import Interactive

__all__ = ["BestOfN", "PoolOptimizer", "Spent", "Tilt", "from_budgets", "get_optimizer", "optimizer_names"]


def from_budgets(budgets: Budgets) -> list[PoolOptimizer]:
    """The optimisers that a card asks for: tilt first, then best-of-n, each by rising budget."""
    return [*map(Tilt, sorted(budgets.tilt)), *map(BestOfN, sorted(budgets.best_of_n))]


@cache
def optimizer_names() -> list[str]:
    """The optimisers that query the reward: modules here with an `OPTIMIZER`, a value or a class made of a policy."""
    found = [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
    return sorted(name for name in found if hasattr(importlib.import_module(f"{__name__}.{name}"), "OPTIMIZER"))


def get_optimizer(name: str, policy: str | None = None) -> Interactive:
    """An optimiser by name; `lm-rl` is `lm_rl`. Raises UsageError for an unknown one, or one that lacks its policy."""
    plain = name.replace("-", "_")
    if plain not in optimizer_names():
        known = ", ".join(n.replace("_", "-") for n in optimizer_names())
        raise UsageError(f"there is no optimizer {name!r} that queries a reward; known: {known}")
    made = importlib.import_module(f"{__name__}.{plain}").OPTIMIZER
    if isinstance(made, type):
        if not policy:
            raise UsageError(f"{name} trains a language model: name it with --policy (a folder, a Hub id, or smollm2)")
        made = made(policy)
    elif policy:
        raise UsageError(f"{name} has a policy of its own; --policy goes with lm-rl")
    ready: Interactive = made
    return ready
