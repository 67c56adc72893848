"""Multi-step arithmetic word problems: worked steps, a check of the last step, and a final answer."""

from rmbench.worlds.arithmetic.world import Arithmetic

WORLD = Arithmetic()

__all__ = ["WORLD", "Arithmetic"]
