"""Where submissions come from: a folder, a git repository or a Hub dataset; one submission at a time.

    PATH                      a folder, such as a checkout
    git+https://…[@REV]       a repository at a branch, tag or commit; git+file:///… for one on this disk
    hub:ORG/NAME[@REV]        a dataset on the Hugging Face Hub

Nothing is unpacked that a submission does not have: of a repository or a dataset only the listing at one commit is
taken, names and sizes are judged there, and then the plain files of one submission at a time are written into a private
folder and removed again. So disk and memory stay bounded however many there are.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from rmbench.bounded import plain_folder
from rmbench.errors import UsageError
from rmbench.leaderboard.layout import LARGEST
from rmbench.leaderboard.names import is_suite, split_key
from rmbench.leaderboard.types import Problem

SUBMISSIONS = "submissions"
BASES = ("", "leaderboard/")  # where submissions/ may lie: at the top, or as in the repository of rmbench
IGNORED = ("README.md",)
# What a board needs beside the submissions, with the most bytes of it
BESIDE = {"ledger.jsonl": 256_000_000, "keys.json": 1_000_000}
HELDOUT = re.compile(r"heldout(?:/[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*){1,4}")
HELDOUT_LARGEST, HELDOUT_TOTAL = 64_000_000, 1_000_000_000
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_HUB = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_GIT = re.compile(
    r"(?P<server>https://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?|file://)(?P<path>/[^\s\x00-\x1f\x7f]+)"
)
Fetch = Callable[[str, Path], None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What lies where a submission should: not yet read. `key` and `suite` are the names of its folders, as they are.

    `problem` says why there is nothing to read. Otherwise `files()` gives the folder `<key>/<suite>` for the length of
    a `with` block; what a source had to fetch for it is removed after. It raises UsageError where the source fails, so
    a network that breaks down never makes a submission look bad.
    """

    key: str
    suite: str
    files: Callable[[], AbstractContextManager[Path]]
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """An open source. `root` is a local folder with its ledger.jsonl, keys.json and heldout/, as far as it has them.

    `revision` is the commit that was read, None for a folder. `stays`: the files of its candidates lie on this disk
    anyway, and outlive the `with` block.
    """

    name: str
    revision: str | None
    root: Path
    stays: bool
    submissions: Callable[[], Iterator[Candidate]]


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a repository at one commit: bytes by path, None for what is no plain file (a link, a submodule).

    `fetch` writes one of them to a path where nothing is.
    """

    revision: str
    files: Mapping[str, int | None]
    fetch: Fetch


@contextmanager
def open_source(spec: str) -> Iterator[Source]:
    """The source that a text names, open for a `with` block; candidates come sorted by name.

    Raises UsageError for a text that names none, and for a repository that does not exist, cannot be reached or is too
    large.
    """
    if spec.startswith("-"):
        raise UsageError(f"{spec!r:.80} begins with a dash, so it reads as an option; write ./{spec[:40]} for a folder")
    with ExitStack() as stack:
        if spec.startswith(("git+", "hub:")):
            work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rmbench-board-")))
            yield _listed(spec, stack.enter_context(_listing(spec, work)), work)
        else:
            yield _folder(spec)


def _listing(spec: str, work: Path) -> AbstractContextManager[Listing]:
    from rmbench.leaderboard.from_git import git_listing
    from rmbench.leaderboard.from_hub import hub_listing

    if spec.startswith("hub:"):
        name, revision = _revision(spec.removeprefix("hub:"))
        if not _HUB.fullmatch(name):
            raise UsageError(f"{name!r:.80} is no dataset of the Hub; write hub:ORG/NAME or hub:ORG/NAME@REV")
        return nullcontext(hub_listing(name, revision, work))
    found = _GIT.fullmatch(spec.removeprefix("git+"))
    if found is None:  # the text is not repeated: it may hold a password
        raise UsageError("write git+https://HOST/REPOSITORY@REV or git+file:///PATH@REV, without user or password")
    path, revision = _revision(found["path"])
    return git_listing(found["server"] + path, revision, work)


def _revision(text: str) -> tuple[str, str | None]:
    """A text without its @REV, and that."""
    place, at, revision = text.partition("@")
    if at and (not _REVISION.fullmatch(revision) or ".." in revision):
        raise UsageError(f"the revision {revision!r:.80} is not a branch, tag or commit; write …@REV")
    return place, revision or None


def _folder(spec: str) -> Source:
    base = Path(spec).expanduser()
    roots = [base / part for part in BASES if not part or plain_folder(base / part)]
    root = next((root for root in roots if plain_folder(root / SUBMISSIONS)), None)
    if root is None:
        told = "has no folder submissions/" if base.is_dir() else "is no folder"
        raise UsageError(f"{spec:.200} {told}; name the folder that holds submissions/, git+https://… or hub:ORG/NAME")
    return Source(spec, None, root, True, lambda: _walk(root / SUBMISSIONS))


def _walk(submissions: Path) -> Iterator[Candidate]:
    """What lies two levels below a folder on this disk; links are told of and not followed."""
    for entry in _children(submissions):
        key = entry.name
        if _ignored(key, alone=not plain_folder(entry)):
            continue
        try:
            inside: list[Path | None] = [*(_children(entry) if plain_folder(entry) else ())] or [None]
        except OSError as error:
            yield _unread(key, "", f"it cannot be read ({error.strerror})")
            continue
        for path in inside:
            suite = "" if path is None else path.name
            if path is not None and plain_folder(path):
                problem = _name_problem(key, suite)
                yield Candidate(_shown(key), _shown(suite), _given(path), problem)
            else:
                yield _unread(key, suite)


def _given(path: Path) -> Callable[[], AbstractContextManager[Path]]:
    return lambda: nullcontext(path)


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=lambda path: path.name)


def _listed(spec: str, listing: Listing, work: Path) -> Source:
    base = next((part for part in BASES if any(path.startswith(f"{part}{SUBMISSIONS}/") for path in listing.files)), "")
    ours = {path.removeprefix(base): size for path, size in listing.files.items() if path.startswith(base)}
    if not any(path.startswith(f"{SUBMISSIONS}/") for path in ours):
        raise UsageError(f"{spec:.200} has no folder submissions/ at {listing.revision[:12]}; is it a leaderboard?")

    def fetch(path: str, target: Path) -> None:
        listing.fetch(base + path, target)
        if target.stat().st_size != ours[path]:
            raise UsageError(f"{spec:.200}: {path} did not come whole; try again")

    root = work / "root"
    root.mkdir()
    for path in _beside(spec, ours):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        fetch(path, root / path)
    return Source(spec, listing.revision, root, False, lambda: _candidates(ours, fetch, work))


def _beside(spec: str, files: Mapping[str, int | None]) -> list[str]:
    """The ledger, the keys and what is published of held-out tasks. Raises UsageError for what is too large."""
    wanted = {path: most for path, most in BESIDE.items() if files.get(path) is not None}
    wanted |= {p: HELDOUT_LARGEST for p, size in files.items() if size is not None and HELDOUT.fullmatch(p)}
    sizes = {path: files[path] or 0 for path in wanted}
    for path, most in wanted.items():
        if sizes[path] > most:
            raise UsageError(f"{spec:.200}: {path} has {sizes[path]:,} bytes, more than the {most:,} of any board")
    if sum(sizes.values()) > HELDOUT_TOTAL:
        raise UsageError(f"{spec:.200}: heldout/ has more than {HELDOUT_TOTAL:,} bytes, more than any board")
    return sorted(wanted)


def _candidates(files: Mapping[str, int | None], fetch: Fetch, work: Path) -> Iterator[Candidate]:
    """The submissions of a listing. What is wrong with names, kinds or sizes is told without fetching anything."""
    found: dict[tuple[str, str], dict[str, int | None]] = {}
    for path, size in files.items():
        top, *below = path.split("/", 3)
        if top == SUBMISSIONS and below and not _ignored(below[0], alone=len(below) == 1):
            key, suite, name = (*below, "", "")[:3]
            found.setdefault((key, suite), {})[name] = size
    for (key, suite), parts in sorted(found.items()):
        if "" in parts:
            yield _unread(key, suite)
        else:
            problem = _name_problem(key, suite) or _file_problem(parts)
            yield Candidate(_shown(key), _shown(suite), _fetched(key, suite, tuple(parts), fetch, work), problem)


def _fetched(
    key: str, suite: str, names: tuple[str, ...], fetch: Fetch, work: Path
) -> Callable[[], AbstractContextManager[Path]]:
    @contextmanager
    def files() -> Iterator[Path]:
        if _name_problem(key, suite) or any(name not in LARGEST for name in names):
            raise UsageError(f"{key!r:.80} has a problem and no files that could be fetched")
        with tempfile.TemporaryDirectory(dir=work) as draft:
            folder = Path(draft) / key / suite
            folder.mkdir(parents=True)
            for name in names:
                fetch(f"{SUBMISSIONS}/{key}/{suite}/{name}", folder / name)
            yield folder

    return files


def _name_problem(key: str, suite: str) -> Problem | None:
    for name, safe, told in (
        (key, split_key(key) is not None, "<org>__<model>, in a-z, 0-9, dot, dash and underscore"),
        (suite, is_suite(suite), "<suite>@<version>: core@3"),
    ):
        if not safe:
            return Problem("name", "folder", f"the folder is called {_shown(name)!r:.80}; call it {told}")
    return None


def _file_problem(files: Mapping[str, int | None]) -> Problem | None:
    for name, size in sorted(files.items()):
        if name not in LARGEST:
            told = f"a file that no submission has; it may hold {', '.join(LARGEST)}, and no folder"
            return Problem("layout", f"{_shown(name)!r:.80}", told)
        if size is None:
            return Problem("layout", name, "it is not a plain file (a link, perhaps); put the file itself there")
        if size > LARGEST[name]:
            return Problem("size", name, f"{size:,} bytes, more than the {LARGEST[name]:,} that any suite needs")
    return None


def _unread(key: str, suite: str, told: str = "this is something else (empty, a file, a link)") -> Candidate:
    problem = Problem("layout", "folder", f"a submission is a folder <org>__<model>/<suite@version>; {told}")

    def files() -> AbstractContextManager[Path]:
        raise UsageError(f"{key!r:.80} is no submission and has no files")

    return Candidate(_shown(key), _shown(suite), files, problem)


def _ignored(name: str, *, alone: bool) -> bool:
    """Hidden files and folders (a draft that is being packed), and a readme, which is a file `alone`."""
    return name.startswith(".") or (alone and name in IGNORED)


def _shown(name: str) -> str:
    """A name that can be printed: a file's name may be bytes that are no text."""
    return name.encode("utf-8", "backslashreplace").decode()
