"""`rmbench heldout`: tasks that nobody who submits can read. Parse, call, print, as in cli.py."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rmbench.cli_common import AsJson, findings_table, print_json, print_table
from rmbench.errors import UsageError

if TYPE_CHECKING:
    from rmbench.heldout.overview import Standing
    from rmbench.heldout.scoring import Plan
    from rmbench.ledger import Event

heldout_app = typer.Typer(help="Held-out tasks: make, commit, score, reveal, verify.", no_args_is_help=True)

Season = Annotated[str, typer.Argument(metavar="SEASON", help="its name")]
Root = Annotated[Path, typer.Option(help="where the seasons lie; the ledger and keys.json lie in the folder above")]
ROOT = Path("leaderboard/heldout")


def _ledger(root: Path) -> Path:
    return root.parent / "ledger.jsonl"


@heldout_app.command()
def keygen() -> None:
    """Print a fresh key for RMBENCH_HELDOUT_KEY."""
    from rmbench.heldout.secret import new_key

    typer.echo(new_key())
    typer.echo("Keep it where the repository is not: without it no season can be scored or revealed.", err=True)


@heldout_app.command()
def new(
    *,
    season: Annotated[str, typer.Option(help="its name, such as 2026_autumn")],
    root: Root = ROOT,
    templates: Annotated[Path | None, typer.Option(metavar="DIR", help="cards of your own, built as well")] = None,
    only_templates: Annotated[bool, typer.Option("--only-templates", help="leave the shipped cards out")] = False,
) -> None:
    """Make fresh private tasks from the worlds, and write them encrypted."""
    from rmbench.heldout.making import make_season
    from rmbench.heldout.secret import key_from_environment

    if only_templates and templates is None:
        raise UsageError("--only-templates goes with --templates")
    key = key_from_environment()
    made = make_season(
        root,
        season,
        key,
        templates=templates,
        shipped=not only_templates,
        tell=lambda line: typer.echo(line, err=True),
    )
    items = sum(len(task.items) for task in made.tasks)
    typer.echo(f"{season}: {len(made.tasks)} tasks, {items} items, encrypted in {root / season}")


@heldout_app.command()
def commit(
    season: Season,
    *,
    root: Root = ROOT,
    attempts: Annotated[int, typer.Option(min=1, max=1000, help="how often an organisation may be scored")] = 3,
    days: Annotated[int, typer.Option(min=0, max=1000, help="days between two attempts of an organisation")] = 7,
) -> None:
    """Publish the card and the salted hashes of a season under one root, with a signed line in the ledger."""
    from rmbench.heldout.committing import commit as commit_to
    from rmbench.heldout.secret import key_from_environment
    from rmbench.ledger import signer_from_environment

    signer = signer_from_environment()
    card = commit_to(root, season, key_from_environment(), _ledger(root), signer, attempts=attempts, days=days)
    typer.echo(f"{season}: {card.leaves} cards and items under the root {card.root}")


@heldout_app.command()
def score(
    season: Season,
    *,
    entry: Annotated[str, typer.Option(metavar="ORG__MODEL", help="whose score it is")],
    model: Annotated[str, typer.Option(help="a name of `rmbench models`, a folder, or a Hub id")],
    suite: Annotated[str, typer.Option(metavar="NAME@VERSION", help="the board that the entry stands on")] = "core@3",
    root: Root = ROOT,
    revision: Annotated[str | None, typer.Option(help="commit of a Hub model")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 …")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16")] = "auto",
    trust_remote_code: Annotated[
        bool, typer.Option(help="let the model's own code run; it can read the items")
    ] = False,
    allow: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="go on although `rmbench doctor` finds this problem")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be done, and run nothing")] = False,
) -> None:
    """Run the model of an entry on a season, and publish its rounded skills. An attempt that fails counts."""
    from rich.console import Console

    from rmbench.heldout.scoring import plan
    from rmbench.heldout.scoring import score as score_model
    from rmbench.heldout.secret import key_from_environment
    from rmbench.ledger import signer_from_environment
    from rmbench.report.progress import RunProgress

    _check_names(entry, suite)
    planned = plan(root, season, entry, suite, _ledger(root))
    _check_files(root, entry, suite, planned.submission)
    _say_plan(planned, entry)
    if dry_run:
        typer.echo("a dry run: nothing was run, and nothing written")
        return
    signer, key = signer_from_environment(), key_from_environment()
    progress = RunProgress(Console(stderr=True), f"scoring {model}")
    event = score_model(
        root,
        season,
        entry,
        suite,
        model,
        key=key,
        ledger=_ledger(root),
        signer=signer,
        progress=progress,
        watch=progress,
        tell=lambda line: typer.echo(line, err=True),
        revision=revision,
        device=device,
        dtype=dtype,
        trust_remote_code=trust_remote_code,
        allow=allow or (),
    )
    _say_score(event)


@heldout_app.command()
def reveal(season: Season, *, root: Root = ROOT) -> None:
    """Publish salt, items and raw scores of a season in plain text. It cannot be scored on after that."""
    from rmbench.heldout.revealing import reveal as reveal_all
    from rmbench.heldout.secret import key_from_environment
    from rmbench.ledger import signer_from_environment

    signer = signer_from_environment()
    typer.echo(reveal_all(root, season, key_from_environment(), _ledger(root), signer))


@heldout_app.command()
def verify(
    season: Season,
    *,
    root: Root = ROOT,
    sample: Annotated[
        int | None, typer.Option(min=1, max=1000, metavar="N", help="build N random tasks again from the salt, not all")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a season from what is public; to build all of its tasks again takes minutes. Exit code 2 for a problem."""
    from dataclasses import asdict

    from rich.console import Console

    from rmbench.heldout.verifying import verify as verify_all

    found = verify_all(root, season, _ledger(root), sample=sample, tell=lambda line: typer.echo(line, err=True))
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        Console().print(findings_table(found))
    if any(finding.status == "problem" for finding in found):
        raise typer.Exit(2)


