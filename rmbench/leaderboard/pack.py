"""`rmbench submit`: from a run folder to a submission folder, through the validator, whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rmbench.errors import SubmissionError
from rmbench.leaderboard.assess import Assessed
from rmbench.leaderboard.layout import ATTEMPTS as SEARCHED
from rmbench.leaderboard.layout import CONTAMINATION, NEEDED, SUBMISSION, TRAJECTORY
from rmbench.leaderboard.names import entry_key
from rmbench.leaderboard.types import Submission
from rmbench.scores import read_manifest

SUBMISSIONS = "submissions"


@contextmanager
def packed(
    run: Path,
    submission: Submission,
    assess: Callable[[Path], Assessed],
    *,
    contamination: Path | None = None,
    root: Path | None = None,
) -> Iterator[Assessed]:
    """A draft of the submission of a run, assessed, for as long as the block lasts; it lies in a hidden folder.

    The draft is made beside the submissions in `root` (None: anywhere), so that it can be moved into place. Raises
    SubmissionError or RunError for a run that is none, or is not of a suite.
    """
    manifest = read_manifest(run / NEEDED[1])
    if manifest.suite is None:
        raise SubmissionError(f"{run} ran chosen tasks and no suite; run a whole one: rmbench run MODEL --suite core")
    key = entry_key(submission.organisation, submission.model)
    if root is not None:
        (root / SUBMISSIONS).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".draft-", dir=root and root / SUBMISSIONS) as draft:
        folder = Path(draft) / key / manifest.suite
        folder.mkdir(parents=True)
        for name in (*NEEDED[1:], TRAJECTORY, SEARCHED):
            if (run / name).is_file():
                shutil.copyfile(run / name, folder / name)
        if contamination is not None:
            shutil.copyfile(contamination, folder / CONTAMINATION)
        text = json.dumps(submission.model_dump(mode="json", exclude_none=True), indent=2, ensure_ascii=False)
        (folder / SUBMISSION).write_text(text + "\n", encoding="utf-8")
        yield assess(folder)


def install(draft: Assessed, root: Path, *, replace: bool = False) -> Path:
    """Move a draft without errors into its place below `root`, and return that.

    Raises SubmissionError where the draft was rejected, or where an entry lies there already and may not be replaced.
    """
    if draft.errors:
        raise SubmissionError(f"the submission was rejected: {draft.errors[0].message}")
    target = root / SUBMISSIONS / draft.folder.parent.name / draft.folder.name
    if target.exists() and not replace:
        raise SubmissionError(f"{target} is there already; --replace puts the new run in its place")
    target.parent.mkdir(parents=True, exist_ok=True)
    old = draft.folder.parent / "old"
    if target.exists():
        target.rename(old)
    draft.folder.rename(target)
    return target


def read_training(path: Path) -> list[object]:
    """The training sets that a JSON file declares: a list of {name, link, sha256}."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SubmissionError(f"{path} is not a JSON file ({error}); give a list of {{name, link, sha256}}") from None
    if not isinstance(found, list):
        raise SubmissionError(f"{path} must hold a list of {{name, link, sha256}}")
    return found
