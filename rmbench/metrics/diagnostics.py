"""Why a reward fares as it does: its order within a prompt, its tails, its variance, its scale between prompts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rmbench.metrics.base import Bools, Measure, ratio
from rmbench.metrics.grid import AlongGrid
from rmbench.metrics.ranking import auc, hill, spearman, standard, top
from rmbench.metrics.reach import Optimizer, label, spots, why_not
from rmbench.optimizers import BestOfN, Tilt
from rmbench.optimizers.global_tilt import tilt_together
from rmbench.types import Floats, ScoredItem


class _PerPrompt(Measure):
    """Mean over prompts of a number that each prompt has by itself; a prompt without one is not counted."""

    def one(self, item: ScoredItem) -> float:
        """The prompt's number; NaN where it has none."""
        raise NotImplementedError

    def rows(self, items: Sequence[ScoredItem]) -> Floats:
        """The number and 1, per item that has one: shape (items, 2)."""
        found = np.array([self.one(item) for item in items])
        return np.stack([np.nan_to_num(found), np.isfinite(found).astype(float)], axis=1)

    def combine(self, sums: Floats) -> Floats:
        return ratio(sums[..., 0], sums[..., 1])

    def concerns(self, items: Sequence[ScoredItem]) -> Bools:
        return np.array([item.gold.size > 0 for item in items], dtype=bool)


@dataclass(frozen=True, repr=False)
class WithinPromptAUC(_PerPrompt):
    """P(r_i > r_j given g_i > g_j) over all pairs of a prompt's pool, ties one half; the mean over prompts.

    1 orders as the gold does, 1/2 is a constant or random reward.
    """

    def one(self, item: ScoredItem) -> float:
        return auc(item.scores, item.gold)

    def why(self, items: Sequence[ScoredItem]) -> str:  # noqa: ARG002
        return "no pair of candidates differs in gold"


@dataclass(frozen=True, repr=False)
class TopDecileAUC(_PerPrompt):
    """Within-prompt AUC among the tenth of the candidates that the proxy likes best: what an optimiser gets to see."""

    def one(self, item: ScoredItem) -> float:
        kept = top(item.scores)
        return auc(item.scores[kept], item.gold[kept])

    def why(self, items: Sequence[ScoredItem]) -> str:  # noqa: ARG002
        return "no pair of candidates in the top tenth differs in gold"


@dataclass(frozen=True, repr=False)
class TopDecileSpearman(_PerPrompt):
    """Rank correlation of proxy and gold among the tenth of the candidates that the proxy likes best.

    0 where the proxy ties them all; a prompt whose top tenth has one gold is not counted. The mean over prompts.
    """

    def one(self, item: ScoredItem) -> float:
        kept = top(item.scores)
        return spearman(item.scores[kept], item.gold[kept])

    def why(self, items: Sequence[ScoredItem]) -> str:  # noqa: ARG002
        return "no pair of candidates in the top tenth differs in gold"


@dataclass(frozen=True, repr=False)
class HillIndex(_PerPrompt):
    """Hill's index of the upper tail: of the reward, or of its error r - g, both standardised within the prompt first.

    The mean over prompts of 1/alpha from each one's top tenth (k = N/10, at least 2). Larger = heavier; a power tail
    P(x > t) = t^-alpha has 1/alpha. A heavy-tailed error is what makes optimisation pure exploitation (2407.14503).
    """

    of: Literal["reward", "error"] = "reward"

    def one(self, item: ScoredItem) -> float:
        values = standard(item.scores)
        if self.of == "error":
            values = values - standard(item.gold)
            if np.abs(values).max(initial=0.0) < 1e-9:  # the gold itself: what is left is rounding
                return math.nan
        return hill(values, max(2, round(values.size / 10)))

    def why(self, items: Sequence[ScoredItem]) -> str:  # noqa: ARG002
        return f"no prompt's {self.of} has an upper tail: too few candidates above the mean"

    def __repr__(self) -> str:
        return f"HillIndex({self.of})"


@dataclass(frozen=True, repr=False)
class RewardVariance(Measure):
    """Mean variance of the reward within a prompt, after whitening over all prompts and candidates (2503.15477).

    The reward is divided by its standard deviation over the whole matrix, anew in every resample. Near 0, almost all
    that the reward varies with is the prompt, and a policy learns slowly from it, however accurate it is.
    """

    def rows(self, items: Sequence[ScoredItem]) -> Floats:
        """Variance within, 1, candidates, their sum and sum of squares: (items, 5).

        Rewards are moved and scaled as a whole first, which cancels out and keeps the sums exact enough.
        """
        every = np.concatenate([item.scores for item in items])
        largest = np.abs(every).max(initial=0.0) or 1.0
        centre = float((every / largest).mean()) if every.size else 0.0
        spread = float((every / largest).std()) or 1.0 if np.ptp(every / largest) > 0 else math.inf
        rows = []
        for item in items:
            values = (item.scores / largest - centre) / spread
            within = float(values.var()) if values.size and np.ptp(item.scores) > 0 else 0.0
            rows.append([within, float(values.size > 0), values.size, values.sum(), values @ values])
        return np.array(rows)

    def combine(self, sums: Floats) -> Floats:
        within = ratio(sums[..., 0], sums[..., 1])
        mean = ratio(sums[..., 3], sums[..., 2])
        overall = ratio(sums[..., 4], sums[..., 2]) - mean**2
        return ratio(within, np.where(overall > 1e-12, overall, 0.0))

    def why(self, items: Sequence[ScoredItem]) -> str:  # noqa: ARG002
        return "the reward is the same for every answer of every prompt"


