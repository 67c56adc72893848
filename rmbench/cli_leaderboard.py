"""`rmbench submit` and `rmbench leaderboard`: pack, check, record and show. Parse, call, print, as in cli.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from rmbench.cli_common import print_json
from rmbench.errors import RmbenchError, UsageError

ROOT = Path("leaderboard")
Root = Annotated[Path, typer.Option(help="folder with submissions/, ledger.jsonl and keys.json")]
Reason = Annotated[str, typer.Option(help="one sentence, for all to read")]
leaderboard_app = typer.Typer(help="Check, record and show submissions.", no_args_is_help=True)


def submit(
    run: Annotated[Path, typer.Argument(help="a run folder of a whole suite")],
    *,
    name: Annotated[str, typer.Option("--as", metavar="ORG/MODEL", help="who submits which model")],
    link: Annotated[str | None, typer.Option(help="https address of the model")] = None,
    licence: Annotated[str | None, typer.Option(help="of the model")] = None,
    description: Annotated[str | None, typer.Option(help="one line")] = None,
    parameters: Annotated[int | None, typer.Option(help="where the run could not count them")] = None,
    price: Annotated[float | None, typer.Option(help="US dollars per million tokens read")] = None,
    training_data: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON list of {name, link, sha256} of the training sets; [] if none"),
    ] = None,
    contamination: Annotated[
        Path | None, typer.Option(metavar="REPORT", help="what `rmbench contamination scan` wrote")
    ] = None,
    root: Root = ROOT,
    replace: Annotated[bool, typer.Option("--replace", help="put it in the place of the one that is there")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what the board would say, and write nothing")] = False,
) -> None:
    """Pack a run as a submission, through the validator that the board runs."""
    from rmbench.leaderboard.assess import Assessor, board_cache
    from rmbench.leaderboard.pack import install, packed, read_training
    from rmbench.leaderboard.standard import Standards
    from rmbench.leaderboard.terminal import print_found

    facts: dict[str, Any] = {"link": link, "licence": licence, "description": description}
    facts |= {"parameters": parameters, "price": price}
    facts |= {"training_data": None if training_data is None else read_training(training_data)}
    submission = _submission(name, facts)
    where = None if dry_run else root
    assess, standards = Assessor(cache=board_cache()), Standards()
    with packed(run, submission, lambda it: assess(it, standards), contamination=contamination, root=where) as draft:
        print_found([draft])
        if draft.errors:
            raise typer.Exit(1)
        if dry_run:
            typer.echo("\nnothing was written; without --dry-run it becomes a folder to commit")
            return
        target = install(draft, root, replace=replace)
    typer.echo(f"\n{target}\n    commit this folder and open a pull request")
    typer.echo(f"rmbench leaderboard verify {target}\n    says this again")


@leaderboard_app.command("verify")
def leaderboard_verify(
    paths: Annotated[list[Path] | None, typer.Argument(help="submission folders; default: all below --root")] = None,
    *,
    root: Root = ROOT,
    base: Annotated[
        Path | None, typer.Option(metavar="LEDGER", help="an earlier ledger.jsonl, which this one must continue")
    ] = None,
    form: Annotated[Literal["text", "json", "github"], typer.Option("--format", help="how to print")] = "text",
    no_cache: Annotated[bool, typer.Option("--no-cache", help="compute everything again")] = False,
) -> None:
    """Recompute submissions from raw and check the ledger: exit 0 clean, 1 rejected, 2 warnings, 3 not checked."""
    from rmbench.leaderboard.assess import Assessor, board_cache
    from rmbench.leaderboard.building import assessed_all
    from rmbench.leaderboard.ledgering import check_ledger, placed
    from rmbench.leaderboard.plain import exit_code, forge_lines, verification_json
    from rmbench.leaderboard.standard import Standards
    from rmbench.leaderboard.terminal import print_found, summary
    from rmbench.report.words import one_line

    standards, assess = Standards(), Assessor(cache=None if no_cache else board_cache())
    try:
        events, problems = check_ledger(root, base)
        each = (
            (assess(path.absolute(), standards) for path in paths) if paths else assessed_all(root, assess, standards)
        )
        found = [placed(one, events) for one in each]
    except RmbenchError as error:  # 2, as everywhere else, would read as warnings alone
        typer.echo(f"rmbench: {error}", err=True)
        raise typer.Exit(3) from None
    if form == "json":
        print_json(verification_json(found, problems))
    elif form == "github":
        typer.echo("\n".join(forge_lines(found, problems)), nl=bool(found or problems))
    else:
        print_found(found)
        for told in problems:
            typer.echo(f"ledger: {one_line(told)}")
        typer.echo(summary(found, len(events), problems))
    raise typer.Exit(1 if problems else exit_code(found))


@leaderboard_app.command("accept")
def leaderboard_accept(
    paths: Annotated[list[Path], typer.Argument(help="submission folders")],
    *,
    root: Root = ROOT,
    by: Annotated[
        str, typer.Option(help="who accepts; with a signing key in the environment, its name")
    ] = "maintainers",
) -> None:
    """Recompute submissions and put them into the ledger (added, or rescored), with the skills that were found."""
    from rmbench.leaderboard.ledgering import accept
    from rmbench.leaderboard.standard import Standards

    standards = Standards()
    for path in paths:
        event = accept(path.absolute(), root, standards, by=by)
        overall = event.facts["skills"]["overall"]
        typer.echo(f"line {event.number}: {event.entry} {event.suite} {event.event}, overall {overall}")


@leaderboard_app.command("spot-check")
def leaderboard_spot_check(
    path: Annotated[Path, typer.Argument(help="a submission folder")],
    *,
    model: Annotated[str | None, typer.Option(help="the model itself, as for `rmbench run`")] = None,
    rerun: Annotated[
        Path | None, typer.Option(metavar="RUN", help="in place of a slice: a whole run of your own")
    ] = None,
    items: Annotated[int, typer.Option(help="how many items (and attempts of searches) to score again")] = 64,
    seed: Annotated[int | None, typer.Option(help="of the slice; default: a fresh secret one")] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="in standard deviations of the scores; default: 0.01, half precision 0.1")
    ] = None,
    root: Root = ROOT,
    revision: Annotated[str | None, typer.Option(help="commit of a Hub model")] = None,
    trust_remote_code: Annotated[bool, typer.Option(help="let the model's own code run")] = False,
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda …")] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="compare, and write no line")] = False,
) -> None:
    """Score a slice of a submission again with the model itself; append a signed line, or exit with 1 if it differs."""
    import secrets

    from rmbench.leaderboard.ledgering import record_check
    from rmbench.leaderboard.spot_check import rerun_check, spot_check
    from rmbench.leaderboard.standard import Standards
    from rmbench.leaderboard.terminal import print_agreement
    from rmbench.leaderboard.verify import verify
    from rmbench.ledger import signer_from_environment
    from rmbench.models import ModelOptions, load_model

    if (model is None) == (rerun is None):
        raise UsageError("give the model with --model, or a run of your own with --rerun")
    signer = None if dry_run else signer_from_environment()
    # its searches were gone through again when it was accepted, and only then may a line be written
    checked = verify(path.absolute(), Standards(), texts=False)
    if rerun is not None:
        found = rerun_check(checked, rerun, tolerance=tolerance)
    else:
        assert model is not None
        options = ModelOptions(revision=revision, trust_remote_code=trust_remote_code, dtype=dtype, device=device)
        drawn = secrets.randbits(64) if seed is None else seed
        found = spot_check(checked, load_model(model, options), items=items, seed=drawn, tolerance=tolerance)
    print_agreement(found, whole=rerun is not None)
    if not found.agrees:
        raise typer.Exit(1)
    if signer is not None:
        event = record_check(checked, found, root, signer)
        typer.echo(f"line {event.number} of the ledger, signed by {event.by}")


@leaderboard_app.command("withdraw")
def leaderboard_withdraw(entry: str, suite: str, *, reason: Reason, root: Root = ROOT) -> None:
    """Take an entry (ORG__MODEL) of a suite (NAME@VERSION) off the board at its owner's wish; a tombstone stays."""
    _remove("withdrawn", entry, suite, reason, root)


