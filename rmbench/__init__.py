"""rmbench: will your reward model survive being optimised?

folder = rmbench.run("./my-reward-model")   # raw scores, on disk
result = rmbench.evaluate(folder)           # numbers with intervals, from that folder alone
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# `run` is a module and a function: importing it here makes `rmbench.run` the function, whoever imports what later
from rmbench.run import run

if TYPE_CHECKING:
    from rmbench.evaluation import evaluate

__all__ = ["evaluate", "run"]


def __getattr__(name: str) -> Any:
    if name == "evaluate":
        from rmbench.evaluation import evaluate

        return evaluate
    raise AttributeError(f"module 'rmbench' has no attribute {name!r}")
