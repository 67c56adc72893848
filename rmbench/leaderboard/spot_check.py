"""Are these the model's scores? A random slice of a submission is scored again with the model itself, and compared.

Items are drawn evenly over the tasks, so that a change in one task alone is met too. Attempts of searches are drawn
whether kept or not: their texts follow from the rewards. The seed must not be known to the submitter beforehand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from rmbench.engine.scoring import ask, score_items
from rmbench.errors import SubmissionError, UsageError
from rmbench.leaderboard.courses import Attempts
from rmbench.leaderboard.replay import texts_of
from rmbench.leaderboard.standard import Standard
from rmbench.leaderboard.verify import Checked
from rmbench.scores import Run, read_run
from rmbench.trajectory import Trajectory
from rmbench.types import Attempt, Conversation, Failure, Message, RewardModel, Task

# As a part of the standard deviation of the model's own scores in the task (not of the submitted ones, which whoever
# wants a wide tolerance would spread). Batches and kernels differ in the last bits: in fp32 by some 1e-6 of it, in half
# precision by a few hundredths.
TOLERANCE, HALF = 0.01, 0.05
ITEMS = 64  # of the smallest slice that is worth a line in the ledger
# Settings that must be the same wherever the model that is asked has them, or the run says so.
MUST = ("weights_sha256", "tokenizer_sha256", "template_sha256", "dtype", "parameters", "architecture", "label")
IF_STATED = ("config_sha256", "score")
APART = 0.05  # in mean gold


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a second scoring compares. `largest` is in units of the task's standard deviation; `unlike` names the
    responses beyond the tolerance, the worst first, and settings in which the model is another one.
    """

    items: int
    responses: int
    attempts: int
    tolerance: float
    largest: float
    unlike: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        """Whether nothing is beyond the tolerance."""
        return not self.unlike

    @property
    def unseen(self) -> float:
        """The largest share of changed items that such a slice could have missed with a chance of 5 %."""
        return 1.0 - math.pow(0.05, 1 / self.items)


def spot_check(
    checked: Checked, model: RewardModel, *, items: int, seed: int, tolerance: float | None = None
) -> Agreement:
    """Score `items` items of a submission without errors, and as many attempts of searches, with `model`."""
    standard = _standard(checked)
    if items < 1:
        raise UsageError(f"--items {items}: check at least one")
    rng = Random(f"spot-check/{seed}")
    tasks = _slice(standard, items, rng)
    attempts = _attempts(checked.attempts, items, rng)
    texts = texts_of([(task, a.item, a.query) for task, a in attempts], checked.attempts, standard)
    found = score_items(model, tasks).scores
    theirs = _scores(checked)
    pairs = [
        (task.card.name, f"{task.card.name}/{item.id}[{j}]", theirs[task.card.name, item.id, j], again)
        for task in tasks
        for item, row in zip(task.items, found[task.card.name], strict=True)
        for j, again in enumerate(row)
    ]
    asked = [_conversation(standard, task, a.item, texts[task, a.item, a.query]) for task, a in attempts]
    answers = [score for score, _ in ask(model, [asked])[0]] if asked else []
    pairs += [
        (task, f"{task}/{attempt.item}, query {attempt.query} of the search", attempt.proxy, again)
        for (task, attempt), again in zip(attempts, answers, strict=True)
    ]
    facts = {"kind": "spot", "seed": seed}
    count = sum(len(task.items) for task in tasks)
    counts = (count, len(attempts))
    return _compared(checked, pairs, model.settings, counts=counts, tolerance=tolerance, facts=facts)


def rerun_check(checked: Checked, rerun: Path, *, tolerance: float | None = None) -> Agreement:
    """Compare a submission without errors with a whole run of the maintainers' own: frozen answers and end of courses.

    A course is chaotic in the last bits of the rewards, so of courses it is the mean gold at the end that must agree,
    within `APART`.
    """
    run, standard = read_run(rerun), _standard(checked)
    if run.manifest.suite != standard.suite or run.manifest.limit is not None:
        raise SubmissionError(f"{rerun} is not a whole run of {standard.suite}; run it so")
    theirs = _scores(checked)
    pairs = [
        (task, f"{task}/{item.id}[{j}]", theirs[task, item.id, j], Failure("missing") if math.isnan(s) else float(s))
        for task in standard.tasks
        for item in run.items(task)
        for j, s in enumerate(item.scores)
    ]
    items = sum(len(run.items(task)) for task in standard.tasks)
    told, facts = run.manifest.settings, {"kind": "rerun"}
    found = _compared(checked, pairs, told, counts=(items, 0), tolerance=tolerance, facts=facts)
    return replace(found, unlike=(*found.unlike, *_other_ends(checked, run)))


