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
    "VoteSkill": "calibration skill against the raters' votes, their noise taken out, where the truth is known too",
    "RMSE": "distance between predicted and known probabilities; 0 is best",
    "NLL": "negative log-likelihood of what was preferred; 0.693 is a constant reward, lower is better",
    "Brier": "squared error of the probabilities; 0.25 is a constant reward, lower is better",
    "ECE": "mean distance between predicted and observed frequency, over bins; 0 is best",
    "Temperature": "what score differences are divided by to be read as log-odds; above 1, they are overconfident",
    "TieSkill": "how well margins tell unequal pairs from equal ones: 0 is a constant reward, 1 is best",
    "TieAUC": "share of equal and unequal pairs where the unequal one has the larger margin; ½ is chance",
    "SelectiveSkill": "1 minus twice AURC: right, and surest where right; 0 is a constant reward, 1 is best",
    "AURC": "mean error among the surest pairs, over all numbers of them; 0 is best",
    "EAURC": "AURC minus the least that its errors allow: what margins do not tell about them; 0 is best",
    "Risk": "share of errors among the surer half of the pairs; 0 is best",
    # generalisation
    "RetainedSkill": "accuracy on shifted pairs, rescaled: 0 is coin flips, 1 is no error",
    "BaseSkill": "the same on familiar pairs",
    "WorstShift": "the lowest retained skill among the kinds of shift; the lowest of several is a little too low",
    "StyleAccuracy": "accuracy where the better response has one style and the worse one another: a cell of the matrix",
    "BiasEffect": "how far a habit moves the margin, in sd of the reward within a prompt; 0 or a little below is best",
    "FlipRate": "share of the pairs ranked right without the habit and wrong with it; 0 is best",
    "Consistency": "share of the pairs whose verdict stays when they are reworded, right or wrong; 1 is best",
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
