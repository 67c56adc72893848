"""Ranks: by hand, against the paired test of `compare`, and by simulation with known true skills."""

from itertools import combinations

import numpy as np
import pytest
from comparing import pair_task, scores_of, write
from hypothesis import given, settings
from hypothesis import strategies as st
from ranked import answers, as_items, board, names, sample, simulate, skills, truth

from rmbench.comparison import compare
from rmbench.errors import UsageError
from rmbench.leaderboard.ranking import rank
from rmbench.leaderboard.types import Rank
from rmbench.metrics.base import estimate
from rmbench.metrics.generalisation import RetainedSkill
from rmbench.scores import read_run
from rmbench.stats import resample


def replicates(values, spread, draws=400, seed=0, shared=0.5):
    """Independent noise per entry over noise that all share."""
    rng = np.random.default_rng(seed)
    values = np.asarray(values, dtype=float)
    noise = spread * rng.standard_normal((values.size, draws))
    return values[:, None] + noise + shared * rng.standard_normal(draws)


def test_by_hand():
    values = [0.1, 0.9, 0.5, 0.9]
    found = rank(values, replicates(values, 0.001))
    assert found == [Rank(4, 4, 4, 3), Rank(1, 1, 2, 1), Rank(3, 3, 3, 2), Rank(1, 1, 2, 1)]


def test_what_all_share_does_not_blur_a_difference():
    values = [0.5, 0.52]
    assert rank(values, replicates(values, 0.001, shared=5.0))[0] == Rank(2, 2, 2, 2)
    assert rank(values, replicates(values, 0.05, shared=0.0))[0] == Rank(2, 1, 2, 1)


def test_critical_values_against_a_plain_computation():
    """The interval from its definition, one entry at a time, more entries than are compared at once."""
    values = np.linspace(0, 0.4, 70)
    draws = replicates(values, 0.02, seed=3)
    found = rank(values, draws)
    for j in (0, 33, 69):
        apart = (draws - values[:, None]) - (draws[j] - values[j])
        error = apart.std(axis=1, ddof=1)
        error[j] = np.inf
        largest = np.sort(np.max(np.abs(apart) / error[:, None], axis=0))
        sure = np.abs(values - values[j]) / error > largest[int(np.ceil(401 * 0.95)) - 1]
        low, high = 1 + (sure & (values > values[j])).sum(), 70 - (sure & (values < values[j])).sum()
        assert (found[j].low, found[j].high) == (low, high)


def test_groups_hold_for_all_pairs_and_intervals_for_one_entry():
    """A leader with a run of entries ever further below: the group reaches further than the intervals."""
    values = np.linspace(0.5, 0.0, 30)
    found = rank(values, replicates(values, 0.03, draws=2000))
    apart = sum(one.low == 1 for one in found)
    together = sum(one.group == 1 for one in found)
    assert 2 < apart < together < 15
    assert [one.group for one in found] == sorted(one.group for one in found)
    assert [one.place for one in found] == list(range(1, 31))


def test_no_variation():
    """Constant and oracle vary in no resample: what differs is apart, what does not is a tie."""
    values = [0.0, 1.0, 0.0, 1.0 - 1e-12]
    found = rank(values, np.repeat(np.array(values)[:, None], 100, axis=1))
    assert found == [Rank(3, 3, 4, 2), Rank(1, 1, 2, 1), Rank(3, 3, 4, 2), Rank(1, 1, 2, 1)]
    noisy = np.vstack([replicates([0.5], 0.1, draws=100), np.zeros((1, 100)), np.ones((1, 100))])
    assert [r.place for r in rank([0.5, 0.0, 1.0], noisy)] == [2, 3, 1]


def test_rounding_is_no_difference():
    values = np.array([0.3 + 0.1 + 0.2, 0.3 + (0.1 + 0.2), 0.6, 0.6 + 5e-10])
    noise = replicates([0.0], 0.1, shared=0.0)
    found = rank(values, values[:, None] + noise)
    assert {(r.place, r.low, r.high, r.group) for r in found} == {(1, 1, 4, 1)}
    apart = rank([0.6, 0.6 + 2e-9], np.array([0.6, 0.6 + 2e-9])[:, None] + noise)
    assert [r.place for r in apart] == [2, 1]


def test_too_few_draws_separate_nothing():
    values = [0.0, 1.0]
    assert rank(values, replicates(values, 1e-6, draws=18)) == [Rank(2, 1, 2, 1), Rank(1, 1, 2, 1)]
    assert rank(values, replicates(values, 1e-6, draws=19)) == [Rank(2, 2, 2, 2), Rank(1, 1, 1, 1)]
    assert rank([0.4], np.full((1, 1), 0.4)) == [Rank(1, 1, 1, 1)]
    assert rank([], np.empty((0, 100))) == []


