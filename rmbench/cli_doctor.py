"""`rmbench doctor`: is the model scored the way its authors meant? Parse, call, print, as in cli.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rmbench.cli_common import AsJson, TasksDir, findings_table, print_json

if TYPE_CHECKING:  # the help must stay light
    from rich.text import Text

    from rmbench.doctor import Examination


def doctor(
    model: Annotated[str, typer.Argument(help="a name of `rmbench models`, a folder, or a Hub id")],
    *,
    suite: Annotated[str, typer.Option(help="whose texts are held against the model's window")] = "quick",
    tasks: TasksDir = None,
    seed: Annotated[int, typer.Option(help="seed of models that need one")] = 0,
    revision: Annotated[str | None, typer.Option(help="commit of a Hub model")] = None,
    trust_remote_code: Annotated[bool, typer.Option(help="let the model's own code run")] = False,
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 …")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Check a model before it is scored: exact tokens, marks, window, scores. Exit code 1 for a problem."""
    from dataclasses import asdict

    from rich.console import Console

    from rmbench.doctor import examine
    from rmbench.models import ModelOptions
    from rmbench.task import load_suite

    options = ModelOptions(
        seed=seed, revision=revision, trust_remote_code=trust_remote_code, dtype=dtype, device=device
    )
    with Console(stderr=True).status(f"examining {model}"):
        found = examine(model, options, load_suite(suite, tasks).tasks())
    if as_json:
        print_json(asdict(found))
    else:
        _print(found)
    if found.problems:
        raise typer.Exit(1)


def _print(found: Examination) -> None:
    from rich.console import Console
    from rich.text import Text

    from rmbench.report.words import one_line

    console = Console()
    console.print(Text(one_line(found.model), "bold"))
    if found.tokens:
        told = f"An example in {len(found.tokens)} tokens, the special ones in ⟦ ⟧"
        begin = f"; the score is about those after ▸ (from token {found.start + 1})" if found.start else ""
        console.print(Text(told + begin, "dim"))
        console.print(_marked(found))
        console.print()
    console.print(findings_table(found.findings))
    bad = [finding.check for finding in found.problems]
    console.print(Text(f"problems: {', '.join(bad)} (docs/doctor.md)" if bad else "no problem", "dim"))


def _marked(found: Examination) -> Text:
    """The tokens one after the other, a dot between two ordinary ones; a line break is shown and made."""
    from rich.text import Text

    from rmbench.report.words import visible

    text = Text(overflow="fold")
    before = True  # special, or the start of a line: nothing to keep apart
    for index, token in enumerate(found.tokens):
        if found.start and index == found.start:
            text.append("▸", "bold yellow")
            before = True
        if token.special:
            text.append(f"⟦{visible(token.text)}⟧", "bold cyan")
        else:
            text.append("" if before else "·", "dim")
            text.append("⏎\n".join(map(visible, token.text.split("\n"))))
        before = token.special or token.text.endswith("\n")
    return text
