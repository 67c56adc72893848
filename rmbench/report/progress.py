"""How far a run is: a live bar in a terminal, one line now and then where the output is a file."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from rmbench.report.words import one_line

QUIET_SECONDS = 15.0  # between two lines where there is no terminal


class RunProgress:
    """A context manager that is also the callback `progress(done, total, tokens)` of a run.

    In a terminal: bar, responses, tokens per second, time left. Elsewhere: a line at the start, one every
    `QUIET_SECONDS`, and one at the end. `unit` and `verb` say what is counted: "wrote 20 pairs".
    """

    def __init__(
        self, console: Console, label: str = "scoring", *, unit: str = "responses", verb: str = "scored"
    ) -> None:
        self._console = console
        self._unit, self._verb = unit, verb
        self._label = one_line(label)
        self._began = self._told = time.monotonic()
        self._last = (0, 0, 0)
        self._notes: list[str] = []
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            expand=True,
        )
        self._task = self._bar.add_task(self._label, total=None, tokens=0)

    def note(self, sentence: str) -> None:
        """Say something when all is done."""
        self._notes.append(sentence)

    def __enter__(self) -> Self:
        self._began = self._told = time.monotonic()
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._console.is_terminal:
            self._bar.stop()
        if kind is None and self._last[1]:
            self._say(f"{self._verb} {self._last[0]} {self._unit} in {time.monotonic() - self._began:.1f} s")
            for note in self._notes:
                self._console.print(Text(one_line(note), "dim"))

    def __call__(self, done: int, total: int, tokens: int) -> None:
        """`done` of `total` units are done, `tokens` have been read so far (0 if the model does not say)."""
        first, self._last = self._last[1] == 0, (done, total, tokens)
        if self._console.is_terminal:
            self._bar.update(self._task, completed=done, total=total, tokens=tokens)
        elif first:
            self._say(f"{self._label}: {total} {self._unit}")
        elif done < total and time.monotonic() - self._told >= QUIET_SECONDS:
            self._say(f"{self._label}: {done} of {total} {self._unit}{self._speed(tokens)}")

    def _speed(self, tokens: int) -> str:
        seconds = time.monotonic() - self._began
        return f", {tokens / seconds:,.0f} tokens/s" if tokens and seconds > 0 else ""

    def _say(self, line: str) -> None:
        self._told = time.monotonic()
        rate = self._speed(self._last[2]) if line.startswith(self._verb) else ""
        self._console.print(Text(line + rate, "dim"))


class _Rate(ProgressColumn):
    """Tokens per second since the start; empty for a model that reads no tokens."""

    def render(self, task: Task) -> Text:
        tokens, seconds = task.fields["tokens"], task.elapsed or 0.0
        return Text(f"{tokens / seconds:,.0f} tokens/s" if tokens and seconds else "", "dim")