@heldout_app.command()
def status(*, root: Root = ROOT, as_json: AsJson = False) -> None:
    """List the seasons, and who was scored on them how often."""
    from rmbench.heldout.overview import standings
    from rmbench.ledger import read_ledger

    found = standings(root, read_ledger(_ledger(root)))
    if as_json:
        print_json([_plain(standing) for standing in found])
        return
    rows = []
    for one in found:
        sizes = (
            ["", "", ""] if one.card is None else [str(len(one.card.tasks)), str(one.card.leaves), one.card.root[:12]]
        )
        rows.append([one.season, one.state, *sizes, _counts(one)])
    print_table(["season", "state", "tasks", "leaves", "root", "attempts"], rows)


def _check_names(entry: str, suite: str) -> None:
    """Raises UsageError for names that no board has."""
    from rmbench.leaderboard.names import is_suite, split_key
    from rmbench.task import load_suite

    if split_key(entry) is None:
        raise UsageError(f"--entry {entry!r:.80}: write ORG__MODEL, as the submission's folder is called")
    if not is_suite(suite):
        raise UsageError(f"--suite {suite!r:.80}: write NAME@VERSION, such as core@3")
    known = load_suite(suite.partition("@")[0])
    if suite != f"{known.name}@{known.version}":
        raise UsageError(f"--suite {suite}: this rmbench has {known.name}@{known.version}")


def _check_files(root: Path, entry: str, suite: str, digest: str) -> None:
    """Raises UsageError where the submission's files are not those that stand in the ledger."""
    from rmbench.heldout.entries import submission_folder
    from rmbench.leaderboard.layout import digest_of

    folder = submission_folder(root, entry, suite)
    if (found := digest_of(folder)) != digest:
        raise UsageError(
            f"{folder} has the digest {found[:12]}…, the entry stands in the ledger with {digest[:12]}…; restore the"
            f" files, or accept the new ones first"
        )


def _say_plan(planned: Plan, entry: str) -> None:
    from rmbench.heldout.limits import organisation_of
    from rmbench.ledger import OWN

    card, attempt, organisation = planned.card, planned.attempt, organisation_of(entry)
    of = "" if organisation == OWN else f" of {card.attempts}"
    told = f"attempt {attempt.entry} of this entry, {attempt.organisation}{of} of {organisation}"
    typer.echo(f"{entry} on {card.season}: {told}", err=True)


def _say_score(event: Event) -> None:
    from rmbench.heldout.public import SKILLS

    facts = event.facts
    skills = ", ".join(f"{name} {facts['skills'][name]:.2f}" for name in SKILLS)
    typer.echo(f"{event.entry}: {skills} (in steps of {facts['step']:g}; line {event.number} of the ledger)")


def _counts(one: Standing) -> str:
    """Such as "acme 3: big 2 (1 failed), small 1; rmbench 1: length 1"."""
    told = []
    for organisation, count in one.organisations.items():
        mine = []
        for entry, made in one.entries.items():
            owner, _, name = entry.partition("__")
            lost = f" ({one.failed[entry]} failed)" if entry in one.failed else ""
            mine += [f"{name} {made}{lost}"] if owner == organisation else []
        told.append(f"{organisation} {count}: {', '.join(mine)}")
    return "; ".join(told)


def _plain(one: Standing) -> dict[str, object]:
    card = None if one.card is None else one.card.model_dump(mode="json")
    return {
        "season": one.season,
        "state": one.state,
        "card": card,
        "attempts": {
            "organisations": dict(one.organisations),
            "entries": dict(one.entries),
            "failed": dict(one.failed),
        },
    }
