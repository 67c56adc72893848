"""Sources of submissions: folders, git repositories made here, and a Hub that is played. No network."""

import os
import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import errors

from rmbench.errors import UsageError
from rmbench.leaderboard import from_git, from_hub, sources
from rmbench.leaderboard.sources import open_source

GOOD = {"submission.json": "{}", "manifest.json": '{"a": 1}', "scores.parquet": "PAR1"}
MODELS = ("acme__alpha", "acme__beta", "zeta__gamma")
WIN = "no file names that are bytes, no links"


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def leaderboard(root, models=MODELS, suite="core@3"):
    """A folder with good submissions, a ledger and a published season."""
    write(root, {f"submissions/{m}/{suite}/{name}": f"{text} {m}" for m in models for name, text in GOOD.items()})
    return write(root, {"ledger.jsonl": "{}\n", "keys.json": "{}", "heldout/spring/card.json": "{}", "run.sh": "rm"})


def hostile(root):
    """What lies beside good submissions and must not stop them."""
    write(root, {"submissions/README.md": "hello", "submissions/.keep": "", "submissions/stray.txt": "x"})
    write(root, {"submissions/.draft-1/acme__alpha/core@3/manifest.json": "half"})
    write(root, {"submissions/No Good__x/core@3/manifest.json": "{}"})
    write(root, {"submissions/acme__alpha/nightly/manifest.json": "{}", "submissions/acme__alpha/notes.txt": "x"})
    (root / "submissions/linked__folder").symlink_to("/etc")
    (root / "submissions/acme__beta/quick@3").symlink_to("/etc")
    return root


HOSTILE = [
    ("No Good__x", "core@3", "name"),
    ("acme__alpha", "core@3", None),
    ("acme__alpha", "nightly", "name"),
    ("acme__alpha", "notes.txt", "layout"),
    ("acme__beta", "core@3", None),
    ("acme__beta", "quick@3", "layout"),
    ("linked__folder", "", "layout"),
    ("stray.txt", "", "layout"),
    ("zeta__gamma", "core@3", None),
]


def git(folder, *arguments):
    named = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", "-C", str(folder), *named, *arguments], check=True, capture_output=True, text=True, env=clean()
    )
    return done.stdout.strip()


def clean():
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    return kept | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def commit(root):
    if not (root / ".git").exists():
        git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "x")
    return git(root, "rev-parse", "HEAD")


