"""One run: a model and tasks in, a folder of raw scores out. It knows no metric."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from rmbench.errors import ModelError, RunError, UsageError

if TYPE_CHECKING:  # this module is imported with the package, so it stays light
    from rmbench.engine import Progress
    from rmbench.models import ModelOptions
    from rmbench.models.base import TooLong
    from rmbench.optimizers.interactive import Interactive
    from rmbench.types import RewardModel, Task, Track

RUNS = Path("runs")
PACKAGES = ("rmbench", "numpy", "torch", "transformers", "tokenizers", "trl", "scikit-learn")


def run(
    model: str | RewardModel = "tiny",
    *,
    suite: str | None = "quick",
    tasks: Sequence[str] | Sequence[Task] | None = None,
    tasks_dir: Path | str | None = None,
    limit: int | None = None,
    optimizer: str | Interactive | None = None,
    policy: str | None = None,
    reward_queries: int | None = None,
    out: Path | str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    trust_remote_code: bool = False,
    revision: str | None = None,
    too_long: TooLong = "stop",
    dtype: str = "auto",
    device: str = "auto",
    max_batch_tokens: int | None = None,
    track: Track | None = None,
) -> Path:
    """Score a suite, or the given tasks in its place, and write a run folder; returns its path.

    `model` is a name as on the command line (`rmbench models` lists them) or an object with `settings` and `score`; the
    options after `progress` concern named models only (see ModelOptions). `limit` keeps the first groups of every task.
    With `optimizer` (a name, or a value with settings of its own), that one alone is set on the model, over the pool
    tasks among those chosen, with `reward_queries` per task (the card's own number if None); `policy` is the language
    model of lm-rl. "none" scores the frozen responses alone, for models that are too slow for thousands of queries.
    `track` declares what the model was trained on (docs/closed_track.md); None: what is known of the model.

    `progress(done, total, tokens)` is called as scoring goes on. Without `out`, the folder is runs/MODEL-SUITE with a
    number if that is taken. Nothing is written unless everything was scored, but what was paid for is kept beside the
    folder until then: the same call goes on where a killed one stopped. Raises RmbenchError, each in one sentence.
    """
    from rmbench.engine.session import NO_OPTIMIZER, as_spent, attacks_on, spend, unfinished
    from rmbench.engine.store import Store
    from rmbench.models import ModelOptions
    from rmbench.scores import write_run

    alone = optimizer not in (None, NO_OPTIMIZER)
    target = _free(Path(out)) if out is not None else None
    suite_id, chosen = _tasks(suite, tasks, None if tasks_dir is None else Path(tasks_dir), limit)
    attacks = attacks_on(chosen, optimizer, policy, reward_queries)
    options = ModelOptions(
        tasks=chosen,
        free_text=bool(attacks) and all(attack.optimizer.free_text for attack in attacks),
        seed=seed,
        trust_remote_code=trust_remote_code,
        revision=revision,
        too_long=too_long,
        dtype=dtype,
        device=device,
        max_batch_tokens=max_batch_tokens,
    )
    ready, declared = _model(model, options), _declared(track, model)
    if target is None:
        _free(default_folder(ready.settings["name"], suite_id))
    scored = [] if alone else chosen
    place = (target or RUNS / "run").parent
    # an object of the caller's cannot be told from another one of the same name: nothing of it is kept
    about = {**asdict(replace(options, tasks=())), **environment()}
    kept = unfinished(place, ready, about, scored, attacks) if isinstance(model, str) else None
    with Store(kept) as store:
        found = spend(ready, scored, attacks, store, progress)
        folder = write_run(
            target or default_folder(ready.settings["name"], suite_id),
            settings=ready.settings,
            suite=suite_id,
            seed=seed,
            limit=limit,
            tasks=as_spent(chosen, attacks, alone=alone),
            scores=found.scores,
            stats=found.stats,
            trajectories=found.courses,
            environment=environment(),
            track=declared,
        )
        store.done()
    return folder


def default_folder(model: str, suite_id: str | None) -> Path:
    """The first of runs/MODEL-SUITE, runs/MODEL-SUITE-2, … that does not exist."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", model).strip("-.") or "model"
    stem = f"{plain}-{suite_id.partition('@')[0] if suite_id else 'tasks'}"
    number, folder = 1, RUNS / stem
    while folder.exists():
        number += 1
        folder = RUNS / f"{stem}-{number}"
    return folder


def environment() -> dict[str, str]:
    """What the scores may hang on beside the model: Python, machine, and the versions of the packages involved."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _free(out: Path) -> Path:
    """`out` if a run can be written there, found out before hours of scoring. Raises RunError."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out} already holds something; choose another folder or remove it")
    above = next(parent for parent in out.absolute().parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise RunError(f"{out} cannot be written: {above} is not a folder that you may write to")
    return out


def _tasks(
    suite: str | None, tasks: Sequence[str] | Sequence[Task] | None, extra_dir: Path | None, limit: int | None
) -> tuple[str | None, list[Task]]:
    """`name@version` of the suite (None for single tasks) and the tasks, cut to the limit."""
    from rmbench.task import limit_task, load_suite, load_task

    if tasks:
        suite_id = None
        named: Sequence[str | Task] = [tasks] if isinstance(tasks, str) else tasks
        chosen = [load_task(t, extra_dir) if isinstance(t, str) else t for t in named]
    elif suite is not None:
        loaded = load_suite(suite, extra_dir)
        suite_id, chosen = f"{loaded.name}@{loaded.version}", loaded.tasks()
    else:
        raise UsageError("there is nothing to run: name a suite or at least one task")
    names = [task.card.name for task in chosen]
    if len(set(names)) < len(names):
        raise UsageError(f"two of the tasks share a name; a run needs each once: {', '.join(names)}")
    return suite_id, [limit_task(task, limit) for task in chosen] if limit is not None else chosen


def _declared(track: Track | None, model: str | RewardModel) -> Track:
    """The track as declared, or what is known of the model. Raises UsageError for a track that does not exist."""
    from rmbench.models import track_of

    if track not in (None, "closed", "open"):
        raise UsageError(f"track is {track!r}; give closed or open")
    return track or track_of(model)


def _model(model: str | RewardModel, options: ModelOptions) -> RewardModel:
    from rmbench.models import load_model

    if isinstance(model, str):
        return load_model(model, options)
    settings, kind = getattr(model, "settings", None), type(model).__name__
    if settings is None or not callable(getattr(model, "score", None)):
        raise UsageError(f"{kind} is not a reward model: it needs `settings` and `score(conversations)`")
    try:
        json.dumps(dict(settings), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ModelError(f"the settings of {kind} go into a JSON file and cannot: {error}") from error
    if not isinstance(settings.get("name"), str) or not settings["name"]:
        raise ModelError(f"the settings of {kind} must hold the model's name: {{'name': 'my-model'}}")
    return model