def _other_ends(checked: Checked, run: Run) -> Iterator[str]:
    """Courses of the model that end elsewhere in the second run."""
    again = {(c.task, c.optimizer): _end(c) for c in run.trajectories if c.rewarded == "model"}
    for course in (c for c in checked.courses if c.rewarded == "model"):
        end, other = _end(course), again.get((course.task, course.optimizer), math.inf)
        if abs(end - other) > APART:
            yield f"{course.task}, {course.optimizer}: it ends at a mean gold of {end:.3f}, again at {other:.3f}"


def _standard(checked: Checked) -> Standard:
    if checked.errors or checked.standard is None:
        told = checked.errors[0].message if checked.errors else "it could not be read"
        raise SubmissionError(f"{checked.folder} is rejected, so there is nothing to check again: {told}")
    return checked.standard


def _slice(standard: Standard, items: int, rng: Random) -> list[Task]:
    """Items drawn evenly over the tasks: in rounds, each task in random order gives one that it has not given yet."""
    waiting = {name: rng.sample(task.items, len(task.items)) for name, task in standard.tasks.items()}
    chosen: dict[str, list[Any]] = {name: [] for name in waiting}
    left = min(items, sum(map(len, waiting.values())))
    while left:
        for name in rng.sample([name for name in waiting if waiting[name]], sum(map(bool, waiting.values())))[:left]:
            chosen[name].append(waiting[name].pop())
            left -= 1
    return [replace(task, items=tuple(chosen[name])) for name, task in standard.tasks.items() if chosen[name]]


def _attempts(attempts: Attempts, count: int, rng: Random) -> list[tuple[str, Attempt]]:
    """Attempts with a reward, kept or not, drawn at random."""
    known = [(task, a) for (task, _), made in sorted(attempts.items()) for a in made if not math.isnan(a.proxy)]
    return rng.sample(known, min(count, len(known)))


def _conversation(standard: Standard, task: str, name: str, text: str) -> Conversation:
    item = next(item for item in standard.tasks[task].items if item.id == name)
    return (*item.prompt, Message(role="assistant", content=text))


def _scores(checked: Checked) -> dict[tuple[str, str, int], float]:
    """(task, item, response) -> the submitted score, NaN where it is missing."""
    columns = checked.frame.select("task", "item", "index", "score").iter_rows()
    return {(task, item, j): math.nan if score is None else score for task, item, j, score in columns}


def _compared(
    checked: Checked,
    pairs: Sequence[tuple[str, str, float, float | Failure]],
    settings: Mapping[str, Any],
    *,
    counts: tuple[int, int],
    tolerance: float | None,
    facts: Mapping[str, Any],
) -> Agreement:
    assert checked.manifest is not None
    stated = checked.manifest.settings
    allowed = tolerance if tolerance is not None else usual_tolerance(settings)
    spread = _spread(pairs)
    off = sorted(_differences(pairs, spread), reverse=True)
    unlike = [f"{place}: {told}" for size, place, told in off if size > allowed]
    other = [
        f"the model's {name} is {settings.get(name)!r:.40}, the run's {stated.get(name)!r:.40}"
        for name in (*MUST, *(name for name in IF_STATED if name in stated))
        if stated.get(name) != settings.get(name)
    ]
    largest = max((size for size, _, _ in off if math.isfinite(size)), default=0.0)
    responses = len(pairs) - counts[1]
    return Agreement(counts[0], responses, counts[1], allowed, largest, (*other, *unlike), facts)


def usual_tolerance(settings: Mapping[str, Any]) -> float:
    """What a model with these settings may differ by from one time to another, in standard deviations."""
    return TOLERANCE if settings.get("dtype", "float32") == "float32" else HALF


def _spread(pairs: Sequence[tuple[str, str, float, float | Failure]]) -> dict[str, float]:
    """The standard deviation of the second scores in each task."""
    found: dict[str, list[float]] = {}
    for task, _, _, again in pairs:
        if not isinstance(again, Failure):
            found.setdefault(task, []).append(float(again))
    return {task: float(np.nanstd(values)) for task, values in found.items()}


def _differences(
    pairs: Sequence[tuple[str, str, float, float | Failure]], spread: Mapping[str, float]
) -> Iterator[tuple[float, str, str]]:
    """How far apart, where, and in words. A score on one side alone is as far apart as can be."""
    for task, place, theirs, again in pairs:
        missing = isinstance(again, Failure)
        if math.isnan(theirs) and missing:
            continue
        value = math.nan if isinstance(again, Failure) else float(again)
        if math.isnan(theirs) or math.isnan(value):
            yield math.inf, place, f"submitted {theirs:g}, scored again {value:g}"
            continue
        gap = abs(theirs - value)
        unit = spread.get(task) or 0.0
        size = gap / unit if unit > 0 else (0.0 if gap <= 1e-6 * max(1.0, abs(theirs)) else math.inf)
        yield size, place, f"submitted {theirs:g}, scored again {value:g}"


def _end(course: Trajectory) -> float:
    """The mean gold at the last step."""
    golds = course.steps[-1].golds
    return sum(golds) / len(golds)
