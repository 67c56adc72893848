"""One run: a model and tasks in, a folder of raw scores out. It knows no metric."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rmbench.errors import ModelError, RunError, UsageError

if TYPE_CHECKING:  # this module is imported with the package, so it stays light
    from rmbench.engine import Progress, ScoreStore
    from rmbench.engine.cluster import ClusterOptions
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
    allow: Sequence[str] = (),
    store: Path | str | Literal[False] | None = None,
    cluster: ClusterOptions | None = None,
) -> Path:
    """Score a suite, or the given tasks in its place, and write a run folder; returns its path.

    `model` is a name as on the command line (`rmbench models` lists them) or an object with `settings` and `score`; the
    options after `progress` concern named models only (see ModelOptions). `limit` keeps the first groups of every task.
    With `optimizer` (a name, or a value with settings of its own), that one alone is set on the model, over the pool
    tasks among those chosen, with `reward_queries` per task (the card's own number if None); `policy` is the language
    model of lm-rl. "none" scores the frozen responses alone, for models that are too slow for thousands of queries.
    `track` declares what the model was trained on (docs/closed_track.md); None: what is known of the model.

    A model that reads tokens is examined first (docs/doctor.md): a problem stops the run, unless `allow` names it. Its
    scores are kept in `store` (None: a file in the user's cache folder; False: nowhere), so the same call goes on where
    a killed one stopped, and is served if nothing has changed. `cluster` spreads a named model over workers.

    `progress(done, total, tokens)` is called as scoring goes on; if it has a method `note`, that is told in a sentence
    what was served. Without `out`, the folder is runs/MODEL-SUITE with a number if that is taken. Nothing is written
    unless everything was scored. Raises RmbenchError, each in one sentence.
    """
    from rmbench.engine.session import NO_OPTIMIZER, as_spent, attacks_on, spend
    from rmbench.engine.store import opened
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
    declared = _declared(track, model)
    with _ready(model, options, cluster) as ready, opened(store) as kept:
        if target is None:
            _free(default_folder(ready.settings["name"], suite_id))
        allowed = _examined(ready, allow)
        found = spend(ready, [] if alone else chosen, attacks, kept, progress)
        if kept and kept.served and (note := getattr(progress, "note", None)):
            note(f"{kept.served} of them had been scored before, and were kept in {kept.path}")
        return write_run(
            target or default_folder(ready.settings["name"], suite_id),
            settings=ready.settings,
            suite=suite_id,
            seed=seed,
            limit=limit,
            tasks=as_spent(chosen, attacks, alone=alone),
            scores=found.scores,
            stats=found.stats,
            trajectories=found.courses,
            environment={**environment(), **getattr(ready, "versions", {}), **_computed(ready, kept), **allowed},
            track=declared,
        )


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


@contextmanager
def _ready(model: str | RewardModel, options: ModelOptions, cluster: ClusterOptions | None) -> Iterator[RewardModel]:
    """The model, here or on the workers of a cluster, for as long as it is needed."""
    from rmbench.models import load_model

    if isinstance(model, str) and cluster is not None:
        from rmbench.engine.cluster import connect

        with connect(model, options, cluster) as workers:
            yield workers
    elif isinstance(model, str):
        yield load_model(model, options)
    elif cluster is not None:
        raise UsageError("only a model that has a name can be loaded by the workers of a cluster; give its folder")
    else:
        yield _own(model)


def _examined(model: RewardModel, allow: Sequence[str]) -> dict[str, str]:
    """The problems that the user allows, for the manifest. Raises ModelError for one that nobody has allowed."""
    from rmbench.doctor import CHECKS, preflight
    from rmbench.items import did_you_mean
    from rmbench.models import reads_tokens

    if unknown := set(allow) - {*CHECKS}:
        raise UsageError(f"there is no check {min(unknown)!r} to allow{did_you_mean(min(unknown), CHECKS)}")
    if not reads_tokens(model):
        return {}
    # the workers of a cluster have the tokeniser, this process does not
    found = model.look(preflight) if hasattr(model, "look") else preflight(model)
    problems = {finding.check: finding.sentence for finding in found if finding.status == "problem"}
    if unmet := {check: sentence for check, sentence in problems.items() if check not in allow}:
        check, sentence = next(iter(unmet.items()))
        more = f" (and {', '.join([*unmet][1:])})" if len(unmet) > 1 else ""
        # what is no check, but an error that a check ran into, would stop the run all the same
        way = f", or go on with {' '.join(f'--allow {c}' for c in unmet)}" if unmet.keys() <= CHECKS.keys() else ""
        raise ModelError(
            f"{model.settings['name']} does not pass {check}{more}: {sentence}; see `rmbench doctor`{way}",
            problem=check,
        )
    return {"allowed": ", ".join(sorted(problems))} if problems else {}


def _computed(model: RewardModel, kept: ScoreStore | None) -> dict[str, str]:
    """How batches were made: in the last bits, scores hang on it."""
    from rmbench.engine.scoring import token_budget
    from rmbench.models import reads_tokens

    if not reads_tokens(model):
        return {}
    return {"batch_tokens": str(token_budget(model, kept)), "shared_prompts": str(model.shares_prefixes).lower()}


def _own(model: RewardModel) -> RewardModel:
    """An object of the caller's, if it is a reward model."""
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
