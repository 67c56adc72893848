"""Retained skill as a Hugging Face `evaluate.Metric`: a thin cover over `rmbench.metrics.generalisation`."""

import datasets
import evaluate

from rmbench.metrics.base import estimate, items_from
from rmbench.metrics.generalisation import RetainedSkill
from rmbench.stats import resample

DESCRIPTION = """Accuracy above chance over the room above chance, on shifted data: 2 (accuracy - 1/2) for pairs, ties
one half; best-of-k items are corrected by their own k. 0 = a constant reward, 1 = the gold itself."""
INPUTS = """One entry per shifted item. predictions: rewards of its responses; references: their gold (1 and 0 will do);
groups: the prompt's name. Options: bootstrap, seed. Returns retained_skill, low, high, n, missing, reason."""
CITATION = "Malik et al.: RewardBench 2, arXiv 2506.01937 (best-of-4 with ties sharing credit)"


class RetainedSkillMetric(evaluate.Metric):  # type: ignore[misc]
    """Chance-corrected accuracy."""

    def _info(self) -> evaluate.MetricInfo:
        numbers = datasets.Sequence(datasets.Value("float64"))
        features = {"predictions": numbers, "references": numbers, "groups": datasets.Value("string")}
        return evaluate.MetricInfo(
            description=DESCRIPTION,
            citation=CITATION,
            inputs_description=INPUTS,
            features=datasets.Features(features),
        )

    def _compute(
        self,
        predictions: list[list[float]],
        references: list[list[float]],
        groups: list[str],
        *,
        bootstrap: int = 1000,
        seed: int = 0,
    ) -> dict[str, float | int | str | None]:
        items = items_from(predictions, references, groups)
        sample = resample(groups, draws=bootstrap, seed=seed, name="retained_skill")
        found = estimate(RetainedSkill(), items, sample).estimate
        return {
            "retained_skill": found.value,
            "low": found.low,
            "high": found.high,
            "n": found.n,
            "missing": found.missing,
            "reason": found.reason,
        }
