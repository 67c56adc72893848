"""Is the model scored the way its authors meant? Exact tokens, and one finding per check.

A check is a function from a Subject to a verdict, or None where it does not apply; it stands in CHECKS (or in FULL, if
it takes long) under the name that users see, allow and look up in docs/doctor.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from rmbench.doctor import marks, reading, scores
from rmbench.doctor.subject import Subject, Verdict, examples
from rmbench.errors import ModelError
from rmbench.findings import Finding
from rmbench.models import ModelOptions, load_model
from rmbench.types import RewardModel, Task

__all__ = ["CHECKS", "FULL", "Examination", "Token", "examine", "preflight"]

Check = Callable[[Subject], Verdict | None]
CHECKS: Mapping[str, Check] = {
    "vocabulary": reading.vocabulary,
    "missing-bos": marks.missing_bos,
    "doubled-bos": marks.doubled_bos,
    "missing-eos": marks.missing_eos,
    "doubled-eos": marks.doubled_eos,
    "generation-prompt": marks.generation_prompt,
    "pooling": reading.pooling,
    "window": reading.window,
    "clock": reading.clock,
    "missing-score": scores.missing_score,
    "non-finite": scores.non_finite,
    "constant": scores.constant,
    "determinism": scores.deterministic,
    "batch-mates": scores.batch_mates,
    "prefix-sharing": scores.prefix_sharing,
    "ignores-prompt": scores.ignored_prompt,
}
FULL: Mapping[str, Check] = {"ties": scores.ties, "too-long": reading.too_long}
FEW, DOZEN = 2, 6  # prompts, each with two answers


@dataclass(frozen=True, slots=True)
class Token:
    """One token of the example. `special`: the tokenizer keeps it apart from ordinary text."""

    id: int
    text: str
    special: bool


@dataclass(frozen=True, slots=True)
class Examination:
    """What `examine` found. `tokens` is empty for a model that does not load or shows none.

    The score is about tokens[start:].
    """

    model: str
    tokens: tuple[Token, ...]
    findings: tuple[Finding, ...]
    start: int = 0

    @property
    def problems(self) -> list[Finding]:
        """The findings that say that something is wrong."""
        return [finding for finding in self.findings if finding.status == "problem"]


def examine(
    model: str | RewardModel, options: ModelOptions | None = None, suite: Sequence[Task] | None = None
) -> Examination:
    """Look at all there is to see: a model by name as on the command line, or an object with `settings` and `score`.

    `suite` are the tasks whose texts are held against the window. A model that cannot be loaded is itself a finding,
    under the name of what is wrong. Raises UsageError for a name or an option that means nothing.
    """
    tasks = suite or ()
    conversations = examples(DOZEN, tasks)
    if isinstance(model, str):
        try:
            ready = load_model(model, replace(options or ModelOptions(), tasks=tasks))
        except ModelError as error:
            return Examination(model, (), (Finding(error.problem, "problem", str(error)),))
    else:
        ready = model
    subject = Subject(ready, conversations, tasks)
    findings = tuple(_findings(subject, {**CHECKS, **FULL}))
    tokens, start = _tokens(subject)
    return Examination(str(ready.settings["name"]), tokens, findings, start)


def preflight(model: RewardModel) -> list[Finding]:
    """The fast part, on a few short conversations: what is worth knowing before a run begins."""
    exact = str(model.settings.get("dtype", "float32")) in scores.TOLERANCE
    # in 16 bits rounding is a part of the spread that four scores may lack by chance, and the device is fast
    return _findings(Subject(model, examples(FEW if exact else DOZEN)), CHECKS)


def _findings(subject: Subject, checks: Mapping[str, Check]) -> list[Finding]:
    found: dict[str, Finding] = {}
    for name, check in checks.items():
        try:
            verdict = check(subject)
        except ModelError as error:  # it has a name of its own, and would come up again in the next check
            found.setdefault(error.problem, Finding(error.problem, "problem", " ".join(str(error).split())))
            continue
        if verdict is not None:
            found[name] = Finding(name, *verdict)
    return list(found.values())


def _tokens(subject: Subject) -> tuple[tuple[Token, ...], int]:
    """The example's tokens, and where the part begins that is scored; none where it has none, which is a finding."""
    try:
        example = subject.example
    except ModelError:
        example = None
    if subject.scorer is None or example is None:
        return (), 0
    special = marks.specials(subject)
    decode = subject.scorer.tokenizer.decode
    return tuple(Token(i, str(decode([i])), i in special) for i in example.ids), example.start
