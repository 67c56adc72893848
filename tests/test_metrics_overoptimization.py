"""Recovery and its kin: golden values, closed forms, invariances, and what happens without headroom or candidates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scored import card, course, estimated, golden, item, pools, rescored, shuffled, value

from rmbench.metrics import metrics_for, reach
from rmbench.metrics.overoptimization import Gap, GoldGain, Headroom, MeanRecovery, Recovery, Saturated, curves, flat
from rmbench.optimizers import BestOfN, Tilt
from rmbench.optimizers.along import Along
from rmbench.types import Budgets, Metric, ScoredItem

OPTIMIZERS = (Tilt(1.0), Tilt(2.0), BestOfN(4), BestOfN(16))
MEAN = MeanRecovery(OPTIMIZERS)
ALL = [MEAN, *(kind(o) for kind in (Recovery, Gap, GoldGain, Headroom, Saturated) for o in OPTIMIZERS)]


def test_golden():
    raw, items = golden("overoptimization")
    metrics = {repr(m): m for m in metrics_for(card("overoptimization", budgets=Budgets(**raw["budgets"])), items)}
    assert metrics.keys() == raw["expected"].keys()
    for name, expected in raw["expected"].items():
        wanted = math.nan if expected is None else expected
        assert value(metrics[name], items) == pytest.approx(wanted, abs=1e-9, nan_ok=True), name


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


# --- optimisers that push -------------------------------------------------------------------------------------------

PUSHED = Budgets(queries={"policy_gradient": 300, "search": 400})
KL = (0, 2, 5, 10)


def pushed(items, share=0.5, *, failed=0.0, oracle=True):
    """The items with the courses of two optimisers, which gain a share of what the gold gains (0.6 and 0.4)."""
    out = []
    for one in items:
        steps = np.array([0, 0.2, 0.5, 0.6])
        best, far = course(0.3 + steps, KL), course([0.3, 0.5, 0.6, 0.65, 0.7])
        paths = {
            "policy_gradient": course(0.3 + share * steps, KL, oracle=best if oracle else None, failed=failed),
            "search": course(0.3 + share * (far.gold - 0.3), oracle=far if oracle else None),
        }
        out.append(ScoredItem(one.id, one.group, one.scores, one.gold, paths=paths))
    return out


def empty(items):
    return [ScoredItem(i.id, i.group, np.zeros(0), np.zeros(0), paths=i.paths) for i in items]


def named(items, budgets=PUSHED):
    return {repr(m): m for m in metrics_for(card("overoptimization", budgets=budgets), items)}


def test_recovery_along_paths():
    items = pushed(pools(4))
    by_queries = Along("policy_gradient", queries=300)
    assert value(Recovery(by_queries), items) == pytest.approx(0.5)
    assert value(Gap(by_queries), items) == pytest.approx(0.5)
    assert value(GoldGain(by_queries), items) == pytest.approx(0.3)
    assert value(Headroom(by_queries), items) == pytest.approx(0.6)
    assert value(GoldGain(Along("policy_gradient", nats=1)), items) == pytest.approx(0.05)
    assert value(Headroom(Along("policy_gradient", nats=1)), items) == pytest.approx(0.1)
    assert value(Saturated(Along("policy_gradient", nats=8)), items) == 0
    assert value(Saturated(Along("policy_gradient", nats=11)), items) == 1
    assert value(Recovery(Along("search", queries=400)), items) == pytest.approx(0.5)
    for share in (0, 1):
        found = estimated(Recovery(by_queries), pushed(pools(4), share))
        assert (found.value, found.low, found.high) == (share, share, share)


def test_the_headline_is_the_mean_of_eight_recoveries():
    items = pushed(pools(8))
    metrics = named(items)
    eight = [name for name in metrics if name.startswith("Recovery") and "@" not in name and "global" not in name]
    assert eight == [
        *(f"Recovery(tilt={b})" for b in (1, 2, 4)),
        *(f"Recovery(best_of_n={n})" for n in (4, 16, 64)),
        "Recovery(policy_gradient=300)",
        "Recovery(search=400)",
    ]
    assert next(iter(metrics)) == "MeanRecovery"
    mean = np.mean([value(metrics[name], items) for name in eight])
    assert value(metrics["MeanRecovery"], items) == pytest.approx(mean)


def test_paths_are_read_off_at_nats_only_where_they_have_kl():
    metrics = named(pushed(pools(2)))
    for kind in ("Recovery", "Gap", "GoldGain", "Headroom", "Saturated"):
        told = [name for name in metrics if name.startswith(f"{kind}(") and "@" in name]
        assert told == [f"{kind}(policy_gradient@{nats}nats)" for nats in (1, 2, 4, 8)]
    assert "HackingThreshold(policy_gradient=300)" in metrics
    assert "HackingThreshold(search=400)" not in metrics
    assert "GoodhartDrop(search=400)" in metrics


def test_a_path_that_the_card_does_not_name_is_measured_at_its_end():
    items = pushed(pools(2))
    metrics = named(items, Budgets())
    assert value(metrics["Recovery(search=400)"], items) == pytest.approx(0.5)
    assert (
        metrics["MeanRecovery"].optimizers
        == MeanRecovery((*map(Tilt, (1, 2, 4)), *map(BestOfN, (4, 16, 64)))).optimizers
    )


@pytest.mark.parametrize("failed", [0.05, 0.10])
def test_a_few_failed_queries_leave_the_number(failed):
    assert value(named([])["MeanRecovery"], pushed(pools(4), failed=failed)) < 1


@pytest.mark.parametrize(("failed", "told"), [(0.101, "10.10 %"), (0.23, "23 %"), (1.0, "100 %")])
def test_many_failed_queries_are_no_number(failed, told):
    items = pushed(pools(4), failed=failed)
    metrics = named(items)
    reason = f"policy_gradient: the model gave no score to {told} of the queries; above 10 % its course says nothing"
    for name in ("Recovery(policy_gradient=300)", "GoldGain(policy_gradient@1nats)", "MeanRecovery"):
        found = estimated(metrics[name], items)
        assert (found.value, found.reason) == (None, reason)
    for name in ("GoodhartDrop", "HackingThreshold", "GaoAlpha", "GaoPeak"):
        assert estimated(metrics[f"{name}(policy_gradient=300)"], items).reason == reason
    assert estimated(metrics["Recovery(search=400)"], items).value == pytest.approx(0.5)


def test_a_path_that_is_not_there_is_no_number():
    items = pools(4)
    metrics = named(items)
    reason = "this run holds no such path (it was not asked for, or the model only replays saved scores)"
    assert estimated(metrics["Recovery(search=400)"], items).reason == f"search: {reason}"
    assert estimated(metrics["GoodhartDrop(search=400)"], items).reason == f"search: {reason}"
    assert estimated(metrics["MeanRecovery"], items).reason == f"policy_gradient: {reason}"
    assert estimated(metrics["Recovery(tilt=2)"], items).value is not None
    assert not [name for name in metrics if "@" in name]


def test_without_a_reference_run_there_is_gain_and_no_recovery():
    items = pushed(pools(4), oracle=False)
    metrics = named(items)
    assert estimated(metrics["GoldGain(policy_gradient=300)"], items).value == pytest.approx(0.3)
    for name in ("Recovery", "Gap", "Headroom", "GoodhartDrop"):
        found = estimated(metrics[f"{name}(policy_gradient=300)"], items)
        assert found.value is None
        assert found.reason.startswith("policy_gradient: there is no reference run in which the gold itself")
    assert estimated(metrics["GaoAlpha(policy_gradient=300)"], items).value is not None


def test_a_gold_that_gains_nothing_leaves_no_headroom():
    still = course([0.3, 0.3], [0, 1])
    items = [ScoredItem("x", "x", np.zeros(0), np.zeros(0), paths={"search": course([0.3, 0.3], oracle=still)})]
    found = estimated(Recovery(Along("search", queries=100)), items)
    assert found.reason == "search: no prompt has headroom: the gold itself gains nothing when it is optimised"


def test_no_kl_to_read_at():
    items = pushed(pools(2))
    found = estimated(Recovery(Along("search", nats=2)), items)
    assert found.reason == "search: its path has no KL, so it cannot be read at 2 nats"


def test_a_run_of_interactive_optimisers_alone():
    items = empty(pushed(pools(4)))
    metrics = named(items)
    assert not [name for name in metrics if "tilt" in name or "best_of_n" in name or "AUC" in name]
    found = estimated(metrics["MeanRecovery"], items)
    assert found.value is None
    assert found.reason == "x0: this run holds no responses, only the courses of optimisers that query the model"
    assert estimated(metrics["Recovery(search=400)"], items).value == pytest.approx(0.5)
    assert flat(items) == []
    alone = Budgets(tilt=(), best_of_n=(), queries=PUSHED.queries)
    assert estimated(named(items, alone)["MeanRecovery"], items).value == pytest.approx(0.5)
    for metric in metrics.values():
        found = estimated(metric, items)
        assert (found.value is None) == (found.reason is not None and "undefined on" not in found.reason)


def test_points_that_were_dropped_are_found_again(monkeypatch):
    items = pools(8)
    wanted = value(MEAN, items)
    monkeypatch.setattr(reach, "KEPT", 3)
    for _ in range(2):
        assert value(MEAN, [*items[:2], *pools(8, seed=9)[:1]]) != wanted
        assert value(MEAN, items) == wanted


def test_other_scores_of_the_same_pool_are_other_points():
    items = pools(2)
    for sign in (1, -1, 1):
        assert sign * value(MEAN, rescored(items, lambda i, s=sign: s * i.gold)) > 0.8


AWKWARD = {
    "constant reward": lambda i: (np.zeros(64), i.gold),
    "huge constant": lambda i: (np.full(64, 1e300), i.gold),
    "constant gold": lambda i: (i.scores, np.full(64, 0.5)),
    "both constant": lambda i: (0 * i.scores, 0 * i.gold),
    "huge": lambda i: (1e307 * i.scores, i.gold),
    "tiny": lambda i: (1e-300 * i.scores, i.gold),
    "two levels": lambda i: (np.sign(i.scores), np.sign(i.gold)),
    "one candidate": lambda i: (i.scores[:1], i.gold[:1]),
    "two candidates": lambda i: (i.scores[:2], i.gold[:2]),
    "ragged": lambda i: (i.scores[: 3 + int(i.id[1:])], i.gold[: 3 + int(i.id[1:])]),
    "gold itself": lambda i: (i.gold, i.gold),
    "mirrored": lambda i: (-i.gold, i.gold),
    "one at the top": lambda i: (np.arange(64.0) == 5, i.gold),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_pools_have_named_outcomes(name):
    """Every metric of the task: a finite number, or none and a reason; never a warning."""
    made = [item(*AWKWARD[name](i), i.id) for i in pools(6)]
    for metric in named(pushed(made)).values():
        found = estimated(metric, pushed(made), draws=50)
        assert found.reason if found.value is None else math.isfinite(found.value), repr(metric)
        assert (found.low is None) == (found.high is None)


@pytest.mark.parametrize("name", ["constant reward", "huge constant"])
def test_a_constant_reward_has_exact_values(name):
    made = [item(*AWKWARD[name](i), i.id) for i in pools(6)]
    metrics = named(made, Budgets())
    exact = {"Gamma(tilt=4)": 1, "Gamma(best_of_n=64)": 1, "WithinPromptAUC": 0.5, "TopDecileAUC": 0.5}
    zero = ("GoodhartDrop(tilt=4)", "GoodhartDrop(best_of_n=64)", "Recovery(global_tilt=2)", "ScaleCost(tilt=2)")
    for metric, wanted in (exact | dict.fromkeys((*zero, "TopDecileSpearman"), 0)).items():
        found = estimated(metrics[metric], made)
        assert (found.value, found.low, found.high) == (wanted, wanted, wanted), metric
    reasons = {
        "HackingThreshold(tilt=4)": "none within budget",
        "GaoAlpha(tilt=4)": "no curve to fit",
        "GaoPeak(best_of_n=64)": "no peak",
        "HillIndex(reward)": "no prompt's reward has an upper tail",
        "RewardVariance": "the reward is the same for every answer",
    }
    for metric, wanted in reasons.items():
        assert wanted in estimated(metrics[metric], made).reason, metric


def test_the_gold_itself_has_exact_values():
    made = rescored(pools(6), lambda i: i.gold)
    metrics = named(made, Budgets())
    for name in ("Gamma(tilt=4)", "GoodhartDrop(best_of_n=64)", "ScaleCost(tilt=4)"):
        assert value(metrics[name], made) == 0, name
    for name in ("WithinPromptAUC", "TopDecileAUC", "Recovery(global_tilt=1)"):
        assert value(metrics[name], made) == 1, name
    assert value(metrics["TopDecileSpearman"], made) == pytest.approx(1)
    assert "no prompt's error has an upper tail" in estimated(metrics["HillIndex(error)"], made).reason


def test_scale_and_order_do_not_matter_to_any_metric():
    items = pools(8)
    one = named(items, Budgets())
    for name, metric in one.items():
        wanted = pytest.approx(value(metric, items), abs=1e-7, nan_ok=True)
        assert value(metric, rescored(items, lambda i: 3 * i.scores + 7)) == wanted, name
        assert value(metric, shuffled(items)) == wanted, name
