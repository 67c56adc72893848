"""Do 95 % intervals hold the truth in 95 % of cases? Many data sets are drawn from populations whose truth is known.

    pytest -n 0 -m slow tests/test_coverage.py -s

prints, per metric and size (those of the suites), the share of intervals that held the truth, and on which side of it
the others lay. Everything is seeded.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial

import numpy as np
import pytest
from scipy.special import expit
from scored import pools

from rmbench.evaluation import _mean
from rmbench.metrics.base import Estimated, Measure, estimate
from rmbench.metrics.bias import BiasEffect
from rmbench.metrics.calibration import NLL, RMSE, Brier, CalibrationSkill, Temperature, VoteSkill
from rmbench.metrics.generalisation import Gap, RetainedSkill
from rmbench.metrics.overoptimization import MeanRecovery, Recovery
from rmbench.metrics.selective import SelectiveSkill
from rmbench.metrics.temperature import fit
from rmbench.metrics.ties import TieSkill
from rmbench.optimizers import BestOfN, Tilt
from rmbench.stats import Resamples, interval, p_value, resample
from rmbench.types import Floats, ScoredItem

pytestmark = pytest.mark.slow
DRAWS = 1000  # as `evaluate` makes; where T is fitted in each, 300
SETS = 10
TAU = 0.15
NOTHING = np.zeros(1)
WORST, BEST = 93.0, 97.0  # per cent


# --- simulation ------------------------------------------------------------------------------------------------------

Found = tuple[float, float, float]  # low, high, value


def covered(name: str, truth: float, simulate: Callable[[np.random.Generator, int], Found], simulations: int) -> float:
    """The share of the intervals that hold the truth, in per cent; printed with the misses on each side."""
    seed = zlib.crc32(name.encode())
    found = np.array([simulate(np.random.default_rng([seed, k]), k) for k in range(simulations)])
    low, high, values = found.T
    over, under = 100 * (low > truth).mean(), 100 * (high < truth).mean()
    print(
        f"\n{name:36s} {100 - over - under:5.1f} %  too high {over:4.1f}  too low {under:4.1f}   truth {truth:6.3f}"
        f"  mean value {values.mean():6.3f}  mean width {(high - low).mean():.3f}  of {simulations}",
        end="",
    )
    return float(100 - over - under)


def check(share: float, simulations: int, *, at_most: float = BEST) -> None:
    """Within 95 +- 2, but for one standard error of the simulation itself."""
    slack = 100 * (0.95 * 0.05 / simulations) ** 0.5
    assert WORST - slack <= share <= at_most + slack


def told(metric: Measure, items: Sequence[ScoredItem], k: int, name: str = "t", draws: int = 300) -> Estimated:
    drawn = weights(tuple(i.group for i in items), k % SETS, name, draws)
    return estimate(metric, items, Resamples(drawn.weights, drawn.codes))


@cache
def weights(groups: tuple[str, ...], seed: int, name: str, draws: int) -> Resamples:
    """A few sets of resamples take turns, since making them costs more than using them."""
    return resample(groups, draws=draws, seed=seed, name=name)


def bounds(found: Estimated) -> Found:
    return found.estimate.low, found.estimate.high, found.estimate.value


# --- metrics made of sums: the population is a large, finite one, whose rows are known -------------------------------


@dataclass(frozen=True, repr=False)
class Drawn(Measure):
    """A metric of groups drawn from a population; items are named by the group that they are, rows are its sums."""

    metric: Measure
    table: Floats = field(hash=False)

    def rows(self, items):
        return self.table[[int(item.id) for item in items]]

    def combine(self, sums):
        return self.metric.combine(sums)

    def truth(self):
        return float(self.combine(self.table.sum(axis=0)))

    def sample(self, rng, groups):
        picked = rng.integers(0, len(self.table), groups)
        return [ScoredItem(str(p), f"g{g}", NOTHING, NOTHING) for g, p in enumerate(picked)]

    def __call__(self, groups, rng, k):
        return bounds(told(self, self.sample(rng, groups), k, draws=DRAWS))


@cache
def margins_of(edges, shared, groups=20_000):
    """Margins N(edge, 1), one column per edge, of which the part `shared` belongs to the group."""
    rng = np.random.default_rng(len(edges))
    common = np.sqrt(shared) * rng.standard_normal((groups, 1))
    return edges + common + np.sqrt(1 - shared) * rng.standard_normal((groups, len(edges)))


def decided(margins, split=None):
    """Pairs whose first response is better; one row per group. With `split`, the side of each column."""
    gold = np.array([1.0, 0.0])
    tags = [{"split": side} for side in split] if split else [{}] * margins.shape[1]
    return [
        ScoredItem(f"{g}-{k}", f"g{g}", np.array([m, 0.0]), gold, tags=tags[k])
        for g, row in enumerate(margins)
        for k, m in enumerate(row)
    ]


def drawn(metric, margins, split=None):
    rows = metric.rows(decided(margins, split))
    return Drawn(metric, rows.reshape(*margins.shape, -1).sum(axis=1))


@pytest.mark.parametrize(("groups", "size"), [(64, 1), (128, 1), (400, 1), (96, 5)])
@pytest.mark.parametrize("edge", [0.3, 1.0])
def test_retained_skill(groups, size, edge):
    one = drawn(RetainedSkill(), margins_of((edge,) * size, 0.5))
    name = f"RetainedSkill, {groups} groups of {size}"
    check(covered(name, one.truth(), partial(one, groups), 1000), 1000)


@pytest.mark.parametrize("groups", [64, 128, 400])
def test_gap(groups):
    one = drawn(Gap(), margins_of((1.0, 0.4), 0.5), ["base", "shift"])
    check(covered(f"Gap, {groups} groups", one.truth(), partial(one, groups), 1000), 1000)


@pytest.mark.parametrize("groups", [64, 400])
def test_paired_difference(groups):
    """As `compare` takes it: the replicates of one model less those of the other, with the same resamples."""
    margins = margins_of((0.9, 0.6), 0.7)
    models = [drawn(RetainedSkill(), margins[:, [side]]) for side in (0, 1)]

    def one(rng, k):
        items = models[0].sample(rng, groups)
        first, second = (told(model, items, k, draws=DRAWS) for model in models)
        return *interval(first.replicates - second.replicates), first.estimate.value - second.estimate.value

    truth = models[0].truth() - models[1].truth()
    check(covered(f"paired difference, {groups} groups", truth, one, 1000), 1000)


def test_mean_over_tasks():
    tasks = [drawn(RetainedSkill(), margins_of((edge,), 0.0)) for edge in (0.2, 0.6, 1.0, 1.4)]

    def one(rng, k):
        parts = {str(n): told(task, task.sample(rng, 128), k, str(n), DRAWS) for n, task in enumerate(tasks)}
        return bounds(_mean(parts, ""))

    truth = float(np.mean([task.truth() for task in tasks]))
    check(covered("mean of 4 tasks, 128 groups each", truth, one, 500), 500)


@cache
def population():
    """Pools that differ in how far the proxy can be trusted."""
    parts = [pools(count=400, size=64, rho=rho, seed=k) for k, rho in enumerate((0.3, 0.5, 0.7, 0.9))]
    return [item for part in parts for item in part]


@pytest.mark.parametrize("prompts", [16, 64])
@pytest.mark.parametrize("metric", [Recovery(Tilt(2.0)), MeanRecovery((Tilt(1.0), Tilt(4.0), BestOfN(4)))], ids=repr)
def test_recovery(metric, prompts):
    one = Drawn(metric, metric.rows(population()))
    check(covered(f"{metric!r}, {prompts} prompts", one.truth(), partial(one, prompts), 1000), 1000)


# --- calibration: T is fitted, the truth is that of the population's best T ------------------------------------------

REWARDS: dict[str, Callable] = {
    "good": lambda gold, rng: np.tanh(2 * gold) + 0.15 * rng.standard_normal(gold.shape),
    "noisy": lambda gold, rng: gold + 0.8 * rng.standard_normal(gold.shape),
    "random": lambda gold, rng: rng.standard_normal(gold.shape),
}


def draw(reward, rng, count):
    """Margins and known probabilities of pairs with graded gold."""
    gold = np.round(8 * rng.beta(1.5, 1.5, (count, 2))) / 8
    scores = REWARDS[reward](gold, rng)
    return scores[:, 0] - scores[:, 1], expit((gold[:, 0] - gold[:, 1]) / TAU)


def known(margins, chance, raters=0, rng=None, **tags):
    """Items of known probability; with `raters`, that many votes are drawn."""
    name = tags.get("split", "i")
    first = rng.binomial(raters, chance) if raters else np.zeros(len(chance), dtype=int)
    return [
        ScoredItem(
            f"{name}{k}",
            f"{name}{k}",
            np.array([m, 0.0]),
            np.array([p, 1 - p]),
            p,
            (int(v), raters - int(v)) if raters else None,
            tags,
        )
        for k, (m, p, v) in enumerate(zip(margins, chance, first, strict=True))
    ]


@cache
def truths(reward):
    """Every metric of the population at its best T; that of a random reward is infinite."""
    margins, chance = draw(reward, np.random.default_rng(99), 1_000_000)
    inverse = 0.0 if reward == "random" else fit(margins, chance)
    q = expit(inverse * margins)
    error = np.mean((q - chance) ** 2)
    skill = 1 - error / np.mean((0.5 - chance) ** 2)
    return {
        "CalibrationSkill": skill,
        "VoteSkill": skill,
        "RMSE": np.sqrt(error),
        "NLL": -np.mean(chance * np.log(q) + (1 - chance) * np.log1p(-q)),
        "Brier": error + np.mean(chance * (1 - chance)),
        "Temperature": 1 / inverse if inverse else np.inf,
    }


def calibrated(metric, reward, count, rng, k, **votes):
    items = known(*draw(reward, rng, count), rng=rng, **votes)
    return bounds(told(metric, items, k))


@pytest.mark.parametrize("count", [64, 128, 400])
@pytest.mark.parametrize("reward", REWARDS)
def test_calibration_skill(reward, count):
    """A random reward lies at the edge of what T can do (its best T is infinite), and its interval is too wide."""
    one = partial(calibrated, CalibrationSkill(), reward, count)
    share = covered(f"CalibrationSkill, {reward}, {count} pairs", truths(reward)["CalibrationSkill"], one, 400)
    check(share, 400, at_most=100.0 if reward == "random" else BEST + 1)


@pytest.mark.parametrize(
    ("metric", "reward"), [(RMSE(), "noisy"), (NLL(), "noisy"), (Brier(), "noisy"), (Temperature(), "good")], ids=repr
)
def test_other_scores(metric, reward):
    one = partial(calibrated, metric, reward, 128)
    check(covered(f"{metric!r}, {reward}, 128 pairs", truths(reward)[repr(metric)], one, 400), 400, at_most=BEST + 1)


def test_vote_skill():
    one = partial(calibrated, VoteSkill(), "good", 400, raters=5)
    check(
        covered("VoteSkill, good, 400 pairs of 5 votes", truths("good")["VoteSkill"], one, 400), 400, at_most=BEST + 1
    )


@pytest.mark.parametrize("count", [128, 400])
def test_calibration_skill_under_shift(count):
    def one(rng, k):
        base, shift = (known(*draw("noisy", rng, count), split=side) for side in ("base", "shift"))
        return bounds(told(CalibrationSkill(), base + shift, k))

    name = f"CalibrationSkill, shift, 2 x {count} pairs"
    check(covered(name, truths("noisy")["CalibrationSkill"], one, 400), 400, at_most=BEST + 1)


# --- ranks: ties and selective prediction ----------------------------------------------------------------------------


@pytest.mark.parametrize("rounds", [24, 80])
def test_tie_skill(rounds):
    """Margins N(0, 1) on ties and N(1.5, 1.5) on unequal pairs; two of each per round, as in the task."""
    rng = np.random.default_rng(0)
    many = np.abs(rng.standard_normal(1_000_000)), np.abs(1.5 + 1.5 * rng.standard_normal(1_000_000))
    truth = 2 * float((many[1] > many[0]).mean()) - 1

    def one(rng, k):
        tie, unequal = rng.standard_normal(2 * rounds), 1.5 + 1.5 * rng.standard_normal(2 * rounds)
        items = [
            ScoredItem(f"{kind}{n}", f"{kind}{n}", np.array([m, 0.0]), np.array([gold, 0.0]), tags={"category": kind})
            for kind, gold, margins in (("tie", 0.0, tie), ("unequal", 1.0, unequal))
            for n, m in enumerate(margins)
        ]
        return bounds(told(TieSkill(), items, k))

    check(covered(f"TieSkill, {2 * rounds} ties", truth, one, 500), 500)


@pytest.mark.parametrize("edge", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("groups", [128, 400])
def test_selective_skill(groups, edge):
    """Margins N(edge, 1): the error among the surest falls as the margin grows; edge 0 is a random reward."""
    margins = np.sort(edge + np.random.default_rng(0).standard_normal(2_000_000))
    wrong = (margins < 0)[np.argsort(-np.abs(margins))]
    truth = 1 - 2 * float((np.cumsum(wrong) / np.arange(1, wrong.size + 1)).mean())

    def one(rng, k):
        return bounds(told(SelectiveSkill(), decided(edge + rng.standard_normal((groups, 1))), k))

    check(covered(f"SelectiveSkill, {groups} pairs", truth, one, 400), 400)


# --- bias probes: rewards have unit spread within a prompt, so the true effect is the pull itself ---------------------


def probed(rng, count, pull):
    """Twins of a probe, better and worse in turn: the favoured side is pulled, and the rewording adds noise."""
    out = []
    for k in range(count):
        base = rng.standard_normal(2)
        shift = base + 0.3 * rng.standard_normal(2)
        shift[k % 2] += pull
        tags = {
            "twin": f"t{k}",
            "split": "shift",
            "category": "x",
            "change": "x",
            "favours": ("better", "worse")[k % 2],
        }
        out.append(ScoredItem(f"b{k}", f"t{k}", base, np.array([1.0, 0.0]), tags={"twin": f"t{k}", "split": "base"}))
        out.append(ScoredItem(f"s{k}", f"t{k}", shift, np.array([1.0, 0.0]), tags=tags))
    return out


@pytest.mark.parametrize("pull", [0.0, 0.4])
@pytest.mark.parametrize("twins", [16, 64])
def test_bias_effect(twins, pull):
    def simulate(rng, k):
        return bounds(told(BiasEffect("x"), probed(rng, twins, pull), k))

    check(covered(f"BiasEffect {pull:g}, {twins} twins", pull, simulate, 600), 600)


def test_a_probe_without_effect_is_called_one_in_5_percent():
    """The p-value that belongs to the interval: 5 % of the probes without an effect are at or below 0.05."""
    wrong = 0
    for k in range(600):
        found = told(BiasEffect("x"), probed(np.random.default_rng([11, k]), 64, 0.0), k)
        wrong += (p_value(found.replicates) or 1.0) <= 0.05
    print(f"\nBiasEffect 0, 64 twins: {100 * wrong / 600:.1f} % called an effect", end="")
    assert 0.03 <= wrong / 600 <= 0.07 + (0.05 * 0.95 / 600) ** 0.5
