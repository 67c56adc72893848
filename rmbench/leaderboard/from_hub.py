"""A Hub dataset as a listing at one commit, whose files are downloaded one by one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rmbench.errors import UsageError
from rmbench.leaderboard.sources import Listing

if TYPE_CHECKING:
    from huggingface_hub import HfApi

MOST_FILES = 1_000_000
SECONDS = 30.0
T = TypeVar("T")


def hub_listing(name: str, revision: str | None, work: Path) -> Listing:
    """The files of the dataset `name` (ORG/NAME) at `revision`, its main branch if None.

    Raises UsageError for one that does not exist or cannot be reached; so does its `fetch`.
    """
    from huggingface_hub import HfApi

    api = HfApi()
    commit = _asked(name, revision, lambda: api.dataset_info(name, revision=revision, timeout=SECONDS).sha)
    if not commit:
        raise UsageError(f"hub:{name} has no commit yet; push the submissions first")
    files = _asked(name, revision, lambda: _sizes(api, name, commit))

    def fetch(path: str, target: Path) -> None:
        # a folder of its own, and no cache: what was fetched is gone as soon as it was read
        with tempfile.TemporaryDirectory(dir=work) as draft:
            got = _asked(
                name,
                commit,
                lambda: api.hf_hub_download(name, path, repo_type="dataset", revision=commit, local_dir=draft),
            )
            Path(got).replace(target)

    return Listing(commit, files, fetch)


def _sizes(api: HfApi, name: str, commit: str) -> dict[str, int | None]:
    from huggingface_hub import RepoFile

    found: dict[str, int | None] = {}
    for entry in api.list_repo_tree(name, recursive=True, revision=commit, repo_type="dataset"):
        if isinstance(entry, RepoFile):
            found[entry.path] = entry.size
        if len(found) > MOST_FILES:
            raise UsageError(f"hub:{name} holds more than {MOST_FILES:,} files, more than any board")
    return found


def _asked(name: str, revision: str | None, ask: Callable[[], T]) -> T:
    """What the Hub answers; each of its many errors as one sentence."""
    from huggingface_hub import errors
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # of whatever library it speaks with

    try:
        return ask()
    except errors.OfflineModeIsEnabled:
        raise UsageError(
            f"hub:{name} needs the network, and HF_HUB_OFFLINE is set; unset it, or name a folder"
        ) from None
    except errors.RevisionNotFoundError:
        raise UsageError(f"hub:{name} has no revision {revision!r:.80}; give a branch, tag or commit of it") from None
    except errors.RepositoryNotFoundError:
        raise UsageError(f"the Hub has no dataset {name}, or it is not open to you; check ORG/NAME") from None
    except (HTTPError, OSError, ValueError) as error:
        why = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise UsageError(f"hub:{name} cannot be read: {why:.200}; try again") from None
