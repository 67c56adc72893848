"""Do the scores hang on the conversation, the whole of it, and on nothing else?

Differences are told in standard deviations of the scores of the examples, since scores have no scale of their own.
"""

from __future__ import annotations

import numpy as np

from rmbench.doctor.subject import Subject, Verdict, asked, numbers
from rmbench.models.base import Tokens, reads_tokens
from rmbench.types import Conversation, Failure, Floats

# In standard deviations of the scores: (worth a note, a problem). Measured on a CPU, on random and trained models of
# 20k to 135M parameters: rounding moves scores in fp32 by 3e-7 to 2e-5, in bf16 by up to 0.05.
TOLERANCE = {"float32": (1e-4, 1e-3), "float64": (1e-4, 1e-3)}
ROUGH = (0.1, 0.5)
TIED = 0.05  # share of pairs
SAME = 1e-4  # standard deviations: what another prompt must move a score by


def missing_score(subject: Subject) -> Verdict | None:
    """Conversations that the model gives no score, with its reason."""
    failures = [answer.reason for answer in subject.answers if isinstance(answer, Failure)]
    if not failures:
        return "ok", f"all {len(subject.answers)} examples have a score"
    told = f"{len(failures)} of {len(subject.answers)} examples have no score: {failures[0]}"
    beyond_window = all(reason.startswith("too long") for reason in failures)
    return "problem" if len(failures) == len(subject.answers) and not beyond_window else "note", told


def non_finite(subject: Subject) -> Verdict | None:
    """NaN or infinity: weights that are not numbers, or a sum beyond the dtype's range."""
    given = numbers([answer for answer in subject.answers if not isinstance(answer, Failure)])
    if not given.size:
        return None
    bad = given[~np.isfinite(given)]
    if bad.size:
        return "problem", (
            f"{bad.size} of {given.size} scores are not finite (the first is {bad[0]}); look for NaN in the weights, "
            f"and try another --dtype than {subject.dtype}"
        )
    return "ok", f"all scores are finite, from {given.min():.4g} to {given.max():.4g}"


def constant(subject: Subject) -> Verdict | None:
    """One score for everything: a head of zeros, or an input that is not read."""
    finite = subject.scores[np.isfinite(subject.scores)]
    if finite.size < 2:
        return None
    if finite.min() == finite.max():
        return "problem", f"all {finite.size} different conversations have the score {finite[0]:.6g}"
    return "ok", f"scores differ, with a standard deviation (sd) of {subject.spread:.3g}"


def deterministic(subject: Subject) -> Verdict | None:
    """The same batch twice must give the same bits."""
    if not np.isfinite(subject.scores).any():
        return None
    if _same_bits(subject):
        return "ok", "the same batch twice gives the same bits"
    off = _largest(subject.scores, subject.again)
    return "problem", f"the same batch twice differs by up to {off:.2g}; look for dropout that is still on, or sampling"


def batch_mates(subject: Subject) -> Verdict | None:
    """Alone or among others of other lengths: only rounding may differ."""
    if not subject.spread or not _same_bits(subject):
        return None
    half = subject.conversations[::2]  # one answer to each prompt: passes of one row are dear
    alone = numbers([subject.ask([conversation])[0] for conversation in half])
    off = _largest(subject.scores[::2], alone) / subject.spread
    advice = "look for padding that is not masked, or a norm over the batch"
    return _graded(subject, off, "alone or among others of mixed lengths", advice)


def prefix_sharing(subject: Subject) -> Verdict | None:
    """A prompt read once for both answers to it must give what reading it twice gives."""
    model = subject.model
    if not reads_tokens(model) or not model.shares_prefixes or not subject.rows:
        return None
    if not subject.spread or not _same_bits(subject):
        return None
    batch = [row for row in subject.rows if isinstance(row, Tokens)]
    shared = [max((_common(row, other) for other in batch if other is not row), default=0) for row in batch]
    found = iter(asked(lambda: model.score_tokens(batch, shared), len(batch)))
    reused = numbers([next(found) if isinstance(row, Tokens) else row for row in subject.rows])
    off = _largest(subject.scores, reused) / subject.spread
    return _graded(subject, off, "with a prompt read once or for each answer", "this model must not share prompts")


def ignored_prompt(subject: Subject) -> Verdict | None:
    """The answers of one prompt under the next one: a model that reads prompts moves."""
    if not subject.spread or not _same_bits(subject):
        return None
    moved = [
        _swap(c, subject.conversations[(i + 2) % len(subject.conversations)])
        for i, c in enumerate(subject.conversations)
    ]
    scores = numbers(subject.ask(moved))
    known = np.isfinite(scores) & np.isfinite(subject.scores)  # saved scores know no other prompt
    if not known.any():
        return None
    off = _largest(subject.scores[known], scores[known]) / subject.spread
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


def _same_bits(subject: Subject) -> bool:
    return bool(np.array_equal(subject.scores, subject.again, equal_nan=True))


@np.errstate(invalid="ignore")  # infinity less infinity
def _largest(a: Floats, b: Floats) -> float:
    """The largest difference. A score that is finite on one side alone is infinitely far away."""
    off = np.where(np.isfinite(a) | np.isfinite(b), np.abs(a - b), 0.0)
    return float(np.nan_to_num(off, nan=np.inf).max(initial=0.0))


def _graded(subject: Subject, off: float, when: str, advice: str) -> Verdict:
    note, problem = TOLERANCE.get(subject.dtype, ROUGH)
    told = f"{when}, scores differ by up to {off:.1g} sd"
    if off > problem:
        return "problem", f"{told}; {advice}"
    if off > note:
        return "note", f"{told}, more than {subject.dtype} should"
    return "ok", f"{told}, as rounding may" if off else f"{when}, scores are the same"


def _common(a: Tokens, b: Tokens) -> int:
    """How many leading tokens two rows share, of those that may be read once: one is left to read of each."""
    most = min(t.start - 1 if t.start else len(t.ids) - 1 for t in (a, b))
    return next((i for i in range(most) if a.ids[i] != b.ids[i]), max(most, 0))


def _swap(conversation: Conversation, other: Conversation) -> Conversation:
    return (*other[:-1], conversation[-1])


def _tied(scores: Floats) -> float:
    """Share of the pairs that are equal."""
    _, counts = np.unique(scores, return_counts=True)
    return float((counts * (counts - 1)).sum() / (scores.size * (scores.size - 1)))


def _bf16(scores: Floats) -> Floats:
    """Scores rounded to eight significant bits."""
    mantissa, exponent = np.frexp(scores)
    rounded: Floats = np.ldexp(np.round(mantissa * 256), exponent - 8)
    return rounded
