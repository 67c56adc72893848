"""`rmbench analyze`: numbers about a person's own scores. Parse, call, print, as in cli.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from rmbench.errors import UsageError

analyze_app = typer.Typer(
    help="Analyse scores of your own: parquet, csv or jsonl, no model needed.", no_args_is_help=True
)

File = Annotated[Path, typer.Argument(help="a .parquet, .csv(.gz) or .jsonl(.gz) file")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON alone")]
Html = Annotated[Path | None, typer.Option("--html", metavar="OUT", help="also write a self-contained page")]
Bootstrap = Annotated[int, typer.Option(help="resamples behind each interval")]
Seed = Annotated[int, typer.Option(help="seed of the resamples")]


@analyze_app.command("pool")
def pool(
    file: File,
    *,
    prompt: Annotated[str, typer.Option(metavar="COL", help="column that names the prompt of each candidate")],
    proxy: Annotated[str, typer.Option(metavar="COL", help="column of the reward under test, higher is better")],
    gold: Annotated[str, typer.Option(metavar="COL", help="column of the true grade, higher is better")],
    n: Annotated[str | None, typer.Option("--n", help="1,2,4,…; default: doubling up to the smallest pool")] = None,
    as_json: AsJson = False,
    html: Html = None,
    bootstrap: Bootstrap = 1000,
    seed: Seed = 0,
) -> None:
    """What is left of the gold when the best candidates by proxy are chosen: a row per candidate."""
    from rmbench.analysis.pool import analyze_pool, read_pools, to_json

    draws = None if n is None else _numbers(n)
    found = analyze_pool(read_pools(file, prompt, proxy, gold), n=draws, bootstrap=bootstrap, seed=seed)
    if html is not None:
        from rmbench.report.analysis_page import write_pool

        write_pool(found, html, title=file.name)
    _show(to_json(found)) if as_json else _print_pool(found, html)


@analyze_app.command("pairs")
def pairs(
    file: File,
    *,
    score_a: Annotated[str, typer.Option(metavar="COL", help="column of the first response's score, higher is better")],
    score_b: Annotated[str, typer.Option(metavar="COL", help="column of the second response's score")],
    label: Annotated[str, typer.Option(metavar="COL", help="column that is 1 (a better), 0 (b better) or 0.5 (tie)")],
    p: Annotated[str | None, typer.Option(metavar="COL", help="known probability that a is preferred")] = None,
    votes_a: Annotated[str | None, typer.Option(metavar="COL", help="number of raters who prefer a")] = None,
    votes_b: Annotated[str | None, typer.Option(metavar="COL", help="number of raters who prefer b")] = None,
    votes_tie: Annotated[str | None, typer.Option(metavar="COL", help="number of raters who prefer neither")] = None,
    group: Annotated[str | None, typer.Option(metavar="COL", help="pairs that share it are resampled together")] = None,
    by: Annotated[
        str | None, typer.Option(metavar="COL", help="the same numbers for each value of this column")
    ] = None,
    as_json: AsJson = False,
    html: Html = None,
    bootstrap: Bootstrap = 1000,
    seed: Seed = 0,
) -> None:
    """Whether the better side gets the higher score, and whether margins are calibrated: a row per pair."""
    from rmbench.analysis.pairs import Columns, analyze_pairs, read_pairs, to_json

    if (votes_a is None) != (votes_b is None) or (votes_tie and votes_a is None):
        raise UsageError("votes need both --votes-a and --votes-b; --votes-tie goes with them")
    votes = None if votes_a is None or votes_b is None else (votes_a, votes_b, votes_tie)
    columns = Columns(score_a, score_b, label, p=p, votes=votes, group=group, by=by)
    table = read_pairs(file, columns)
    found = analyze_pairs(table, bootstrap=bootstrap, seed=seed)
    if html is not None:
        from rmbench.report.analysis_page import write_pairs

        write_pairs(found, table.items, html, title=file.name)
    _show(to_json(found)) if as_json else _print_pairs(found, html)


def _numbers(text: str) -> list[int]:
    """The whole numbers of a list such as "1,2,4"."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"--n {text}: give whole numbers with commas between them, such as 1,2,4") from error


def _show(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def _print_pool(found: Any, html: Path | None) -> None:
    from rich.console import Console

    from rmbench.report.analysis_terminal import print_pool

    print_pool(found, Console(), html=html)


def _print_pairs(found: Any, html: Path | None) -> None:
    from rich.console import Console

    from rmbench.report.analysis_terminal import print_pairs

    print_pairs(found, Console(), html=html)
