"""Calibration skill as a Hugging Face `evaluate.Metric`: a thin cover over `rmbench.metrics.calibration`."""

import datasets
import evaluate

from rmbench.metrics.base import estimate, items_from
from rmbench.metrics.calibration import CalibrationSkill
from rmbench.stats import resample

DESCRIPTION = """Calibration skill of a reward model on pairs: 1 - MSE(q, p) / MSE(1/2, p), where q =
sigmoid(margin / T) and T is fitted on other groups. 0 = a constant reward, 1 = the gold itself."""
INPUTS = """One entry per pair. predictions: [reward of the first, reward of the second]; references: the probability
(or 0/1 label) that the first is preferred; groups: the prompt's name. Options: fitted (False: T = 1), bootstrap, seed.
Returns calibration_skill, low, high, n, missing, reason."""
CITATION = "Guo et al.: On Calibration of Modern Neural Networks, arXiv 1706.04599"


class CalibrationSkillMetric(evaluate.Metric):  # type: ignore[misc]
    """Calibration skill at the cross-fitted temperature."""

    def _info(self) -> evaluate.MetricInfo:
        features = {
            "predictions": datasets.Sequence(datasets.Value("float64")),
            "references": datasets.Value("float64"),
            "groups": datasets.Value("string"),
        }
        return evaluate.MetricInfo(
            description=DESCRIPTION,
            citation=CITATION,
            inputs_description=INPUTS,
            features=datasets.Features(features),
        )

    def _compute(
        self,
        predictions: list[list[float]],
        references: list[float],
        groups: list[str],
        *,
        fitted: bool = True,
        bootstrap: int = 1000,
        seed: int = 0,
    ) -> dict[str, float | int | str | None]:
        items = items_from(predictions, [[p, 1 - p] for p in references], groups, probabilities=references)
        sample = resample(groups, draws=bootstrap, seed=seed, name="calibration_skill")
        found = estimate(CalibrationSkill(fitted), items, sample).estimate
        return {
            "calibration_skill": found.value,
            "low": found.low,
            "high": found.high,
            "n": found.n,
            "missing": found.missing,
            "reason": found.reason,
        }
