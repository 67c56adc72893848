"""`rmbench analyze` in the terminal. Whatever the table says is printed as text, never as markup."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rmbench.analysis.pairs import PairAnalysis
from rmbench.analysis.pool import PoolAnalysis
from rmbench.report.analysis_words import PAIR_NAMES, pair_sentences, pool_figures
from rmbench.report.words import MISSING, interval, number, one_line, percent
from rmbench.types import Estimate

SHORT = {
    "accuracy": "accuracy",
    "nll": "NLL",
    "ece": "ECE",
    "temperature": "T",
    "ece_cross_fitted": "ECE at T",
    "aurc": "AURC",
}


def print_pool(found: PoolAnalysis, console: Console, *, html: Path | None = None) -> None:
    """Print the numbers of pools, the curve, and what they mean. `html` is the page that was written."""
    counts = f"{found.prompts} prompts, {found.candidates} candidates, {found.missing} missing, {found.ties} tied"
    console.print(Text(counts, "bold"))
    shown = [one for one in found.points if one.budget > (one.optimizer == "best_of_n")]
    if shown:
        table = _table("budget", "KL", "gold", "95 % interval", "itself", "recovery", "saturated")
        recoveries = {(one.name, one.budget): told for one, told in found.recoveries.items()}
        for one in shown:
            bounds = Estimate(one.gold, one.gold_low, one.gold_high, 0, 0)
            name = f"{one.optimizer.replace('_', ' ').replace(' n', '')} {one.budget:g}"
            cells = [name, number(one.kl), number(one.gold, 3), interval(bounds, 3), number(one.oracle, 3)]
            recovery = recoveries[one.optimizer, one.budget]
            saturated = percent(one.saturated_share) if one.saturated else MISSING
            table.add_row(*map(Text, [*cells, number(recovery.value), saturated]))
        console.print(table)
        console.print(
            Text("itself = the gold, optimised alike · saturated = prompts that cannot spend the budget", "dim")
        )
    _figures(console, pool_figures(found))
    _end(console, found.notes, html)


def print_pairs(found: PairAnalysis, console: Console, *, html: Path | None = None) -> None:
    """Print the numbers of pairs, of their parts, and what they mean. `html` is the page that was written."""
    counts = f"{found.n} pairs in {found.groups} groups, {found.missing} missing, {found.ties} with equal scores"
    console.print(Text(counts, "bold"))
    _figures(console, [(name, found.metrics[key], meaning) for key, (name, meaning) in PAIR_NAMES.items()])
    if found.by:
        table = _table("part", "n", *SHORT.values())
        for value, part in found.by.items():
            cells = [number(part.metrics[key].value, 3) for key in SHORT]
            table.add_row(*map(Text, [one_line(value), str(part.n), *cells]))
        console.print(table)
    for line in pair_sentences(found):
        console.print(Text(line))
    _end(console, found.notes, html)


def _table(first: str, *heads: str, note: str | None = None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column(first, overflow="fold")
    for head in heads:
        table.add_column(head, justify="right")
    if note:
        table.add_column(note, overflow="fold")
    return table


def _figures(console: Console, rows: list[tuple[str, Estimate, str]]) -> None:
    table = _table("", "value", "95 % interval", note="")
    for name, told, meaning in rows:
        missing = told.value is None and told.reason and not meaning.endswith(f"{told.reason}.")
        said = f"no number: {told.reason}" if missing else meaning
        table.add_row(
            Text(name), Text(number(told.value, 3), "bold"), Text(interval(told, 3), "dim"), Text(said, "dim")
        )
    console.print(table)


def _end(console: Console, notes: tuple[str, ...], html: Path | None) -> None:
    for note in notes:
        console.print(Text(f"note: {one_line(note)}", "yellow"))
    if html is not None:
        console.print(Text(f"page: {html}", "dim"))
