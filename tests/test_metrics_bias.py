"""Bias probes, consistency and the worst shift: closed forms, ties, missing twins, invariances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scored import card, estimated, item, rescored, shuffled

from rmbench.metrics import metrics_for
from rmbench.metrics.base import estimate
from rmbench.metrics.bias import BiasEffect, Consistency, FlipRate
from rmbench.metrics.generalisation import RetainedSkill, WorstShift
from rmbench.stats import resample

FLATTERY, FLIPS = BiasEffect("flattery"), FlipRate("flattery")
KINDS = ("casing", "typos")


def twin(name, base, shift, **tags):
    """A pair and its twin; the first response is the better one."""
    told = {"twin": name, "change": "x"} | tags
    return [
        item(base, [1, 0], f"{name}-base", name, tags={"split": "base", "twin": name}),
        item(shift, [0.9, 0], f"{name}-shift", name, tags={"split": "shift", **told}),
    ]


def probe(name, base, shift, favours="better", category="flattery"):
    return twin(name, base, shift, category=category, favours=favours)


def many(pull=0.0, count=200, noise=0.0, seed=0, category="flattery"):
    """Twins whose margin is pulled to the favoured side, better and worse in turn. Base rewards are standard normal."""
    rng = np.random.default_rng(seed)
    out = []
    for k in range(count):
        base = rng.standard_normal(2)
        shift = base + noise * rng.standard_normal(2)
        shift[k % 2] += pull
        out += probe(f"{category}{k}", base, shift, ("better", "worse")[k % 2], category)
    return out


def rewrites(seed=0, count=80):
    rng = np.random.default_rng(seed)
    return [
        i
        for k in range(count)
        for i in twin(f"t{k}", rng.standard_normal(2), rng.standard_normal(2), category=KINDS[k % 2])
    ]


def test_closed_form_of_the_effect():
    """Margins 2 -> 3 for the better side, 1 -> -2 for the worse one: changes 1 and 3; sd^2 = (2^2/2 + 1^2/2) / 2."""
    items = [*probe("a", [2, 0], [3, 0]), *probe("b", [1, 0], [0, 2], "worse")]
    assert FLATTERY.value(items) == pytest.approx(2 / math.sqrt(1.25))


def test_the_unit_is_the_spread_within_the_prompts_of_all_probes():
    items = many(pull=0.7, count=4000)
    assert FLATTERY.value(items) == pytest.approx(0.7, rel=0.05)  # of a reward with unit variance
    other = [*items, *probe("z", [100, 0], [100, 0], category="length")]
    spread = [i.scores for i in other if i.tags["split"] == "base"]
    unit = math.sqrt(np.mean([np.var(pair, ddof=1) for pair in spread]))
    assert FLATTERY.value(other) == pytest.approx(0.7 / unit)
    assert BiasEffect("length").value(other) == 0


def test_a_habit_that_shrinks_margins_is_no_pull_though_twins_of_one_side_are_missing():
    """Margins halve: -1/2 for the better side, +1/2 for the worse one, and one of three better twins has no score."""
    lost = probe("lost", [2, 0], [float("nan"), 0])
    items = [
        *probe("a", [2, 0], [1, 0]),
        *lost,
        *probe("b", [2, 0], [1, 0], "worse"),
        *probe("c", [2, 0], [1, 0], "worse"),
    ]
    found = estimated(FLATTERY, items)
    assert found.value == pytest.approx(0, abs=1e-12)
    assert (found.n, found.missing) == (3, 1)
    assert FLATTERY.value(items[:2]) == pytest.approx(-1 / math.sqrt(2))  # one side alone


def test_what_the_reward_dislikes_is_below_0():
    assert FLATTERY.value(many(pull=-0.5)) < -0.4


def test_flips_are_right_before_and_wrong_after():
    items = [
        *probe("right stays", [1, 0], [1, 0]),
        *probe("right to wrong", [1, 0], [0, 1], "worse"),
        *probe("wrong to right", [0, 1], [1, 0]),
        *probe("right to a tie", [1, 0], [1, 1], "worse"),
        *probe("a tie to wrong", [1, 1], [0, 1], "worse"),
    ]
    assert FLIPS.value(items) == pytest.approx(1 / 5)


def test_noise_flips_one_in_four():
    rng = np.random.default_rng(0)
    items = [i for k in range(4000) for i in probe(f"n{k}", rng.standard_normal(2), rng.standard_normal(2))]
    assert FLIPS.value(items) == pytest.approx(0.25, abs=0.02)
    assert abs(FLATTERY.value(items)) < 0.1


def test_consistency_counts_verdicts_that_stay():
    items = [
        *twin("right", [1, 0], [2, 0], category="casing"),
        *twin("wrong", [0, 1], [0, 3], category="casing"),
        *twin("turned", [1, 0], [0, 1], category="typos"),
        *twin("lost", [1, 0], [1, 1], category="typos"),
    ]
    assert Consistency().value(items) == pytest.approx(2.5 / 4)
    assert Consistency("casing").value(items) == 1
    assert Consistency("typos").value(items) == pytest.approx(0.25)
    assert Consistency().value(rescored(items, lambda _: [1, 1])) == 1


def test_consistency_of_noise_is_one_half():
    assert Consistency().value(rewrites(count=4000)) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("metric", [FLATTERY, FLIPS], ids=repr)
def test_scale_and_order_do_not_matter_for_probes(metric):
    items = many(pull=0.4, noise=0.5)
    plain = estimated(metric, items)
    scaled = estimated(metric, rescored(items, lambda i: 3 * i.scores + 7))
    mixed = estimated(metric, shuffled(items))
    for other in (scaled, mixed):
        assert (other.value, other.low, other.high) == pytest.approx((plain.value, plain.low, plain.high), abs=1e-12)


@pytest.mark.parametrize("metric", [Consistency(), Consistency("typos"), WorstShift(KINDS)], ids=repr)
def test_scale_and_order_do_not_matter_for_rewrites(metric):
    items = rewrites()
    plain = estimated(metric, items)
    for other in (rescored(items, lambda i: 3 * i.scores + 7), shuffled(items)):
        found = estimated(metric, other)
        assert (found.value, found.low, found.high) == pytest.approx((plain.value, plain.low, plain.high), abs=1e-12)


def test_a_constant_reward_has_no_unit():
    found = estimated(FLATTERY, rescored(many(), lambda _: [0.1, 0.1]))
    assert (found.value, found.n) == (None, 200)
    assert found.reason == "the reward is the same for both answers of every base pair, so there is no unit"
    assert estimated(FLIPS, rescored(many(), lambda _: [0.1, 0.1])).value == 0


@pytest.mark.parametrize("lost", ["base", "shift"])
@pytest.mark.parametrize("metric", [FLATTERY, FLIPS], ids=repr)
def test_half_a_twin_is_missing(metric, lost):
    """A twin without all its scores is counted as missing, and the rest is as if it had never been there."""
    items = many(pull=0.4, noise=0.5, count=40)
    gone = {f"flattery{k}" for k in range(5)}
    spoilt = rescored(
        items, lambda i: [math.nan, 1] if i.tags["split"] == lost and i.tags["twin"] in gone else i.scores
    )
    found = estimated(metric, spoilt)
    assert (found.n, found.missing) == (35, 5)
    rest = [i for i in spoilt if i.tags["twin"] not in gone or i.tags["split"] != lost]  # the other halves stay
    assert found.value == pytest.approx(estimated(metric, rest).value)
    if metric is FLIPS:
        assert found.value == pytest.approx(metric.value([i for i in items if i.tags["twin"] not in gone]))


def test_nothing_left_is_none_with_a_reason():
    found = estimated(FLATTERY, rescored(many(count=10), lambda _: [math.nan, 0]))
    assert (found.value, found.n, found.missing, found.reason) == (None, 0, 10, "no item has all its scores")


def test_the_worst_shift_is_the_lowest_of_the_categories():
    items = [
        *twin("a", [1, 0], [1, 0], category="casing"),
        *twin("b", [1, 0], [0, 1], category="typos"),
        *twin("c", [1, 0], [1, 0], category="typos"),
    ]
    assert WorstShift(KINDS).value(items) == 0
    assert RetainedSkill().value(items) == pytest.approx(1 / 3)
    metric = WorstShift(KINDS)
    assert repr(metric) == "WorstShift"
    constant = estimated(metric, rescored(rewrites(), lambda _: [1, 1]))
    assert (constant.value, constant.low, constant.high) == (0, 0, 0)
    gold = estimated(metric, rescored(rewrites(), lambda i: i.gold))
    assert (gold.value, gold.low, gold.high) == (1, 1, 1)


def test_the_interval_of_the_worst_shift_holds_it():
    """The minimum of the resamples lies lower still; the interval is moved back by that much."""
    items = rewrites(count=400)
    found = estimated(WorstShift(KINDS), items, draws=2000)
    assert found.low < found.value < found.high
    rows = WorstShift(KINDS).rows(items)
    sample = resample([i.group for i in items], draws=2000, seed=0, name="test")
    raw = sample.replicates(rows, WorstShift(KINDS).combine, np.ones(len(items), dtype=bool))
    assert raw.mean() < found.value
    assert estimate(WorstShift(KINDS), items, sample).replicates.mean() == pytest.approx(found.value)


def test_a_category_without_scores_may_be_the_worst():
    items = rescored(rewrites(), lambda i: [math.nan, 0] if i.tags.get("category") == "typos" else i.scores)
    found = estimated(WorstShift(KINDS), items)
    assert (found.value, found.n, found.missing) == (None, 40, 40)
    assert found.reason == "no item of typos has all its scores"


def test_metrics_go_with_the_tags():
    def names(items):
        return [repr(m) for m in metrics_for(card("generalisation"), items)]

    probes = names([*many(), *many(category="length")])
    assert probes[0] == "RetainedSkill"
    assert {"BiasEffect(probe='flattery')", "BiasEffect(probe='length')", "FlipRate(probe='length')"} <= {*probes}
    assert "WorstShift" in probes
    assert not any(name.startswith("Consistency") for name in probes)
    told = names(rewrites())
    assert {"Consistency", "Consistency(category='casing')", "Consistency(category='typos')"} <= {*told}
    assert not any(name.startswith(("BiasEffect", "FlipRate")) for name in told)
    bare = [i for i in rewrites() if i.tags["split"] == "shift"]
    plain = names([item(i.scores, i.gold, i.id, i.group, tags={"split": "shift"}) for i in bare])
    assert not any(name.startswith(("BiasEffect", "FlipRate", "Consistency", "WorstShift")) for name in plain)


def test_effects_are_a_family_of_tests():
    assert FLATTERY.tested
    assert not FLIPS.tested
    assert not Consistency.tested