class PlayedHub:
    """Stands for `HfApi`: a dataset that is a folder on this disk."""

    def __init__(self, root, sha="c" * 40):
        self.root, self.sha, self.asked, self.listed = root, sha, [], []
        self.fails = {}

    def __call__(self):
        return self

    def _maybe_fail(self, what):
        if what in self.fails:
            raise self.fails[what]

    def dataset_info(self, name, revision=None, timeout=None):
        self._maybe_fail("info")
        self.listed.append((name, revision))
        return SimpleNamespace(sha=self.sha)

    def list_repo_tree(self, name, *, recursive, revision, repo_type):
        from huggingface_hub import RepoFile
        from huggingface_hub.hf_api import RepoFolder

        self._maybe_fail("tree")
        assert (recursive, revision, repo_type) == (True, self.sha, "dataset")
        yield RepoFolder(path="submissions", oid="0")
        for path in sorted(self.root.rglob("*")):
            if path.is_file():
                size = path.stat().st_size
                yield RepoFile(path=str(path.relative_to(self.root)), size=size, oid="0")

    def hf_hub_download(self, name, path, *, repo_type, revision, local_dir):
        self._maybe_fail("download")
        assert (repo_type, revision) == ("dataset", self.sha)
        self.asked.append(path)
        target = Path(local_dir) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.root / path, target)
        write(Path(local_dir), {".cache/huggingface/note": "x"})
        return str(target)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    played = PlayedHub(leaderboard(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.HfApi", played)
    return played


@pytest.fixture(params=["folder", "git", "hub"])
def spec(request, tmp_path, monkeypatch):
    """One leaderboard behind each kind of source: its spec."""
    root = leaderboard(tmp_path / "board")
    if request.param == "git":
        commit(root)
        return f"git+file://{root}"
    if request.param == "hub":
        monkeypatch.setattr("huggingface_hub.HfApi", PlayedHub(root))
        return "hub:acme/board"
    return str(root)


def told(found):
    return [(c.key, c.suite, c.problem and c.problem.code) for c in found.submissions()]


def test_every_source_gives_the_same(spec):
    with open_source(spec) as found:
        assert found.name == spec
        assert (found.revision is None) == found.stays == (not spec.startswith(("git", "hub")))
        assert (found.root / "ledger.jsonl").read_text() == "{}\n"
        assert (found.root / "heldout/spring/card.json").read_text() == "{}"
        assert told(found) == [(m, "core@3", None) for m in MODELS]
        for candidate in found.submissions():
            with candidate.files() as folder:
                assert (folder.parent.name, folder.name) == (candidate.key, "core@3")
                read = {path.name: path.read_text() for path in folder.iterdir()}
                assert read == {name: f"{text} {candidate.key}" for name, text in GOOD.items()}
            assert folder.exists() == found.stays
        work = found.root
    assert work.exists() == found.stays


def test_one_submission_on_disk_at_a_time(spec):
    """What was fetched is gone before the next one comes, also where the reader breaks off."""
    if not spec.startswith(("git", "hub")):
        pytest.skip("a folder is there anyway")
    with open_source(spec) as found:
        work = found.root.parent
        for candidate in found.submissions():
            with suppress(ZeroDivisionError), candidate.files():
                assert len([*work.glob("*/*__*")]) == 1
                _ = 1 / 0
            assert not [*work.glob("*/*__*")]
        assert not (found.root / "run.sh").exists()
    assert not work.exists()


def test_sources_in_threads(spec):
    """Several candidates may be open at once, from several threads."""
    with open_source(spec) as found:
        read = {}

        def look(candidate):
            for _ in range(5):
                with candidate.files() as folder:
                    read[candidate.key] = (folder / "manifest.json").read_text()

        threads = [threading.Thread(target=look, args=(one,)) for one in found.submissions()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert read == {m: f"{GOOD['manifest.json']} {m}" for m in MODELS}


@pytest.mark.parametrize("kind", ["folder", "git"])
@pytest.mark.skipif(sys.platform == "win32", reason=WIN)
def test_bad_entries_are_told_of_and_stop_nothing(tmp_path, kind):
    root = hostile(leaderboard(tmp_path))
    name = str(root)
    if kind == "git":
        commit(root)
        name = f"git+file://{root}"
    with open_source(name) as found:
        assert told(found) == HOSTILE
        for candidate in found.submissions():
            if candidate.problem and candidate.problem.code == "layout":
                with pytest.raises(UsageError, match=r"no files|problem"), candidate.files():
                    pass
            elif candidate.problem is None:
                with candidate.files() as folder:
                    assert (folder / "manifest.json").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason=WIN)
@pytest.mark.parametrize("kind", ["folder", "git"])
def test_names_that_are_no_text(tmp_path, kind):
    root = leaderboard(tmp_path, MODELS[:1])
    folder = os.fsencode(root / "submissions") + b"/a__\xff\x1b[2J/core@3"
    write(Path(os.fsdecode(folder)), {"manifest.json": "{}"})
    if kind == "git":
        commit(root)
    with open_source(str(root) if kind == "folder" else f"git+file://{root}") as found:
        bad = next(c for c in found.submissions() if c.problem)
        assert bad.problem.code == "name"
        f"{bad.key} {bad.problem.message}".encode()
        assert "\x1b" not in bad.problem.message


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read(tmp_path):
    root = leaderboard(tmp_path)
    (root / "submissions/acme__beta").chmod(0)
    with open_source(str(root)) as found:
        assert [c for _, _, c in told(found)] == [None, "layout", None]
    (root / "submissions/acme__beta").chmod(0o755)


def test_the_board_may_lie_in_leaderboard(tmp_path, monkeypatch):
    leaderboard(tmp_path / "leaderboard", MODELS[:1])
    write(tmp_path, {"setup.py": "boom", "ledger.jsonl": "not this one"})
    commit(tmp_path)
    monkeypatch.setattr("huggingface_hub.HfApi", PlayedHub(tmp_path))
    for spec in (str(tmp_path), f"git+file://{tmp_path}", "hub:acme/board"):
        with open_source(spec) as found:
            assert told(found) == [(MODELS[0], "core@3", None)]
            assert (found.root / "ledger.jsonl").read_text() == "{}\n"


@pytest.mark.parametrize("kind", ["git", "hub"])
@pytest.mark.parametrize(
    ("name", "size", "code"),
    [("evil.sh", 1, "layout"), ("deep/er/x.json", 1, "layout"), ("submission.json", 64_001, "size")],
)
def test_names_and_sizes_are_judged_before_anything_is_fetched(tmp_path, monkeypatch, kind, name, size, code):  # noqa: PLR0917
    root = leaderboard(tmp_path, MODELS[:2])
    write(root, {f"submissions/acme__alpha/core@3/{name}": "x" * size})
    commit(root)
    played = PlayedHub(root)
    monkeypatch.setattr("huggingface_hub.HfApi", played)
    if kind == "hub":
        shutil.rmtree(root / ".git")
    with open_source("hub:acme/board" if kind == "hub" else f"git+file://{root}") as found:
        bad, good = found.submissions()
        assert (bad.problem.code, good.problem) == (code, None)
        assert name in bad.problem.where
        with good.files():
            pass
    assert not [path for path in played.asked if "alpha" in path]


# --- git


def test_revisions(tmp_path):
    first = commit(leaderboard(tmp_path, MODELS[:1]))
    git(tmp_path, "tag", "-a", "-m", "x", "v1.0")
    second = commit(leaderboard(tmp_path))
    git(tmp_path, "branch", "season/two")
    spec = f"git+file://{tmp_path}"
    for name, sha in ((f"@{first}", first), ("@v1.0", first), ("@season/two", second), ("", second)):
        with open_source(spec + name) as found:
            assert found.revision == sha
            assert len([*found.submissions()]) == (1 if sha == first else 3)
    for name in ("nope", "0" * 40, first[:9]):
        with pytest.raises(UsageError, match=f"has no revision {name}; give a branch"), open_source(f"{spec}@{name}"):
            pass


@pytest.mark.skipif(sys.platform == "win32", reason=WIN)
def test_links_and_submodules_of_a_repository_are_never_followed(tmp_path):
    root = leaderboard(tmp_path / "board", MODELS[:2])
    secret = tmp_path / "secret"
    secret.write_text("do not read")
    scores = root / "submissions/acme__alpha/core@3/scores.parquet"
    scores.unlink()
    scores.symlink_to(secret)
    (root / "keys.json").unlink()
    (root / "keys.json").symlink_to(secret)
    (root / "heldout/spring/more").symlink_to(tmp_path)
    sha = commit(root)
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{sha},submissions/sub__module")
    git(root, "commit", "-q", "-m", "module")
    with open_source(f"git+file://{root}") as found:
        assert told(found) == [
            ("acme__alpha", "core@3", "layout"),
            ("acme__beta", "core@3", None),
            ("sub__module", "", "layout"),
        ]
        with pytest.raises(UsageError), next(found.submissions()).files():
            pass
        assert not (found.root / "keys.json").exists()
        assert not (found.root / "heldout/spring/more").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="hooks are shell scripts")
def test_a_repository_runs_nothing(tmp_path, monkeypatch):
    """Neither its hooks, attributes and filters, nor the settings of whoever builds the board."""
    root = leaderboard(tmp_path / "board", MODELS[:1])
    mark = tmp_path / "ran"
    touch = f"#!/bin/sh\ntouch {mark}\n"
    write(root, {".gitattributes": "* filter=evil\n"})
    commit(root)
    for hook in ("post-checkout", "post-merge", "reference-transaction", "post-index-change"):
        write(tmp_path / "hooks", {hook: touch})
        (tmp_path / "hooks" / hook).chmod(0o755)
    evil = write(tmp_path, {"evil": touch}) / "evil"
    evil.chmod(0o755)
    git(root, "config", "uploadpack.packObjectsHook", str(evil))
    hook = f"[uploadpack]\npackObjectsHook = {evil}\n[core]\nfsmonitor = {evil}\nhooksPath = {tmp_path}/hooks\n"
    configured = write(tmp_path, {"home/.gitconfig": f'{hook}[filter "evil"]\nsmudge = {evil}\nprocess = {evil}\n'})
    monkeypatch.setenv("HOME", str(configured / "home"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.hooksPath")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(tmp_path / "hooks"))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    with open_source(f"git+file://{root}") as found, next(found.submissions()).files() as folder:
        assert (folder / "manifest.json").read_text().startswith('{"a"')
    assert not mark.exists()


def test_a_repository_that_is_too_large(tmp_path, monkeypatch):
    root = leaderboard(tmp_path)
    commit(root)
    monkeypatch.setattr(from_git, "MOST_LISTED", 100)
    with pytest.raises(UsageError, match="lists more files than any board"), open_source(f"git+file://{root}"):
        pass
    monkeypatch.setattr(from_git, "MOST_BYTES", 100)
    with pytest.raises(UsageError, match="holds more than 100 bytes"), open_source(f"git+file://{root}"):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for git")
def test_git_that_hangs_is_ended_with_its_children(tmp_path, monkeypatch):
    hangs = f"/bin/sleep 61 &\necho $! > {tmp_path}/child\nwait\n"
    write(tmp_path, {"git": f'#!/bin/sh\ncase "$*" in *init*) exec /bin/mkdir -p store;; esac\n{hangs}'})
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(from_git, "SECONDS", 0.5)
    with (
        pytest.raises(UsageError, match="took more than 0 seconds"),
        open_source("git+file:///x"),
    ):
        pass
    child = int((tmp_path / "child").read_text())
    state = Path(f"/proc/{child}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


def test_git_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="needs the command git, which is not installed"), open_source("git+file:///x"):
        pass


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("fatal: couldn't find remote ref v9", "has no revision v9"),
        ("fatal: unable to access 'https://h/x/': Could not resolve host: h", "cannot be reached"),
        ("fatal: unable to access 'https://h/x/': Operation too slow", "cannot be reached"),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", "is not open to everybody"),
        ("fatal: repository 'https://h/x/' not found", "there is no repository"),
        ("\nfatal: something new\nmore", "cannot be read: fatal: something new"),
        ("", "cannot be read: no reason given"),
    ],
)
def test_what_git_complains_of(said, means):
    sentence = from_git._why("https://h/x", "v9", said)
    assert means in sentence
    assert "\n" not in sentence


# --- the Hub


def test_the_hub_is_read_at_one_commit(hub):
    with open_source("hub:acme/board@v2") as found:
        assert hub.listed == [("acme/board", "v2")]
        assert found.revision == hub.sha
        before = len(hub.asked)
        [*found.submissions()]
        assert len(hub.asked) == before == 3  # ledger, keys and held-out card: nothing of a submission yet
        with next(found.submissions()).files():
            pass
        assert sorted(hub.asked[before:]) == [f"submissions/acme__alpha/core@3/{name}" for name in sorted(GOOD)]


def response(error):
    """One of the Hub's answers to a question that it refuses."""
    return error("no\nstack", response=SimpleNamespace(headers={}, request=None))


@pytest.mark.parametrize("step", ["info", "tree"])
@pytest.mark.parametrize(
    ("error", "means"),
    [
        (errors.OfflineModeIsEnabled("offline"), "HF_HUB_OFFLINE is set"),
        (errors.HFValidationError("bad name"), "cannot be read: bad name"),
        (ConnectionError("reset\nby peer"), "cannot be read: reset; try again"),
        (TimeoutError(), "cannot be read: TimeoutError"),
        (errors.HTTPError("no route"), "cannot be read: no route"),
    ],
)
def test_what_the_hub_complains_of(hub, step, error, means):
    hub.fails[step] = error
    with pytest.raises(UsageError, match=means), open_source("hub:acme/board@v9"):
        pass


@pytest.mark.parametrize(
    ("error", "means"),
    [
        (errors.RevisionNotFoundError, "has no revision 'v9'; give a branch"),
        (errors.RepositoryNotFoundError, "the Hub has no dataset acme/board"),
        (errors.GatedRepoError, "the Hub has no dataset acme/board, or it is not open to you"),
        (errors.HfHubHTTPError, "cannot be read: no; try again"),
    ],
)
def test_what_the_hub_does_not_have(hub, error, means):
    hub.fails["info"] = response(error)
    with pytest.raises(UsageError, match=means), open_source("hub:acme/board@v9"):
        pass


def test_a_network_that_breaks_down_is_no_fault_of_a_submission(hub):
    with open_source("hub:acme/board") as found:
        candidate = next(found.submissions())
        hub.fails["download"] = ConnectionError("reset by peer")
        with pytest.raises(UsageError, match="reset by peer"), candidate.files():
            pass
        del hub.fails["download"]
        (hub.root / "submissions/acme__alpha/core@3/manifest.json").write_text("longer than what was listed")
        with pytest.raises(UsageError, match="did not come whole"), candidate.files():
            pass


def test_offline_for_real(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="HF_HUB_OFFLINE is set"), open_source("hub:acme/board"):
        pass


def test_a_dataset_that_is_empty_or_too_large(hub, monkeypatch):
    monkeypatch.setattr(from_hub, "MOST_FILES", 5)
    with pytest.raises(UsageError, match="more than 5 files"), open_source("hub:acme/board"):
        pass
    hub.sha = None
    with pytest.raises(UsageError, match="no commit yet"), open_source("hub:acme/board"):
        pass


def test_bounds_of_what_lies_beside(hub, monkeypatch):
    monkeypatch.setitem(sources.BESIDE, "ledger.jsonl", 2)
    with pytest.raises(UsageError, match=r"ledger.jsonl has 3 bytes, more than the 2"), open_source("hub:acme/board"):
        pass
    monkeypatch.setitem(sources.BESIDE, "ledger.jsonl", 3)
    monkeypatch.setattr(sources, "HELDOUT_TOTAL", 3)
    with pytest.raises(UsageError, match="heldout/ has more than 3 bytes"), open_source("hub:acme/board"):
        pass
    assert hub.asked == []


@pytest.mark.parametrize(
    "path",
    ["heldout/../x", "heldout/.hidden", "heldout/a/b/c/d/e", "heldout", "heldout//x", "heldout/a b", "Heldout/a"],
)
def test_unsafe_names_of_held_out_files(path):
    assert sources.HELDOUT.fullmatch(path) is None
    assert sources.HELDOUT.fullmatch("heldout/2027-spring/scores.jsonl")


# --- what names no source


@pytest.mark.parametrize(
    ("spec", "means"),
    [
        ("--upload-pack=evil", "begins with a dash"),
        ("nowhere", "is no folder; name the folder that holds submissions/"),
        ("git+ssh://git@h/x", "write git\\+https://HOST"),
        ("git+https://me:secret@h/x@main", "without user or password"),
        ("git+https://me:secret@h/x", "without user or password"),
        ("git+https://-h/x", "write git\\+https://HOST"),
        ("git+https://h", "write git\\+https://HOST"),
        ("git+http://h/x", "write git\\+https://HOST"),
        ("git+ext::sh -c evil", "write git\\+https://HOST"),
        ("git+file://h/x", "write git\\+https://HOST"),
        ("git+https://h/x@--upload-pack=evil", "is not a branch, tag or commit"),
        ("git+https://h/x@main:refs/heads/evil", "is not a branch, tag or commit"),
        ("git+https://h/x@a..b", "is not a branch, tag or commit"),
        ("git+https://h/x@", "is not a branch, tag or commit"),
        ("git+https://h/x y", "write git\\+https://HOST"),
        ("hub:board", "write hub:ORG/NAME"),
        ("hub:../x", "write hub:ORG/NAME"),
        ("hub:a/b/c", "write hub:ORG/NAME"),
        ("hub:a/b@-x", "is not a branch, tag or commit"),
    ],
)
def test_what_is_no_source(spec, means, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=means) as caught, open_source(spec):
        pass
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_folders_without_submissions(tmp_path):
    for name in (str(tmp_path), f"git+file://{tmp_path}"):
        write(tmp_path, {"README.md": "x"})
        commit(tmp_path)
        with pytest.raises(UsageError, match="has no folder submissions/"), open_source(name):
            pass
    outside = leaderboard(tmp_path / "outside")
    (tmp_path / "board").mkdir()
    (tmp_path / "board/submissions").symlink_to(outside / "submissions")
    (tmp_path / "board/leaderboard").symlink_to(outside)
    with pytest.raises(UsageError, match="has no folder submissions/"), open_source(str(tmp_path / "board")):
        pass
