"""`rmbench compare` and `rmbench gate`: two runs side by side. Parse, call, print, as in cli.py."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rmbench.cli_common import AsJson, TasksDir, print_json
from rmbench.errors import RmbenchError, UsageError

if TYPE_CHECKING:
    from rmbench.comparison import Gate

Bootstrap = Annotated[int, typer.Option(help="resamples behind each interval")]
Seed = Annotated[int, typer.Option(help="seed of the resamples")]


def compare(
    run_a: Annotated[Path, typer.Argument(help="a run folder")],
    run_b: Annotated[Path, typer.Argument(help="another one")],
    *,
    html: Annotated[Path | None, typer.Option("--html", metavar="OUT", help="also write a self-contained page")] = None,
    as_json: AsJson = False,
    bootstrap: Bootstrap = 4000,
    seed: Seed = 0,
    flips: Annotated[int, typer.Option(help="show so many of the items on which they part, with their text")] = 0,
    tasks: TasksDir = None,
) -> None:
    """What changed between two runs: paired differences A - B with intervals, and the items on which they part."""
    from rmbench.comparison import compare as compare_runs
    from rmbench.comparison.plain import comparison_json

    if flips < 0:
        raise UsageError(f"--flips {flips}: give 0 or more")
    found = compare_runs(run_a, run_b, bootstrap=bootstrap, seed=seed)
    if html is not None:
        from rmbench.report.comparison_page import write_comparison

        write_comparison(found, html, tasks_dir=tasks)
    if as_json:
        print_json(comparison_json(found, flips=flips))
        return
    from rich.console import Console

    from rmbench.report.comparison_terminal import print_comparison

    print_comparison(found, Console(), flips=flips, tasks_dir=tasks, html=html)


def gate(
    run: Annotated[Path, typer.Argument(help="the run folder that wants to pass")],
    *,
    baseline: Annotated[Path, typer.Option(help="the run folder that it is measured against")],
    max_drop: Annotated[float, typer.Option(metavar="X", help="how much skill it may lose: 0.02 is 2 in a hundred")],
    on: Annotated[
        Literal["overall", "axes", "tasks"], typer.Option(help="the numbers that are gated; axes: with overall")
    ] = "axes",
    max_missing: Annotated[float, typer.Option(metavar="SHARE", help="items of a task that may lack a score")] = 0.0,
    as_json: AsJson = False,
    bootstrap: Bootstrap = 4000,
    seed: Seed = 0,
) -> None:
    """Whether a run is no worse than a baseline: exit 0 pass, 1 regression, 2 unusable, 3 insufficient evidence."""
    found = _asked(run, baseline, max_drop=max_drop, on=on, max_missing=max_missing, bootstrap=bootstrap, seed=seed)
    if as_json:
        from rmbench.comparison.plain import gate_json

        print_json(gate_json(found))
    else:
        from rich.console import Console

        from rmbench.report.comparison_terminal import print_gate

        print_gate(found, Console())
    raise typer.Exit(found.exit_code)


def _asked(run: Path, baseline: Path, **options: Any) -> Gate:
    """The gate's answer. Python ends with 1 on an error that nobody foresaw, and here 1 means something else."""
    from rmbench.comparison import gate as gate_run

    try:
        return gate_run(run, baseline, **options)
    except RmbenchError:
        raise
    except Exception as error:
        traceback.print_exc()
        raise typer.Exit(2) from error