def test_undefined_draws():
    values = [0.9, 0.5, 0.1]
    draws = replicates(values, 0.01)
    whole = rank(values, draws)
    some = draws.copy()
    some[0, :20] = np.nan  # 5 % of them
    some[2, 30:40] = np.inf
    assert rank(values, some) == whole
    some[0, :21] = np.nan
    assert rank(values, some) == [Rank(1, 1, 3, 1), Rank(2, 1, 2, 1), Rank(3, 2, 3, 2)]
    assert {r.group for r in rank(values, np.full((3, 400), np.nan))} == {1}


def test_undefined_draws_count_for_their_pairs_alone():
    values = np.array([0.5, 0.45, 0.4])
    draws = replicates(values, 0.02)
    draws[2, :15] = np.nan
    alone = rank(values[:2], draws[:2])
    assert alone[0] == rank(values[:2], draws[:2, :])[0]
    kept = np.isfinite(draws).all(axis=0)
    for one, other in zip(rank(values, draws), rank(values, draws[:, kept]), strict=True):
        assert one.place == other.place
        assert abs(one.low - other.low) + abs(one.high - other.high) <= 1


def test_few_groups_ask_for_more():
    values = np.linspace(0, 0.3, 12)
    draws = replicates(values, 0.03)
    usual, few, none = (rank(values, draws, freedom=f) for f in (np.inf, 7, 4))
    assert all(f.low <= u.low and f.high >= u.high for f, u in zip(few, usual, strict=True))
    assert few != usual
    assert {(r.low, r.high, r.group) for r in none} == {(1, 12, 1)}
    assert rank(values, draws, freedom=1e7) == usual


@pytest.mark.parametrize(
    ("values", "draws", "told"),
    [
        ([0.1, np.nan], np.zeros((2, 5)), "entry 1 has no finite value"),
        ([0.1, 0.2], np.zeros((3, 5)), "one row of draws per value"),
    ],
)
def test_refusals(values, draws, told):
    with pytest.raises(UsageError, match=told):
        rank(values, draws)


VALUES = st.lists(st.sampled_from([0.0, 0.1, 0.1 + 1e-12, 0.2, 0.5, -0.3]), min_size=1, max_size=9)


@given(values=VALUES, seed=st.integers(0, 99), spread=st.sampled_from([0.0, 0.02, 0.2]), data=st.data())
@settings(max_examples=80, deadline=None)
def test_order_decides_nothing(values, seed, spread, data):
    draws = replicates(values, spread, draws=60, seed=seed)
    order = data.draw(st.permutations(range(len(values))))
    found = rank(values, draws)
    assert rank([values[k] for k in order], draws[list(order)]) == [found[k] for k in order]


@given(values=VALUES, seed=st.integers(0, 99), spread=st.sampled_from([0.0, 0.02, 0.2]), lost=st.floats(0, 0.1))
@settings(max_examples=80, deadline=None)
def test_what_always_holds(values, seed, spread, lost):
    draws = replicates(values, spread, draws=60, seed=seed)
    draws[np.random.default_rng(seed).random(draws.shape) < lost] = np.nan
    found = rank(values, draws)
    for one in found:
        assert 1 <= one.low <= one.place <= one.high <= len(values)
    for (x, a), (y, b) in combinations(zip(values, found, strict=True), 2):
        if abs(x - y) < 1e-9:
            assert (a.place, a.group) == (b.place, b.group)
        elif x > y:
            assert a.place < b.place
            assert a.group <= b.group
    assert sorted({r.group for r in found}) == list(range(1, 1 + max(r.group for r in found)))


