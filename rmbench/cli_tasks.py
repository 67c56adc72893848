"""`rmbench tasks`: list, show, build, check and import tasks. Parse, call, print, as in cli.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rmbench.cli_common import AsJson, TasksDir, print_findings, print_json, print_table
from rmbench.errors import UsageError

tasks_app = typer.Typer(help="List, show, build and check tasks.", no_args_is_help=True)


@tasks_app.command("list")
def tasks_list(*, tasks: TasksDir = None, as_json: AsJson = False) -> None:
    """List all tasks."""
    from rmbench.task import discover, read_card

    cards = [read_card(folder / "card.yaml") for folder in discover(tasks).values()]
    if as_json:
        print_json([card.model_dump(mode="json") for card in cards])
        return
    rows = [[card.name, card.axis, str(card.version), str(card.items), card.title] for card in cards]
    print_table(["task", "axis", "version", "items", "title"], rows)


@tasks_app.command("show")
def tasks_show(
    name: str,
    *,
    item: Annotated[int, typer.Option(min=1, help="which item to print, from 1")] = 1,
    tasks: TasksDir = None,
    as_json: AsJson = False,
) -> None:
    """Show a task's card and one of its items."""
    from dataclasses import asdict

    from rmbench.task import load_task

    task = load_task(name, tasks)
    if item > len(task.items):
        raise UsageError(f"--item {item}: {name} has {len(task.items)} items")
    shown = task.items[item - 1]
    if as_json:
        print_json({"card": task.card.model_dump(mode="json"), "item": asdict(shown)})
        return
    for key, value in task.card.model_dump(mode="json").items():
        typer.echo(f"{key}: {value}")
    for message in shown.prompt:
        typer.echo(f"\n[{message['role']}]\n{message['content']}")
    for response, gold in list(zip(shown.responses, shown.gold, strict=True))[:4]:
        typer.echo(f"\n[gold {gold:.3f}]\n{response}")
    if len(shown.responses) > 4:
        typer.echo(f"\n… and {len(shown.responses) - 4} more responses")


@tasks_app.command("build")
def tasks_build(
    names: Annotated[
        list[str] | None, typer.Argument(help="tasks to build; default: all with a recipe; with --tasks, all there")
    ] = None,
    *,
    tasks: TasksDir = None,
) -> None:
    """Make the items of tasks from their recipes (or take those that are there), and write their hash into the card."""
    from rmbench.items import has_items
    from rmbench.recipes import build_items
    from rmbench.task import discover, find_task, read_raw_card, read_task, stamp_card, write_reference, write_task

    folders = [find_task(n, tasks) for n in names] if names else list(discover(tasks).values())
    if tasks and not names:  # a person's own folder was named: leave the shipped tasks alone
        folders = [folder for folder in folders if folder.is_relative_to(tasks)]
    for folder in folders:
        raw = read_raw_card(folder / "card.yaml")
        if names or raw.get("build"):
            if raw.get("build") or not has_items(folder):
                card = write_task(folder, raw, build_items(raw.get("build") or {}, str(folder / "card.yaml")))
            else:  # items of a person's own: only the card is written
                card = stamp_card(folder, raw)
            typer.echo(f"{card.name}: {card.items} items, sha256 {card.sha256[:12]}")
            if card.budgets.queries:
                from rmbench.engine.pursuit import gold_runs

                for run in (runs := gold_runs(read_task(folder))):
                    best = sum(run.steps[-1].golds) / len(run.items)
                    typer.echo(f"  the gold itself, {run.optimizer}: mean gold {best:.3f} after {run.queries} queries")
                write_reference(folder, runs)


@tasks_app.command("validate")
def tasks_validate(
    names: Annotated[list[str] | None, typer.Argument(help="tasks or task folders to check; default: all")] = None,
    *,
    tasks: TasksDir = None,
    train: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="training pairs to look for leaks in (.jsonl or .parquet, TRL's format)"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check tasks: hash, ids, duplicates, twins, shallow cues, canary, power, leakage. Exit code 2 for a problem."""
    from dataclasses import asdict

    from rmbench.task import discover, find_task
    from rmbench.validation import reference, validate

    known = discover(tasks)
    at = {name: Path(name) for name in names or () if (Path(name) / "card.yaml").is_file()}
    folders = [at.get(n) or find_task(n, tasks) for n in names] if names else list(known.values())
    found = validate(folders, others=known.values(), train=train)
    if as_json:
        print_json({name: [asdict(finding) for finding in findings] for name, findings in found.items()})
    else:
        print_findings(found, reference(train))
    if any(finding.status == "problem" for findings in found.values() for finding in findings):
        raise typer.Exit(2)


@tasks_app.command("reliability")
def tasks_reliability(
    runs: Annotated[list[Path], typer.Argument(help="run folders of three or more models, on the same suite")],
    *,
    write: Annotated[bool, typer.Option("--write", help="put what each task resolves into its card")] = False,
    halvings: Annotated[int, typer.Option(min=1, help="random halves of the groups")] = 200,
    bootstrap: Annotated[int, typer.Option(min=2, help="resamples behind each difference")] = 1000,
    tasks: TasksDir = None,
    as_json: AsJson = False,
) -> None:
    """How well tasks rank models: split-half correlation, pairs of models told apart, smallest difference found."""
    from dataclasses import asdict

    from rmbench.report.words import number
    from rmbench.studies.reliability import study, write_resolves
    from rmbench.task import discover

    found = study(runs, halvings=halvings, bootstrap=bootstrap)
    written = write_resolves(found, discover(tasks)) if write else []
    if as_json:
        print_json([asdict(one) for one in found])
        return
    heads = ["task", "groups", "halves", "whole", "apart", "resolves"]
    numbers = [[one.split_half, one.reliability, one.separated, one.resolves] for one in found]
    rows = [[one.task, str(one.groups), *map(number, values)] for one, values in zip(found, numbers, strict=True)]
    print_table(heads, rows)
    told = "halves, whole: rank correlation; apart: share of the pairs of models; resolves: in skill, at 80 % power"
    typer.echo(f"{len(runs)} models. {told}" + (f". Cards written: {len(written)}" if write else ""))


@tasks_app.command("import")
def tasks_import(
    benchmark: Annotated[str, typer.Argument(help="judgebench or pandalm")],
    source: Annotated[Path, typer.Argument(help="folder with the published files")],
    *,
    out: Annotated[Path, typer.Option(help="folder for tasks of your own; give it to --tasks later")],
) -> None:
    """Make a task from your copy of another benchmark, and replay files from published scores."""
    import shlex

    from rmbench.external import import_benchmark

    folder, replays = import_benchmark(benchmark, source, out)
    typer.echo(f"task: {folder}")
    for path in replays:
        typer.echo(f"rmbench run {shlex.quote(f'replay:{path}')} --tasks {shlex.quote(str(out))} --task {benchmark}")