@leaderboard_app.command("disqualify")
def leaderboard_disqualify(entry: str, suite: str, *, reason: Reason, root: Root = ROOT) -> None:
    """Take an entry of a suite off the board against its owner's wish; a tombstone with the reason stays."""
    _remove("disqualified", entry, suite, reason, root)


@leaderboard_app.command("keygen")
def leaderboard_keygen(name: Annotated[str, typer.Argument(help="who will sign")]) -> None:
    """Make a key to sign lines of the ledger with: the private part is printed once and kept nowhere."""
    from rmbench.ledger import KEY, new_key

    secret, public = new_key(name)
    typer.echo(f"keep this secret, in your environment:\n    {KEY}={secret}")
    typer.echo(f'\nadd this line to keys.json of the leaderboard:\n    "{name}": "{public}"')


@leaderboard_app.command("build")
def leaderboard_build(
    source: Annotated[str, typer.Argument(help="a folder, git+URL@REV, or hub:ORG/DATASET@REV")] = str(ROOT),
    *,
    out: Annotated[Path, typer.Option(help="folder of the pages")] = Path("site"),
    readme: Annotated[Path | None, typer.Option(metavar="FILE", help="also write the board as markdown")] = None,
    suite: Annotated[list[str] | None, typer.Option(help="NAME@VERSION; default: all that this rmbench holds")] = None,
    pages: Annotated[bool, typer.Option(help="a page per entry; they take most of the time")] = True,
    workers: Annotated[int, typer.Option(min=1, help="processes")] = 1,
    bootstrap: Annotated[int, typer.Option(help="resamples behind each interval")] = 1000,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="compute everything again")] = False,
) -> None:
    """Recompute every submission and write the board: a folder of pages that opens from disk."""
    from rich.console import Console

    from rmbench.leaderboard.building import build
    from rmbench.report.words import one_line

    with Console(stderr=True).status("reading submissions") as status:
        found = build(
            source,
            out,
            readme=readme,
            suites=suite,
            pages=pages,
            workers=workers,
            bootstrap=bootstrap,
            cached=not no_cache,
            tell=status.update,
        )
    for board in found:
        counts = f"{len(board.ranked)} ranked, {len(board.partial)} partial, {len(board.left)} not on the board"
        typer.echo(f"{board.suite}: {counts}")
        for left in board.left:
            typer.echo(f"  {left.kind}: {one_line(f'{left.name} {left.suite}: {left.sentences[0]}')}")
    typer.echo(f"{out / 'index.html'}")


def _submission(name: str, facts: dict[str, Any]) -> Any:
    from pydantic import ValidationError

    from rmbench.bounded import complaint
    from rmbench.leaderboard.names import slug_of
    from rmbench.leaderboard.types import Submission

    organisation, slash, model = name.partition("/")
    if not slash:
        raise UsageError(f"--as {name}: give ORG/MODEL, such as my-lab/{slug_of(name)}")
    try:
        return Submission.model_validate({"organisation": organisation, "model": model, **facts})
    except ValidationError as error:
        told = complaint(error)
        hint = f"; try {slug_of(organisation)}/{slug_of(model)}" if told.startswith(("organisation", "model")) else ""
        raise UsageError(f"{told}{hint}") from None


def _remove(kind: Literal["withdrawn", "disqualified"], entry: str, suite: str, reason: str, root: Path) -> None:
    from rmbench.leaderboard.ledgering import remove

    event = remove(kind, entry, suite, reason, root)
    typer.echo(f"line {event.number} of the ledger: {entry} {suite} {kind}; its folder may now be deleted")
