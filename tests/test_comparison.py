"""Two runs side by side: paired, joined by id, corrected for many tests; and the command line that shows it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import report_runs
from comparing import (
    margins,
    noisy,
    pair_task,
    pool_task,
    rescored,
    run_in_memory,
    scores_of,
    three_axes,
    write,
)
from scored import item

from rmbench.comparison import compare
from rmbench.comparison.flips import flips, in_turn
from rmbench.comparison.plain import comparison_json
from rmbench.errors import RunError, UsageError
from rmbench.evaluation import evaluate
from rmbench.metrics.base import Measure, ratio
from rmbench.metrics.generalisation import RetainedSkill
from rmbench.scores import read_run
from rmbench.stats import benjamini_hochberg, holm, interval, resample, widened
from rmbench.task import write_task
from rmbench.types import Budgets, Failure, Task

AXES = ["generalisation", "calibration", "overoptimization"]


def two(tmp_path, first, second, tasks, **more):
    """Two run folders of the same tasks."""
    return write(tmp_path / "a", first, tasks, **more), write(tmp_path / "b", second, tasks, **more)


def signs(values):
    return np.where(np.asarray(values) > 0, 1, -1)


def test_closed_form(tmp_path):
    """Skill of pairs is the mean of +1 (right) and -1 (wrong): so is the difference, and its bootstrap by group."""
    rng = np.random.default_rng(0)
    one, other = rng.normal(0.8, 1, 60), rng.normal(0.2, 1, 60)
    task = pair_task(count=60)
    a, b = two(tmp_path, {"style": margins(one)}, {"style": margins(other)}, [task])
    found = compare(a, b, bootstrap=1000, seed=3).tasks["style"].headline
    each = (signs(one) - signs(other)).astype(float)
    assert found.difference.value == pytest.approx(each.mean(), abs=1e-12)
    assert found.a.value - found.b.value == pytest.approx(each.mean(), abs=1e-12)
    weights = resample([i.group for i in task.items], draws=1000, seed=3, name="style")
    drawn = widened(weights.weights[:, weights.codes] @ each / 60, each.mean(), 30)
    assert (found.difference.low, found.difference.high) == pytest.approx(interval(drawn), abs=1e-9)
    tail = min((drawn <= 1e-9).sum(), (drawn >= -1e-9).sum())
    assert found.p == pytest.approx(2 * (tail + 1) / 1001)
    assert found.resolves == pytest.approx((1.959964 + 0.841621) * drawn.std(ddof=1), rel=0.01)


def test_axes_and_overall_are_means_of_the_same_resamples(tmp_path):
    tasks = [*three_axes(), pair_task("length", count=40)]
    a, b = two(tmp_path, scores_of(tasks, 0.5), scores_of(tasks, 1.5, seed=9), tasks)
    found = compare(a, b, bootstrap=500)
    general = np.mean([found.tasks[n].headline.replicates for n in ("style", "length")], axis=0)
    axes = [general, found.tasks["known"].headline.replicates, found.tasks["pool"].headline.replicates]
    for name, expected in zip([*AXES, "overall"], [*axes, np.mean(axes, axis=0)], strict=True):
        one = found.skills[name].difference
        assert (one.low, one.high) == pytest.approx(interval(expected), abs=1e-9)
    # without missing scores, the sides are what `evaluate` says of each run alone
    for side, path in (("a", a), ("b", b)):
        alone = evaluate(path, bootstrap=500)
        for name, skill in alone.skills.items():
            assert getattr(found.skills[name], side) == skill
        assert {n: getattr(t.headline, side) for n, t in found.tasks.items()} == {
            n: t.skill for n, t in alone.tasks.items()
        }


def test_swapping_the_runs_flips_every_sign(tmp_path):
    tasks = three_axes()
    a, b = two(tmp_path, scores_of(tasks, 0.5), scores_of(tasks, 2, seed=5), tasks)
    one, other = compare(a, b, bootstrap=500), compare(b, a, bootstrap=500)
    swapped = {"A better": "B better", "B better": "A better"}
    pairs = [(one.skills[k], other.skills[k]) for k in one.skills]
    pairs += [(one.tasks[k].headline, other.tasks[k].headline) for k in one.tasks]
    for x, y in pairs:
        assert x.difference.value == -y.difference.value
        assert x.difference.low == pytest.approx(-y.difference.high, abs=1e-12)
        np.testing.assert_array_equal(x.replicates, -y.replicates)
        assert (x.p, x.adjusted, x.resolves) == (y.p, y.adjusted, y.resolves)
        assert swapped.get(x.verdict, x.verdict) == y.verdict
    for name, task in one.tasks.items():
        assert task.flipped == other.tasks[name].flipped[::-1]
    assert any(x.verdict == "A better" for x, _ in pairs)


def test_identical_runs(tmp_path):
    tasks = three_axes()
    a, b = two(tmp_path, scores_of(tasks, 1), scores_of(tasks, 1), tasks)
    found = compare(a, b, bootstrap=500)
    for one in [*found.skills.values(), *(t.headline for t in found.tasks.values())]:
        assert (one.difference.value, one.difference.low, one.difference.high) == (0, 0, 0)
        assert (one.p, one.verdict, one.resolves, one.identical) == (1, "insufficient evidence", 0, True)
    assert all(task.flips == () for task in found.tasks.values())


def test_another_scale_is_no_difference(tmp_path):
    """3r + 7 ranks alike, and a fitted temperature takes the 3: what is left is rounding, and must not be found."""
    tasks, scores = three_axes(), scores_of(three_axes(), 1)
    scaled = {n: [[3 * r + 7 for r in row] for row in rows] for n, rows in scores.items()}
    found = compare(*two(tmp_path, scores, scaled, tasks), bootstrap=500)
    for one in [*found.skills.values(), *(t.headline for t in found.tasks.values())]:
        assert (one.difference.value, one.p, one.verdict) == (0, 1, "insufficient evidence")
        assert not one.identical


def test_only_items_that_both_scored_count(tmp_path):
    rng = np.random.default_rng(1)
    one, other = rng.normal(0.8, 1, 60), rng.normal(0.2, 1, 60)
    holes_a, holes_b = {3, 4, 10}, {10, 11}
    first = margins([None if k in holes_a else v for k, v in enumerate(one)])
    second = margins([None if k in holes_b else v for k, v in enumerate(other)])
    found = compare(*two(tmp_path, {"style": first}, {"style": second}, [pair_task()]), bootstrap=500)
    task = found.tasks["style"]
    kept = [k for k in range(60) if k not in holes_a | holes_b]
    difference = task.headline.difference
    assert difference.value == pytest.approx((signs(one) - signs(other))[kept].mean(), abs=1e-12)
    assert (difference.n, difference.missing) == (56, 4)
    assert (task.missing, task.items) == ((3, 2), 60)
    assert task.headline.a.value == pytest.approx(signs(one)[kept].mean())  # the sides, too, on what both have


def test_items_are_joined_by_id(tmp_path):
    task = pair_task(count=60)
    part = Task(task.card, task.items[20:])
    one, other = np.ones(60), np.r_[np.full(20, -1), np.ones(40)]
    a = write(tmp_path / "a", {"style": margins(one)}, [task])
    b = write(tmp_path / "b", {"style": margins(other[20:])}, [part], limit=20)
    found = compare(a, b, bootstrap=100).tasks["style"]
    assert (found.items, found.alone, found.headline.difference.value) == (40, (20, 0), 0)


def test_a_run_without_any_score_has_no_number(tmp_path):
    tasks = three_axes()
    scores = scores_of(tasks, 1)
    lost = scores | {"known": [[Failure("none")] * 2 for _ in scores["known"]]}
    found = compare(*two(tmp_path, scores, lost, tasks), bootstrap=500)
    assert found.tasks["known"].headline.verdict == "no number"
    assert found.tasks["known"].headline.difference.reason == "no item has all its scores in both runs"
    assert found.skills["calibration"].verdict == "no number"
    assert found.skills["overall"].verdict == "no number"
    assert found.skills["generalisation"].difference.value is not None
    assert found.tasks["style"].headline.adjusted <= 2 * found.tasks["style"].headline.p  # a family of two, not three


def test_one_group_has_no_interval(tmp_path):
    task = Task(pair_task().card, pair_task().items[:2])
    found = compare(*two(tmp_path, {"style": margins([1, 1])}, {"style": margins([1, -1])}, [task]), bootstrap=100)
    one = found.tasks["style"].headline
    assert (one.difference.value, one.difference.low, one.verdict) == (1, None, "no number")
    assert one.difference.reason == "a single group: no interval"


def changed(task, **fields):
    return replace(task, card=task.card.model_copy(update=fields))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"version": 2}, "version 1 and B version 2"),
        ({"sha256": "1" * 64}, "its items differ"),
        ({"budgets": Budgets(tilt=(1,), best_of_n=(4,))}, "other budgets"),
        ({"headline": "Accuracy"}, "another axis, headline or tau"),
        ({"reference": "2" * 64}, "other runs of the gold"),
    ],
)
def test_another_task_is_refused_by_name(tmp_path, fields, said):
    task = pair_task()
    a = write(tmp_path / "a", {"style": margins(np.ones(60))}, [task])
    b = write(tmp_path / "b", {"style": margins(np.ones(60))}, [changed(task, **fields)])
    with pytest.raises(UsageError, match=f"task style cannot be compared: .*{said}"):
        compare(a, b, bootstrap=100)


def test_other_items_or_gold_are_refused(tmp_path):
    task = pair_task()
    a = write(tmp_path / "a", {"style": margins(np.ones(60))}, [task])
    other = Task(task.card, tuple(replace(i, gold=(0.0, 1.0)) for i in task.items))
    b = write(tmp_path / "b", {"style": margins(np.ones(60))}, [other])
    with pytest.raises(UsageError, match="item 'i0000' has another gold"):
        compare(a, b, bootstrap=100)
    other = Task(task.card, tuple(replace(i, id=f"x{i.id}") for i in task.items))
    c = write(tmp_path / "c", {"style": margins(np.ones(60))}, [other])
    with pytest.raises(UsageError, match="none of its items in common"):
        compare(a, c, bootstrap=100)


def test_other_optimisers_are_refused(tmp_path):
    tasks = report_runs.make_tasks(tmp_path / "tasks")
    courses = report_runs.make_courses(tasks[0])
    pursued = [
        report_runs.with_budgets(t, queries=report_runs.QUERIES) if t.card.name == "t_pool" else t for t in tasks
    ]
    a = report_runs.make_run(tmp_path / "a", pursued, trajectories=courses)
    again = [replace(c, settings={**c.settings, "seed": 1}) if c.rewarded == "model" else c for c in courses]
    b = report_runs.make_run(tmp_path / "b", pursued, trajectories=again)
    assert compare(a, a, bootstrap=500).tasks["t_pool"].headline.identical
    with pytest.raises(UsageError, match=r"task t_pool cannot be compared: .* had other settings"):
        compare(a, b, bootstrap=500)


def test_tasks_that_one_run_has_are_listed_and_not_compared(tmp_path):
    style, length, known = pair_task("style"), pair_task("length"), pair_task("known", "calibration")
    a = write(tmp_path / "a", scores_of([style, length], 1), [style, length])
    b = write(tmp_path / "b", scores_of([style, known], 1), [style, known])
    found = compare(a, b, bootstrap=200)
    assert (found.only_a, found.only_b, list(found.tasks)) == (("length",), ("known",), ["style"])
    assert found.skills["generalisation"].difference.value == found.tasks["style"].headline.difference.value
    assert found.skills["calibration"].difference.value is None
    c = write(tmp_path / "c", scores_of([known], 1), [known])
    with pytest.raises(UsageError, match="no task in common: A holds style, length; B holds known"):
        compare(a, c)


def test_too_few_resamples_are_refused(tmp_path):
    tasks = [pair_task(f"t{k}") for k in range(5)]
    a, b = two(tmp_path, scores_of(tasks, 1), scores_of(tasks, 1), tasks)
    with pytest.raises(UsageError, match=r"bootstrap is 198; .* fewer than 199 resamples"):
        compare(a, b, bootstrap=198)
    assert len(compare(a, b, bootstrap=199).tasks) == 5
    with pytest.raises(UsageError, match="bootstrap is 0"):
        compare(a, b, bootstrap=0)
    with pytest.raises(RunError, match="is not a run folder"):
        compare(a, tmp_path / "nowhere")


def test_holm_decides_over_the_tasks(tmp_path):
    """Ten tasks, each with an interval that leaves 0 out by a little: together they prove nothing."""
    tasks = [pair_task(f"t{k}", count=120) for k in range(10)]
    # A is wrong in 2 groups of 60, B in 10 others, one answer each: p is about 0.02
    first, second = np.ones(120), np.ones(120)
    first[[0, 2]] = -1
    second[np.arange(10, 30, 2)] = -1
    a, b = ({t.card.name: margins(side) for t in tasks} for side in (first, second))
    found = compare(*two(tmp_path, a, b, tasks), bootstrap=2000)
    rows = [t.headline for t in found.tasks.values()]
    assert [one.adjusted for one in rows] == holm([one.p for one in rows])
    assert all(one.difference.low > 0 and 0.002 < one.p < 0.05 for one in rows)
    assert {one.verdict for one in rows} == {"insufficient evidence"}
    assert found.skills["generalisation"].verdict == "A better"  # one number, and ten times the evidence
    assert found.skills["generalisation"].adjusted == found.skills["generalisation"].p
    alone = compare(*two(tmp_path / "one", {"t0": a["t0"]}, {"t0": b["t0"]}, tasks[:1]), bootstrap=2000)
    assert alone.tasks["t0"].headline.verdict == "A better"
    assert rows[0].resolves > 1.2 * alone.tasks["t0"].headline.resolves


def test_no_difference_is_rarely_found(tmp_path):
    """Three tasks, two models of one skill, 100 times: any verdict at all in about 5 % of the comparisons, at most."""
    tasks = [pair_task(f"t{k}", count=60) for k in range(3)]
    base = run_in_memory(tmp_path / "run", tasks)
    rng, false, times = np.random.default_rng(0), 0, 100
    for _ in range(times):
        runs = [rescored(base, {n: np.c_[rng.normal(0.7, 1, 60), np.zeros(60)] for n in base.tasks}) for _ in range(2)]
        found = compare(*runs, bootstrap=400)
        false += any(t.headline.verdict != "insufficient evidence" for t in found.tasks.values())
    assert false / times < 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / times)


def test_what_would_show_shows_in_four_of_five(tmp_path):
    """Two rates of right answers on 100 pairs, 2.8 standard errors apart."""
    task = pair_task(count=100)
    task = Task(task.card, tuple(replace(i, group=i.id) for i in task.items))
    base = run_in_memory(tmp_path / "run", [task])
    rng, seen, resolves, times = np.random.default_rng(1), 0, [], 120
    better, worse = 0.85, 0.686
    for _ in range(times):
        runs = [
            rescored(base, {"style": np.c_[np.where(rng.random(100) < rate, 1.0, -1.0), np.zeros(100)]})
            for rate in (better, worse)
        ]
        one = compare(*runs, bootstrap=400).tasks["style"].headline
        seen += one.verdict == "A better"
        resolves.append(one.resolves)
    assert np.mean(resolves) == pytest.approx(2 * (better - worse), rel=0.05)
    assert seen / times == pytest.approx(0.8, abs=0.11)


@dataclass(frozen=True, repr=False)
class FirstScore(Measure):
    """Mean score of the first answer, as a bias probe would be: a test against 0."""

    part: int = 0
    tested: ClassVar[bool] = True

    def rows(self, items):
        return np.array([[i.scores[0] * (self.part + 1), 1.0] for i in items])

    def combine(self, sums):
        return ratio(sums[..., 0], sums[..., 1])


def test_probes_are_compared_and_corrected(tmp_path, monkeypatch):
    probes = [FirstScore(k) for k in range(3)]
    monkeypatch.setattr("rmbench.comparison.paired.metrics_for", lambda *_: [RetainedSkill(), *probes])
    rng = np.random.default_rng(2)
    one, other = rng.normal(1, 1, 60), rng.normal(0, 1, 60)
    found = compare(*two(tmp_path, {"style": margins(one)}, {"style": margins(other)}, [pair_task()]), bootstrap=500)
    tested = found.tasks["style"].tested
    assert list(tested) == ["FirstScore", "FirstScore(part=1)", "FirstScore(part=2)"]
    for k, row in enumerate(tested.values()):
        assert row.difference.value == pytest.approx((k + 1) * (one - other).mean())
        assert row.verdict == "A higher"
    assert [row.adjusted for row in tested.values()] == benjamini_hochberg([row.p for row in tested.values()])


def test_flips_of_pairs():
    golds = [(1, 0), (0, 1), (1, 0), (1, 0), (0.5, 0.5)]
    a = [(2, 0), (0, 2), (0, 1), (1, 0), (1, 0)]
    b = [(0, 1), (0, 4), (3, 0), (1, 1), (0, 1)]
    first = [item(s, g, f"i{k}") for k, (s, g) in enumerate(zip(a, golds, strict=True))]
    second = [item(s, g, f"i{k}") for k, (s, g) in enumerate(zip(b, golds, strict=True))]
    found = {flip.item: flip for flip in flips("t", first, second)}
    assert {name: flip.better for name, flip in found.items()} == {
        "i0": "A",
        "i2": "B",
        "i3": "A",
    }  # a tie is not right
    spread_a, spread_b = (np.sqrt(np.mean([np.var(s) for s in side])) for side in (a, b))
    assert found["i0"].change == pytest.approx(2 / spread_a + 1 / spread_b)
    assert found["i2"].change == pytest.approx(1 / spread_a + 3 / spread_b)
    assert found["i3"].change == pytest.approx(1 / spread_a)
    assert [f.item for f in flips("t", first, second)] == ["i2", "i0", "i3"]
    assert found["i2"].rewards_a == (1.0, 0.0)
    assert found["i2"].rewards_b == (0.0, 3.0)
    assert (found["i2"].pick_a, found["i2"].pick_b, found["i2"].gold_a, found["i2"].gold_b) == (1, 0, 0, 1)


def test_flips_of_pools_and_of_missing_scores():
    gold = [0.1, 0.9, 0.5, 0.5]
    first, second = item([9, 1, 2, 3], gold), item([0, 5, 4, 1], gold)
    (flip,) = flips("t", [first], [second])
    assert (flip.pick_a, flip.pick_b, flip.better, flip.right) == (0, 1, "B", True)
    (flip,) = flips("t", [first], [item([0, 1, 4, 1], gold)])
    assert (flip.pick_b, flip.better, flip.right) == (2, "B", False)  # better, and not the best
    assert flips("t", [first], [item([0, 5, np.nan, 1], gold)]) == ()
    assert flips("t", [item([0, 0, 9, 8], gold)], [item([0, 0, 8, 9], gold)]) == ()  # other words, the same gold
    (constant,) = flips("t", [item([1, 1, 1, 1], gold)], [second])
    assert constant.pick_a == 0  # the worst of the tied
    assert np.isfinite(constant.change)
    assert flips("t", [], []) == ()


def test_flips_take_turns_over_the_tasks():
    def some(task, changes):
        one = flips(task, [item([1, 0], [1, 0], "x")], [item([0, 1], [1, 0], "x")])[0]
        return [replace(one, item=f"i{k}", change=c) for k, c in enumerate(changes)]

    turns = in_turn([some("a", [9, 8, 7]), some("b", [3, 2])], 4)
    assert [(f.task, f.change) for f in turns] == [("a", 9), ("b", 3), ("a", 8), ("b", 2)]


def test_flips_of_accuracy_add_up(tmp_path):
    """A's wins minus B's are the difference in right answers."""
    task = pair_task(count=200)
    a, b = two(tmp_path, {"style": noisy(task, 0.7, 1)}, {"style": noisy(task, 1.5, 2)}, [task])
    found = compare(a, b, bootstrap=100).tasks["style"]
    assert found.flipped.a - found.flipped.b == round(100 * found.headline.difference.value)
    assert sum(found.flipped) == len(found.flips) > 20


def test_json(tmp_path):
    tasks = three_axes()
    a, b = two(tmp_path, scores_of(tasks, 0.5), scores_of(tasks, 2, seed=5), tasks)
    found = comparison_json(compare(a, b, bootstrap=500), flips=3)
    assert list(found) == ["a", "b", "skills", "tasks", "only_a", "only_b", "flips", "settings"]
    assert found["a"]["run"] == str(a)
    assert len(found["flips"]) == 3
    assert list(found["skills"]) == [*AXES, "overall"]
    row = {"a", "b", "difference", "p", "adjusted", "verdict", "resolves", "identical"}
    assert all(set(one) == row for one in found["skills"].values())
    more = {"metric", "items", "missing", "alone", "flipped", "tested"}
    assert all(set(one) == row | more for one in found["tasks"].values())
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found == comparison_json(compare(read_run(a), read_run(b), bootstrap=500), flips=3) | {
        "a": found["a"],
        "b": found["b"],
    }


def test_command_line(tmp_path, rmbench):
    task = pair_task("own_style")
    raw = task.card.model_dump(mode="json", exclude={"items", "sha256", "reference"}, exclude_none=True)
    made = replace(task, card=write_task(tmp_path / "tasks" / "own_style", raw, task.items))
    scores = {"own_style": noisy(task, 0.5, 1)}, {"own_style": noisy(task, 3, 2)}
    two(tmp_path, *scores, [made], name="a [red]name")
    code, out, err = rmbench("compare", "a", "b", "--bootstrap", 500)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert "a [red]name" in out
    assert "own_style" in out
    assert "A better" in out
    assert "yes" not in out
    code, out, _ = rmbench("compare", "a", "b", "--bootstrap", 500, "--flips", 2, "--tasks", "tasks")
    assert out.count("A right, B wrong") + out.count("B right, A wrong") == 2
    assert out.count("\nyes\n") == out.count("\nno\n") == 2
    code, out, _ = rmbench("compare", "a", "b", "--flips", 2)
    assert "Texts of own_style are not shown" in out
    code, out, _ = rmbench("compare", "a", "b", "--json", "--flips", 1)
    assert len(json.loads(out)["flips"]) == 1
    assert "identical scores" in rmbench("compare", "a", "a")[1]
    assert rmbench("compare", "a", "nowhere")[0] == 2
    assert rmbench("compare", "a", "b", "--flips", -1)[0] == 2
    assert rmbench("compare", "a", "b", "--bootstrap", 3)[0] == 2


def test_long_names_fit_80_columns(tmp_path, rmbench):
    tasks = [*three_axes(), pair_task("a_name_that_is_really_far_too_long"), pool_task("the_optimisation_of_records")]
    two(tmp_path, scores_of(tasks, 0.5), scores_of(tasks, 0.6, seed=5), tasks)
    code, out, _ = rmbench("compare", "a", "b")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert "insufficient evidence" in out
    assert "Overall" in out
