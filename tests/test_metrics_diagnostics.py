"""Order, tails, variance and scale: closed forms, parity with scipy and sklearn, invariances, awkward input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, spearmanr
from scored import estimated, item, pools, rescored, shuffled, value
from sklearn.metrics import roc_auc_score

from rmbench.errors import UsageError
from rmbench.metrics.diagnostics import (
    POOL_DIAGNOSTICS,
    Gamma,
    GlobalRecovery,
    HillIndex,
    RewardVariance,
    ScaleCost,
    TopDecileAUC,
    TopDecileSpearman,
    WithinPromptAUC,
)
from rmbench.metrics.grid import pool_grids
from rmbench.metrics.overoptimization import Recovery
from rmbench.metrics.ranking import auc, hill, spearman, standard, top
from rmbench.optimizers import BestOfN, Tilt
from rmbench.optimizers.global_tilt import tilt_together
from rmbench.types import Budgets

TILT, BEST = pool_grids(Budgets())
COARSE = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=80)


def compared(scores, gold):
    """The AUC by its definition, pair by pair."""
    won = [
        (r > s) + 0.5 * (r == s)
        for r, g in zip(scores, gold, strict=True)
        for s, h in zip(scores, gold, strict=True)
        if g > h
    ]
    return float(np.mean(won)) if won else math.nan


# --- order


@settings(deadline=None)
@given(COARSE)
def test_auc_is_its_definition_with_any_ties(pairs):
    scores, gold = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    assert auc(scores, gold) == pytest.approx(compared(scores, gold), abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("size", [10, 33, 500])
def test_auc_agrees_with_sklearn_on_two_levels_of_gold(size):
    rng = np.random.default_rng(size)
    gold = np.arange(size) % 2.0
    scores = (gold + rng.standard_normal(size)).round(1)
    assert auc(scores, gold) == pytest.approx(roc_auc_score(gold, scores), abs=1e-12)


def test_auc_of_a_large_pool():
    """Two orders of a permutation that is known: the share of pairs in order, exactly, at N log N."""
    size = 20_000
    gold = np.arange(size, dtype=float)
    assert auc(gold, gold) == 1
    assert auc(-gold, gold) == 0
    halves = np.concatenate([gold[size // 2 :], gold[: size // 2]])  # every pair across the halves is out of order
    assert auc(halves, gold) == pytest.approx(1 - (size / 2) ** 2 / (size * (size - 1) / 2), abs=1e-12)


def test_gaussian_auc_is_the_arcsine():
    """P(r_i > r_j given g_i > g_j) = 1/2 + arcsin(rho) / pi for a bivariate normal."""
    found = value(WithinPromptAUC(), pools(200, 256, 0.6))
    assert found == pytest.approx(0.5 + math.asin(0.6) / math.pi, abs=0.005)


def test_prompts_of_one_gold_are_not_averaged_in():
    items = pools(4)
    with_flat = [*items, item(np.arange(64), np.zeros(64), "flat")]
    for metric in (WithinPromptAUC(), TopDecileAUC(), TopDecileSpearman()):
        assert value(metric, with_flat) == value(metric, items)
    found = estimated(WithinPromptAUC(), [with_flat[-1]])
    assert (found.value, found.reason) == (None, "no pair of candidates differs in gold")


def test_the_top_decile_holds_all_that_tie_at_its_edge():
    assert top(np.arange(100.0)).sum() == 10
    assert top(np.arange(101.0)).sum() == 11
    assert top(np.arange(5.0)).tolist() == [False, False, False, True, True]
    assert top(np.repeat(np.arange(10.0), 7)).sum() == 7
    assert top(np.zeros(40)).sum() == 40
    assert top(np.array([1.0])).tolist() == [True]
    assert top(np.zeros(0)).size == 0


@settings(deadline=None)
@given(COARSE)
def test_spearman_agrees_with_scipy(pairs):
    scores, gold = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    if np.ptp(gold) == 0:
        assert math.isnan(spearman(scores, gold))
    elif np.ptp(scores) == 0:
        assert spearman(scores, gold) == 0
    else:
        assert spearman(scores, gold) == pytest.approx(spearmanr(scores, gold).statistic, abs=1e-12)


def test_top_decile_of_a_reward_that_is_right_but_for_its_top():
    """Order is perfect below the top tenth and reversed in it."""
    gold = np.arange(100.0)
    scores = np.concatenate([gold[:90], gold[:89:-1]])
    items = [item(scores, gold)]
    assert value(TopDecileAUC(), items) == 0
    assert value(TopDecileSpearman(), items) == pytest.approx(-1)
    assert value(WithinPromptAUC(), items) == pytest.approx(1 - 45 / 4950)


def test_gaussian_spearman_in_the_top_decile():
    """Against brute force on many fresh draws."""
    rng = np.random.default_rng(9)
    found = value(TopDecileSpearman(), pools(200, 256, 0.6))
    brute = []
    for _ in range(200):
        gold = rng.standard_normal(256)
        scores = 0.6 * gold + 0.8 * rng.standard_normal(256)
        best = np.argsort(scores)[-26:]
        brute.append(spearmanr(scores[best], gold[best]).statistic)
    assert found == pytest.approx(np.mean(brute), abs=0.06)


# --- tails


def test_hill_is_unbiased_on_a_pareto_tail():
    rng = np.random.default_rng(0)
    found = [hill(rng.pareto(2.0, 500) + 1, 50) for _ in range(400)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.01)
    assert np.std(found) == pytest.approx(0.5 / math.sqrt(50), rel=0.15)


def test_hill_by_hand_and_where_there_is_no_tail():
    assert hill(np.array([1, 2, 4, 8.0, -3]), 2) == pytest.approx((math.log(8 / 2) + math.log(4 / 2)) / 2)
    assert math.isnan(hill(np.array([1.0, 2.0]), 2))
    assert math.isnan(hill(np.array([-1.0, 0, 5, 6]), 2))
    assert hill(np.array([1.0, 3, 3, 3]), 2) == 0


def test_a_heavy_error_has_the_larger_index():
    rng = np.random.default_rng(1)
    items = pools(40, 512)
    light = rescored(items, lambda i: i.gold + rng.standard_normal(512))
    heavy = rescored(items, lambda i: i.gold + rng.standard_t(1.5, 512))
    for of in ("reward", "error"):
        assert value(HillIndex(of), heavy) > value(HillIndex(of), light) + 0.08
    normal = [hill(standard(norm.rvs(size=512, random_state=k)), 51) for k in range(40)]
    assert value(HillIndex(), light) == pytest.approx(np.mean(normal), abs=0.02)
    assert [repr(HillIndex()), repr(HillIndex("error"))] == ["HillIndex(reward)", "HillIndex(error)"]


# --- variance


def test_whitened_variance_is_one_share_of_the_analysis_of_variance():
    """Noise of variance 1 within and offsets of variance 4 between prompts: 1/5."""
    rng = np.random.default_rng(0)
    items = rescored(pools(800, 64), lambda _: rng.standard_normal(64) + 2 * rng.standard_normal())
    assert value(RewardVariance(), items) == pytest.approx(0.2, abs=0.02)
    rewards = np.array([i.scores for i in items])
    assert value(RewardVariance(), items) == pytest.approx(((rewards / rewards.std()).var(axis=1)).mean(), rel=1e-9)


@pytest.mark.parametrize(("scale", "shift"), [(1e-200, 0), (1e200, 0), (1, 1e6), (3, 7)])
def test_whitened_variance_stands_any_scale(scale, shift):
    items = pools(8)
    moved = rescored(items, lambda i: scale * i.scores + shift)
    assert value(RewardVariance(), moved) == pytest.approx(value(RewardVariance(), items), rel=1e-6)


def test_a_reward_that_knows_only_the_prompt_has_no_variance_within():
    items = rescored(pools(4), lambda i: np.full(64, 0.1 * int(i.id[1:])))
    assert value(RewardVariance(), items) == 0
    found = estimated(RewardVariance(), rescored(items, lambda _: np.full(64, 0.1)))
    assert (found.value, found.reason) == (None, "the reward is the same for every answer of every prompt")


# --- gamma


def test_gaussian_gamma_is_1_minus_rho():
    assert value(Gamma(TILT), pools(400, 128, 0.6)) == pytest.approx(0.4, abs=0.03)
    assert value(Gamma(BEST), pools(400, 128, 0.6)) == pytest.approx(0.4, abs=0.03)
    assert [repr(Gamma(TILT)), repr(Gamma(BEST))] == ["Gamma(tilt=4)", "Gamma(best_of_n=64)"]


def test_gamma_of_curves_that_cross():
    """From -1 to 1 over a width of 1, |f - g| covers 2 triangles of 1/4; f is 1 throughout."""
    gamma = Gamma((Tilt(1.0), Tilt(2.0)))
    assert float(gamma.combine(np.array([2.0, 0.0, 1.0, 1.0]))) == pytest.approx(0.5)
    assert float(gamma.combine(np.array([0.0, 0.0, 1.0, 1.0]))) == pytest.approx(1)
    assert float(gamma.combine(np.array([0.5, -1.0, 1.0, 2.0]))) == pytest.approx((0.5 + 3) / 2 / 1.5)
    widths = Gamma((BestOfN(1), BestOfN(2), BestOfN(64)))
    first, second = math.log(2) - 0.5, math.log(64) - 63 / 64 - math.log(2) + 0.5
    wanted = (first * 0.5 + second * 1) / (first * 0.5 + second * 1.5)
    assert float(widths.combine(np.array([0, 0, 1.0, 0, 1, 2]))) == pytest.approx(wanted)


# --- one lambda for all


def scaled(count=400, size=512, seed=0):
    """Gold is standard normal; the reward is the gold times 2 in every other prompt, times 1/2 in the others."""
    return rescored(pools(count, size, seed=seed), lambda i: i.gold * (2 if int(i.id[1:]) % 2 else 0.5))


def test_the_cost_of_a_scale_that_differs_between_prompts():
    """One lambda spends s^2 lambda^2 / 2 nats on a prompt of scale s: recovery is mean(s) / sqrt(mean(s^2))."""
    wanted = 1.25 / math.sqrt((4 + 0.25) / 2)
    assert value(GlobalRecovery(0.5), scaled()) == pytest.approx(wanted, abs=0.01)
    assert value(Recovery(Tilt(0.5)), scaled()) == pytest.approx(1)
    found = estimated(ScaleCost(0.5), scaled())
    assert found.value == pytest.approx(1 - wanted, abs=0.01)
    assert 0 < found.low < found.value < found.high
    assert [repr(GlobalRecovery(0.5)), repr(ScaleCost(2.0))] == ["Recovery(global_tilt=0.5)", "ScaleCost(tilt=2)"]


def test_the_mean_kl_is_the_budget():
    rng = np.random.default_rng(0)
    rewards = [rng.standard_normal(n) * s + m for n, s, m in ((8, 1, 0), (300, 5, 100), (64, 0.1, -7), (32, 0, 3))]
    for nats in (1e-3, 0.1, 1.0, 2.5):
        found = tilt_together(rewards, nats)
        kls = [float(w @ np.log(np.maximum(w * w.size, 1e-300))) for w in found.weights]
        assert np.mean(kls) == pytest.approx(nats, rel=1e-6)
        assert (found.kl, found.saturated) == (pytest.approx(nats, rel=1e-6), False)
        assert [w.size for w in found.weights] == [8, 300, 64, 32]
        assert [w.sum() for w in found.weights] == pytest.approx([1, 1, 1, 1])
        assert found.weights[3] == pytest.approx(np.full(32, 1 / 32))


def test_one_prompt_alone_is_tilted_as_ever():
    scores = np.random.default_rng(0).standard_normal(50)
    together = tilt_together([scores], 1.5)
    assert together.weights[0] == pytest.approx(Tilt(1.5).spend(scores).weights, abs=1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e307])
def test_ties_and_scales_saturate_and_do_not_break(scale):
    tied = [scale * np.repeat([0.0, 1.0], 4), scale * np.zeros(5)]
    found = tilt_together(tied, 1.0)
    assert found.saturated
    assert found.kl == pytest.approx(math.log(2) / 2)
    assert found.weights[0].tolist() == [0] * 4 + [0.25] * 4
    assert found.weights[1].tolist() == [0.2] * 5
    spent = tilt_together([scale * np.arange(8.0), scale * np.arange(3.0)], 0.3)
    assert spent.kl == pytest.approx(0.3)


@pytest.mark.filterwarnings("error")
def test_scales_far_apart_end_without_a_warning():
    found = tilt_together([np.arange(8.0), 1e-320 * np.arange(8.0)], 1.2)
    assert all(np.isfinite(w).all() for w in found.weights)
    assert found.kl <= math.log(8)


@pytest.mark.parametrize(
    ("scores", "nats"), [([], 1), ([np.zeros(0)], 1), ([np.arange(3.0)], 0), ([np.arange(3.0)], math.nan)]
)
def test_a_global_tilt_needs_candidates_and_a_budget(scores, nats):
    with pytest.raises(UsageError, match="budget above 0"):
        tilt_together(scores, nats)


# --- all of them


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-50, 50))
def test_scale_shift_and_order_do_not_matter(seed, scale, shift):
    items = pools(4, 24, 0.4, seed)
    for metric in (*POOL_DIAGNOSTICS, Gamma(TILT), GlobalRecovery(1.0), ScaleCost(1.0)):
        wanted = pytest.approx(value(metric, items), abs=1e-6)
        assert value(metric, rescored(items, lambda i: scale * i.scores + shift)) == wanted, metric
        assert value(metric, shuffled(items, seed)) == wanted, metric
