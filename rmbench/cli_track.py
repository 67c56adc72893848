"""`rmbench train-data`: what a model of the closed track may learn from. Parse, call, print, as in cli.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def train_data(
    *,
    out: Annotated[Path, typer.Option(metavar="FILE", help="a .jsonl or .parquet file")],
    pairs: Annotated[int, typer.Option(help="how many preference pairs")] = 20_000,
    annotator: Annotated[
        Literal["gold", "logistic", "biased"],
        typer.Option(help="always right; right by sigmoid(gold difference / tau); or fond of length and markdown"),
    ] = "gold",
    tau: Annotated[float, typer.Option(help="logistic and biased: gold difference per nat of preference")] = 0.15,
    raters: Annotated[int, typer.Option(help="an odd number of annotators; the majority is the label")] = 1,
    label_noise: Annotated[float, typer.Option(help="share of labels that are turned round, 0 to 0.5")] = 0.0,
    worlds: Annotated[str | None, typer.Option(metavar="A,B", help="only prompts of these worlds")] = None,
    seed: Annotated[int, typer.Option(help="another seed, other prompts: 0 to 999")] = 0,
) -> None:
    """Write the closed track's training data: preference pairs in TRL's format."""
    from rich.console import Console

    from rmbench.report.progress import RunProgress
    from rmbench.training_data import Settings, write_pairs

    names = tuple(worlds.split(",")) if worlds else ()
    settings = Settings(pairs, seed, names, annotator, tau, raters, label_noise)
    with RunProgress(Console(stderr=True), "writing", unit="pairs", verb="wrote") as progress:
        write_pairs(out, settings, lambda done, total: progress(done, total, 0))
    typer.echo(out)
