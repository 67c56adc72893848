"""Goodhart drop and hacking threshold: noise gives 0, closed forms, parity of the single-peaked fit, named outcomes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scored import course, estimated, item, pools, rescored, shuffled, value
from sklearn.isotonic import IsotonicRegression

from rmbench.metrics.goodhart import GoodhartDrop, HackingThreshold, single_peaked
from rmbench.metrics.grid import path_grid, pool_grids
from rmbench.metrics.reach import spots
from rmbench.optimizers import BestOfN, Tilt
from rmbench.optimizers.along import Along
from rmbench.types import Budgets, ScoredItem

TILT, BEST = pool_grids(Budgets())
CURVES = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=12)


def walked(golds, kl, oracle=None):
    """Items without responses, one per row of `golds`, that were pushed by one policy."""
    rows = np.asarray(golds, dtype=float)
    best = None if oracle is None else course(oracle, kl)
    return [
        ScoredItem(f"x{k}", f"x{k}", np.zeros(0), np.zeros(0), paths={"pg": course(row, kl, oracle=best)})
        for k, row in enumerate(rows)
    ]


def along(items):
    return path_grid(items, Along("pg", queries=1_000_000))


# --- grids


def test_grids_rise_to_the_cards_largest_budget():
    assert [one.budget for one in TILT] == [0, 0.125, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4]
    assert [one.budget for one in BEST] == [1, 2, 4, 8, 16, 32, 64]
    assert [one.budget for one in pool_grids(Budgets(tilt=(), best_of_n=(3, 100)))[0]] == [
        1,
        2,
        3,
        4,
        8,
        16,
        32,
        64,
        100,
    ]
    assert pool_grids(Budgets(tilt=(), best_of_n=(), queries={"search": 1})) == []


def test_the_grid_of_a_path_is_its_steps_and_thins_long_ones():
    short = walked([[0, 1, 2, 3]], [0, 1, 2, 3])
    assert path_grid(short, Along("pg", queries=250)) == (
        Along("pg", queries=0),
        Along("pg", queries=100),
        Along("pg", queries=250),
    )
    steps = [one.queries for one in along(walked([np.arange(1000)], np.arange(1000)))]
    assert len(steps) == 65
    assert (steps[0], steps[-2], steps[-1]) == (0, 99_800, 1_000_000)
    assert path_grid([], Along("pg", queries=5)) == (Along("pg", queries=5),)


# --- goodhart drop


def simulated(rho, runs, grid, prompts=16, size=64):
    """The drop on many draws of Gaussian pools, and what choosing and measuring the peak on the same prompts gives."""
    crossed, naive = [], []
    for seed in range(runs):
        items = pools(prompts, size, rho, seed)
        crossed.append(value(GoodhartDrop(grid), items))
        found = spots(items, grid)
        naive.append((found.gain.sum(0).max() - found.gain.sum(0)[-1]) / found.headroom[:, -1].sum())
    return np.array(crossed), np.array(naive)


@pytest.mark.parametrize("grid", [TILT, BEST], ids=["tilt", "best_of_n"])
def test_pure_noise_drops_by_0(grid):
    crossed, naive = simulated(0.0, 200, grid)
    error = crossed.std() / math.sqrt(crossed.size)
    assert abs(crossed.mean()) < 3 * error
    assert naive.mean() > 5 * error  # what the halves are for


@pytest.mark.parametrize("rho", [0.3, 0.8])
def test_gold_plus_independent_noise_drops_by_0(rho):
    """Gold rises to the end: on pools of the size of the tasks, no other peak is found in any draw."""
    crossed, _ = simulated(rho, 60, BEST, prompts=64, size=256)
    assert (crossed <= 0).all()
    assert abs(crossed.mean()) < 1e-3


def test_on_few_prompts_a_weak_reward_is_never_blamed():
    """A wrong peak lies below the end, so that the mean is a little below 0 and not above."""
    crossed, naive = simulated(0.2, 150, BEST)
    assert -0.05 < crossed.mean() < 0 < naive.mean()


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_the_interval_of_noise_covers_0(rho):
    covered = []
    for seed in range(100):
        found = estimated(GoodhartDrop(BEST), pools(16, 64, rho, seed), draws=200)
        covered.append(found.low <= 0 <= found.high)
    assert np.mean(covered) > 0.88


def test_a_real_drop_is_measured():
    """Gold is best at r = 1 and falls beyond it: best of n peaks at a small n."""
    rng = np.random.default_rng(0)
    items = []
    for k in range(100):
        r = rng.standard_normal(256)
        items.append(item(r, -((r - 1) ** 2), f"x{k}"))
    found = estimated(GoodhartDrop(BEST), items)
    curve = spots(items, BEST).gain.mean(0)
    room = spots(items, BEST).headroom[:, -1].mean()
    assert found.value == pytest.approx((curve.max() - curve[-1]) / room, rel=0.05)
    assert 0 < found.low < found.value < found.high
    assert repr(GoodhartDrop(BEST)) == "GoodhartDrop(best_of_n=64)"


def test_a_reward_that_harms_from_the_start_drops_by_all_that_it_loses():
    items = rescored(pools(), lambda i: -i.gold)
    found = spots(items, TILT)
    lost = -found.gain[:, -1].sum() / found.headroom[:, -1].sum()
    assert value(GoodhartDrop(TILT), items) == pytest.approx(lost)


def test_the_drop_along_a_noisy_path():
    """Every step of the path is noisy, and noise is not a drop; a fall of 0.2 of a headroom of 0.5 is 0.4."""
    rng = np.random.default_rng(0)
    kl = np.linspace(0, 9, 50)
    still = [
        value(GoodhartDrop(along(w)), w)
        for w in (walked(rng.normal(0, 0.1, (16, 50)), kl, kl / 18) for _ in range(200))
    ]
    assert abs(np.mean(still)) < 3 * np.std(still) / math.sqrt(200)
    humps = np.concatenate([np.linspace(0, 0.4, 30), np.linspace(0.4, 0.2, 20)]) + rng.normal(0, 0.02, (64, 50))
    items = walked(humps, kl, kl / 18)
    assert value(GoodhartDrop(along(items)), items) == pytest.approx(0.4, abs=0.03)


def test_a_single_group_has_no_halves():
    found = estimated(GoodhartDrop(BEST), [item(i.scores, i.gold, i.id, "one") for i in pools(4)])
    assert found.value is None
    assert found.reason == "a single group: the peak is chosen on one half of the prompts and measured on the other"


def test_a_pool_that_is_too_small_says_so():
    for metric in (GoodhartDrop(BEST), HackingThreshold(BEST)):
        assert estimated(metric, pools(4, 32)).reason == "x0: best of 64 needs 64 candidates, and the pool has 32"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 100), st.floats(-50, 50))
def test_scale_shift_and_order_do_not_matter(seed, scale, shift):
    items = pools(6, 24, 0.3, seed)
    grid = (BestOfN(1), BestOfN(3), BestOfN(12), BestOfN(20))
    for metric in (GoodhartDrop(grid), HackingThreshold(grid)):
        wanted = pytest.approx(value(metric, items), abs=1e-8, nan_ok=True)
        assert value(metric, rescored(items, lambda i: scale * i.scores + shift)) == wanted
        assert value(metric, shuffled(items, seed)) == wanted


# --- the single-peaked fit


@settings(deadline=None)
@given(CURVES)
def test_the_fit_is_the_best_of_all_splits(values):
    """As sklearn's isotonic regression, rising before and falling after, at every split."""
    y = np.array(values, dtype=np.float64)
    found = single_peaked(y)
    best = math.inf
    for split in range(y.size + 1):
        parts = [
            IsotonicRegression(increasing=up).fit_transform(np.arange(part.size), part)
            for part, up in ((y[:split], True), (y[split:], False))
            if part.size
        ]
        best = min(best, float(((np.concatenate(parts) - y) ** 2).sum()))
    assert float(((found - y) ** 2).sum()) == pytest.approx(best, abs=1e-9)
    peak = int(np.argmax(found))
    assert (np.diff(found[: peak + 1]) >= -1e-12).all()
    assert (np.diff(found[peak:]) <= 1e-12).all()


