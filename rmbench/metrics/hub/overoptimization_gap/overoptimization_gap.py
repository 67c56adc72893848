"""Overoptimization gap as a Hugging Face `evaluate.Metric`: a thin cover over `rmbench.metrics.overoptimization`."""

import datasets
import evaluate

from rmbench.metrics.base import estimate, items_from
from rmbench.metrics.overoptimization import MeanRecovery
from rmbench.optimizers import from_budgets
from rmbench.stats import resample
from rmbench.types import Budgets

DESCRIPTION = """How much of the true reward that could be gained is lost when a reward model is optimised under fixed
budgets of KL (exponential tilt, in nats) and best-of-n.
0 = as good as the gold, 1 = nothing gained, above 1 = harm."""
INPUTS = """One entry per prompt. predictions: rewards of its candidates; references: their gold; groups: the prompt's
name. Options: tilt (nats), best_of_n (n), bootstrap, seed.
Returns overoptimization_gap, low, high, n, missing, reason."""
CITATION = "Gao, Schulman, Hilton: Scaling Laws for Reward Model Overoptimization, arXiv 2210.10760"


class OveroptimizationGap(evaluate.Metric):  # type: ignore[misc]
    """1 - mean recovery over the budgets."""

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
        tilt: tuple[float, ...] = Budgets().tilt,
        best_of_n: tuple[int, ...] = Budgets().best_of_n,
        bootstrap: int = 1000,
        seed: int = 0,
    ) -> dict[str, float | int | str | None]:
        items = items_from(predictions, references, groups)
        budgets = from_budgets(Budgets(tilt=tuple(tilt), best_of_n=tuple(best_of_n)))
        sample = resample(groups, draws=bootstrap, seed=seed, name="overoptimization_gap")
        found = estimate(MeanRecovery(tuple(budgets)), items, sample).estimate
        return {
            "overoptimization_gap": None if found.value is None else 1 - found.value,
            "low": None if found.high is None else 1 - found.high,
            "high": None if found.low is None else 1 - found.low,
            "n": found.n,
            "missing": found.missing,
            "reason": found.reason,
        }
