"""Calibration: golden values, parity with scikit-learn, temperature, shift, votes and reliability."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit
from scored import card, estimated, golden, item, pairs, rescored, shuffled, value
from sklearn.metrics import brier_score_loss, log_loss

from rmbench.errors import TaskError
from rmbench.metrics import metrics_for
from rmbench.metrics.calibration import ECE, NLL, RMSE, Brier, CalibrationSkill, Temperature, reliability
from rmbench.metrics.temperature import fit

PAIRS = pairs()
SPLIT = pairs(split=True)
ALL = [kind(fitted) for kind in (CalibrationSkill, RMSE, NLL, Brier, ECE) for fitted in (True, False)]


def test_golden():
    raw, items = golden("calibration")
    metrics = {repr(m): m for m in metrics_for(card("calibration"), items)}
    assert next(iter(metrics)) == "CalibrationSkill"
    assert raw["expected"].keys() < metrics.keys()
    for name, expected in raw["expected"].items():
        assert value(metrics[name], items) == pytest.approx(expected, abs=1e-9), name


def labelled(items):
    return [item(i.scores, i.gold, i.id, i.group) for i in items]


def test_parity_with_sklearn_on_labels():
    items = labelled(PAIRS)
    labels = [float(i.gold[0] > i.gold[1]) for i in items]
    chance = [expit(i.scores[0] - i.scores[1]) for i in items]
    assert value(NLL(fitted=False), items) == pytest.approx(log_loss(labels, chance), abs=1e-12)
    assert value(Brier(fitted=False), items) == pytest.approx(brier_score_loss(labels, chance), abs=1e-12)
    assert value(RMSE(fitted=False), items) == pytest.approx(math.sqrt(brier_score_loss(labels, chance)), abs=1e-12)


def test_temperature_is_the_minimum_of_the_cross_entropy():
    margins = np.array([i.scores[0] - i.scores[1] for i in PAIRS])
    p = np.array([i.probability for i in PAIRS])

    def loss(inverse):
        return (p * np.logaddexp(0, -inverse * margins) + (1 - p) * np.logaddexp(0, inverse * margins)).sum()

    best = minimize_scalar(loss, bounds=(1e-3, 100), method="bounded", options={"xatol": 1e-10}).x
    assert fit(margins, p) == pytest.approx(best, rel=1e-5)
    assert value(Temperature(), PAIRS) == pytest.approx(1 / best, rel=1e-5)


def test_temperature_of_the_gold_is_tau_and_scales_with_the_reward():
    gold = rescored(PAIRS, lambda i: i.gold)
    found = estimated(Temperature(), gold)
    assert (found.value, found.low, found.high) == (pytest.approx(0.2, rel=1e-12),) * 3
    assert value(Temperature(), rescored(PAIRS, lambda i: 1e200 * i.gold)) == pytest.approx(0.2e200, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e280])
@pytest.mark.parametrize(("label", "right"), [(1.0, lambda x: 2 * math.exp(-x) - 1e-20 / 2), (0.5, None)])
def test_temperature_of_margins_that_differ_by_20_orders(scale, label, right):
    """Two certain pairs far out, and a small one that is wrong or tied: the root lies where both slopes are equal."""
    margins = scale * np.array([1.0, -1.0, -1e-20])
    right = right or (lambda x: 2 * math.exp(-x) - 1e-40 * x / 4)
    x = fit(margins, np.array([1, 0, label])) * scale
    assert right(x * (1 - 1e-9)) > 0 > right(x * (1 + 1e-9))
    votes = [None, None, (1, 1) if label == 0.5 else None]
    golds = [(1, 0), (0, 1), (1, 0)]
    items = [item([m, 0], g, str(k), votes=v) for k, (m, g, v) in enumerate(zip(margins, golds, votes, strict=True))]
    assert value(Temperature(), items) == pytest.approx(scale / x, rel=1e-9)


def test_a_reward_without_mistakes_has_no_temperature():
    items = labelled(rescored(PAIRS, lambda i: i.gold))
    assert estimated(Temperature(), items).reason.endswith("so the best T is 0")
    assert math.isfinite(fit(np.array([3.0, -2.0]), np.array([1.0, 0.0])))


def test_temperature_interval_agrees_with_refitting():
    found = estimated(Temperature(), PAIRS, draws=1000)
    rng = np.random.default_rng(0)
    margins = np.array([i.scores[0] - i.scores[1] for i in PAIRS]).reshape(-1, 2)  # two pairs per group
    p = np.array([i.probability for i in PAIRS]).reshape(-1, 2)
    refits = [1 / fit(margins[d].ravel(), p[d].ravel()) for d in rng.integers(0, 100, (400, 100))]
    np.testing.assert_allclose([found.low, found.high], np.quantile(refits, [0.025, 0.975]), rtol=0.03)


def test_a_reward_that_points_the_wrong_way_has_no_temperature():
    wrong = rescored(PAIRS, lambda i: -i.gold)
    found = estimated(Temperature(), wrong)
    assert (found.value, found.reason) == (
        None,
        "no temperature fits: higher rewards do not go with preferred responses",
    )
    assert value(CalibrationSkill(), wrong) == 0  # told apart from chance only by accuracy
    assert value(CalibrationSkill(fitted=False), wrong) < 0


def test_separable_labels_do_not_crash():
    items = labelled(rescored(PAIRS, lambda i: i.gold))
    assert value(NLL(), items) < 0.01
    assert value(CalibrationSkill(), items) > 0.95


@pytest.mark.parametrize("items", [PAIRS, SPLIT], ids=["cross-fitted", "under shift"])
def test_constant_is_0_and_gold_is_1_exactly(items):
    constant = estimated(CalibrationSkill(), rescored(items, lambda _: np.full(2, 0.1)))
    assert (constant.value, constant.low, constant.high) == (0, 0, 0)
    gold = estimated(CalibrationSkill(), rescored(items, lambda i: i.gold))
    assert (gold.value, gold.low, gold.high) == (1, 1, 1)
    scaled = estimated(CalibrationSkill(), rescored(items, lambda i: 3 * i.gold + 7))
    assert scaled.value == pytest.approx(1, abs=1e-12)


def test_random_is_within_its_interval():
    rng = np.random.default_rng(0)
    found = estimated(CalibrationSkill(), rescored(PAIRS, lambda _: rng.standard_normal(2)))
    assert found.low <= 0 <= found.high


@pytest.mark.parametrize("items", [PAIRS, SPLIT], ids=["cross-fitted", "under shift"])
@pytest.mark.parametrize("metric", ALL, ids=repr)
def test_order_does_not_matter_and_scale_only_without_a_fit(metric, items):
    assert value(metric, shuffled(items)) == pytest.approx(value(metric, items), abs=1e-9)
    scaled = value(metric, rescored(items, lambda i: 3 * i.scores + 7))
    if metric.fitted:
        assert scaled == pytest.approx(value(metric, items), abs=1e-9)
    else:
        assert scaled != pytest.approx(value(metric, items), abs=1e-4)


def test_under_shift_temperature_comes_from_base_and_shift_is_measured():
    """A reward that is three times as loud on the shifted side is overconfident there, and base knows nothing of it."""
    gold = rescored(SPLIT, lambda i: i.gold * (1 if i.tags["split"] == "base" else 3))
    assert value(Temperature(), gold) == pytest.approx(0.2)
    shift = [i for i in gold if i.tags["split"] == "shift"]
    p = np.array([i.probability for i in shift])
    q = expit(np.array([i.scores[0] - i.scores[1] for i in shift]) / 0.2)
    assert value(RMSE(), gold) == pytest.approx(math.sqrt(((q - p) ** 2).mean()))
    assert estimated(RMSE(), gold).n == 100


def test_under_shift_without_base_scores_there_is_no_temperature():
    lost = rescored(SPLIT, lambda i: i.scores * (math.nan if i.tags["split"] == "base" else 1))
    headline, *_ = metrics_for(card("calibration"), lost)
    found = estimated(headline, lost)
    assert (found.value, found.n, found.missing) == (None, 100, 0)
    assert found.reason == "no base pair has all its scores, so there is no temperature"


def test_cross_fitting_uses_other_groups_only():
    """With a single group there is nothing else to fit on; at T = 1 there is a value."""
    alone = [item(i.scores, i.gold, i.id, "one", probability=i.probability) for i in PAIRS[:9]]
    assert estimated(CalibrationSkill(), alone).reason.startswith("a temperature cannot be fitted on other groups")
    assert estimated(CalibrationSkill(fitted=False), alone).value is not None


def test_vote_noise_is_taken_out():
    """Votes drawn from the known probability give the skill that the known probability gives, without its noise."""
    rng = np.random.default_rng(0)
    known = pairs(count=6000)
    counts = [int(rng.binomial(5, i.probability)) for i in known]
    voted = [item(i.scores, i.gold, i.id, i.group, votes=(c, 5 - c)) for i, c in zip(known, counts, strict=True)]
    assert value(CalibrationSkill(), voted) == pytest.approx(value(CalibrationSkill(), known), abs=0.03)


def test_toss_ups_only_is_none_with_a_reason():
    items = [item([k, 0], [0, 0], f"i{k}", probability=0.5) for k in range(9)]
    assert "toss-up" in estimated(CalibrationSkill(), items).reason


def test_votes_that_are_noise_only_are_none_with_their_own_reason():
    items = [item([k, 0], [1, 0], f"i{k}", votes=(1 + k % 2, 2 - k % 2)) for k in range(9)]
    found = estimated(CalibrationSkill(), items)
    assert found.value is None
    assert found.reason.startswith("the votes' own noise is as large as their spread")


def test_ece_is_0_on_calibrated_predictions_and_known_on_others():
    calibrated = rescored(PAIRS, lambda i: i.gold / 0.2)
    for by in ("width", "mass"):
        assert value(ECE(fitted=False, by=by), calibrated) == pytest.approx(0, abs=1e-12)
    sure = [item([math.log(9), 0], [1, 0], f"i{k}", probability=0.6) for k in range(8)]
    assert value(ECE(fitted=False), sure) == pytest.approx(0.3)
    assert value(ECE(fitted=False), [item([1, 1], [1, 0], probability=0.9)]) == 0  # both orders cancel


def test_pairs_only():
    with pytest.raises(TaskError, match="3 responses; calibration needs pairs"):
        CalibrationSkill().rows([item([1, 2, 3], [1, 2, 3])])


def test_rmse_needs_known_probabilities():
    names = [repr(m) for m in metrics_for(card("calibration"), labelled(PAIRS))]
    assert "NLL" in names
    assert "RMSE" not in names


def test_extreme_margins_stay_finite():
    items = rescored(PAIRS, lambda i: np.where(i.gold == i.gold.max(), 1.7e308, -1.7e308))
    for metric in ALL:
        assert math.isfinite(value(metric, items))


def test_reliability():
    gold = rescored(PAIRS, lambda i: i.gold)
    bins = reliability(gold)
    assert sum(b.n for b in bins) == 400  # both orders of 200 pairs
    for b, mirror in zip(bins, bins[::-1], strict=True):
        assert b.p_mean == pytest.approx(b.observed, abs=1e-12)
        assert b.p_mean == pytest.approx(1 - mirror.p_mean)
        assert b.low <= b.observed <= b.high
    loud = reliability(rescored(PAIRS, lambda i: 50 * i.gold), fitted=False)
    assert loud[0].observed > loud[0].p_mean
    assert reliability(rescored(PAIRS, lambda _: [math.nan, 0])) == []
    assert sum(b.n for b in reliability(SPLIT)) == 200  # the shifted half
