"""The gate: every exit code from real run folders, and how often it passes and fails when the truth is known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from comparing import margins, noisy, pair_task, rescored, run_in_memory, scores_of, three_axes, write

from rmbench.comparison import gate
from rmbench.errors import UsageError
from rmbench.stats import interval
from rmbench.types import Task

TASKS = three_axes()
GOLD = {t.card.name: [list(i.gold) for i in t.items] for t in TASKS}


@pytest.fixture
def rmbench(rmbench):
    return lambda *arguments: rmbench("gate", *arguments)


def test_pass(tmp_path, rmbench):
    write(tmp_path / "old", scores_of(TASKS, 1), TASKS)
    write(tmp_path / "same", scores_of(TASKS, 1), TASKS)
    write(tmp_path / "gold", GOLD, TASKS)
    for run in ("same", "gold"):
        code, out, err = rmbench(run, "--baseline", "old", "--max-drop", 0)
        assert (code, err) == (0, "")
        assert "PASS: no number that is gated has dropped by more than 0." in out
        assert [line.split()[0] for line in out.splitlines() if line.endswith("pass")] == [
            "Generalisation",
            "Calibration",
            "Overoptimization",
            "Overall",
        ]


def test_regression(tmp_path, rmbench):
    write(tmp_path / "old", GOLD, TASKS)
    write(tmp_path / "new", scores_of(TASKS, 3), TASKS)
    code, out, err = rmbench("new", "--baseline", "old", "--max-drop", 0.05)
    assert (code, err) == (1, "")
    assert "REGRESSION: generalisation" in out
    assert "rmbench compare new old --flips 10" in out
    assert max(map(len, out.splitlines())) <= 80
    code, out, _ = rmbench("new", "--baseline", "old", "--max-drop", 0.05, "--on", "overall", "--json")
    found = json.loads(out)
    assert (code, found["exit_code"], found["outcome"], list(found["numbers"])) == (1, 1, "regression", ["overall"])
    assert found["numbers"]["overall"]["drop"]["value"] > 0.05
    assert found["numbers"]["overall"]["adjusted"] < 0.025


def test_leaving_out_a_task_or_items_does_not_pass(tmp_path, rmbench):
    write(tmp_path / "old", GOLD, TASKS)
    name = TASKS[0].card.name
    write(tmp_path / "fewer", {k: v for k, v in GOLD.items() if k != name}, TASKS[1:])
    code, out, err = rmbench("fewer", "--baseline", "old", "--max-drop", 0.05)
    assert (code, out) == (2, "")
    assert f"lacks the baseline's task {name}" in err
    assert rmbench("old", "--baseline", "fewer", "--max-drop", 0.05)[0] == 0
    cut = [replace(TASKS[0], items=TASKS[0].items[:40]), *TASKS[1:]]
    write(tmp_path / "cut", GOLD | {name: list(GOLD[name])[:40]}, cut)
    code, _, err = rmbench("cut", "--baseline", "old", "--max-drop", 0.05)
    assert code == 2
    assert f"task {name}: the run lacks" in err


def test_insufficient_evidence(tmp_path, rmbench):
    write(tmp_path / "old", scores_of(TASKS, 0.6), TASKS)
    write(tmp_path / "new", scores_of(TASKS, 0.6, seed=7), TASKS)
    code, out, err = rmbench("new", "--baseline", "old", "--max-drop", 0.02)
    assert (code, err) == (3, "")
    assert "INSUFFICIENT EVIDENCE: generalisation" in out
    assert "times as many groups" in out
    assert "--suite core" in out
    code, out, _ = rmbench("new", "--baseline", "old", "--max-drop", 0.02, "--on", "tasks", "--json")
    found = json.loads(out)
    assert (code, found["exit_code"], list(found["numbers"])) == (3, 3, ["style", "known", "pool"])
    assert found["numbers"]["style"]["more"] > 1


def test_says_where_more_groups_do_not_help(tmp_path, rmbench):
    task = pair_task()
    one, other = np.ones(60), np.ones(60)
    one[:8], other[10:17] = -1, -1
    write(tmp_path / "old", {"style": margins(other)}, [task])
    write(tmp_path / "new", {"style": margins(one)}, [task])
    code, out, _ = rmbench("new", "--baseline", "old", "--max-drop", 0.02)
    assert code == 3
    assert "too near to 0.02 for more groups to help" in " ".join(out.split())


def test_drop_is_the_paired_difference(tmp_path):
    """Skill of pairs is the mean of +1 and -1: the run loses 3 of 60 answers, in groups of their own, and wins none."""
    task = pair_task()
    lost = np.ones(60)
    lost[[0, 2, 4]] = -1
    old = write(tmp_path / "old", {"style": margins(np.ones(60))}, [task])
    new = write(tmp_path / "new", {"style": margins(lost)}, [task])
    found = gate(new, old, max_drop=0.05, bootstrap=2000)
    one = found.numbers["generalisation"]
    assert one.drop.value == pytest.approx(0.1)
    replicates = -found.comparison.skills["generalisation"].replicates
    assert (one.drop.low, one.drop.high) == pytest.approx(interval(replicates))
    assert one.p == pytest.approx(((replicates <= 0.05 + 1e-9).sum() + 1) / 2001)
    assert list(found.numbers) == ["generalisation"]  # overall needs all three axes
    assert one.more == pytest.approx((2.8 * replicates.std(ddof=1) / 0.05) ** 2)


UNUSABLE = {
    "missing": "task style: the run lacks a score on 2 of 60 items, more than --max-missing 0 allows",
    "version": "task style cannot be compared: A ran version 2 and B version 1",
    "nowhere": "is not a run folder",
    "damaged": "manifest is damaged",
    "other": "the runs have no task in common",
    "silent": "has no number to gate: style: no item has all its scores in both runs",
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_unusable(case, tmp_path, rmbench):
    task = pair_task()
    right = margins(np.ones(60))
    write(tmp_path / "old", {"style": right}, [task])
    write(tmp_path / "missing", {"style": margins([None, None, *np.ones(58)])}, [task])
    other = pair_task("length")
    write(tmp_path / "other", {"length": right}, [other])
    newer = replace(task, card=task.card.model_copy(update={"version": 2}))
    write(tmp_path / "version", {"style": right}, [newer])
    write(tmp_path / "silent", {"style": margins([None] * 60)}, [task])
    write(tmp_path / "damaged", {"style": right}, [task])
    (tmp_path / "damaged" / "manifest.json").write_text('{"format":')
    more = ("--max-missing", 1) if case == "silent" else ()
    code, out, err = rmbench(case, "--baseline", "old", "--max-drop", 0.02, *more)
    assert (code, out) == (2, "")
    assert UNUSABLE[case] in err
    assert err.startswith("rmbench: ")
    assert err.count("\n") == 1


def test_missing_scores_count_on_both_sides_and_may_be_allowed(tmp_path, rmbench):
    task = pair_task()
    write(tmp_path / "whole", {"style": margins(np.ones(60))}, [task])
    write(tmp_path / "holes", {"style": margins([None, None, *np.ones(58)])}, [task])
    assert "the baseline lacks a score on 2" in rmbench("whole", "--baseline", "holes", "--max-drop", 0.02)[2]
    code, out, _ = rmbench("holes", "--baseline", "whole", "--max-drop", 0.02, "--max-missing", 0.05)
    assert code == 0
    assert "style: 2 of 60 items left out of both (2 lack a score in A, 0 in B)." in out


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--max-drop", "-0.1", "max-drop is -0.1"),
        ("--max-drop", "nan", "max-drop is nan"),
        ("--max-drop", "inf", "max-drop is inf"),
        ("--max-drop", "2", "for 2 points of a hundred give 0.02"),
        ("--max-missing", "5", "for 5 points of a hundred give 0.05"),
        ("--on", "overall", "overall needs tasks of all three axes"),
        ("--bootstrap", "1", "fewer than 39 resamples"),
    ],
)
def test_bad_arguments(option, value, said, tmp_path, rmbench):
    write(tmp_path / "run", {"style": margins(np.ones(60))}, [pair_task()])
    given = {"--max-drop": "0.02"} | {option: value}
    code, out, err = rmbench("run", "--baseline", "run", *(part for pair in given.items() for part in pair))
    assert (code, out) == (2, "")
    assert said in err


def test_an_unforeseen_error_is_unusable_and_no_regression(tmp_path, rmbench, monkeypatch):
    write(tmp_path / "run", {"style": margins(np.ones(60))}, [pair_task()])

    def broken(*_, **__):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("rmbench.comparison.gating.compare", broken)
    code, out, err = rmbench("run", "--baseline", "run", "--max-drop", 0.02)
    assert (code, out) == (2, "")
    assert "ZeroDivisionError: oops" in err


def test_a_single_group_is_no_evidence(tmp_path, rmbench):
    task = Task(pair_task().card, pair_task().items[:2])
    write(tmp_path / "run", {"style": margins([1, 1])}, [task])
    code, out, _ = rmbench("run", "--baseline", "run", "--max-drop", 0.02)
    assert code == 3
    assert "generalisation has no interval" in out


def test_many_numbers_hold_the_gate_to_holm(tmp_path):
    """A drop that one number alone proves is not proved by the worst of ten; and all of ten must be shown to pass."""
    tasks = [pair_task(f"t{k}") for k in range(10)]
    fine = {t.card.name: margins(np.ones(60)) for t in tasks}
    lost = np.ones(60)
    lost[[0, 2, 4, 6]] = -1
    one = fine | {"t0": margins(lost)}
    old, new = write(tmp_path / "old", fine, tasks), write(tmp_path / "new", one, tasks)
    found = gate(new, old, max_drop=0.01, on="tasks")
    assert found.outcome == "insufficient evidence"
    assert found.numbers["t0"].p < 0.025 < found.numbers["t0"].adjusted
    assert {n: g.outcome for n, g in found.numbers.items() if g.outcome != "pass"} == {"t0": "insufficient evidence"}
    alone = gate(
        write(tmp_path / "one", {"t0": one["t0"]}, tasks[:1]),
        write(tmp_path / "base", {"t0": fine["t0"]}, tasks[:1]),
        max_drop=0.01,
        on="tasks",
    )
    assert alone.outcome == "regression"


def test_on_is_checked(tmp_path):
    run = write(tmp_path / "run", {"style": margins(np.ones(60))}, [pair_task()])
    with pytest.raises(UsageError, match="hold only generalisation"):
        gate(run, run, max_drop=0.1, on="overall")


@pytest.mark.parametrize(
    ("worse", "least", "most"),
    [
        (0.80, {"pass": 0.6}, {"regression": 0.05}),  # no drop: 80 % power to pass
        (0.688, {}, {"pass": 0.08, "regression": 0.08}),  # a drop of just what is allowed: either is wrong, at 2.5 %
        (0.55, {"regression": 0.75}, {"pass": 0.02}),  # far more than is allowed
    ],
)
def test_power(worse, least, most, tmp_path):
    """A baseline that gets 80 % right and a run that gets `worse` right, on 200 pairs, 40 times.

    The standard error of the drop in skill is 0.08 without a drop, and 2.8 of those are allowed.
    """
    count, times = 200, 40
    task = pair_task(count=count)
    task = Task(task.card, tuple(replace(i, group=i.id) for i in task.items))
    base = run_in_memory(tmp_path / "run", [task])
    rng, told = np.random.default_rng(3), []
    for _ in range(times):
        run, baseline = (
            rescored(base, {"style": np.c_[np.where(rng.random(count) < rate, 1.0, -1.0), np.zeros(count)]})
            for rate in (worse, 0.80)
        )
        told.append(gate(run, baseline, max_drop=0.224, bootstrap=300).outcome)
    for outcome, share in least.items():
        assert told.count(outcome) / times >= share
    for outcome, share in most.items():
        assert told.count(outcome) / times <= share


def test_same_answers_under_noise_pass_at_once(tmp_path):
    """Another scale of the same reward is rounding, not a drop."""
    task = pair_task("known", "calibration", count=60)
    scores = noisy(task, 0.5, 1)
    old = write(tmp_path / "old", {"known": scores}, [task])
    new = write(tmp_path / "new", {"known": [[3 * r + 7 for r in row] for row in scores]}, [task])
    assert gate(new, old, max_drop=0).outcome == "pass"
