"""The command line: parse, call, print. Exit codes: 0 done, 2 bad input (one sentence on stderr)."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from rmbench.cli_analyze import analyze_app
from rmbench.cli_bench import bench
from rmbench.cli_common import AsJson, TasksDir, print_json, print_table
from rmbench.cli_compare import compare, gate
from rmbench.cli_contamination import contamination_app
from rmbench.cli_doctor import doctor
from rmbench.cli_heldout import heldout_app
from rmbench.cli_leaderboard import leaderboard_app, submit
from rmbench.cli_run import run
from rmbench.cli_tasks import tasks_app
from rmbench.cli_track import train_data
from rmbench.errors import RmbenchError

app = typer.Typer(
    help="Will your reward model survive being optimised? Generalisation, calibration, overoptimization.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(tasks_app, name="tasks")
app.add_typer(analyze_app, name="analyze")
app.add_typer(leaderboard_app, name="leaderboard")
app.add_typer(contamination_app, name="contamination")
app.add_typer(heldout_app, name="heldout")


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
    out: Annotated[Path | None, typer.Option(help="the page; default: RUN/report.html")] = None,
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


app.command()(run)
app.command()(submit)
app.command()(compare)
app.command()(gate)
app.command()(doctor)
app.command()(bench)
app.command("train-data")(train_data)


def _tell_plainly() -> None:
    """A warning of ours is one sentence on stderr, like an error; those of libraries stay as they are."""
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], filename: str, *more: Any, **named: Any) -> None:
        if category is UserWarning and "rmbench" in Path(filename).parts:
            typer.echo(f"rmbench: {message}", err=True)
        else:
            usual(message, category, filename, *more, **named)

    warnings.showwarning = show


def main() -> None:
    """The entry point: errors of ours end in one sentence and exit code 2."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    _tell_plainly()
    try:
        app()
    except RmbenchError as error:
        typer.echo(f"rmbench: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
