"""Accuracy, skill and gap: golden values, parity, ties, and paired splits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scored import card, estimated, golden, item, pairs, rescored, shuffled, value
from sklearn.metrics import roc_auc_score

from rmbench.metrics import metrics_for
from rmbench.metrics.generalisation import BaseSkill, Gap, RetainedSkill
from rmbench.metrics.preference import Accuracy, StrictAccuracy, TieRate

SPLIT = pairs(split=True)
HEADLINES = [RetainedSkill(), BaseSkill()]


def test_golden():
    raw, items = golden("generalisation")
    metrics = {repr(m): m for m in metrics_for(card("generalisation"), items)}
    assert metrics.keys() == raw["expected"].keys()
    assert next(iter(metrics)) == "RetainedSkill"
    for name, expected in raw["expected"].items():
        assert value(metrics[name], items) == pytest.approx(expected, abs=1e-12), name


def test_names_show_what_is_not_default():
    assert repr(Accuracy()) == "Accuracy"
    assert repr(Accuracy(category="math", split="base")) == "Accuracy(category='math', split='base')"


def test_accuracy_is_the_auc_where_every_better_answer_is_compared_with_every_worse_one():
    """On the grid of all (right, wrong) pairs, accuracy with ties one half is the area under the ROC curve."""
    rng = np.random.default_rng(0)
    right, wrong = rng.integers(0, 6, 20) + 1.0, rng.integers(0, 6, 30)
    items = [item([r, w], [1, 0], f"{a}/{b}") for a, r in enumerate(right) for b, w in enumerate(wrong)]
    area = roc_auc_score([1] * 20 + [0] * 30, [*right, *wrong])
    assert value(Accuracy(), items) == pytest.approx(area, abs=1e-12)


def test_ties():
    tied, won, even = item([1, 1], [1, 0], "a"), item([2, 1], [1, 0], "b"), item([2, 1], [1, 1], "c")
    found = [value(m, [tied, won, even]) for m in (Accuracy(), StrictAccuracy(), TieRate(), RetainedSkill())]
    assert found == [0.75, 0.5, 0.5, 0.5]
    assert estimated(Accuracy(), [tied, won, even]).n == 2  # equal gold has no right answer


def test_best_of_k_is_corrected_by_its_own_k():
    four = item([1, 1, 0, 0], [1, 0, 0, 0], "a")  # credit 1/2, chance 1/4
    two = item([1, 0], [1, 0], "b")  # credit 1, chance 1/2
    assert value(RetainedSkill(), [four]) == pytest.approx(1 / 3)
    assert value(RetainedSkill(), [four, two]) == pytest.approx((0.25 + 0.5) / (0.75 + 0.5))


@pytest.mark.parametrize("metric", HEADLINES, ids=repr)
def test_constant_is_0_and_gold_is_1_exactly(metric):
    items = [*SPLIT, item([0, 0, 0], [1, 0, 0], "k", tags={"split": "base"}), item([0] * 7, [1] + [0] * 6, "l")]
    constant = estimated(metric, rescored(items, lambda i: np.full(i.gold.size, 0.1)))
    assert (constant.value, constant.low, constant.high) == (0, 0, 0)
    gold = estimated(metric, rescored(items, lambda i: i.gold))
    assert (gold.value, gold.low, gold.high) == (1, 1, 1)
    assert value(metric, rescored(items, lambda i: -i.gold)) < -0.9


def test_random_is_within_its_interval():
    rng = np.random.default_rng(1)
    found = estimated(RetainedSkill(), rescored(SPLIT, lambda _: rng.standard_normal(2)))
    assert found.low < 0 < found.high


@pytest.mark.parametrize("metric", [*HEADLINES, Gap(), Accuracy(), StrictAccuracy(), TieRate()], ids=repr)
def test_scale_and_order_do_not_matter(metric):
    items = rescored(SPLIT, lambda i: np.round(i.scores, 1))
    assert value(metric, rescored(items, lambda i: 3 * i.scores + 7)) == value(metric, items)
    assert value(metric, shuffled(items)) == pytest.approx(value(metric, items), abs=1e-12)


def test_gap_is_paired_over_groups():
    """Twins that are both right or both wrong leave no doubt about the gap, though each side is in doubt."""
    rng = np.random.default_rng(0)
    items = []
    for k in range(100):
        scores = [1, 0] if rng.random() < 0.7 else [0, 1]
        items += [item(scores, [1, 0], f"{k}-{s}", f"g{k}", tags={"split": s}) for s in ("base", "shift")]
    gap, base = estimated(Gap(), items), estimated(BaseSkill(), items)
    assert (gap.value, gap.low, gap.high) == (0, 0, 0)
    assert base.high - base.low > 0.2


def test_gap_is_base_minus_shift():
    assert value(Gap(), SPLIT) == pytest.approx(value(BaseSkill(), SPLIT) - value(RetainedSkill(), SPLIT))


def test_a_side_without_scores_is_none_with_a_reason():
    lost = rescored(SPLIT, lambda i: i.scores * (math.nan if i.tags["split"] == "base" else 1))
    gap, base = estimated(Gap(), lost), estimated(BaseSkill(), lost)
    assert (gap.value, gap.n, gap.missing) == (None, 100, 100)
    assert gap.reason == "no base item has all its scores, so there is nothing to compare"
    assert (base.value, base.n, base.missing) == (None, 0, 100)
    assert estimated(RetainedSkill(), lost).missing == 0


def test_no_split_no_gap_and_shift_is_the_default():
    items = pairs()
    names = [repr(m) for m in metrics_for(card("generalisation"), items)]
    assert names == ["RetainedSkill", "Accuracy", "StrictAccuracy", "TieRate"]
    assert value(RetainedSkill(), items) == pytest.approx(2 * value(Accuracy(), items) - 1)
