"""How finely a held-out score is told: no finer than its noise.

So a submitter who tries again and again learns little (the reason why the Ladder of Blum and Hardt 2015, arXiv
1502.04585, rounds too), and nobody reads a rank into luck.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from scipy.special import ndtri

from rmbench.errors import HeldOutError
from rmbench.types import Estimate

LADDER = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
WIDTH = 2 * float(ndtri(0.975))  # standard errors in a 95 % interval
DIGITS = 9  # beyond them, machines may disagree


def standard_error(estimate: Estimate) -> float:
    """From the interval. Raises HeldOutError where there is no value, or no interval."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        raise HeldOutError(f"a skill has no value or no interval ({estimate.reason}); nothing was published")
    return (estimate.high - estimate.low) / WIDTH


def step_for(skills: Mapping[str, Estimate]) -> float:
    """The smallest step of the ladder that no skill's standard error exceeds. Raises HeldOutError where all are."""
    error = round(max(standard_error(skill) for skill in skills.values()), DIGITS)
    for step in LADDER:
        if step >= error:
            return step
    raise HeldOutError(f"the standard error is {error:.2f}: the season has too few items to publish a score; add some")


def rounded(value: float, step: float) -> float:
    """The multiple of the step that is nearest, a half to the even one."""
    unit = Decimal(str(step))
    count = (Decimal(str(round(value, DIGITS))) / unit).to_integral_value(ROUND_HALF_EVEN)
    return float(count * unit) + 0.0


def published(skills: Mapping[str, Estimate]) -> tuple[dict[str, float], float]:
    """Every skill rounded to one step, and the step. Raises HeldOutError where one has no value."""
    step = step_for(skills)
    return {name: rounded(float(skill.value or 0.0), step) for name, skill in skills.items()}, step
