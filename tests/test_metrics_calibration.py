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
from rmbench.metrics import metrics_for, temperature
from rmbench.metrics.calibration import ECE, NLL, RMSE, Brier, CalibrationSkill, Temperature, VoteSkill, reliability
from rmbench.metrics.temperature import fit, fit_each, votes
from rmbench.stats import resample

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


def drawn_again(items, weights):
    """The items as often as they were drawn."""
    return [i for i, count in zip(items, weights, strict=True) for _ in range(int(count))]


@pytest.mark.parametrize("items", [PAIRS, SPLIT], ids=["cross-fitted", "under shift"])
@pytest.mark.parametrize("metric", [*ALL, ECE(by="mass"), Temperature()], ids=repr)
def test_a_resample_is_the_metric_of_the_items_drawn(metric, items, monkeypatch):
    """T is fitted anew in each, and bins of equal mass are made anew; a group stays in the fold that it is in."""
    everything = np.ones(len(items), dtype=bool)
    sample = resample([i.group for i in items], draws=30, seed=0, name="t")
    found = metric.replicates(items, sample, everything)
    fold = dict(zip([i.group for i in items], temperature.folds([i.group for i in items], 2), strict=True))
    monkeypatch.setattr(temperature, "folds", lambda groups, _: np.array([fold[group] for group in groups]))
    for draw, weights in enumerate(sample.item_weights(everything)):
        assert found[draw] == pytest.approx(value(metric, drawn_again(items, weights)), abs=1e-9)


@pytest.mark.parametrize(
    "margins",
    [
        lambda rng, p: np.log(p / (1 - p)) + rng.standard_normal(p.size),
        lambda rng, p: 1e200 * rng.standard_t(1, p.size),
        lambda rng, p: 10.0 ** rng.integers(-20, 1, p.size) * rng.choice([-1, 1], p.size),
        lambda rng, p: np.sign(p - 0.5) * rng.random(p.size),
        lambda _, p: np.zeros(p.size),
    ],
    ids=["noisy", "heavy tails", "20 orders", "never wrong", "constant"],
)
@pytest.mark.parametrize("labels", [False, True])
def test_fits_of_all_resamples_at_once(margins, labels):
    rng = np.random.default_rng(0)
    p = np.clip(rng.random(40), 0.01, 0.99)
    p, m = np.where(labels, p > 0.5, p).astype(float), margins(rng, p)
    weights = rng.multinomial(40, np.full(40, 1 / 40), 50).astype(float)
    weights[0] = 0
    found = fit_each(m, p, weights)
    assert found[0] == fit(m, p)  # nothing was drawn
    for row, one in zip(weights[1:], found[1:], strict=True):
        assert one == pytest.approx(fit(np.repeat(m, row.astype(int)), np.repeat(p, row.astype(int))), rel=1e-9)


def test_the_interval_allows_for_the_bias_of_a_fit():
    """Replicates lie below the value by about as much as it lies below the truth: they are moved up twice as far."""
    rng = np.random.default_rng(3)
    items = rescored(PAIRS[:60], lambda i: i.gold + rng.standard_normal(2))
    everything = np.ones(60, dtype=bool)
    sample = resample([i.group for i in items], draws=500, seed=0, name="t")
    metric = CalibrationSkill()
    plain = metric.replicates(items, sample, everything)
    point = value(metric, items)
    assert plain.mean() < point
    assert metric.unbiased(point, plain).mean() == pytest.approx(2 * point - plain.mean(), abs=1e-12)
    assert metric.unbiased(0.99, np.array([0.9, 0.99])).max() == 1  # no skill is above 1
    assert RMSE().unbiased(0.01, np.array([0.05, 0.2])).min() == 0
    np.testing.assert_array_equal(CalibrationSkill(fitted=False).unbiased(point, plain), plain)


def test_metrics_of_the_same_pairs_share_the_fits():
    everything = np.ones(len(PAIRS), dtype=bool)
    sample = resample([i.group for i in PAIRS], draws=20, seed=0, name="t")
    CalibrationSkill().replicates(PAIRS, sample, everything)
    held = len(sample.memory)
    NLL().replicates(PAIRS, sample, everything)
    assert len(sample.memory) == held == 2  # one per fold
    other = rescored(PAIRS, lambda i: i.gold)
    assert (NLL().replicates(other, sample, everything) != NLL().replicates(PAIRS, sample, everything)).all()


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


def test_vote_skill_agrees_with_the_known_probability():
    """Where both are known, the votes give the same skill, with a wider interval."""
    rng = np.random.default_rng(1)
    base = pairs(count=800)
    counts = [int(rng.binomial(5, i.probability)) for i in base]
    items = [
        item(i.scores, i.gold, i.id, i.group, probability=i.probability, votes=(c, 5 - c))
        for i, c in zip(base, counts, strict=True)
    ]
    names = [repr(m) for m in metrics_for(card("calibration"), items)]
    assert {"VoteSkill", "VoteSkill(fitted=False)"} < {*names}
    votes, known = estimated(VoteSkill(), items), estimated(CalibrationSkill(), items)
    assert votes.low < known.value < votes.high
    assert votes.high - votes.low > known.high - known.low
    raw = 1 - np.mean([(0.5 - i.votes[0] / 5) ** 2 for i in items])  # with the noise left in, it would be far off
    assert abs(raw - known.value) > abs(votes.value - known.value)
    for few in ((1, 0), None):
        other = [item(i.scores, i.gold, i.id, i.group, probability=i.probability, votes=few) for i in base]
        assert "VoteSkill" not in [repr(m) for m in metrics_for(card("calibration"), other)]


def test_votes_for_neither_are_half_a_vote_each():
    """Three raters, one of whom sees no difference: votes 1, 1/2, 1 have the mean 5/6 and the noise 1/36."""
    (one,) = [item([1, 0], [1, 0], votes=(2, 0), tags={"tied_votes": "1"})]
    assert votes(one) == pytest.approx((5 / 6, np.var([1, 0.5, 1], ddof=1) / 3))
    assert votes(item([1, 0], [1, 0], votes=(3, 2))) == pytest.approx((0.6, 0.6 * 0.4 / 4))
    assert votes(item([1, 0], [1, 0], votes=(1, 0))) == (1, 0)  # a single vote does not tell its noise
    with pytest.raises(TaskError, match="the tag tied_votes is 'x'; write the number of votes for neither"):
        votes(item([1, 0], [1, 0], votes=(1, 0), tags={"tied_votes": "x"}))


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
