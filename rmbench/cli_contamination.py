"""`rmbench contamination`: do training files hold items of the tasks? Parse, call, print, as in cli.py."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rmbench.cli_common import AsJson, TasksDir, print_json, print_table
from rmbench.errors import UsageError

if TYPE_CHECKING:
    from rmbench.contamination.report import Kind, Report
    from rmbench.types import Task

contamination_app = typer.Typer(help="Look for items of the tasks in training files.", no_args_is_help=True)
KINDS: dict[Kind, str] = {"prompt": "whole prompt", "part": "most of a prompt", "response": "whole response"}


@contamination_app.callback()
def contamination() -> None:
    """Look for items of the tasks in training files."""


@contamination_app.command()
def scan(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help=".jsonl, .json, .csv, .tsv or .txt, as .gz or .zst too; .parquet"),
    ],
    *,
    suite: Annotated[str | None, typer.Option(help="the tasks of this suite; default: all tasks")] = None,
    task: Annotated[list[str] | None, typer.Option(help="only this task; can be given again")] = None,
    tasks: TasksDir = None,
    out: Annotated[Path | None, typer.Option(metavar="REPORT.json", help="write the report, for a submission")] = None,
    as_json: AsJson = False,
) -> None:
    """Find copies of prompts, responses and canaries. Exit codes: 0 clean, 1 overlap found, 2 bad input."""
    from rich.console import Console

    from rmbench.contamination import scan as scan_files
    from rmbench.contamination import write_report

    named, wanted = _wanted(suite, task, tasks)
    with Console(stderr=True).status("indexing the tasks") as status:
        report = scan_files(
            files, wanted, suite=named, told=lambda name, rows: status.update(f"{name!r:.80}: {rows:,} rows")
        )
    if out is not None:
        write_report(report, out)
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        _print(report, out)
    raise typer.Exit(0 if report.clean else 1)


def _wanted(suite: str | None, names: list[str] | None, extra: Path | None) -> tuple[str | None, list[Task]]:
    """The suite as name@version, and the tasks. A suite may cut its tasks: all of their items are looked for."""
    from rmbench.task import discover, load_suite, load_task

    if suite and names:
        raise UsageError("give --suite or --task, not both")
    if suite:
        found = load_suite(suite, extra)
        return f"{found.name}@{found.version}", [load_task(name, extra) for name in found.card.tasks]
    return None, [load_task(name, extra) for name in dict.fromkeys(names or discover(extra))]


def _print(report: Report, out: Path | None) -> None:
    from collections import Counter

    rows = []
    for task in report.tasks:
        kinds = Counter(found.kind for found in task.overlaps)
        told = [f"{KINDS[kind]} {kinds[kind]}" for kind in KINDS if kinds[kind]]
        told = (["canary: every item is suspect"] if task.canary else []) + told
        if told:
            rows.append([task.name, str(task.items), str(task.suspects), ", ".join(told)])
    if rows:
        print_table(["task", "items", "overlapping", "kind"], rows)
    read = sum(file.rows for file in report.files)
    where = f"{len(report.files)} file{'s' if len(report.files) > 1 else ''}, {read:,} rows"
    known = f"{report.overlapping} of {report.items} items of {len(report.tasks)} tasks"
    strange = len(set(report.canaries)) - sum(task.canary is not None for task in report.tasks)
    if strange > 0:
        typer.echo(f"{strange} canaries of rmbench that belong to none of these tasks were found as well")
    named = out or "REPORT.json"
    if report.clean:
        typer.echo(f"{where}: clean, no overlap with {known.partition(' of ')[2]}; say so in a submission:")
    else:
        typer.echo(f"{where}: overlap with {known}; declare it, and scores are shown without them too:")
    more = "" if out else "    (--out REPORT.json writes it)"
    typer.echo(f"rmbench submit RUN --as ORG/MODEL --contamination {named}{more}")
