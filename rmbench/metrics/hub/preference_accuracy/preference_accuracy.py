"""Preference accuracy as a Hugging Face `evaluate.Metric`: a thin cover over `rmbench.metrics.preference`."""

import datasets
import evaluate

from rmbench.metrics.base import estimate, items_from
from rmbench.metrics.preference import Accuracy
from rmbench.stats import resample

DESCRIPTION = """Share of items whose best response gets the highest reward; several at the top share the
credit, so that a tie of a pair counts one half."""
INPUTS = """One entry per item. predictions: rewards of its responses; references: their gold (1 and 0 will do);
groups: the prompt's name. Options: bootstrap, seed. Returns accuracy, low, high, n, missing, reason."""
CITATION = "Malik et al.: RewardBench 2, arXiv 2506.01937 (best-of-4 with ties sharing credit)"


class PreferenceAccuracy(evaluate.Metric):  # type: ignore[misc]
    """Accuracy, ties one half."""

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
        sample = resample(groups, draws=bootstrap, seed=seed, name="preference_accuracy")
        found = estimate(Accuracy(), items, sample).estimate
        return {
            "accuracy": found.value,
            "low": found.low,
            "high": found.high,
            "n": found.n,
            "missing": found.missing,
            "reason": found.reason,
        }
