"""The whole path on the command line, on a small suite: run, submit, verify, accept, spot-check, build, withdraw."""

import json
import shutil
from html.parser import HTMLParser

import pytest

from rmbench import task as tasks
from rmbench.ledger import KEY, read_ledger

SUITE = """
name: mini
version: 1
title: for this test
tasks: [domain, known_probability, pool_transforms]
groups: {domain: 40, known_probability: 40, pool_transforms: 8}
candidates: 64
queries: {policy_gradient: 512, search: 768}
"""


@pytest.fixture(autouse=True)
def suite(tmp_path, monkeypatch):
    """A suite that is found as the shipped ones are, the only one besides them that is named below."""
    path = tmp_path / "mini.yaml"
    path.write_text(SUITE)
    monkeypatch.setattr(tasks, "_suite_files", lambda: {"mini": path})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs, made by the command once."""
    import rmbench

    where = tmp_path_factory.mktemp("runs")
    path = where / "mini.yaml"
    path.write_text(SUITE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "_suite_files", lambda: {"mini": path})
        for model in ("length", "constant"):
            rmbench.run(model, suite="mini", out=where / model, store=False)
    return where


def submit(rmbench, runs, model, *more):
    return rmbench("submit", runs / model, "--as", f"lab/{model}", *more)


class Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found |= {value for name, value in attrs if name in ("href", "src") and value}


def test_the_whole_path(rmbench, runs, tmp_path, monkeypatch):
    (tmp_path / "none.json").write_text("[]")
    code, out, err = submit(rmbench, runs, "length", "--training-data", "none.json", "--dry-run")
    assert (code, err) == (0, "")
    assert "lab__length mini@1  clean  generalisation" in out
    assert "nothing was written" in out
    assert not (tmp_path / "leaderboard").exists()

    for model in ("length", "constant"):
        code, out, _ = submit(rmbench, runs, model, "--training-data", "none.json", "--licence", "CC0-1.0")
        assert code == 0
    folder = tmp_path / "leaderboard" / "submissions" / "lab__length" / "mini@1"
    assert {path.name for path in folder.iterdir()} == {
        "submission.json",
        "manifest.json",
        "scores.parquet",
        "trajectory.parquet",
        "attempts.parquet",
    }
    code, out, err = submit(rmbench, runs, "length")
    assert (code, "is there already; --replace" in err) == (2, True)

    code, out, _ = rmbench("leaderboard", "verify")
    assert code == 0
    assert "2 submissions: 2 clean, 0 with warnings, 0 rejected; ledger of 0 lines: holds" in out
    code, out, _ = rmbench("leaderboard", "accept", folder, folder.parent.parent / "lab__constant" / "mini@1")
    assert (code, out.count(" added, overall ")) == (0, 2)

    code, out, _ = rmbench("leaderboard", "keygen", "ann")
    assert code == 0
    secret = out.split(f"{KEY}=")[1].split()[0]
    public = out.split('"ann": "')[1].split('"')[0]
    monkeypatch.setenv(KEY, secret)
    (tmp_path / "leaderboard" / "keys.json").write_text(json.dumps({"ann": public}))
    code, out, _ = rmbench("leaderboard", "spot-check", folder, "--model", "length")
    assert (code, "line 3 of the ledger, signed by ann" in out) == (0, True)
    code, out, _ = rmbench("leaderboard", "spot-check", folder, "--model", "random", "--items", 6)
    assert (code, "it does NOT agree" in out) == (1, True)
    code, out, _ = rmbench("leaderboard", "spot-check", folder, "--rerun", runs / "length")
    assert (code, len(read_ledger(tmp_path / "leaderboard" / "ledger.jsonl"))) == (0, 4)

    code, out, _ = rmbench("leaderboard", "build", "--out", "site", "--readme", "board.md")
    assert code == 0
    assert "mini@1: 2 ranked, 0 partial, 0 not on the board" in out
    assert "lab/length" in (tmp_path / "board.md").read_text().replace("\\", "")
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) == 4  # the table, the comparison, and one of each entry
    for page in pages:
        for link in Links(page.read_text()).found:
            place = link.partition("#")[0]
            assert not place or place.startswith("https://") or (page.parent / place).exists(), (page, link)
    told = (tmp_path / "site" / "mini-1" / "lab__length" / "index.html").read_text()
    assert "re-run" in told

    code, out, _ = rmbench("leaderboard", "withdraw", "lab__length", "mini@1", "--reason", "a better one comes")
    assert (code, "withdrawn; its folder may now be deleted" in out) == (0, True)
    code, out, _ = rmbench("leaderboard", "build", "--out", "site", "--no-pages")
    assert "1 ranked, 0 partial, 1 not on the board" in out
    assert "a better one comes" in out


def test_exit_codes(rmbench, runs, tmp_path):
    assert submit(rmbench, runs, "constant")[0] == 0  # nothing declared: a warning
    assert rmbench("leaderboard", "verify")[0] == 2
    folder = tmp_path / "leaderboard" / "submissions" / "lab__constant" / "mini@1"
    code, out, _ = rmbench("leaderboard", "verify", folder, "--format", "json")
    assert code == 2
    (told,) = json.loads(out)["submissions"]
    assert (told["status"], told["problems"][0]["code"], told["skills"]["overall"]) == ("warnings", "undeclared", 0.0)
    (folder / "scores.parquet").unlink()
    code, out, _ = rmbench("leaderboard", "verify", "--format", "json")
    assert (code, json.loads(out)["submissions"][0]["status"]) == (1, "rejected")
    (tmp_path / "leaderboard" / "ledger.jsonl").write_text('{"number": 1')
    code, out, _ = rmbench("leaderboard", "verify", "--format", "github", folder)
    assert (code, out.count("::error")) == (1, 2)
    shutil.rmtree(tmp_path / "leaderboard")
    code, _, err = rmbench("leaderboard", "verify")
    assert (code, err.count("\n")) == (3, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--as", "length"], "give ORG/MODEL"),
        (["--as", "My Lab/length"], "try my-lab/length"),
        (["--as", "lab/length", "--link", "javascript:alert(1)"], "link:"),
        (["--as", "lab/length", "--price", "-1"], "price:"),
        (["--as", "lab/length", "--training-data", "nowhere.json"], "nowhere.json is not a JSON file"),
        (["--as", "lab/length", "--training-data", "bad.json"], "must hold a list"),
    ],
)
def test_bad_input_is_one_sentence(rmbench, runs, tmp_path, arguments, message):
    (tmp_path / "bad.json").write_text("{}")
    code, out, err = rmbench("submit", runs / "length", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert not (tmp_path / "leaderboard").exists()


def test_a_run_of_chosen_tasks_is_no_submission(rmbench, tmp_path):
    assert rmbench("run", "length", "--task", "domain", "--limit", 3, "--out", "part")[0] == 0
    code, _, err = rmbench("submit", "part", "--as", "lab/length")
    assert (code, "ran chosen tasks and no suite" in err) == (2, True)
    code, _, err = rmbench("submit", tmp_path, "--as", "lab/length")
    assert (code, err.count("\n")) == (2, 1)


def test_a_limited_run_is_rejected_and_leaves_nothing(rmbench, tmp_path):
    assert rmbench("run", "constant", "--suite", "mini", "--limit", 2, "--out", "part")[0] == 0
    code, out, _ = rmbench("submit", "part", "--as", "lab/constant")
    assert code == 1
    assert "run it without --limit" in out
    assert [*(tmp_path / "leaderboard" / "submissions").iterdir()] == []
