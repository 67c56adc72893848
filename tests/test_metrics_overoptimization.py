"""Recovery and its kin: golden values, closed forms, invariances, and what happens without headroom or candidates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scored import card, estimated, golden, item, pools, rescored, shuffled, value

from rmbench.metrics import metrics_for
from rmbench.metrics.overoptimization import Gap, GoldGain, Headroom, MeanRecovery, Recovery, Saturated, curves, flat
from rmbench.optimizers import BestOfN, Tilt
from rmbench.types import Budgets, Metric

OPTIMIZERS = (Tilt(1.0), Tilt(2.0), BestOfN(4), BestOfN(16))
MEAN = MeanRecovery(OPTIMIZERS)
ALL = [MEAN, *(kind(o) for kind in (Recovery, Gap, GoldGain, Headroom, Saturated) for o in OPTIMIZERS)]


def test_golden():
    raw, items = golden("overoptimization")
    metrics = {repr(m): m for m in metrics_for(card("overoptimization", budgets=Budgets(**raw["budgets"])), items)}
    assert metrics.keys() == raw["expected"].keys()
    for name, expected in raw["expected"].items():
        assert value(metrics[name], items) == pytest.approx(expected, abs=1e-9), name


def test_names():
    assert [repr(m) for m in (MEAN, Recovery(Tilt(1.5)), Gap(BestOfN(16)), Saturated(Tilt(4)))] == [
        "MeanRecovery",
        "Recovery(tilt=1.5)",
        "Gap(best_of_n=16)",
        "Saturated(tilt=4)",
    ]
    assert all(isinstance(m, Metric) for m in ALL)


def test_gaussian_recovery_is_the_correlation():
    """Gain and headroom of Gaussian rewards are rho and 1 times the same number, at every budget."""
    items = pools(count=400, rho=0.6)
    for optimizer in OPTIMIZERS:
        assert value(Recovery(optimizer), items) == pytest.approx(0.6, abs=0.03)
    assert value(GoldGain(BestOfN(16)), items) == pytest.approx(0.6 * 1.7660, abs=0.05)
    assert value(Headroom(BestOfN(16)), items) == pytest.approx(1.7660, abs=0.05)


def test_constant_is_0_and_gold_is_1_exactly():
    items = pools()
    constant = estimated(MEAN, rescored(items, lambda _: np.full(64, 0.1)))
    assert (constant.value, constant.low, constant.high) == (0, 0, 0)
    gold = estimated(MEAN, rescored(items, lambda i: i.gold))
    assert (gold.value, gold.low, gold.high) == (1, 1, 1)
    assert value(Gap(Tilt(2.0)), rescored(items, lambda i: i.gold)) == 0
    assert value(MEAN, rescored(items, lambda i: -i.gold)) < -0.8


def test_random_is_within_its_interval():
    rng = np.random.default_rng(3)
    found = estimated(MEAN, rescored(pools(count=64), lambda _: rng.standard_normal(64)))
    assert found.low < 0 < found.high


@pytest.mark.parametrize("metric", ALL, ids=repr)
def test_scale_and_order_do_not_matter(metric):
    items = pools()
    assert value(metric, rescored(items, lambda i: 3 * i.scores + 7)) == pytest.approx(value(metric, items), abs=1e-9)
    assert value(metric, shuffled(items)) == pytest.approx(value(metric, items), abs=1e-9)


def test_ratio_of_sums_and_flat_prompts():
    items = pools(count=2)
    without = item(np.arange(64), np.full(64, 0.5), "flat")
    assert value(MEAN, [*items, without]) == pytest.approx(value(MEAN, items), abs=1e-12)
    assert value(GoldGain(Tilt(1.0)), [*items, without]) == pytest.approx(value(GoldGain(Tilt(1.0)), items) * 2 / 3)
    assert flat([*items, without]) == ["flat"]
    big = rescored(items[:1], lambda i: i.scores)[0]
    scaled = item(items[1].scores, items[1].gold / 1000, "small")
    assert value(Recovery(Tilt(1.0)), [big, scaled]) == pytest.approx(value(Recovery(Tilt(1.0)), [big]), abs=0.01)


def test_no_headroom_anywhere_is_none_with_a_reason():
    found = estimated(MEAN, [item(np.arange(64), np.zeros(64), f"x{k}") for k in range(3)])
    assert (found.value, found.low, found.high, found.n) == (None, None, None, 3)
    assert "no prompt has headroom" in found.reason


def test_pool_smaller_than_n_is_none_with_a_reason():
    found = estimated(Recovery(BestOfN(128)), pools())
    assert found.value is None
    assert found.reason == "x0: best of 128 needs 128 candidates, and the pool has 64"


def test_saturation_is_the_share_of_prompts_whose_ties_stop_the_proxy():
    """A judge of four levels (16 of 64 at the top) can spend log 4 = 1.39 nats, a judge of 64 levels 4.16."""
    coarse = rescored(pools(count=4), lambda i: i.scores.argsort().argsort() // 16)
    fine = rescored(pools(count=12, seed=1), lambda i: i.scores.argsort().argsort())
    assert value(Saturated(Tilt(1.0)), [*coarse, *fine]) == 0
    assert value(Saturated(Tilt(2.0)), [*coarse, *fine]) == 0.25
    assert value(Saturated(BestOfN(8)), [*coarse, *fine]) == 0  # textbook KL 1.20
    assert value(Saturated(BestOfN(16)), [*coarse, *fine]) == 0.25  # 1.84
    constant = rescored(fine, lambda _: np.zeros(64))
    for optimizer in OPTIMIZERS:
        found = estimated(Saturated(optimizer), constant)
        assert (found.value, found.low, found.high) == (1, 1, 1)
    assert estimated(Saturated(BestOfN(128)), fine).reason.startswith("x0: best of 128 needs 128 candidates")


def test_missing_scores_are_a_third_state():
    items = pools()
    holed = [item([math.nan, *items[0].scores[1:]], items[0].gold, "x0"), *items[1:]]
    found = estimated(MEAN, holed)
    assert (found.n, found.missing) == (15, 1)
    assert found.value == pytest.approx(value(MEAN, items[1:]))
    nothing = estimated(MEAN, [holed[0]])
    assert (nothing.value, nothing.n, nothing.missing) == (None, 0, 1)
    assert nothing.reason == "no item has all its scores"


def test_a_single_group_has_a_value_and_no_interval():
    found = estimated(MEAN, pools(count=1))
    assert found.value is not None
    assert (found.low, found.high, found.reason) == (None, None, "a single group: no interval")


def test_curves():
    found = curves(pools(count=100, rho=0.6))
    assert list(found) == ["tilt", "best_of_n"]
    assert [p.budget for p in found["best_of_n"]] == [1, 2, 4, 8, 16, 32, 64]
    assert max(p.budget for p in found["tilt"]) < math.log(64)
    for points in found.values():
        start, *rest = points
        assert start.kl == pytest.approx(0, abs=1e-12)
        assert start.gold == pytest.approx(start.oracle)
        for point in rest:
            assert point.gold_low < point.gold < point.gold_high < point.oracle + 0.2
            assert point.gold < point.oracle
            assert point.proxy > 0
    sixteen = found["best_of_n"][4]
    assert (sixteen.kl, sixteen.kl_bound) == (pytest.approx(1.964, abs=5e-4), pytest.approx(1.835, abs=5e-4))
    assert sixteen.proxy == pytest.approx(1.7660, abs=0.05)  # standard deviations of the prompt
    assert [p.pool_limited for p in found["best_of_n"]] == [False] * 3 + [True] * 4
    assert found["tilt"][5].kl == pytest.approx(1.0)
    assert found["tilt"][5].kl_bound is None


def test_curves_hold_the_budgets_of_the_card():
    found = curves(pools(count=3), Budgets(tilt=(0.7, 2, 9), best_of_n=(3, 16, 128)))
    assert [p.budget for p in found["best_of_n"]] == [1, 2, 3, 4, 8, 16, 32, 64]  # no pool holds 128
    nats = [p.budget for p in found["tilt"]]
    assert nats == sorted({*nats})
    assert {0, 0.7, 2, 4, 9} < {*nats}
    assert [p.saturated_share for p in found["tilt"] if p.budget in (0.7, 9)] == [0, 1]
    assert found["tilt"][nats.index(2)] == next(p for p in curves(pools(count=3))["tilt"] if p.budget == 2)


def test_curves_of_a_constant_reward_and_of_nothing():
    items = pools(count=3, size=64)
    for point in curves(rescored(items, lambda _: np.full(64, 1e300)))["tilt"][1:]:
        assert (point.proxy, point.saturated_share, point.saturated) == (0, 1, True)
    assert curves(rescored(items, lambda _: np.full(64, math.nan))) == {}
