"""What a search may do to an answer. Each operator has a name and a family; adding one = a line in its family's file.

An operator of text is a pure function of (text, prompt, random stream), defined for any text and any prompt, so that
the same change can be made again on another rendering of the answer.
"""

from __future__ import annotations

from rmbench.optimizers.mutations import added, dressing, order
from rmbench.optimizers.mutations.base import Case, Operator
from rmbench.optimizers.mutations.draft import CHOICE_FAMILIES, Change, Draft, first, moves

__all__ = [
    "CHOICE_FAMILIES",
    "FAMILIES",
    "OPERATORS",
    "Case",
    "Change",
    "Draft",
    "Operator",
    "first",
    "moves",
]

OPERATORS = (*order.OPERATORS, *added.OPERATORS, *dressing.OPERATORS)
FAMILIES = (*CHOICE_FAMILIES, *dict.fromkeys(operator.family for operator in OPERATORS))
