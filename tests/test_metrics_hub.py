"""The Hugging Face side: the same numbers, offline, by name and by path."""

from __future__ import annotations

import math

import pytest
from scored import pairs, pools, value

from rmbench.errors import TaskError, UsageError
from rmbench.metrics import HUB, load
from rmbench.metrics.calibration import CalibrationSkill
from rmbench.metrics.generalisation import RetainedSkill
from rmbench.metrics.overoptimization import MeanRecovery
from rmbench.metrics.preference import Accuracy
from rmbench.optimizers import from_budgets
from rmbench.types import Budgets

POOLS, PAIRS = pools(count=6), pairs(count=40)


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def columns(items):
    return {
        "predictions": [i.scores.tolist() for i in items],
        "references": [i.gold.tolist() for i in items],
        "groups": [i.group for i in items],
    }


def test_overoptimization_gap():
    found = load("overoptimization_gap").compute(**columns(POOLS))
    expected = 1 - value(MeanRecovery(tuple(from_budgets(Budgets()))), POOLS)
    assert found["overoptimization_gap"] == pytest.approx(expected, abs=1e-12)
    assert found["low"] < expected < found["high"]
    assert (found["n"], found["missing"], found["reason"]) == (6, 0, None)


def test_options_reach_the_metric():
    found = load("overoptimization_gap").compute(**columns(POOLS), tilt=[1.0], best_of_n=[128], bootstrap=10)
    assert found["overoptimization_gap"] is None
    assert "best of 128 needs 128 candidates" in found["reason"]


def test_calibration_skill():
    known = columns(PAIRS) | {"references": [i.probability for i in PAIRS]}
    metric = load("calibration_skill")
    assert metric.compute(**known)["calibration_skill"] == pytest.approx(value(CalibrationSkill(), PAIRS))
    plain = metric.compute(**known, fitted=False)["calibration_skill"]
    assert plain == pytest.approx(value(CalibrationSkill(fitted=False), PAIRS))


def test_preference_accuracy_by_name():
    found = load("preference_accuracy").compute(**columns(PAIRS))
    assert found["accuracy"] == pytest.approx(value(Accuracy(), PAIRS))
    assert found["low"] <= found["accuracy"] <= found["high"]


def test_retained_skill_by_path():
    import evaluate

    metric = evaluate.load(str(HUB / "retained_skill"))
    assert metric.compute(**columns(PAIRS))["retained_skill"] == pytest.approx(value(RetainedSkill(), PAIRS))


def test_missing_scores_are_counted_and_bad_references_refused():
    given = columns(PAIRS)
    given["predictions"][0] = [math.nan, 1.0]
    found = load("retained_skill").compute(**given)
    assert (found["n"], found["missing"]) == (39, 1)
    given["references"][0] = [1.0]
    with pytest.raises(TaskError, match="item 0 has 2 predictions and 1 references"):
        load("retained_skill").compute(**given)
    given["references"][0] = [1.0, math.nan]
    with pytest.raises(TaskError, match="item 0 has a reference that is not a finite number"):
        load("retained_skill").compute(**given)


def test_unknown_name():
    with pytest.raises(UsageError, match="no metric 'bleu'; choose one of calibration_skill, overopt"):
        load("bleu")
