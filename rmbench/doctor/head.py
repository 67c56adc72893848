"""One pass over the example, with an ear at the head of a decoder: what goes in at each token, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rmbench.models.answers import checked
from rmbench.models.base import Tokens
from rmbench.models.classifier import Classifier
from rmbench.models.tokens import TokenScorer
from rmbench.types import Failure, Floats


@dataclass(frozen=True, slots=True)
class Reading:
    """`outputs` are what the head gives at each token, of shape (tokens,); None if it does not give one for each.

    `rounding` is how far rounding of the last hidden state can move the score: see `_rounding`.
    """

    score: float
    outputs: Floats | None
    rounding: float


def head_reading(scorer: TokenScorer, example: Tokens) -> Reading | None:
    """The head's outputs in the very pass that gives the score: another pass would round in another way.

    None for a model without such a head (an encoder looks at the whole text through its first token), and where the
    score is no number: other checks say so.
    """
    if not isinstance(scorer, Classifier) or not hasattr(scorer.model, "score"):
        return None
    heard: list[tuple[Any, Any]] = []
    ear = scorer.model.score.register_forward_hook(lambda _, given, made: heard.append((given[0], made)))
    try:
        score = checked(scorer, scorer.score_tokens, [example])[0]
    finally:
        ear.remove()
    if isinstance(score, Failure) or not heard:
        return None
    states, outputs = heard[-1]  # the first time, it is also tried out whether the model needs a mask
    if outputs.ndim != 3 or outputs.shape[:2] != (1, len(example.ids)):  # (1, tokens, labels)
        return Reading(score, None, 0.0)
    label = scorer._label  # noqa: SLF001 - which of the head's outputs is the score
    readings: Floats = outputs[0, :, label].double().cpu().numpy()
    return Reading(score, readings, _rounding(scorer, states[0, -1], label))


def _rounding(scorer: Classifier, state: Any, label: int) -> float:
    """Half a unit in the last place of every number of the hidden state, all in the worst direction, in score units.

    The score is a sum of w_i h_i, and each h_i has a relative error of at least u: so the score may be off by
    u x sum |w_i h_i|. Errors of earlier layers come on top, but not all in one direction: in a state of d numbers, d
    errors of mixed signs reach about 1 / sqrt(d) of this sum, so it has room for those of some d / 3 roundings.
    """
    import torch

    weight = getattr(scorer.model.score, "weight", None)
    if weight is None or weight.ndim != 2 or weight.shape[1] != state.shape[0]:
        return 0.0
    unit = torch.finfo(getattr(torch, scorer.settings["dtype"])).eps / 2
    return unit * float((weight[label].detach().double() * state.double()).abs().sum())
