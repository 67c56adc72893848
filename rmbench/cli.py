"""The command line: parse, call, print. Exit codes: 0 done, 2 bad input (one sentence on stderr)."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from rmbench.cli_analyze import analyze_app
from rmbench.cli_common import AsJson, TasksDir, print_json, print_table
from rmbench.cli_compare import compare, gate
from rmbench.cli_tasks import tasks_app
from rmbench.cli_track import train_data
from rmbench.errors import RmbenchError, UsageError

app = typer.Typer(
    help="Will your reward model survive being optimised? Generalisation, calibration, overoptimization.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(tasks_app, name="tasks")
app.add_typer(analyze_app, name="analyze")


@app.command()
def run(
    model: Annotated[str, typer.Argument(help="a name of `rmbench models`, a folder, or a Hub id")] = "tiny",
    *,
    suite: Annotated[str | None, typer.Option(help="quick or core [default: quick, unless --task is given]")] = None,
    task: Annotated[list[str] | None, typer.Option(help="run this task in full; may be repeated")] = None,
    limit: Annotated[int | None, typer.Option(help="only the first so many groups (prompts) of each task")] = None,
    optimizer: Annotated[
        str | None, typer.Option(help="this one alone: policy-gradient, search or lm-rl; none: frozen answers only")
    ] = None,
    policy: Annotated[str | None, typer.Option(help="lm-rl: a language model's folder or Hub id, or smollm2")] = None,
    reward_queries: Annotated[int | None, typer.Option(help="with --optimizer: rewards it may ask per task")] = None,
    out: Annotated[Path | None, typer.Option(help="run folder [default: runs/MODEL-SUITE]")] = None,
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
        typer.Option(help="closed: trained on `rmbench train-data` alone [default: closed for tiny and tfidf]"),
    ] = None,
) -> None:
    """Score a reward model and show its skills."""
    from rich.console import Console

    import rmbench
    from rmbench.report.progress import RunProgress
    from rmbench.report.terminal import print_result

    if suite is not None and task:
        raise UsageError("--suite and --task exclude each other; a suite is a fixed set of tasks")
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
        )
    print_result(rmbench.evaluate(folder), console, run=folder)


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="a run folder")],
    *,
    as_json: AsJson = False,
    bootstrap: Annotated[int, typer.Option(help="resamples behind each interval")] = 1000,
    seed: Annotated[int, typer.Option(help="seed of the resamples")] = 0,
) -> None:
    """Recompute every number of a run from its raw scores."""
    from rmbench.evaluation import evaluate as evaluate_run
    from rmbench.evaluation import to_json

    result = evaluate_run(run, bootstrap=bootstrap, seed=seed)
    if as_json:
        print_json(to_json(result))
        return
    from rich.console import Console

    from rmbench.report.terminal import print_result

    print_result(result, Console(), run=run)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="a run folder")],
    *,
    out: Annotated[Path | None, typer.Option(help="the page [default: RUN/report.html]")] = None,
    tasks: TasksDir = None,
) -> None:
    """Write a self-contained HTML page about a run."""
    from rmbench.report.html import write_report

    typer.echo(write_report(run, out or run / "report.html", tasks_dir=tasks))


@app.command()
def models(*, as_json: AsJson = False) -> None:
    """List the ways to name a reward model."""
    from rmbench.models import adapters

    found = {adapter.usage: adapter.help for adapter in adapters().values()}
    if as_json:
        print_json(found)
        return
    print_table(["model", "what it is"], [[usage, text] for usage, text in found.items()])


app.command()(compare)
app.command()(gate)
app.command("train-data")(train_data)


def main() -> None:
    """The entry point: errors of ours end in one sentence and exit code 2."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        app()
    except RmbenchError as error:
        typer.echo(f"rmbench: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
