"""What the parts of the command line share: options that many commands take, and how they print."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # the help must stay light
    from rich.table import Table

    from rmbench.findings import Finding

TasksDir = Annotated[Path | None, typer.Option("--tasks", help="a folder with tasks of your own")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]


def print_json(value: object) -> None:
    """Print strict JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def print_table(heads: list[str], rows: list[list[str]]) -> None:
    """Print a plain table; cells are text, never markup."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*heads, box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    Console().print(table)


def findings_table(findings: Sequence[Finding]) -> Table:
    """A line per check: status, name, sentence."""
    from rich.table import Table
    from rich.text import Text

    from rmbench.report.words import one_line

    styles = {"ok": "green", "note": "yellow", "problem": "bold red"}
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(min_width=9)
    for finding in findings:
        status = Text(f"  {finding.status}", styles[finding.status])
        table.add_row(status, finding.check, Text(one_line(finding.sentence), overflow="fold"))
    return table


def print_findings(found: Mapping[str, Sequence[Finding]], reference: str) -> None:
    """Print what `tasks validate` found: a line per check and task, and how many tasks may be used."""
    from rich.console import Console
    from rich.text import Text

    from rmbench.report.words import one_line

    console = Console()
    for name, findings in found.items():
        console.print(Text(one_line(name), "bold"))
        console.print(findings_table(findings))
    bad = sum(any(finding.status == "problem" for finding in findings) for findings in found.values())
    told = f"{len(found)} checked, {bad} with problems" if bad else f"{len(found)} checked, no problem"
    console.print(Text(f"{told}; leakage: {one_line(reference)}", "dim"))
