"""Reveal a season: salt, tasks and raw scores in plain text, so that anyone can check all that was published of it."""

from __future__ import annotations

import base64
import binascii
import io
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from rmbench.errors import HeldOutError
from rmbench.heldout.limits import scored
from rmbench.heldout.merkle import root_of
from rmbench.heldout.private import ending_raises
from rmbench.heldout.public import (
    REVEALED,
    Committed,
    Scored,
    check_entry,
    commitment,
    facts_of,
    read_card,
    revealed,
)
from rmbench.heldout.scoring import FILES, scores_digest, scores_head, scores_path
from rmbench.heldout.season import Season, read_private
from rmbench.heldout.secret import unseal
from rmbench.ledger import Event, Signer, append, read_ledger
from rmbench.task import REFERENCE, write_task
from rmbench.trajectory import write_rows

SALT, TASKS, RUNS = "salt.json", "tasks", "scores"


def reveal(root: Path, name: str, key: str, ledger: Path, signer: Signer) -> Path:
    """Write `root/name/revealed/` and append a signed `revealed` line; returns the folder.

        salt.json                     the salt
        tasks/TASK/                   card.yaml, items.parquet, reference.parquet: for `rmbench run --tasks`
        scores/ENTRY-ATTEMPT/         a run folder: for `rmbench evaluate`

    It appears whole or not at all. Raises HeldOutError where the season was revealed, or anything that was committed
    to or published does not fit.
    """
    card, events = read_card(root, name), read_ledger(ledger)
    commitment(events, card)
    if line := revealed(events, name):
        raise HeldOutError(f"{name} was revealed on {line.time[:10]}; a season is revealed once")
    season = read_private(root, name, key)
    if root_of(season.leaves()).hex() != card.root:
        raise HeldOutError(f"the private tasks of {name} have another root than its card; restore private.enc")
    target = root / name / REVEALED
    if target.exists() or target.is_symlink():
        raise HeldOutError(f"{target} is there, and the ledger does not say so; remove the folder and reveal again")
    _install(target, lambda draft: _write(draft, root, season, scored(events, name), key))
    try:
        facts = Committed(season=name, root=card.root, card=card.digest, canary=card.canary)
        append(ledger, "revealed", by=signer.name, facts=facts.model_dump(mode="json"), signer=signer)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return target


def _install(target: Path, write: Callable[[Path], None]) -> None:
    """A folder that appears whole or not at all."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    with ending_raises():
        try:
            draft.mkdir()
            write(draft)
            draft.rename(target)
        except OSError as error:
            raise HeldOutError(f"{target} cannot be written: {error.strerror}; nothing was revealed") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _write(folder: Path, root: Path, season: Season, events: Sequence[Event], key: str) -> None:
    told = {"canary": season.canary, "season": season.name, "salt": season.salt.hex()}
    (folder / SALT).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    for task in season.tasks:
        place = folder / TASKS / task.card.name
        write_task(place, task.card.model_dump(mode="json", exclude_none=True), task.items)
        if task.reference:
            write_rows(place / REFERENCE, task.reference)
            (place / REFERENCE).write_bytes(marked((place / REFERENCE).read_bytes(), season.canary))
    for event in events:
        _write_scores(folder, root, season, event, key)


def _write_scores(folder: Path, root: Path, season: Season, event: Event, key: str) -> None:
    facts, entry = facts_of(event, Scored), event.entry or ""
    check_entry(entry)
    path = scores_path(root, season.name, entry, facts.attempt)
    content = unseal(path, scores_head(season.name, season.canary, entry, facts.attempt), key)
    place = folder / RUNS / f"{entry}-{facts.attempt}"
    place.mkdir(parents=True)
    try:
        files = {file: base64.b64decode(content[file], validate=True) for file in FILES if file in content}
    except (binascii.Error, TypeError) as error:
        raise HeldOutError(f"{path} opens, but does not hold a run ({error}); restore it") from None
    if scores_digest(season.salt, entry, facts.attempt, files.get(FILES[0], b"")) != facts.scores:
        raise HeldOutError(f"{path} holds other scores than line {event.number} of the ledger speaks of; restore it")
    for file, raw in files.items():
        try:
            (place / file).write_bytes(marked(raw, season.canary) if file.endswith(".parquet") else raw)
        except ValueError as error:  # pyarrow's errors are among them
            raise HeldOutError(f"{path} opens, but its {file} is not parquet ({error}); restore it") from None


def marked(raw: bytes, canary: str) -> bytes:
    """A parquet file with the canary in its metadata. Digests of runs are over rows, so they stay what they are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table, out = pq.read_table(io.BytesIO(raw)), pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({"canary": canary}), out, compression="zstd")
    return bytes(out.getvalue().to_pybytes())
