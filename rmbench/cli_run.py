"""`rmbench run`: parse, call, print, as in cli.py."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rmbench.cli_common import TasksDir
from rmbench.errors import UsageError

if TYPE_CHECKING:
    from rmbench.engine.cluster import ClusterOptions


def run(
    model: Annotated[str, typer.Argument(help="a name of `rmbench models`, a folder, or a Hub id")] = "tiny",
    *,
    suite: Annotated[str | None, typer.Option(help="quick or core; default: quick, unless --task is given")] = None,
    task: Annotated[list[str] | None, typer.Option(help="run this task in full; may be repeated")] = None,
    limit: Annotated[int | None, typer.Option(help="only the first so many groups (prompts) of each task")] = None,
    optimizer: Annotated[
        str | None, typer.Option(help="this one alone: policy-gradient, search or lm-rl; none: frozen answers only")
    ] = None,
    policy: Annotated[str | None, typer.Option(help="lm-rl: a language model's folder or Hub id, or smollm2")] = None,
    reward_queries: Annotated[int | None, typer.Option(help="with --optimizer: rewards it may ask per task")] = None,
    out: Annotated[Path | None, typer.Option(help="run folder; default: runs/MODEL-SUITE")] = None,
    seed: Annotated[int, typer.Option(help="seed of models that need one")] = 0,
    tasks: TasksDir = None,
    revision: Annotated[str | None, typer.Option(help="commit of a Hub model")] = None,
    trust_remote_code: Annotated[bool, typer.Option(help="let the model's own code run")] = False,
    too_long: Annotated[
        Literal["stop", "null"], typer.Option(help="a text beyond the model's window: stop, or count it as missing")
    ] = "stop",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 …")] = "auto",
    max_batch_tokens: Annotated[int | None, typer.Option(help="tokens per batch, padding included")] = None,
    track: Annotated[
        Literal["closed", "open"] | None,
        typer.Option(help="closed: trained on `rmbench train-data` alone; default: closed for tiny and tfidf"),
    ] = None,
    allow: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="go on although `rmbench doctor` finds this problem")
    ] = None,
    store: Annotated[
        Path | None, typer.Option(metavar="FILE", help="where scores are kept; default: in the user's cache folder")
    ] = None,
    no_store: Annotated[bool, typer.Option("--no-store", help="keep no scores, and use none")] = False,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="ray: spread over the workers of a cluster")
    ] = "local",
    workers: Annotated[int | None, typer.Option(help="ray: copies of the model; default: 1")] = None,
    ray_address: Annotated[
        str | None, typer.Option(help="ray: auto or HOST:PORT of a running cluster; default: start one here")
    ] = None,
    gpus_per_worker: Annotated[float | None, typer.Option(help="ray: GPUs of each copy, 0 to 1; default: 0")] = None,
    cpus_per_worker: Annotated[float | None, typer.Option(help="ray: CPU cores of each copy; default: 1")] = None,
) -> None:
    """Score a reward model and show its skills."""
    from rich.console import Console

    import rmbench
    from rmbench.report.progress import RunProgress
    from rmbench.report.terminal import print_result

    if suite is not None and task:
        raise UsageError("--suite and --task exclude each other; a suite is a fixed set of tasks")
    if store is not None and no_store:
        raise UsageError("--store and --no-store exclude each other")
    cluster = _cluster(
        engine,
        address=ray_address,
        workers=workers,
        gpus_per_worker=gpus_per_worker,
        cpus_per_worker=cpus_per_worker,
    )
    console = Console()
    with RunProgress(Console(stderr=True), f"scoring {model}") as progress:
        folder = rmbench.run(
            model,
            suite=None if task else suite or "quick",
            tasks=task,
            tasks_dir=tasks,
            limit=limit,
            optimizer=optimizer,
            policy=policy,
            reward_queries=reward_queries,
            out=out,
            seed=seed,
            progress=progress,
            trust_remote_code=trust_remote_code,
            revision=revision,
            too_long=too_long,
            dtype=dtype,
            device=device,
            max_batch_tokens=max_batch_tokens,
            track=track,
            allow=allow or (),
            store=False if no_store else store,
            cluster=cluster,
        )
    print_result(rmbench.evaluate(folder), console, run=folder)


def _cluster(engine: str, **given: float | str | None) -> ClusterOptions | None:
    """What was given of the cluster. Raises UsageError where it goes with no cluster."""
    said = {name: value for name, value in given.items() if value is not None}
    if engine == "local":
        if said:
            name = "--ray-address" if "address" in said else "--" + next(iter(said)).replace("_", "-")
            raise UsageError(f"{name} goes with --engine ray")
        return None
    from rmbench.engine.cluster import ClusterOptions

    return ClusterOptions(**said)  # type: ignore[arg-type]  # as typer has parsed them
