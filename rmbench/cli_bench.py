"""`rmbench bench`: how fast a model is scored here. Parse, call, print, as in cli.py."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from rmbench.cli_common import AsJson, print_json, print_table
from rmbench.errors import UsageError


def bench(
    model: Annotated[
        str, typer.Argument(help="a model that reads tokens: tiny, smollm2, a folder or a Hub id")
    ] = "tiny",
    *,
    workload: Annotated[list[str] | None, typer.Option(help="pairs or pool; may be repeated; default: both")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="how often each is measured; the median counts")] = 3,
    revision: Annotated[str | None, typer.Option(help="commit of a Hub model")] = None,
    trust_remote_code: Annotated[bool, typer.Option(help="let the model's own code run")] = False,
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 …")] = "auto",
    max_batch_tokens: Annotated[int | None, typer.Option(help="tokens per batch, padding included")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure tokens per second: dataset order, sorted batches, shared prompts, and what the hardware allows."""
    from rich.console import Console

    from rmbench.bench import WORKLOADS, measure
    from rmbench.models import ModelOptions, load_model
    from rmbench.models.tokens import TokenScorer

    if unknown := set(workload or ()) - {*WORKLOADS}:
        raise UsageError(f"there is no workload {min(unknown)!r}; known: {', '.join(WORKLOADS)}")
    options = ModelOptions(
        dtype=dtype,
        device=device,
        max_batch_tokens=max_batch_tokens,
        revision=revision,
        trust_remote_code=trust_remote_code,
    )
    loaded = load_model(model, options)
    if not isinstance(loaded, TokenScorer):
        raise UsageError(f"{model} does not read tokens here, so that there is nothing to measure")
    with Console(stderr=True).status("measuring") as status:
        found = measure(loaded, tuple(workload or WORKLOADS), rounds, status.update)
    if as_json:
        print_json({"settings": loaded.settings, "speeds": [asdict(speed) for speed in found]})
        return
    settings = loaded.settings
    typer.echo(
        f"{settings['name']}: {settings['parameters']:,} parameters, {settings['dtype']} on {settings['device']}, "
        f"{loaded.max_batch_tokens:,} tokens per batch"
    )
    rows = [[s.workload, s.way, f"{s.tokens_per_second:,.0f}", f"{s.ratio:.2f}", f"{s.share:.0%}"] for s in found]
    print_table(["workload", "how", "tokens/s", "ratio", "of ceiling"], rows)
    typer.echo("tokens/s counts whole conversations without padding; the ceiling is the matrix products alone.")
