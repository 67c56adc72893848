"""Ties and selective prediction: closed forms, parity with scikit-learn, plain loops, ends of the scale, resamples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scored import card, estimated, item, pairs, rescored, shuffled
from sklearn.metrics import roc_auc_score

from rmbench.metrics import metrics_for
from rmbench.metrics.selective import AURC, EAURC, SELECTIVE, Risk, SelectiveSkill
from rmbench.metrics.ties import TieAUC, TieSkill, tie_metrics
from rmbench.metrics.weighted import auc, below, risk_coverage
from rmbench.stats import resample

PAIRS = pairs()
CATEGORIES = ("tie", "unequal", "near")
SCALES = {"tie": 0.0, "near": 0.02, "unequal": 0.5}


def kinds(count=150, noise=0.3, seed=0):
    """Ties, near ties and unequal pairs in turn, two pairs per group, and a noisy reward."""
    rng = np.random.default_rng(seed)
    out = []
    for k in range(count):
        kind = CATEGORIES[k % 3]
        gold = 0.3 + np.array([SCALES[kind], 0.0])[:: 1 if k % 2 else -1]
        tags = {"category": kind}
        out.append(item(gold + noise * rng.standard_normal(2), gold, f"i{k}", f"g{k // 2}", tags=tags))
    return out


ITEMS = kinds()
EVERY = [TieSkill(), TieAUC(), TieAUC(against="near"), *SELECTIVE]


def sizes(items, kind):
    return np.array([abs(i.scores[0] - i.scores[1]) for i in items if i.tags["category"] == kind])


@pytest.mark.parametrize("against", ["tie", "near"])
@pytest.mark.parametrize("digits", [12, 1])
def test_parity_with_sklearn(against, digits):
    """With margins rounded to one digit there are many equal ones."""
    items = rescored(ITEMS, lambda i: np.round(i.scores, digits))
    high, low = (np.round(sizes(items, kind), 9) for kind in ("unequal", against))
    labels = np.r_[np.ones(high.size), np.zeros(low.size)]
    items = rescored(items, lambda i: [round(abs(i.scores[0] - i.scores[1]), 9), 0.0])
    expected = roc_auc_score(labels, np.r_[high, low])
    assert TieAUC(against).value(items) == pytest.approx(expected, abs=1e-12)
    if against == "tie":
        assert TieSkill().value(items) == pytest.approx(2 * expected - 1, abs=1e-12)


def test_weighted_auc_and_ranks_against_sklearn_and_plain_counting():
    rng = np.random.default_rng(0)
    high, low = np.round(rng.random(30), 1), np.round(rng.random(20), 1)
    weights = rng.integers(0, 4, (5, 50)).astype(float)
    found = auc(high, low, weights[:, :30], weights[:, 30:])
    labels = np.r_[np.ones(30), np.zeros(20)]
    expected = [roc_auc_score(labels, np.r_[high, low], sample_weight=w) for w in weights]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    lower, total = below(np.broadcast_to(high, (5, 30)), weights[:, :30])
    for draw in range(5):
        plain = [weights[draw, :30][high < x].sum() for x in high]
        np.testing.assert_array_equal(lower[draw], plain)
        assert (total[draw] == weights[draw, :30].sum()).all()


def test_an_auc_of_nothing_is_none():
    assert np.isnan(auc(np.ones(2), np.ones(1), np.zeros((1, 2)), np.ones((1, 1)))).all()


def area(confidence, errors):
    """AURC without ties, by its definition."""
    ranked = errors[np.argsort(-confidence)]
    return np.mean(np.cumsum(ranked) / np.arange(1, errors.size + 1))


def test_selective_by_plain_loops():
    margins = np.array([i.scores[0] - i.scores[1] for i in PAIRS])
    wrong = np.array([(i.scores[0] > i.scores[1]) != (i.gold[0] > i.gold[1]) for i in PAIRS]).astype(float)
    expected = area(np.abs(margins), wrong)
    assert AURC().value(PAIRS) == pytest.approx(expected, abs=1e-12)
    assert SelectiveSkill().value(PAIRS) == pytest.approx(1 - 2 * expected, abs=1e-12)
    assert EAURC().value(PAIRS) == pytest.approx(expected - area(-wrong + 1e-9 * np.arange(200), wrong), abs=1e-12)
    surest = np.argsort(-np.abs(margins))[:100]
    assert Risk().value(PAIRS) == pytest.approx(wrong[surest].mean(), abs=1e-12)
    assert Risk(coverage=1.0).value(PAIRS) == pytest.approx(wrong.mean(), abs=1e-12)
    # Geifman's own form of the least area, for many pairs
    error = wrong.mean()
    assert AURC().value(PAIRS) - EAURC().value(PAIRS) == pytest.approx(
        error + (1 - error) * math.log1p(-error), abs=0.01
    )


def test_half_errors_and_ties_of_confidence():
    """Three pairs: one right and sure, two tied at half an error each: 0, then 1/4, then 1/3."""
    found = risk_coverage(np.array([1.0, 0, 0]), np.array([0.0, 0.5, 0.5]), np.ones((1, 3)))
    assert found.area()[0] == pytest.approx((0 + 1 / 4 + 1 / 3) / 3)
    assert found.best()[0] == pytest.approx((0 + 0 + 1 / 3) / 3)
    assert found.risk(0.5)[0] == pytest.approx(0.25 / 1.5)


@pytest.mark.parametrize(
    ("metric", "items"), [(TieSkill(), ITEMS), (SelectiveSkill(), PAIRS)], ids=["ties", "selective"]
)
def test_ends_of_the_scale(metric, items):
    constant = estimated(metric, rescored(items, lambda _: np.full(2, 0.1)))
    assert (constant.value, constant.low, constant.high) == (0, 0, 0)
    gold = estimated(metric, rescored(items, lambda i: i.gold))
    assert (gold.value, gold.low, gold.high) == (1, 1, 1)
    rng = np.random.default_rng(0)
    found = estimated(metric, rescored(items, lambda _: rng.standard_normal(2)))
    assert found.low < 0 < found.high


def test_a_constant_reward_elsewhere():
    flat = rescored(PAIRS, lambda _: np.zeros(2))
    assert [m.value(flat) for m in (AURC(), Risk())] == [0.5, 0.5]
    assert EAURC().value(flat) == pytest.approx(0.5 - (0.5 + 0.5 * math.log(0.5)), abs=0.01)
    assert TieAUC().value(rescored(ITEMS, lambda _: np.zeros(2))) == 0.5


@pytest.mark.parametrize("metric", EVERY, ids=repr)
def test_order_and_scale_do_not_matter(metric):
    value = metric.value(ITEMS)
    assert metric.value(shuffled(ITEMS)) == pytest.approx(value, abs=1e-12)
    assert metric.value(rescored(ITEMS, lambda i: 3 * i.scores + 7)) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("metric", EVERY, ids=repr)
def test_a_resample_is_the_metric_of_the_items_drawn(metric):
    sample = resample([i.group for i in ITEMS], draws=20, seed=0, name="t")
    found = metric.replicates(ITEMS, sample, np.ones(len(ITEMS), dtype=bool))
    for draw, weights in enumerate(sample.item_weights(np.ones(len(ITEMS), dtype=bool))):
        again = [i for i, count in zip(ITEMS, weights, strict=True) for _ in range(int(count))]
        assert found[draw] == pytest.approx(metric.value(again), abs=1e-12)


def test_where_they_are_measured():
    names = [repr(m) for m in metrics_for(card("calibration", headline="TieSkill"), ITEMS)]
    assert names[0] == "TieSkill"
    assert {"TieAUC", "TieAUC(against='near')", "SelectiveSkill", "AURC", "EAURC", "Risk"} < {*names}
    assert tie_metrics(PAIRS) == []
    assert tie_metrics([i for i in ITEMS if i.tags["category"] != "near"]) == [TieSkill(), TieAUC()]


def test_third_states():
    lost = rescored(ITEMS, lambda i: i.scores * (math.nan if i.tags["category"] == "tie" else 1))
    found = estimated(TieSkill(), lost)
    assert (found.value, found.n, found.missing) == (None, 50, 50)
    assert found.reason == "no pair of category 'tie' has both its scores, so there is nothing to compare"
    ties = [i for i in ITEMS if i.tags["category"] == "tie"]
    assert estimated(AURC(), ties).reason == "the task has no item of this kind"
    assert estimated(AURC(), ITEMS).n == 100
