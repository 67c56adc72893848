"""Whose score it is: the files of an entry that stand in the ledger, and whether the model that runs is theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rmbench.bounded import plain_folder
from rmbench.errors import HeldOutError, RunError
from rmbench.ledger import Event
from rmbench.scores import read_manifest

SUBMISSIONS = "submissions"  # beside the ledger
MANIFEST = "manifest.json"
DIGESTS = ("weights_sha256", "tokenizer_sha256", "config_sha256", "template_sha256")
PARTS = ("label", "score")  # which output of the same weights is the reward


def submission_of(events: Sequence[Event], entry: str, suite: str) -> str:
    """The digest of the files that an entry stands with. Raises HeldOutError for one that is not on the board.

    A score belongs to these files and not to a name, which another model can take over.
    """
    found, gone = None, False
    for event in events:
        if (event.entry, event.suite) != (entry, suite):
            continue
        if event.event in ("withdrawn", "disqualified"):
            gone = True
        elif event.event in ("added", "rescored") and not (gone and event.signature is None):
            found, gone = event.submission, False  # a tombstone is signed, and so must be what lifts it
    if found is None or gone:
        raise HeldOutError(
            f"{entry} does not stand on the board of {suite}: the ledger has no `added` line that still holds; accept"
            f" the submission first"
        )
    return found


def ever_stood(events: Sequence[Event], line: Event) -> bool:
    """Whether the files of a line were added under its name before it."""
    mine = (line.entry, line.suite, line.submission)
    return line.submission is not None and any(
        event.event in ("added", "rescored") and (event.entry, event.suite, event.submission) == mine
        for event in events[: line.number - 1]
    )


def submission_folder(root: Path, entry: str, suite: str) -> Path:
    """Where the files of an entry lie. Raises HeldOutError where they do not."""
    folder = root.parent / SUBMISSIONS / entry / suite
    if not (plain_folder(folder.parent) and plain_folder(folder)):
        raise HeldOutError(f"{folder} is missing: a model is scored only beside its submission; put it there")
    return folder


def stated_settings(folder: Path) -> Mapping[str, Any]:
    """The model's settings in the manifest of a submission. Raises HeldOutError."""
    try:
        return read_manifest(folder / MANIFEST).settings
    except RunError as error:
        raise HeldOutError(f"the submission cannot be compared with the model: {error}") from None


def check_same(entry: str, stated: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """That a model is the one that was submitted: digests and labels alike, or the name where neither has a digest.

    Raises HeldOutError naming the first setting that differs.
    """
    names = [name for name in DIGESTS if name in stated or name in settings] or ["name"]
    for name in (*names, *PARTS):
        if stated.get(name) != settings.get(name):
            raise HeldOutError(
                f"the model is not the one that {entry} submitted: its {name} is {settings.get(name)!r:.70}, that of"
                f" the submission {stated.get(name)!r:.70}; nothing was published"
            )
