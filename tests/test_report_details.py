"""The facts beside a calibration task's skill are those of its headline."""

from __future__ import annotations

import pytest
from scored import card

from rmbench.report.details import DETAILS
from rmbench.types import Estimate, TaskResult

VALUES = {"Temperature": 1.2, "ECE": 0.03, "NLL": 0.5, "Accuracy": 0.81, "AURC": 0.1, "EAURC": 0.08}
VALUES |= {"TieAUC": 0.7, "TieSkill": 0.4, "SelectiveSkill": 0.8, "CalibrationSkill": 0.6}


@pytest.mark.parametrize(
    ("headline", "more", "lines"),
    [
        ("CalibrationSkill", {}, ["T 1.20  ECE 0.03  NLL 0.50"]),
        ("TieSkill", {}, ["AUC 0.70", "accuracy 81.0 %"]),
        ("TieSkill", {"TieAUC(against='near')": 0.6}, ["AUC 0.70  near ties 0.60", "accuracy 81.0 %"]),
        ("SelectiveSkill", {}, ["AURC 0.10  E-AURC 0.08", "accuracy 81.0 %"]),
    ],
)
def test_calibration(headline, more, lines):
    metrics = {name: Estimate(value, None, None, 10, 0) for name, value in (VALUES | more).items()}
    found = DETAILS["calibration"][1](TaskResult(card("calibration"), headline, metrics))
    assert [line.replace("\N{NO-BREAK SPACE}", " ") for line in found] == lines
