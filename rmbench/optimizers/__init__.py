"""What is done to a reward under a budget. Optimisers on pools share the protocol of `pool.py`."""

from rmbench.optimizers.best_of_n import BestOfN
from rmbench.optimizers.pool import PoolOptimizer, Spent
from rmbench.optimizers.tilt import Tilt
from rmbench.types import Budgets

__all__ = ["BestOfN", "PoolOptimizer", "Spent", "Tilt", "from_budgets"]


def from_budgets(budgets: Budgets) -> list[PoolOptimizer]:
    """The optimisers that a card asks for: tilt first, then best-of-n, each by rising budget."""
    return [*map(Tilt, sorted(budgets.tilt)), *map(BestOfN, sorted(budgets.best_of_n))]