@settings(deadline=None)
@given(CURVES, CURVES)
def test_a_single_peaked_curve_is_its_own_fit(up, down):
    curve = np.array([*sorted(up), *sorted(down, reverse=True)])
    assert (single_peaked(curve) == curve).all()


# --- hacking threshold


def test_the_threshold_is_the_kl_at_the_peak():
    """R = d (alpha - beta d) peaks at KL = (alpha / 2 beta)^2 = 4."""
    kl = np.linspace(0, 12, 49)
    d = np.sqrt(kl)
    noise = np.random.default_rng(0).normal(0, 0.02, (64, 49))
    items = walked(0.3 + d * (0.8 - 0.2 * d) + noise, kl)
    found = estimated(HackingThreshold(along(items)), items)
    assert found.value == pytest.approx(4, abs=1)
    assert found.low <= 4 <= found.high
    assert found.reason is None
    exact = walked([0.3 + d * (0.8 - 0.2 * d)], kl)
    assert value(HackingThreshold(along(exact)), exact) == 4


def test_one_spike_of_noise_does_not_move_a_clear_peak():
    curve = np.array([0, 1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1, 4.0])
    items = walked([curve], np.arange(13))
    assert value(HackingThreshold(along(items)), items) == 6


def test_none_within_budget():
    for items, grid in ((pools(64, 256, 0.8), BEST), (rescored(pools(), lambda i: i.gold), TILT)):
        found = estimated(HackingThreshold(grid), items)
        assert (found.value, found.low, found.high) == (None, None, None)
        assert found.reason == "none within budget: gold does not fall before its end"


def test_a_reward_that_harms_from_the_first_nat_on_has_threshold_0():
    found = estimated(HackingThreshold(TILT), rescored(pools(), lambda i: -i.gold))
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_a_peak_that_not_all_resamples_have_gets_no_interval():
    """Half of the prompts fall at the end and half rise: a little noise decides."""
    kl = [0, 1, 2, 3]
    items = walked([[0, 1, 2, 1]] * 21 + [[0, 1, 2, 3]] * 20, kl)
    found = estimated(HackingThreshold(along(items)), items)
    assert found.value == 2
    assert (found.low, found.high) == (None, None)
    assert found.reason == "undefined on too many resamples"


def test_no_kl_no_threshold():
    path = course([0, 1, 0])
    items = [ScoredItem("x", "x", np.zeros(0), np.zeros(0), paths={"pg": path})]
    found = estimated(HackingThreshold(along(items)), items)
    assert found.reason == "pg: it has no policy, so its path has no KL"


def test_saturated_budgets_are_not_a_peak():
    """A judge of two levels spends log 2 nats and stays there: level to the end of the grid."""
    items = rescored(pools(), lambda i: i.gold > np.median(i.gold))
    assert math.isnan(value(HackingThreshold(TILT), items))
    assert value(GoodhartDrop(TILT), items) == 0
    assert Tilt(4.0) in TILT