@given(seed=st.integers(0, 99), which=st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_a_clone_is_never_told_apart(seed, which):
    values = np.linspace(0, 0.5, 6)
    draws = replicates(values, 0.05, seed=seed, draws=200)
    found = rank([*values, values[which]], np.vstack([draws, draws[which]]))
    assert found[6] == found[which]
    assert found[6].high > found[6].low
    for before, after in zip(rank(values, draws), found[:6], strict=True):
        assert after.low - before.low in (0, 1)  # the same tests, and the clone counts
        assert after.high - before.high in (0, 1)


def test_two_entries_are_the_paired_test(tmp_path):
    """The verdict of `compare` on 40 pairs of runs. Not always: that one takes percentiles of the differences as they
    are, this one those of their size, and the two agree only where the replicates are symmetric."""
    task = pair_task(count=80)
    runs = [
        read_run(write(tmp_path / f"r{k}", scores_of([task], 0.4 + 0.25 * (k % 7), seed=10 * k), [task]))
        for k in range(16)
    ]
    same, verdicts = [], []
    for a, b in list(combinations(runs, 2))[::3]:
        found = compare(a, b, bootstrap=1000).tasks["style"].headline
        items = [run.items("style") for run in (a, b)]
        drawn = resample([i.group for i in items[0]], draws=1000, seed=0, name="style")
        sides = [estimate(RetainedSkill(), part, drawn) for part in items]
        ranks = rank([s.estimate.value for s in sides], np.array([s.replicates for s in sides]))
        assert {r.place for r in ranks} == ({1} if found.difference.value == 0 else {1, 2})
        separated = ranks[0].group != ranks[1].group
        assert separated == (ranks[0].high < 2 or ranks[0].low > 1)
        verdicts.append(found.p <= 0.05)
        same.append(separated == verdicts[-1])
    assert len(same) == 40
    assert 5 <= sum(verdicts) <= 35
    assert np.mean(same) >= 0.95


def test_simulated_skills_are_those_of_estimate():
    """The shortcut by which boards are simulated gives what rmbench gives, to the last digits."""
    right = answers(np.random.default_rng(0), [0.2, 0.9], 30, 3)
    values, draws = skills(right, "a", 200)
    for row, value, made in zip(right, values, draws, strict=True):
        items = as_items(row)
        found = estimate(RetainedSkill(), items, sample("a", 30, 3, 200))
        assert [i.group for i in items] == names(30, 3)
        assert found.estimate.value == pytest.approx(value, abs=1e-12)
        np.testing.assert_allclose(found.replicates, made, atol=1e-12)


def test_simulated_truth():
    right = answers(np.random.default_rng(1), [0.0, 0.5, 1.2], 20_000, 2)
    np.testing.assert_allclose(2 * right.mean(axis=(1, 2)) - 1, truth([0.0, 0.5, 1.2]), atol=0.015)


THREE, MANY = [(40, 2), (60, 1), (30, 3)], [(60, 2), (100, 1)]
DESIGNS = {
    "all equal": (np.full(12, 0.5), THREE),
    "two clusters": (np.repeat([0.2, 0.6], 6), THREE),
    "ladder": (np.linspace(0.0, 1.0, 12), THREE),
    "close ladder": (np.linspace(0.4, 0.5, 12), THREE),
    "few groups": (np.full(12, 0.5), [(16, 4)]),
    "very few groups": (np.full(12, 0.3), [(8, 4), (8, 4)]),
    "one task of many": (np.full(12, 0.5), [(16, 4), (100, 2), (100, 2)]),
    "many entries": (np.repeat([0.0, 0.5, 1.0], 20), MANY),
    "near the ceiling": (np.full(12, 2.0), THREE),
}


def check_coverage(design, boards):
    """Intervals hold every true place in 95 % of boards, and groups part equals in at most 5 %, within the error of the
    simulation (3 standard errors)."""
    abilities, tasks = DESIGNS[design]
    freedom = min(groups for groups, _ in tasks) - 1
    covered, misled = simulate(abilities, tasks, boards, draws=400, freedom=freedom)
    error = covered.mean(axis=1).std() / np.sqrt(boards)
    assert covered.mean() >= 0.95 - max(3 * error, 1 / boards), design
    worst = 0.95 - 4 * np.sqrt(0.95 * 0.05 / boards)
    assert covered.mean(axis=0).min() >= worst, design
    assert misled.mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / boards), design
    return covered.mean()


@pytest.mark.parametrize("design", [*DESIGNS])
def test_coverage(design):
    check_coverage(design, 100 if design == "many entries" else 200)


@pytest.mark.slow
@pytest.mark.parametrize("design", [*DESIGNS])
def test_coverage_closely(design):
    covered = check_coverage(design, 2000)
    assert covered >= 0.94


def test_coverage_can_fail():
    """Of boards whose draws vary too little by a quarter, the same check finds out."""
    held = []
    for seed in range(100):
        values, draws = board(np.random.default_rng(seed), np.full(12, 0.5), THREE, 400)
        narrow = values[:, None] + 0.75 * (draws - values[:, None])
        held.append(np.mean([(r.low, r.high) == (1, 12) for r in rank(values, narrow)]))
    assert np.mean(held) < 0.9


def test_five_hundred_entries_in_seconds():
    values = np.sort(np.random.default_rng(0).uniform(0, 1, 500))
    found = rank(values, replicates(values, 0.02, draws=200))
    assert [r.place for r in found] == list(range(500, 0, -1))
    assert 5 < found[0].group < 20
