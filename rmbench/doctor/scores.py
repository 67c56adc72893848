"""Do the scores hang on the conversation, the whole of it, and on nothing else?

Differences are told in standard deviations of the scores of the examples, since scores have no scale of their own.
"""

from __future__ import annotations

import numpy as np

from rmbench.doctor.subject import Subject, Verdict, common, largest, numbers
from rmbench.models.answers import NON_FINITE, checked
from rmbench.models.base import Tokens, reads_tokens
from rmbench.types import Failure, Floats

# In standard deviations of the scores: (worth a note, a problem). Measured on a CPU, on random and trained models of
# 20k to 135M parameters: rounding moves scores in fp32 by 3e-7 to 2e-5, in bf16 by up to 0.05.
TOLERANCE = {"float32": (1e-4, 1e-3), "float64": (1e-4, 1e-3)}
ROUGH = (0.1, 1.0)
TIED = 0.05  # share of pairs
SAME = 1e-4  # standard deviations: what another prompt must move a score by


def missing_score(subject: Subject) -> Verdict | None:
    """Conversations that the model gives no score, with its reason."""
    failures = [reason for reason in _reasons(subject) if not reason.startswith(NON_FINITE)]
    if len(failures) < len(_reasons(subject)) and not failures:
        return None  # the next check tells of these
    if not failures:
        return "ok", f"all {len(subject.answers)} examples have a score"
    told = f"{len(failures)} of {len(subject.answers)} examples have no score: {failures[0]}"
    beyond_window = all(reason.startswith("too long") for reason in failures)
    return "problem" if len(failures) == len(subject.answers) and not beyond_window else "note", told


def non_finite(subject: Subject) -> Verdict | None:
    """NaN or infinity: weights that are not numbers, or a sum beyond the dtype's range."""
    bad = [reason.removeprefix(NON_FINITE) for reason in _reasons(subject) if reason.startswith(NON_FINITE)]
    good = subject.scores[np.isfinite(subject.scores)]
    if bad:
        return "problem", (
            f"{len(bad)} of {len(bad) + good.size} scores are not finite (the first is {bad[0]}); look for NaN in the "
            f"weights, and try another --dtype than {subject.dtype}"
        )
    return ("ok", f"all scores are finite, from {good.min():.4g} to {good.max():.4g}") if good.size else None


def constant(subject: Subject) -> Verdict | None:
    """One score for everything: a head of zeros, or an input that is not read."""
    finite = subject.scores[np.isfinite(subject.scores)]
    if finite.size < 2:
        return None
    if finite.min() == finite.max():
        return "problem", f"all {finite.size} different conversations have the score {finite[0]:.6g}"
    return "ok", f"scores differ, with a standard deviation (sd) of {subject.spread:.3g}"


def deterministic(subject: Subject) -> Verdict | None:
    """The same question twice must give the same bits."""
    if subject.drift is None:
        return None
    if not subject.drift:
        return "ok", "the same conversation twice gives the same bits"
    return "problem", (
        f"the same conversation twice differs by {subject.drift:.2g}; look for dropout that is still on, or sampling"
    )


def batch_mates(subject: Subject) -> Verdict | None:
    """Alone or among others of other lengths: only rounding may differ."""
    if not subject.spread or subject.drift:
        return None
    shift = largest(subject.scores[::2], subject.alone)
    advice = "look for padding that is not masked, or a norm over the batch"
    return _graded(subject, shift, "alone or among others of mixed lengths", advice)


def prefix_sharing(subject: Subject) -> Verdict | None:
    """A prompt read once for both answers to it must give what reading it twice gives."""
    model = subject.model
    if not reads_tokens(model) or not model.shares_prefixes or not subject.rows:
        return None
    if not subject.spread or subject.drift:
        return None
    batch = [row for row in subject.rows if isinstance(row, Tokens)]
    ids = [row.ids[: row.start - 1 if row.start else -1] for row in batch]  # one token is left to read, or to predict
    shared = [max((common(own, other) for other in ids if other is not own), default=0) for own in ids]
    found = iter(checked(model, lambda rows: model.score_tokens(rows, shared), batch))
    reused = numbers([next(found) if isinstance(row, Tokens) else row for row in subject.rows])
    shift = largest(subject.scores, reused)
    return _graded(subject, shift, "with a prompt read once or for each answer", "this model must not share prompts")


def ignored_prompt(subject: Subject) -> Verdict | None:
    """The answers of one prompt under the next one: a model that reads prompts moves."""
    if not subject.spread or subject.drift:
        return None
    firsts = subject.conversations[::2]
    moved = [(*other[:-1], own[-1]) for own, other in zip(firsts, [*firsts[1:], *firsts[:1]], strict=True)]
    scores = numbers([subject.ask([conversation])[0] for conversation in moved])  # alone: no batch, no rounding
    known = np.isfinite(scores) & np.isfinite(subject.alone)  # saved scores know no other prompt
    if not known.any():
        return None
    off = largest(subject.alone[known], scores[known]) / subject.spread
    if off <= SAME:
        look = "; look at what the template does with it" if subject.scorer else ""
        return "problem", f"each answer has the same score under another prompt{look}"
    return "ok", f"another prompt above the same answer moves its score by up to {off:.2g} sd"


def ties(subject: Subject) -> Verdict | None:
    """Different conversations with one score: in the model's own dtype, and if scores were kept in bf16."""
    finite = subject.scores[np.isfinite(subject.scores)]
    if finite.size < 2 or not subject.spread:
        return None
    own, rounded = _tied(finite), _tied(_bf16(finite))
    told = f"{100 * own:.1f} % of the pairs of conversations tie"
    if own > TIED:
        return "problem", f"{told}; compute the head in float32, and save scores unrounded"
    return "note" if own or rounded > TIED else "ok", f"{told}, {100 * rounded:.1f} % after rounding to bf16"


def _reasons(subject: Subject) -> list[str]:
    return [answer.reason for answer in subject.answers if isinstance(answer, Failure)]


def _graded(subject: Subject, shift: float, when: str, advice: str) -> Verdict:
    note, problem = TOLERANCE.get(subject.dtype, ROUGH)
    off = shift / subject.spread
    told = f"{when}, scores differ by up to {off:.1g} sd"
    if off > problem and shift > (subject.reading.rounding if subject.reading else 0.0):
        return "problem", f"{told}; {advice}"
    if off > note:
        return "note", f"{told}, more than {subject.dtype} should"
    return "ok", f"{told}, as rounding may" if off else f"{when}, scores are the same"


def _tied(scores: Floats) -> float:
    """Share of the pairs that are equal."""
    _, counts = np.unique(scores, return_counts=True)
    return float((counts * (counts - 1)).sum() / (scores.size * (scores.size - 1)))


def _bf16(scores: Floats) -> Floats:
    """Scores rounded to eight significant bits."""
    mantissa, exponent = np.frexp(scores)
    rounded: Floats = np.ldexp(np.round(mantissa * 256), exponent - 8)
    return rounded
