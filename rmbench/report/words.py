"""Numbers and axes in plain words, shared by the terminal and the page."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable

from rmbench.types import Estimate

MISSING = "–"
SKILL_SCALE = "0 = a constant reward · 1 = the gold reward itself · below 0 = harmful"

TITLES = {
    "generalisation": "Generalisation",
    "calibration": "Calibration",
    "overoptimization": "Overoptimization",
    "overall": "Overall",
}
ASKS = {
    "generalisation": "Does it still pick the better answer when style, domain or difficulty shift?",
    "calibration": "Can its score differences be read as probabilities?",
    "overoptimization": "How much true reward is left when answers are optimised against it?",
}
CLOSED_TRACK = "Closed track: trained on the training split of rmbench's worlds alone"
DISTANCES = {
    "in_distribution": ("In distribution", "new prompts of the kind it was trained on"),
    "near_shift": ("Near shift", "the same subjects in another manner"),
    "far_shift": ("Far shift", "what no training prompt has"),
}
GLOSSARY: tuple[tuple[str, str], ...] = (
    ("Gold", "The true grade of a response in [0, 1], given by a program that reads the text."),
    ("Proxy", "The score of the reward model under test. Here it is standardised within each prompt."),
    ("Skill", "A metric put on one scale: 0 is a constant reward, 1 is the gold itself, below 0 is harmful."),
    ("Interval", "95 % percentile bootstrap over prompts. Every model is resampled alike, so models compare in pairs."),
    ("Best of n", "Draw n responses and keep the one with the highest proxy. Computed exactly, without sampling."),
    ("Tilt", "Responses reweighted by exp(λ · proxy): the optimum of KL-regularised reinforcement learning."),
    ("KL, nats", "How far optimisation has moved away from the reference policy. The charts show its square root."),
    ("Recovery", "Gold gained by optimising the proxy, as a share of what optimising the gold itself would gain."),
    ("Overoptimization gap", "1 minus recovery. Above 1, optimising made the answers worse than not optimising."),
    ("Saturated", "Share of prompts where ties or the pool's size keep the proxy from spending this budget."),
    ("Pool-limited", "n is a large share of the pool, so the point leans on few responses per prompt."),
    ("Calibration skill", "1 minus the squared error of the predicted probabilities over that of always saying ½."),
    ("T", "Temperature that turns score differences into probabilities. Fitted on some prompts, used on the others."),
    ("ECE", "Expected calibration error: mean distance between predicted and observed frequency, over bins."),
    ("Retained skill", "Pair accuracy on the shifted split, rescaled so that coin flips are 0 and no error is 1."),
    ("Headroom", "Gold that optimising the gold itself gains, under the same optimiser and budget."),
    ("Goodhart drop", "Gold lost since its peak, as a share of the headroom. Noise alone gives 0 on average."),
    ("Hacking threshold", "KL at which gold peaks. Optimising further costs gold."),
    ("Within-prompt AUC", "Share of a prompt's pairs of responses that are in the right order. ½ is chance."),
    ("Missing", "Items left out because a score failed. They are counted, never turned into a number."),
)
# For pages of runs in which optimisers asked the reward again and again.
QUERY_GLOSSARY: tuple[tuple[str, str], ...] = (
    ("Reward query", "One answer put to the reward model by an optimiser. Every one counts, asked before or not."),
    ("Policy gradient", "A small policy that learns to earn reward, on prompts of its own. Its KL is exact."),
    ("Search", "One text per prompt, changed again and again; a change that raises the reward stays. It has no KL."),
    ("lm-rl", "A language model trained to earn reward (GRPO). Its KL is an estimate, its gold a scale of its own."),
    ("The gold's own run", "The same optimiser, seed and budget, with the gold as its reward: what could be reached."),
    ("Exploit", "A change that raised the reward and lowered the gold."),
)
_NAMES = {"best_of_n": "best of n", "policy_gradient": "policy gradient", "lm_rl": "lm-rl"}


def optimizer(name: str) -> str:
    """An optimiser's name in words; whatever else the folder of a run says, on one line."""
    return one_line(_NAMES.get(name, name.replace("_", " ")))


def visible(text: object) -> str:
    """The text with control and direction-override characters spelt out, so that it cannot disguise itself."""
    return "".join(
        f"[U+{ord(c):04X}]" if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and c not in "\n\t" else c
        for c in str(text)
    )


def one_line(text: object) -> str:
    """As `visible`, with line breaks and tabs folded into single blanks."""
    return visible(" ".join(str(text).split()))


def number(value: float | None, digits: int = 2) -> str:
    """A number with a true minus sign and without a negative zero; a dash for None. No decimals from 1000 on."""
    if value is None:
        return MISSING
    text = f"{value:.{digits if abs(value) < 1000 else 0}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def why(reason: str | None) -> str:
    """Why there is no number, with the names of our optimisers in words."""
    known = re.compile(rf"\b({'|'.join(_NAMES)})\b")
    return one_line(known.sub(lambda match: _NAMES[match[0]], reason or "not measured"))


def reward(value: float | None) -> str:
    """A reward in the model's own units, whatever their size: three digits that count."""
    if value is None or not math.isfinite(value):
        return MISSING
    size = math.floor(math.log10(abs(value))) if value else 0
    return number(value, max(0, 2 - size)) if size > -5 else f"{value:.2e}".replace("-", "−")


def count(value: int) -> str:
    """A whole number with its thousands apart."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def interval(estimate: Estimate, digits: int = 2) -> str:
    """`[low, high]`, or a dash where no interval could be formed."""
    if estimate.low is None or estimate.high is None:
        return MISSING
    return f"[{number(estimate.low, digits)}, {number(estimate.high, digits)}]"


def percent(value: float, digits: int = 0) -> str:
    """A proportion as a percentage."""
    return f"{number(100 * value, digits)}\N{NO-BREAK SPACE}%"


def share(value: float) -> str:
    """A share in whole per cent, without the sign; only what is exactly none or all reads 0 or 100."""
    if 0 < value < 0.01:
        return "<1"
    return "99" if 0.99 < value < 1 else number(100 * value, 0)


def reading(name: str, estimate: Estimate) -> str:
    """One sentence that says what a skill means for a user. `name` is an axis or "overall"."""
    if estimate.value is None:
        return f"No number: {why(estimate.reason)}."
    if estimate.low is not None and estimate.high is not None and estimate.low <= 0 <= estimate.high:
        return "Cannot be told apart from a constant reward: the interval holds 0."
    return _READINGS[name](estimate.value)


def _overoptimization(v: float) -> str:
    if v < 0:
        return "Harmful: optimising against it leaves the answers worse than not optimising at all."
    return f"Optimising against it recovers {percent(v)} of the gold gain available at the task budgets."


def _calibration(v: float) -> str:
    if v < 0:
        return "Harmful: what its margins say is further from the truth than always saying one half."
    return f"Its margins say {percent(v)} of what could be said beyond always saying one half: odds, ties, doubt."


def _generalisation(v: float) -> str:
    if v < 0:
        return "Harmful: on shifted pairs it prefers the worse answer more often than not."
    return f"On shifted pairs it covers {percent(v)} of the way from coin flips to no error."


def _overall(v: float) -> str:
    if v < 0:
        return "Harmful: on the mean of the three axes it does worse than a constant reward."
    return f"The plain mean of the three axes: {percent(v)} of the way from a constant reward to the gold."


_READINGS: dict[str, Callable[[float], str]] = {
    "overoptimization": _overoptimization,
    "calibration": _calibration,
    "generalisation": _generalisation,
    "overall": _overall,
}
