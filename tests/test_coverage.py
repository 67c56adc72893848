"""Do 95 % intervals hold the truth in 95 % of cases? Many data sets are drawn from populations whose truth is known.

    pytest -m slow tests/test_coverage.py -s

prints, per metric and size, the share of intervals that held the truth, and on which side the others lay. The sizes are
those of the suites. A case may fail by chance in none of a hundred seeds: the seeds are fixed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm
from scored import item, pools

from rmbench.evaluation import _mean
from rmbench.metrics.base import Measure, estimate
from rmbench.metrics.calibration import NLL, RMSE, Brier, CalibrationSkill, Temperature
from rmbench.metrics.generalisation import Gap, RetainedSkill
from rmbench.metrics.overoptimization import MeanRecovery, Recovery
from rmbench.metrics.selective import SelectiveSkill
from rmbench.metrics.temperature import fit
from rmbench.metrics.ties import TieSkill
from rmbench.optimizers import BestOfN, Tilt
from rmbench.stats import interval, resample
from rmbench.types import ScoredItem

DRAWS = 400
TAU = 0.15
SEED = 1


# --- populations -----------------------------------------------------------------------------------------------------


def ranked(rng, groups, size=1, edge=1.0, shared=0.0, split=False, tag=""):
    """Pairs whose margins are N(edge, 1), of which a part `shared` belongs to the group: accuracy Phi(edge)."""
    base = np.sqrt(shared) * rng.standard_normal((groups, 1))
    margins = edge + base + np.sqrt(1 - shared) * rng.standard_normal((groups, size))
    return margins


def as_pairs(margins, split=None):
    """Items of decided pairs; with `split`, one side per column."""
    out = []
    for g, row in enumerate(margins):
        for k, m in enumerate(row):
            tags = {"split": split[k]} if split else {}
            out.append(ScoredItem(f"{g}-{k}", f"g{g}", np.array([m, 0.0]), np.array([1.0, 0.0]), tags=tags))
    return out


REWARDS: dict[str, Callable] = {
    "good": lambda gold, rng: np.tanh(2 * gold) + 0.15 * rng.standard_normal(gold.shape),
    "noisy": lambda gold, rng: gold + 0.8 * rng.standard_normal(gold.shape),
    "random": lambda gold, rng: rng.standard_normal(gold.shape),
}


def known(reward, rng, count):
    """Margins and known probabilities of pairs of graded gold."""
    gold = np.round(8 * rng.beta(1.5, 1.5, (count, 2))) / 8
    scores = REWARDS[reward](gold, rng)
    return scores[:, 0] - scores[:, 1], expit((gold[:, 0] - gold[:, 1]) / TAU), gold


def as_known(margins, chance, gold, split=None):
    tags = {"split": split} if split else {}
    rows = zip(margins, chance, gold, strict=True)
    name = split or "i"
    return [ScoredItem(f"{name}{k}", f"{name}{k}", np.array([m, 0.0]), g, p, tags=tags) for k, (m, p, g) in enumerate(rows)]


@cache
def best(reward):
    """The population's 1/T, and the truth of every metric at it."""
    margins, chance, _ = known(reward, np.random.default_rng(99), 1_000_000)
    inverse = 0.0 if reward == "random" else fit(margins, chance)
    q = expit(inverse * margins)
    return {
        "CalibrationSkill": 1 - np.mean((q - chance) ** 2) / np.mean((0.5 - chance) ** 2),
        "RMSE": np.sqrt(np.mean((q - chance) ** 2)),
        "NLL": -np.mean(chance * np.log(q) + (1 - chance) * np.log1p(-q)),
        "Brier": np.mean(chance * (1 - q) ** 2 + (1 - chance) * q**2),
        "Temperature": np.inf if inverse == 0 else 1 / inverse,
    }


# --- simulation ------------------------------------------------------------------------------------------------------


def covered(name, truth, simulate, simulations):
    """The share of intervals that hold the truth, printed with the misses on each side."""
    seed = zlib.crc32(name.encode())
    sides, widths, values = np.zeros(2), [], []
    for k in range(simulations):
        low, high, value = simulate(np.random.default_rng([SEED, seed, k]), k)
        sides += [low > truth, high < truth]
        widths.append(high - low)
        values.append(value)
    share = 100 * (1 - sides.sum() / simulations)
    above, below = 100 * sides / simulations
    print(
        f"\n{name:44s} {share:5.1f} %  above {above:4.1f}  below {below:4.1f}  truth {truth:6.3f} "
        f"mean {np.mean(values):6.3f}  width {np.mean(widths):.3f}  ({simulations})",
        end="",
    )
    return share


def told(metric, items, k, draws=DRAWS):
    return estimate(metric, items, resample([i.group for i in items], draws=draws, seed=k, name="coverage"))


def bounds(found):
    return found.estimate.low, found.estimate.high, found.estimate.value
