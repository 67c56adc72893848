"""Two runs side by side: paired differences, the items on which they part, and a gate for continuous integration."""

from rmbench.comparison.gating import Gate, gate
from rmbench.comparison.paired import compare
from rmbench.comparison.types import Comparison, Difference, TaskComparison

__all__ = ["Comparison", "Difference", "Gate", "TaskComparison", "compare", "gate"]
