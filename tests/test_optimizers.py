"""Best-of-n and tilt: closed forms, brute force, ties, and budgets that cannot be spent."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from rmbench.optimizers import BestOfN, Tilt, from_budgets
from rmbench.types import Budgets

RNG = np.random.default_rng(0)
finite = st.floats(-1e300, 1e300, allow_nan=False)
pools = st.lists(st.one_of(finite, st.integers(-2, 2).map(float)), min_size=1, max_size=40).map(np.array)


def gaussian(rho, size, rng):
    proxy = rng.standard_normal(size)
    return proxy, rho * proxy + math.sqrt(1 - rho**2) * rng.standard_normal(size)


# --- best-of-n -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "n", "kl", "bound"), [(64, 16, 1.964, 1.835), (64, 64, 4.159, 3.175), (1024, 64, 3.206, 3.175)]
)
def test_kl_known_values(size, n, kl, bound):
    """Exact pool KL, and log n - (n-1)/n beside it; worked out by hand from C(i-1, n-1) / C(N, n)."""
    spent = BestOfN(n).spend(RNG.permutation(size).astype(float))
    assert spent.kl == pytest.approx(kl, abs=5e-4)
    assert spent.bound == pytest.approx(bound, abs=5e-4)


@pytest.mark.parametrize("scores", [[3, 1, 2, 5, 4, 0], [1, 1, 0, 2, 2, 2, 0], [0, 0, 0, 0], [1, 2, 2, 2, 3, 3, 0, 0]])
def test_against_every_subset(scores):
    scores = np.array(scores, dtype=float)
    for n in range(1, len(scores) + 1):
        expected = np.zeros(len(scores))
        subsets = list(combinations(range(len(scores)), n))
        for subset in subsets:
            # averaging the gold of equal proxies = an even share for every candidate that ties with the winner
            tied = scores == max(scores[i] for i in subset)
            expected += tied / tied.sum() / len(subsets)
        spent = BestOfN(n).spend(scores)
        np.testing.assert_allclose(spent.weights, expected, atol=1e-12)
        held = expected[expected > 0]
        assert spent.kl == pytest.approx((held * np.log(held * len(scores))).sum(), abs=1e-12)


@pytest.mark.parametrize(("n", "maximum"), [(2, 0.5642), (16, 1.7660)])
def test_gaussian_gain_of_best_of_n(n, maximum):
    order, _ = integrate.quad(lambda x: x * n * stats.norm.pdf(x) * stats.norm.cdf(x) ** (n - 1), -10, 10)
    assert order == pytest.approx(maximum, abs=5e-5)
    rng = np.random.default_rng(n)
    gains = []
    for _ in range(1500):
        proxy, gold = gaussian(0.6, 64, rng)
        gains.append(BestOfN(n).spend(proxy).weights @ gold)
    error = np.std(gains) / math.sqrt(len(gains))
    assert np.mean(gains) == pytest.approx(0.6 * maximum, abs=4 * error)
    assert error < 0.01


def test_coarse_judge_cannot_spend_more_than_its_levels():
    scores = RNG.integers(0, 10, 256).astype(float)
    assert BestOfN(256).spend(scores).kl == pytest.approx(math.log(256 / (scores == 9).sum()))
    assert BestOfN(4096).spend(np.repeat(np.arange(10.0), 1000)).kl <= math.log(10) + 1e-12


def test_best_of_more_than_the_pool_is_an_outcome():
    spent = BestOfN(16).spend(np.arange(8.0))
    assert np.isnan(spent.weights).all()
    assert math.isnan(spent.kl)
    assert spent.reason == "best of 16 needs 16 candidates, and the pool has 8"


def test_pool_limited_beyond_a_sixteenth():
    assert not BestOfN(4).spend(np.arange(64.0)).pool_limited
    assert BestOfN(5).spend(np.arange(64.0)).pool_limited


def test_large_pools_keep_their_precision():
    spent = BestOfN(512).spend(RNG.standard_normal(100_000))
    assert spent.weights.sum() == pytest.approx(1, abs=1e-12)
    assert spent.kl == pytest.approx(spent.bound, abs=0.01)


# --- tilt ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nats", [0.5, 1.0, 2.0])
def test_gaussian_gain_of_tilt(nats):
    proxy, gold = gaussian(0.6, 400_000, np.random.default_rng(1))
    spent = Tilt(nats).spend(proxy)
    assert spent.kl == pytest.approx(nats, rel=1e-9)
    assert spent.weights @ proxy == pytest.approx(math.sqrt(2 * nats), abs=0.05)
    assert spent.weights @ gold == pytest.approx(0.6 * math.sqrt(2 * nats), abs=0.05)


def test_tilt_is_softmax_of_the_scores():
    scores = RNG.standard_normal(64)
    logs = np.log(Tilt(1.0).spend(scores).weights)
    slope, _ = np.polyfit(scores, logs, 1)
    assert slope > 0
    np.testing.assert_allclose(logs - logs.mean(), slope * (scores - scores.mean()), atol=1e-9)


def test_tilt_beyond_what_ties_allow_spends_the_most_they_allow():
    scores = np.array([0.0] * 6 + [1.0] * 2)
    spent = Tilt(2.0).spend(scores)
    assert spent.saturated
    np.testing.assert_array_equal(spent.weights, [0] * 6 + [0.5] * 2)
    assert spent.kl == pytest.approx(math.log(4))
    assert not Tilt(1.0).spend(scores).saturated
    assert Tilt(1.0).spend(scores).kl == pytest.approx(1.0, rel=1e-9)


def test_constant_scores_saturate_at_nothing():
    spent = Tilt(1.0).spend(np.full(7, 3.3))
    assert spent.saturated
    assert spent.kl == pytest.approx(0, abs=1e-15)
    np.testing.assert_array_equal(spent.weights, np.full(7, 1 / 7))


def test_too_few_effective_candidates_is_saturated():
    spent = Tilt(4.0).spend(np.arange(64.0))  # log 64 = 4.16: nearly all weight is on one
    assert spent.kl == pytest.approx(4.0, rel=1e-9)
    assert spent.saturated


def test_no_budget_is_the_pool_itself():
    np.testing.assert_array_equal(Tilt(0.0).spend(np.arange(4.0)).weights, np.full(4, 0.25))


# --- both ----------------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(pools, st.sampled_from([Tilt(1e-9), Tilt(0.3), Tilt(2.0), BestOfN(1), BestOfN(2), BestOfN(4)]))
@example(np.array([1e308, -1e308, 0.0]), Tilt(0.3))
@example(np.array([5e-324, 0.0, -1.0]), Tilt(1.0))
@example(np.array([0.0, -1e-300, -1.0]), Tilt(0.9))
@example(np.array([1.0, 1.0 - 1e-16, 0.0, 1.0 - 2e-16]), Tilt(1.2))
def test_always_a_distribution_that_prefers_higher_scores(scores, optimizer):
    spent = optimizer.spend(scores)
    if spent.reason:
        assert optimizer.budget > len(scores)
        return
    assert spent.weights.sum() == pytest.approx(1, abs=1e-9)
    ordered = spent.weights[np.argsort(scores, kind="stable")]
    assert (np.diff(ordered) >= -1e-12).all()
    assert -1e-12 <= spent.kl <= math.log(len(scores)) + 1e-9
    if optimizer.name == "tilt" and not spent.saturated:
        assert spent.kl == pytest.approx(optimizer.budget, rel=1e-6)
    for value in np.unique(scores):
        assert np.ptp(spent.weights[scores == value]) == 0


@pytest.mark.parametrize("optimizer", [Tilt(1.0), Tilt(2.0), BestOfN(4), BestOfN(16)])
def test_scale_shift_and_order_do_not_matter(optimizer):
    scores = np.round(RNG.standard_normal(64), 1)
    weights = optimizer.spend(scores).weights
    np.testing.assert_allclose(optimizer.spend(3 * scores + 7).weights, weights, rtol=1e-6)
    order = RNG.permutation(64)
    np.testing.assert_allclose(optimizer.spend(scores[order]).weights, weights[order], rtol=1e-9)


def test_from_budgets():
    assert from_budgets(Budgets(tilt=(2, 1), best_of_n=(16, 4))) == [Tilt(1), Tilt(2), BestOfN(4), BestOfN(16)]
