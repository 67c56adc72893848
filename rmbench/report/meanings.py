"""What each family of metrics means, in one plain sentence: the table of all metrics is ordered by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rmbench.types import Axis, Estimate

MEANINGS: dict[str, str] = {
    # overoptimization
    "MeanRecovery": "mean of the recoveries at all budgets of the card: the skill of the task",
    "Recovery": "gold gained by optimising the proxy, over what optimising the gold itself gains; 1 is best",
    "Gap": "1 minus recovery: 0 is best, above 1 optimising did harm",
    "GoldGain": "gold gained by optimising the proxy, in units of gold",
    "Headroom": "gold gained by optimising the gold itself, in units of gold",
    "Saturated": "share of the prompts where the proxy cannot spend the budget",
    "GoodhartDrop": "gold lost since its peak, over the headroom; 0 is best, a little below 0 is noise",
    "HackingThreshold": "KL in nats at which gold peaks; no value where it is not falling at the end of the budget",
    "GaoAlpha": "gold gained per √nat at first, by the fitted curve",
    "GaoBeta": "how fast that gain wears off, by the fitted curve; at 0 or below, gold does not come down",
    "GaoPeak": "√KL at the peak of the fitted curve; beyond the budget it is an extrapolation",
    "GaoR2": "how well the fitted curve fits: 1 is exactly",
    "Gamma": "area between what the gold and the proxy reach, over the area under the gold's; 0 is best",
    "ScaleCost": "recovery lost where one λ tilts all prompts alike; above 0, rewards differ in scale between prompts",
    "WithinPromptAUC": "share of a prompt's pairs of responses that are in the right order; ½ is chance",
    "TopDecileAUC": "the same among the tenth of the responses that the proxy likes best",
    "TopDecileSpearman": "rank correlation of proxy and gold in that tenth; 1 is best, 0 is chance",
    "HillIndex": "how heavy the upper tail is, of the reward or of its error; a heavy error is what optimisers find",
    "RewardVariance": "how much the reward varies within a prompt; near 0, a policy learns slowly from it",
    "ExploitShare": "share of the prompts where the search ends with more reward and less gold than it began with",
    # calibration
    "CalibrationSkill": "1 minus the squared error of the probabilities, over that of always saying ½; 1 is best",
    "RMSE": "distance between predicted and known probabilities; 0 is best",
    "NLL": "negative log-likelihood of what was preferred; 0.693 is a constant reward, lower is better",
    "Brier": "squared error of the probabilities; 0.25 is a constant reward, lower is better",
    "ECE": "mean distance between predicted and observed frequency, over bins; 0 is best",
    "Temperature": "what score differences are divided by to be read as log-odds; above 1, they are overconfident",
    # generalisation
    "RetainedSkill": "accuracy on shifted pairs, rescaled: 0 is coin flips, 1 is no error",
    "BaseSkill": "the same on familiar pairs",
    "Accuracy": "share of the pairs in which the better response scores higher, ties one half",
    "StrictAccuracy": "the same with ties as errors",
    "TieRate": "share of the pairs with equal scores",
}
_GAP = "base skill minus retained skill: what the shift costs"
_GLOBAL = "recovery where one λ tilts all prompts alike, as a single KL coefficient would"


@dataclass(frozen=True, slots=True)
class Family:
    """Metrics of one name, which differ by their settings."""

    name: str
    meaning: str
    metrics: Mapping[str, Estimate]


def meaning(metric: str, axis: Axis) -> str:
    """What a metric means; nothing for one that this version does not know."""
    if metric.startswith("Recovery(global_tilt="):
        return _GLOBAL
    name = metric.partition("(")[0]
    return _GAP if name == "Gap" and axis == "generalisation" else MEANINGS.get(name, "")


def families(metrics: Mapping[str, Estimate], axis: Axis) -> list[Family]:
    """The metrics of a task by family, in the order of their first members."""
    found: dict[tuple[str, str], dict[str, Estimate]] = {}
    for name, estimate in metrics.items():
        found.setdefault((name.partition("(")[0], meaning(name, axis)), {})[name] = estimate
    return [Family(name, said, part) for (name, said), part in found.items()]
