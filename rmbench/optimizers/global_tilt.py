"""One lambda for all prompts: what a single KL coefficient does in RLHF, as against the tilt's lambda per prompt.

The prompts' rewards are tilted by softmax(lambda r) with the lambda at which the *mean* KL over prompts equals the
budget. A reward whose scale differs between prompts then spends its nats where it is loud, not where it is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from rmbench.errors import UsageError
from rmbench.types import Floats

LOG_LAMBDA = (-60.0, 690.0)  # as far as doubles go
STEP = 4.0  # of the search for a bracket, in log lambda


@dataclass(frozen=True, slots=True)
class GlobalSpent:
    """The weights of every prompt, each of shape (N,), and the mean KL in nats that they cost.

    `saturated`: ties allow less than the budget on average; the weights are then uniform over each prompt's best.
    """

    weights: tuple[Floats, ...]
    kl: float
    saturated: bool


def tilt_together(scores: Sequence[Floats], nats: float) -> GlobalSpent:
    """Tilt all prompts by one lambda. `scores` are finite rewards, shape (N,) each; N may differ.

    Raises UsageError for no prompts, an empty one, or a budget that is not above 0.
    """
    if not scores or not all(s.size for s in scores) or not nats > 0:
        raise UsageError(f"a global tilt of {nats:g} nats needs a budget above 0 and prompts that have candidates")
    below = _below(scores)
    starts = np.cumsum([0, *(s.size for s in scores[:-1])])
    sizes = np.array([s.size for s in scores])
    tops = np.add.reduceat(below == 0, starts, dtype=np.float64)
    most = float(np.log(sizes / tops).mean())
    if nats >= most * (1 - 1e-12):
        weights = (below == 0) / np.repeat(tops, sizes)
        return GlobalSpent(tuple(np.split(weights, starts[1:])), most, saturated=True)

    def weigh(log_strength: float) -> tuple[Floats, float]:
        raised = np.exp(log_strength) * below
        powers = np.exp(raised)
        totals = np.add.reduceat(powers, starts)
        found = powers / np.repeat(totals, sizes)
        kls = np.add.reduceat(found * raised, starts) - np.log(totals) + np.log(sizes)
        return found, float(kls.mean())

    low, high = 0.0, 0.0
    while low > LOG_LAMBDA[0] and weigh(low)[1] > nats:
        low -= STEP
    while high < LOG_LAMBDA[1] and weigh(high)[1] < nats:
        high = min(high + STEP, LOG_LAMBDA[1])
    # a scale so wild that doubles run out is left at the end of the bracket
    bracketed = low < high and weigh(low)[1] < nats < weigh(high)[1]
    solution = float(brentq(lambda s: weigh(s)[1] - nats, low, high, xtol=1e-12)) if bracketed else high
    weights, kl = weigh(solution)
    spent = bool(np.isclose(kl, nats, rtol=1e-6))
    return GlobalSpent(tuple(np.split(weights, starts[1:])), kl, saturated=not spent)


def _below(scores: Sequence[Floats]) -> Floats:
    """All rewards, one prompt after the other, below their prompt's best and scaled by one number into [-1, 0]."""
    largest = max(float(np.abs(s).max()) for s in scores) or 1.0
    below: Floats = np.concatenate([s / largest - (s / largest).max() for s in scores])
    return below / (-below.min() or 1.0)