@dataclass(frozen=True, repr=False)
class Gamma(AlongGrid):
    """Area between what the gold and the proxy reach, over the area under the gold's: int |f - g| / int f.

    A variant of the gamma of Kim 2025 (2505.12763). x: nats of KL from 0 to the largest budget, as asked for with tilt,
    by the textbook log n - (n - 1)/n for best-of-n, so that f and g meet at equal budgets. f, g: mean gold gained by
    optimising the gold, and the proxy; both in units of gold, so that nothing has to be normalised. Kim integrates two
    fitted curves, this the measured points joined by straight lines. 0 = the gold itself, 1 = a constant reward.
    """

    def rows(self, items: Sequence[ScoredItem]) -> Floats:
        """Gains along the grid, and headrooms: shape (items, 2 * grid)."""
        found = spots(items, self.grid)
        return np.concatenate([found.gain, found.headroom], axis=1)

    def combine(self, sums: Floats) -> Floats:
        proxy, gold = np.split(sums, 2, axis=-1)
        widths = np.diff([_nats(optimizer) for optimizer in self.grid])
        under = (widths * (gold[..., 1:] + gold[..., :-1]) / 2).sum(-1)
        return ratio((widths * _between(gold - proxy)).sum(-1), under)

    def why(self, items: Sequence[ScoredItem]) -> str:
        return next(filter(None, (why_not(items, point) for point in self.grid[::-1])), self.otherwise())


@dataclass(frozen=True, repr=False)
class GlobalRecovery(Measure):
    """Recovery when one lambda tilts all prompts, with the mean KL as the budget: what a single KL coefficient does.

    The headroom is the gold's, tilted in the same way. Lambda is fitted on all prompts and not anew in each resample.
    """

    nats: float

    def rows(self, items: Sequence[ScoredItem]) -> Floats:
        """Gain and headroom, per item: shape (items, 2)."""
        if not all(item.gold.size for item in items):
            return np.full((len(items), 2), np.nan)
        return np.stack([_together(items, self.nats, gold=gold) for gold in (False, True)], axis=1)

    def combine(self, sums: Floats) -> Floats:
        return ratio(sums[..., 0], sums[..., 1])

    def why(self, items: Sequence[ScoredItem]) -> str:
        return why_not(items, Tilt(self.nats)) or super().why(items)

    def __repr__(self) -> str:
        return f"Recovery(global_tilt={self.nats:g})"


@dataclass(frozen=True, repr=False)
class ScaleCost(GlobalRecovery):
    """Between-prompt scale cost: recovery of the tilt per prompt minus that of the global tilt, at the same nats.

    Above 0, the reward's scale differs between prompts in a way that wastes a policy's KL. 0 for a constant reward and
    for the gold. As for the global tilt, lambda is not fitted anew in each resample.
    """

    def rows(self, items: Sequence[ScoredItem]) -> Floats:
        """Gain and headroom of the global tilt, then of the tilt per prompt: shape (items, 4)."""
        own = spots(items, [Tilt(self.nats)])
        return np.concatenate([super().rows(items), own.gain, own.headroom], axis=1)

    def combine(self, sums: Floats) -> Floats:
        return ratio(sums[..., 2], sums[..., 3]) - ratio(sums[..., 0], sums[..., 1])

    def __repr__(self) -> str:
        return f"ScaleCost({label(Tilt(self.nats))})"


def _together(items: Sequence[ScoredItem], nats: float, *, gold: bool) -> Floats:
    """Gold gained in each prompt by one lambda for all, shape (items,)."""
    found = tilt_together([item.gold if gold else item.scores for item in items], nats)
    gained = [float(w @ item.gold) for w, item in zip(found.weights, items, strict=True)]
    before = [float(np.full(item.gold.size, 1 / item.gold.size) @ item.gold) for item in items]
    gain: Floats = np.array(gained) - np.array(before)
    return gain


def _nats(optimizer: Optimizer) -> float:
    """The x of `Gamma`."""
    return optimizer.bound if isinstance(optimizer, BestOfN) else optimizer.budget


def _between(difference: Floats) -> Floats:
    """Mean of |f - g| on each stretch between two points of the last axis, joined by straight lines that may cross."""
    left, right = difference[..., :-1], difference[..., 1:]
    size: Floats = np.abs(left) + np.abs(right)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossed: Floats = (left**2 + right**2) / (2 * np.where(size > 0, size, 1.0))
    mean: Floats = np.where(left * right < 0, crossed, size / 2)
    return mean


POOL_DIAGNOSTICS: tuple[Measure, ...] = (
    WithinPromptAUC(),
    TopDecileAUC(),
    TopDecileSpearman(),
    HillIndex("reward"),
    HillIndex("error"),
    RewardVariance(),
)
