"""The command line: parse, call, print. Exit codes: 0 done, 2 bad input (one sentence on stderr)."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from rmbench.cli_analyze import analyze_app
from rmbench.errors import RmbenchError, UsageError

app = typer.Typer(
    help="Will your reward model survive being optimised? Generalisation, calibration, overoptimization.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
tasks_app = typer.Typer(help="List, show, build and check tasks.", no_args_is_help=True)
app.add_typer(tasks_app, name="tasks")
app.add_typer(analyze_app, name="analyze")

TasksDir = Annotated[Path | None, typer.Option("--tasks", help="a folder with tasks of your own")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]


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
        _print_json(to_json(result))
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
        _print_json(found)
        return
    _print_table(["model", "what it is"], [[usage, text] for usage, text in found.items()])


@tasks_app.command("list")
def tasks_list(*, tasks: TasksDir = None, as_json: AsJson = False) -> None:
    """List all tasks."""
    from rmbench.task import discover, read_card

    cards = [read_card(folder / "card.yaml") for folder in discover(tasks).values()]
    if as_json:
        _print_json([card.model_dump(mode="json") for card in cards])
        return
    rows = [[card.name, card.axis, str(card.version), str(card.items), card.title] for card in cards]
    _print_table(["task", "axis", "version", "items", "title"], rows)


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
        _print_json({"card": task.card.model_dump(mode="json"), "item": asdict(shown)})
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
        list[str] | None, typer.Argument(help="tasks to build [default: all with a recipe; with --tasks, all there]")
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
    names: Annotated[list[str] | None, typer.Argument(help="tasks to check [default: all]")] = None,
    *,
    tasks: TasksDir = None,
    as_json: AsJson = False,
) -> None:
    """Check cards, hashes and items."""
    from rmbench.task import discover, find_task, read_reference, read_task

    folders = [find_task(n, tasks) for n in names] if names else list(discover(tasks).values())
    problems: dict[str, str | None] = {}
    for folder in folders:
        try:
            read_reference(read_task(folder))
            problems[folder.name] = None
        except RmbenchError as error:
            problems[folder.name] = str(error)
    if as_json:
        _print_json(problems)
    else:
        for name, problem in problems.items():
            typer.echo(f"{name}: {problem or 'ok'}")
    if any(problems.values()):
        raise typer.Exit(2)


@tasks_app.command("import")
def tasks_import(
    benchmark: Annotated[str, typer.Argument(help="judgebench")],
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


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def _print_table(heads: list[str], rows: list[list[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*heads, box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    Console().print(table)


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
