"""The quick suite while a reward model trains: forward passes over frozen answers, logged beside the loss."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from transformers import TrainerCallback

from rmbench.engine import score_items
from rmbench.engine.session import as_spent
from rmbench.errors import UsageError
from rmbench.evaluation import evaluate
from rmbench.integrations.adapter import InTraining, in_training, lent, name_of, refuse
from rmbench.integrations.share import Share
from rmbench.run import environment
from rmbench.scores import write_run
from rmbench.task import cut_task, load_suite, load_task
from rmbench.types import Conversation, Failure, Result, Task, Track

CANDIDATES = 64  # of every pool: what best-of-64 needs at least
POOLS_PER = 4  # pools have so many times fewer prompts than other tasks have groups: they hold most of the tokens
DRAWS = 200  # resamples of an interval
PROBED = 16  # conversations from which the cost of the first measurement is told

log = logging.getLogger(__name__)


class RewardBenchmarkCallback(TrainerCallback):  # type: ignore[misc]  # the library has no types
    """Measures the reward model in training on frozen answers, and logs its skills where the trainer logs.

    `trainer.add_callback(RewardBenchmarkCallback(trainer))`. A measurement is due every `every` steps and, with
    `at_end`, after the last one; it is put off while it would bring the time spent on measuring above `max_share` of
    the training's time (1.0 = never). `limit` keeps the first groups of every task, and of pools the first limit/4
    prompts with 64 candidates each; None measures all that is frozen. `tasks` replaces the suite. Training is not
    changed: weights, modes and random numbers are the same, bit for bit.

    `results` has what this training measured, by step: a Result, or the Failure that was logged in its place. With
    `out`, every measurement is kept as a run folder out/step-N for `rmbench report` and `rmbench compare`. Raises
    UsageError or ModelError, when it is made, for a trainer, model or option that cannot work; later, nothing stops the
    training.
    """

    def __init__(
        self,
        trainer: Any,
        *,
        every: int = 100,
        max_share: float = 0.05,
        suite: str = "quick",
        tasks: Sequence[str] | Sequence[Task] | None = None,
        limit: int | None = 32,
        at_end: bool = True,
        per_task: bool = False,
        out: Path | str | None = None,
        name: str | None = None,
        max_batch_tokens: int | None = None,
        track: Track = "open",
    ) -> None:
        if every < 1:
            raise UsageError(f"every is {every}; measure every 1 or more steps")
        if not 0 < max_share <= 1:
            raise UsageError(f"max_share is {max_share:g}; give a share of the training's time above 0 and up to 1")
        if track not in ("closed", "open"):
            raise UsageError(f"track is {track!r}; give closed or open")
        refuse(trainer)
        self.suite, self.tasks = _frozen(suite, tasks, limit)
        self.results: dict[int, Result | Failure] = {}
        self.share = Share(max_share)
        self._trainer, self._every, self._limit, self._at_end, self._track = trainer, every, limit, at_end, track
        self._per_task, self._out, self._batch = per_task, Path(out) if out is not None else None, max_batch_tokens
        self._name = name or name_of(trainer)
        self._due, self._first = False, 0
        self._warned: set[str] = set()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 - their form
        """The clock starts."""
        self.share.start()
        self.results.clear()
        self._due, self._first = False, state.global_step  # above 0 where a checkpoint is gone on from

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Measure if it is due and can be afforded; the last step is left to the end."""
        self._due = self._due or state.global_step % self._every == 0
        if self._due and state.is_world_process_zero and not (self._at_end and control.should_training_stop):
            self._attempt(state, reserve=self._at_end)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """The end of training, before the best weights are put back and the loggers close."""
        at_end = self._at_end and control.should_training_stop and state.global_step not in self.results
        if at_end and state.is_world_process_zero and not self._attempt(state, reserve=False):
            self._warn("end", "rmbench did not measure the last step; `rmbench run` on the saved model does")

    def _attempt(self, state: Any, *, reserve: bool) -> bool:
        """Whether the matter is settled: measured or failed, not put off."""
        step, share = state.global_step, self.share
        with share.spending():
            try:
                if share.estimate is None:
                    share.estimate = self._probe()
                done = (step - self._first) / max(state.max_steps - self._first, 1)
                affordable = share.allows(done, reserve=reserve)
                if affordable:
                    began = time.perf_counter()
                    self.results[step], missing = self._measure(step)
                    share.estimate = time.perf_counter() - began
            except Exception as error:  # noqa: BLE001 - whatever goes wrong here, the training goes on
                affordable = True
                self._failed(step, error)
        if not affordable:
            self._put_off(step)
            return False
        self._due = False
        found = self.results[step]
        if isinstance(found, Result):
            try:
                self._log(step, found, missing)
            except Exception as error:  # noqa: BLE001 - as above; the log is the one of this row, not the trainer's
                self._failed(step, error)
        return True

    def _probe(self) -> float:
        """Seconds that a measurement will take, from those of a few conversations of middling length."""
        every = sorted(_conversations(self.tasks), key=_size)
        middle = max(0, len(every) // 2 - PROBED // 2)
        sample = every[middle : middle + PROBED]
        model = self._model()
        with lent(model.model):
            began = time.perf_counter()
            model.score(sample)
            seconds = time.perf_counter() - began
        return seconds * sum(map(_size, every)) / max(sum(map(_size, sample)), 1)

    def _measure(self, step: int) -> tuple[Result, int]:
        """The result, and the number of responses without a score."""
        model = self._model()
        with lent(model.model):
            found = score_items(model, self.tasks)
        missing = sum(isinstance(s, Failure) for task in found.scores.values() for row in task for s in row)
        with TemporaryDirectory() as draft:
            folder = write_run(
                Path(draft) / "run" if self._out is None else _free(self._out, step),
                settings=model.settings,
                suite=self.suite,
                seed=0,
                limit=self._limit,
                tasks=self.tasks,
                scores=found.scores,
                environment=environment(),
                stats=found.stats,
                track=self._track,
            )
            return evaluate(folder, bootstrap=DRAWS), missing

    def _model(self) -> InTraining:
        return in_training(self._trainer, self._name, self._batch)

    def _log(self, step: int, found: Result, missing: int) -> None:
        numbers = {**found.skills, **found.track}
        if self._per_task:
            numbers |= {f"task/{name}": task.metrics[task.headline] for name, task in found.tasks.items()}
        told: dict[str, float] = {f"rmbench/{n}": e.value for n, e in numbers.items() if e.value is not None}
        overall = found.skills["overall"]
        if overall.low is not None and overall.high is not None:
            told |= {"rmbench/overall_low": overall.low, "rmbench/overall_high": overall.high}
        told |= {"rmbench/missing": missing, "rmbench/seconds": self.share.estimate or 0.0}
        told |= {"rmbench/share": self.share.used} | ({"rmbench/limit": self._limit} if self._limit else {})
        for name, estimate in found.skills.items():
            if estimate.value is None:
                self._warn(f"no {name}", f"rmbench has no {name} at step {step}: {estimate.reason}")
        _tell(self._trainer, told)

    def _put_off(self, step: int) -> None:
        estimate, allowed = self.share.estimate or 0.0, self.share.seconds_until_allowed()
        self._warn(
            "put off",
            f"rmbench puts its measurement off at step {step}: it takes about {estimate:.1f} s, which keeps to "
            f"{self.share.limit:.0%} of the training's time after {allowed:.0f} s of it, and {self.share.elapsed:.0f} s"
            " have passed; a smaller limit costs less",
        )

    def _failed(self, step: int, error: Exception) -> None:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        self.results[step] = Failure(reason)
        self._warn("failed", f"rmbench could not measure at step {step}, and the training goes on: {reason}")

    def _warn(self, kind: str, message: str) -> None:
        """Each kind of warning once in a callback's life: a log that repeats itself is not read."""
        if kind not in self._warned:
            self._warned.add(kind)
            log.warning(message)


def _frozen(
    suite: str, tasks: Sequence[str] | Sequence[Task] | None, limit: int | None
) -> tuple[str | None, list[Task]]:
    """The tasks, cut to the limit, without the optimisers that would query the model; and what the suite is called."""
    if limit is not None and limit < 1:
        raise UsageError(f"limit is {limit}; keep at least one group of items, or None for all")
    if tasks is None:
        loaded = load_suite(suite)
        # another name than the suite's: these numbers are of a part of it
        called, chosen = f"{loaded.name}-in-training@{loaded.version}", loaded.tasks()
    else:
        called, chosen = None, [load_task(task) if isinstance(task, str) else task for task in tasks]
        if not chosen:
            raise UsageError("tasks is empty; name at least one, or none to take the suite's")
    return called, as_spent(chosen if limit is None else [_cut(task, limit) for task in chosen], (), alone=False)


def _cut(task: Task, limit: int) -> Task:
    if task.card.axis == "overoptimization":
        return cut_task(task, max(limit // POOLS_PER, 1), CANDIDATES)
    return cut_task(task, limit, None)


def _conversations(tasks: Sequence[Task]) -> list[Conversation]:
    return [item.conversation(j) for task in tasks for item in task.items for j in range(len(item.responses))]


def _size(conversation: Conversation) -> int:
    return sum(len(message["content"]) for message in conversation)


def _free(out: Path, step: int) -> Path:
    """out/step-N, or with a further number where an earlier training left one."""
    folder, number = out / f"step-{step}", 1
    while folder.exists():
        number += 1
        folder = out / f"step-{step}-{number}"
    return folder


def _tell(trainer: Any, numbers: dict[str, float]) -> None:
    """Give the numbers to every logger of the trainer, and leave its own logging as it was.

    TRL's `log` would empty the trainer's own running means into these numbers, so it is passed by; and whoever logs
    unsets the wish to log, which may be the trainer's for this very step.
    """
    from transformers import Trainer

    wish = trainer.control.should_log
    Trainer.log(trainer, numbers)
    trainer.control.should_log = wish
