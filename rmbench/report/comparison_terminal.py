"""`rmbench compare` and `rmbench gate` in the terminal, readable at 80 columns. What a run says is never markup."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rmbench.comparison import Comparison, Difference, Gate
from rmbench.comparison.flips import in_turn
from rmbench.comparison.types import Flip
from rmbench.report.comparison_words import (
    FlipTexts,
    by_axis,
    flip_texts,
    flip_title,
    notes,
    probe_names,
    signed,
    summary,
    verdict,
)
from rmbench.report.gate_words import advice, said
from rmbench.report.words import MISSING, TITLES, interval, number, one_line, reward, visible
from rmbench.types import AXES

_STYLES = {"A better": "bold cyan", "A higher": "bold cyan", "B better": "bold yellow", "B higher": "bold yellow"}
_OUTCOMES = {"pass": "bold green", "regression": "bold red", "insufficient evidence": "bold yellow"}
_LONGEST = 1200  # characters of a text that are shown


def print_comparison(
    found: Comparison,
    console: Console,
    *,
    flips: int = 0,
    tasks_dir: Path | None = None,
    html: Path | None = None,
) -> None:
    """Print both runs, the differences, the flips and what was left out. `html` is the page that was written."""
    for letter, side in (("A", found.a), ("B", found.b)):
        name = one_line(side.model) + (f"  {one_line(side.label)}" if side.label != side.model else "")
        console.print(Text.assemble((f"{letter}  ", _STYLES[f"{letter} better"]), (name, "bold"), overflow="fold"))
    console.print()
    console.print(_differences(found))
    console.print(Text("shows = the smallest true difference that this test finds with 80 % power", "dim"))
    for line in summary(found):
        console.print(Text(line))
    if any(task.tested for task in found.tasks.values()):
        console.print()
        console.print(_tested(found))
        console.print(Text("0 is no bias: the run that is nearer to 0 is the better one", "dim"))
    console.print()
    console.print(_flip_counts(found))
    _print_flips(found, console, flips, tasks_dir)
    for note in notes(found):
        console.print(Text(note, "yellow"))
    if html is not None:
        console.print(Text(f"page: {html}", "dim"))


def print_gate(found: Gate, console: Console) -> None:
    """Print one line per gated number, the answer in words, and what to do next."""
    run, baseline = found.comparison.a, found.comparison.b
    head = f"{one_line(run.label)} against {one_line(baseline.label)}, a drop of {found.max_drop:g} allowed"
    console.print(Text(head, "bold", overflow="fold"))
    table = _table("")
    for name in ("drop", "95 % interval"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for name, one in found.numbers.items():
        table.add_row(
            Text(TITLES.get(name, one_line(name))),
            Text(number(one.drop.value, 3), "bold"),
            Text(interval(one.drop, 3), "dim"),
            Text(one.outcome, _OUTCOMES[one.outcome]),
        )
    console.print(table)
    console.print(Text(said(found), _OUTCOMES[found.outcome]))
    for line in [*advice(found), *notes(found.comparison)]:
        console.print(Text(line, "yellow"))


def _table(first: str, padding: tuple[int, int] = (0, 1)) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=padding)
    table.add_column(first, overflow="fold")
    return table


def _differences(found: Comparison) -> Table:
    table = _table("skill", padding=(0, 0))  # 80 columns hold it all, if nothing is wasted between them
    for name in ("A", "B", "A − B", "95 % interval", "shows"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    held = by_axis(found)
    for axis, tasks in held.items():
        _row(table, TITLES[axis], found.skills[axis], "bold")
        for name, task in tasks:
            _row(table, f" {one_line(name)}", task.headline)
    if len(held) == len(AXES):
        table.add_section()
        _row(table, TITLES["overall"], found.skills["overall"], "bold")
    return table


def _row(table: Table, name: str, one: Difference, style: str = "") -> None:
    table.add_row(
        Text(name, style),
        Text(number(one.a.value)),
        Text(number(one.b.value)),
        Text(signed(one.difference.value), "bold"),
        Text(interval(one.difference), "dim"),
        Text(number(one.resolves) if one.resolves else MISSING, "dim"),
        Text(verdict(one).partition(":")[0], _STYLES.get(one.verdict, "dim")),
    )


def _tested(found: Comparison) -> Table:
    """The metrics that are tests of their own, such as bias probes."""
    table = _table("probe")
    for name in ("A", "B", "A − B", "95 % interval"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for task in found.tasks.values():
        names = probe_names(task)
        for metric, one in task.tested.items():
            d = one.difference
            told = (number(one.a.value), number(one.b.value), signed(d.value), interval(d))
            table.add_row(Text(names[metric]), *map(Text, told), Text(verdict(one), _STYLES.get(one.verdict, "dim")))
    return table


def _flip_counts(found: Comparison) -> Table:
    table = _table("items on which they part")
    for name in ("items", "A chooses better", "B chooses better"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, task in found.tasks.items():
        both = task.items - task.headline.difference.missing
        table.add_row(Text(one_line(name)), *map(str, (both, task.flipped.a, task.flipped.b)))
    return table


def _print_flips(found: Comparison, console: Console, count: int, tasks_dir: Path | None) -> None:
    chosen = in_turn([task.flips for task in found.tasks.values()], count)
    texts, missing = flip_texts(chosen, found, tasks_dir)
    for note in missing:
        console.print(Text(one_line(note), "yellow"))
    for flip in chosen:
        console.print()
        head = f"{one_line(flip.task)} / {one_line(flip.item)}"
        console.print(Text.assemble((head, "dim"), "  ", (flip_title(flip), _STYLES[f"{flip.better} better"])))
        _print_texts(flip, texts.get((flip.task, flip.item)), console)


def _print_texts(flip: Flip, told: FlipTexts | None, console: Console) -> None:
    if told is not None:
        console.print(Text(_short(told.prompt)))
    for letter, index, gold in (("A", 0, flip.gold_a), ("B", 1, flip.gold_b)):
        rewards = f"reward {reward(flip.rewards_a[index])} (A), {reward(flip.rewards_b[index])} (B)"
        console.print(Text(f"[{letter}'s choice: gold {number(gold)}, {rewards}]", _STYLES[f"{letter} better"]))
        if told is not None:
            if letter == "B" and told.prompt_b is not None:
                console.print(Text(_short(told.prompt_b), "italic"))
            console.print(Text(_short(told.pick_a if letter == "A" else told.pick_b)))


def _short(text: str) -> str:
    left = len(text) - _LONGEST
    return visible(text if left <= 0 else f"{text[:_LONGEST]}\n… {left} more characters")
