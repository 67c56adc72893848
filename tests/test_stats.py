"""The bootstrap: right on average, seeded, by whole groups."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from rmbench.stats import difference, folds, interval, resample, widened

EVERY = np.ones(100, dtype=bool)


def mean(sums):
    return sums[..., 0] / sums[..., 1]


def columns(values):
    return np.stack([values, np.ones_like(values)], axis=1)


def test_counts_are_multinomial():
    weights = resample([f"g{k}" for k in range(40)], draws=4000, seed=0, name="t").weights
    assert (weights.sum(axis=1) == 40).all()
    assert weights.mean() == 1
    assert weights.var() == pytest.approx(1 - 1 / 40, rel=0.02)


def test_seed_name_and_set_of_groups_decide():
    groups = ["b", "a", "c", "a"]
    one = resample(groups, draws=50, seed=0, name="t")
    two = resample(groups[::-1], draws=50, seed=0, name="t")
    np.testing.assert_array_equal(one.weights, two.weights)
    np.testing.assert_array_equal(one.codes, two.codes[::-1])
    for other in (resample(groups, draws=50, seed=1, name="t"), resample(groups, draws=50, seed=0, name="u")):
        assert (one.weights != other.weights).any()


def test_interval_of_a_mean_agrees_with_scipy():
    values = np.random.default_rng(0).exponential(size=100)
    ours = interval(
        resample([str(k) for k in range(100)], draws=5000, seed=0, name="t").replicates(columns(values), mean, EVERY)
    )
    theirs = scipy_stats.bootstrap((values,), np.mean, n_resamples=5000, method="percentile", rng=1).confidence_interval
    np.testing.assert_allclose(ours, theirs, atol=0.02)


def test_groups_are_drawn_whole():
    """Ten copies of each of 10 values say no more than the 10 values: the interval must not shrink."""
    values = np.random.default_rng(0).standard_normal(10)
    few = resample([str(k) for k in range(10)], draws=2000, seed=0, name="t")
    many = resample([str(k) for k in range(10) for _ in range(10)], draws=2000, seed=0, name="t")
    one = interval(few.replicates(columns(values), mean, EVERY[:10]))
    ten = interval(many.replicates(columns(np.repeat(values, 10)), mean, EVERY))
    assert ten == pytest.approx(one, abs=1e-12)


def test_items_that_are_not_kept_leave_the_others_paired():
    sample = resample([str(k) for k in range(100)], draws=500, seed=0, name="t")
    values = np.random.default_rng(0).standard_normal(100)
    kept = np.arange(100) != 3
    weights = sample.weights[:, sample.codes]
    expected = (weights[:, kept] @ values[kept]) / weights[:, kept].sum(axis=1)
    np.testing.assert_allclose(sample.replicates(columns(values[kept]), mean, kept), expected, atol=1e-12)


def test_no_interval_where_too_many_replicates_are_undefined():
    assert interval(np.full(100, np.nan)) is None
    assert interval(np.r_[np.full(6, np.nan), np.zeros(94)]) is None
    assert interval(np.r_[np.full(5, np.nan), np.zeros(95)]) == (0, 0)


def test_replicates_are_widened_for_few_groups():
    """For a mean of normal values, the widened percentile interval is Student's t interval."""
    values = np.random.default_rng(0).standard_normal(10)
    sample = resample([str(k) for k in range(10)], draws=200_000, seed=0, name="t")
    replicates = sample.replicates(columns(values), mean, EVERY[:10])
    low, high = interval(widened(replicates, values.mean(), 10))
    expected = scipy_stats.t.interval(0.95, 9, values.mean(), values.std(ddof=1) / 10**0.5)
    assert high - low == pytest.approx(expected[1] - expected[0], rel=0.03)
    for groups, factor in ((16, 1.123), (64, 1.0276), (400, 1.0043)):
        moved = widened(np.array([-9.0, -1.0, 9.0]), 0.0, groups)
        assert -moved[1] == pytest.approx(factor, abs=1e-3)


def test_widening_keeps_the_range_and_what_is_constant():
    shares = np.array([0.8, 0.9, 1.0, np.nan])
    moved = widened(shares, 0.9, 3)
    assert (np.nanmin(moved), np.nanmax(moved)) == (0.8, 1.0)
    assert np.isnan(moved[3])
    np.testing.assert_array_equal(widened(np.zeros(5), 0.0, 64), np.zeros(5))
    np.testing.assert_array_equal(widened(shares, 0.9, 1), shares)


def test_what_metrics_share_is_made_once():
    sample = resample(["a", "b"], draws=3, seed=0, name="t")
    made = [sample.shared(key, lambda: np.array([1.0])) for key in ("x", "x", "y")]
    assert made[0] is made[1] is not made[2]


def test_paired_difference_is_tighter_than_its_parts():
    rng = np.random.default_rng(0)
    hard = rng.standard_normal(100)
    sample = resample([str(k) for k in range(100)], draws=2000, seed=0, name="t")
    one = sample.replicates(columns(hard + 0.1 * rng.standard_normal(100) + 0.2), mean, EVERY)
    two = sample.replicates(columns(hard + 0.1 * rng.standard_normal(100)), mean, EVERY)
    low, high = difference(one, two)
    assert 0 < low < 0.2 < high
    assert high - low < 0.1 < np.subtract(*interval(one)[::-1])


def test_folds_keep_groups_whole_and_even():
    groups = [f"g{k // 3}" for k in range(90)]
    fold = folds(groups, 5)
    assert all(len(set(fold[k : k + 3])) == 1 for k in range(0, 90, 3))
    assert np.bincount(fold).tolist() == [18] * 5
    np.testing.assert_array_equal(folds(groups[::-1], 5), fold[::-1])
