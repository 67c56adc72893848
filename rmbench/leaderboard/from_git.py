"""A git repository as a listing at one commit, whose files are read out of the object store one by one.

Nothing is ever checked out, so a repository's links, hooks, attributes, filters and submodules do nothing here; and git
runs without anybody's configuration, without asking for passwords, over https or from a file alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from rmbench.errors import UsageError
from rmbench.leaderboard.sources import Listing

MOST_BYTES = 20_000_000_000  # fetched: 5,000 submissions of 4 MB
MOST_LISTED = 256_000_000  # bytes of the list of files: a small repository can list more files than there are atoms
SECONDS = 1800.0
_KEPT = ("PATH", "TMPDIR", "SYSTEMROOT", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.symlinks": "false",
    "core.fsmonitor": "false",
    "credential.helper": "",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
}
_NO_REVISION = ("couldn't find remote ref", "not our ref", "unadvertised object", "no such remote ref")
_NO_REPOSITORY = ("not found", "does not appear to be a git repository", "could not read Username", "Authentication")
_NO_NETWORK = ("Could not resolve", "Failed to connect", "Couldn't connect", "timed out", "unreachable", "too slow")


@contextmanager
def git_listing(url: str, revision: str | None, work: Path) -> Iterator[Listing]:
    """The files of a repository at a branch, tag or full commit, its default branch if None.

    `url` is https://… or file:///…. Raises UsageError where git is missing, the repository or the revision does not
    exist, or more is sent than any board has.
    """
    git = _Git(url, work)
    git.run("init", "--quiet", "--bare", "--template=", str(git.store))
    git.run(
        *("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-commit-graph"),
        *("--", url, revision or "HEAD"),
        revision=revision,
    )
    commit = git.run("rev-parse", "--verify", "--end-of-options", "FETCH_HEAD^{commit}").decode().strip()
    objects, sizes = _parsed(git.run("ls-tree", "-r", "-z", "-l", "--full-tree", commit))
    with git.start("cat-file", "--batch") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asking, lock = (process.stdin, process.stdout), threading.Lock()

        def fetch(path: str, target: Path) -> None:
            with lock:
                _copy(*asking, objects[path], target)

        try:
            yield Listing(commit, sizes, fetch)
        finally:
            process.kill()


class _Git:
    """The git command on one private, bare repository."""

    def __init__(self, url: str, work: Path) -> None:
        self.url, self.work, self.store = url, work, work / "store"
        self.environment = {name: os.environ[name] for name in (*_KEPT, *_PROXIES) if name in os.environ} | {
            "HOME": str(work),
            "LC_ALL": "C",
            "GIT_ALLOW_PROTOCOL": url.partition(":")[0],
            "GIT_ASKPASS": "",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_DIR": str(self.store),
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def run(self, *arguments: str, revision: str | None = None) -> bytes:
        """What a command prints. Raises UsageError where it fails, takes too long or makes too much."""
        told, printed = self.work / "stderr", self.work / "stdout"
        with told.open("wb") as err, printed.open("wb") as out, self.start(*arguments, out=out, err=err) as process:
            self._watch(process, printed)
        if process.returncode:
            raise UsageError(_why(self.url, revision, told.read_bytes()[-4000:].decode("utf-8", "replace")))
        return printed.read_bytes()

    def start(
        self, *arguments: str, out: int | IO[bytes] = subprocess.PIPE, err: int | IO[bytes] = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        read = subprocess.PIPE if out == subprocess.PIPE else subprocess.DEVNULL
        try:
            return subprocess.Popen(  # noqa: S603 - no shell, and what strangers wrote is behind --
                ["git", *settings, *arguments],  # noqa: S607 - the user's own git
                stdin=read,
                stdout=out,
                stderr=err,
                env=self.environment,
                cwd=self.work,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise UsageError(f"{self.url:.200} needs the command git, which is not installed; name a folder") from None

    def _watch(self, process: subprocess.Popen[bytes], printed: Path) -> None:
        """Wait for a command, and end it with all that it started where it goes beyond what is allowed."""
        until = time.monotonic() + SECONDS
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.2)
            problem = None
            if printed.stat().st_size > MOST_LISTED:
                problem = "lists more files than any board has"
            elif _bytes_below(self.store) > MOST_BYTES:
                problem = f"holds more than {MOST_BYTES:,} bytes, more than any board"
            elif process.returncode is None and time.monotonic() > until:
                problem = f"took more than {SECONDS:.0f} seconds; try again"
            if problem:
                _end(process)
                raise UsageError(f"{self.url:.200} {problem}")
            if process.returncode is not None:
                return


def _end(process: subprocess.Popen[bytes]) -> None:
    """The whole session of a command that we started: its helpers for the transport, too."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _bytes_below(folder: Path) -> int:
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(where, name)).st_size  # noqa: PTH118 - called five times a second
            except FileNotFoundError:  # git renames its drafts
                continue
    return total


def _parsed(listed: bytes) -> tuple[Mapping[str, str], Mapping[str, int | None]]:
    """Object and size by path. Only a plain file (mode 100…) has a size."""
    objects: dict[str, str] = {}
    sizes: dict[str, int | None] = {}
    for line in listed.split(b"\0"):
        if line:
            about, _, path = line.partition(b"\t")
            mode, _, name, size = about.decode().split()
            shown = path.decode("utf-8", "surrogateescape")
            objects[shown] = name
            sizes[shown] = int(size) if mode.startswith("100") and size != "-" else None
    return objects, sizes


def _copy(ask: IO[bytes], answer: IO[bytes], name: str, target: Path) -> None:
    try:
        ask.write(f"{name}\n".encode())
        ask.flush()
        _, kind, size = answer.readline().decode().split()
        left = int(size)
    except (OSError, ValueError):
        raise UsageError(f"git does not give the object {name} any more; try again") from None
    assert kind == "blob"
    with target.open("xb") as file:
        while left:
            part = answer.read(min(left, 1 << 20))
            if not part:
                raise UsageError(f"git does not give the object {name} whole; try again")
            file.write(part)
            left -= len(part)
    answer.read(1)


def _why(url: str, revision: str | None, told: str) -> str:
    """What git complained of, as one sentence."""
    if any(part in told for part in _NO_REVISION):
        return f"{url:.200} has no revision {revision or 'HEAD'}; give a branch, a tag or a whole commit id"
    if any(part in told for part in _NO_NETWORK):
        return f"{url:.200} cannot be reached; check the network, or name a folder"
    if any(part in told for part in _NO_REPOSITORY):
        return f"there is no repository {url:.200}, or it is not open to everybody; check the address"
    lines: Sequence[str] = [line for line in told.splitlines() if line.strip()] or ["no reason given"]
    return f"{url:.200} cannot be read: {lines[0].strip():.200}"
