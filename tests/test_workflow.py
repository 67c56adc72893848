"""The workflow that checks pull requests: what it may do, and its steps carried out on a repository of our own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from submitted import submit

HERE = Path(__file__).parent
FILE = HERE.parent / ".github" / "workflows" / "submission.yml"
STEPS = {step["name"]: step for step in yaml.safe_load(FILE.read_text())["jobs"]["verify"]["steps"]}
TOOL = f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(HERE)!r})
import submitted
import rmbench.leaderboard.standard
rmbench.leaderboard.standard.Standards = submitted.mini_standards
from rmbench.cli import main
main()
"""


def test_it_can_only_read_and_names_no_secret():
    raw = yaml.safe_load(FILE.read_text())
    assert raw["permissions"] == {"contents": "read"}
    assert "secrets" not in FILE.read_text().replace("No secret is named", "")
    (job,) = raw["jobs"].values()
    assert "permissions" not in job
    assert not [step for step in job["steps"] if "uses" in step]


def test_no_text_of_a_stranger_goes_into_a_script():
    for step in STEPS.values():
        assert "${{" not in step["run"]
    told = FILE.read_text()
    found = {part.partition("}}")[0].strip() for part in told.split("${{")[1:]}
    event = "github.event.pull_request"
    assert found == {f"{event}.number", f"{event}.head.sha", f"{event}.base.sha"}


def test_nothing_of_the_pull_request_is_installed_or_run():
    assert "pull" not in STEPS["the code of the base branch"]["run"].replace("git clone", "")
    for name, step in STEPS.items():
        if name != "the code of the base branch":
            assert "pip" not in step["run"]
            assert step.get("working-directory") in (None, "base")


def git(where, *arguments):
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *arguments], cwd=where, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def forge(tmp_path):
    """A forge with one repository, and a clone in which a pull request is made."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    work = tmp_path / "work"
    (work / "leaderboard" / "submissions").mkdir(parents=True)
    (work / "leaderboard" / "README.md").write_text("the board\n")
    git(work, "init", "-q", "-b", "main")
    git(work, "add", ".")
    git(work, "commit", "-qm", "base")
    return tmp_path


def checked(forge, change):
    """The exit status and output of the workflow's steps on a pull request that makes this change."""
    work, bare = forge / "work", forge / "github.com" / "org" / "repo"
    base = git(work, "rev-parse", "HEAD")
    change(work)
    git(work, "add", "-A")
    git(work, "commit", "-qm", "submission")
    git(forge, "clone", "-q", "--bare", str(work), str(bare))
    git(bare, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(bare, "update-ref", "refs/pull/7/head", "HEAD")
    runner = forge / "runner"
    (runner / "venv" / "bin").mkdir(parents=True)
    (runner / "venv" / "bin" / "rmbench").write_text(TOOL)
    (runner / "venv" / "bin" / "rmbench").chmod(0o755)
    environment = os.environ | {
        "GITHUB_REPOSITORY": "org/repo",
        "NUMBER": "7",
        "HEAD": git(bare, "rev-parse", "HEAD"),
        "BASE": base,
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"url.file://{forge}/github.com/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
        "GIT_CONFIG_KEY_1": "protocol.file.allow",
        "GIT_CONFIG_VALUE_1": "always",
    }
    for step in STEPS.values():
        lines = [line for line in step["run"].splitlines() if "venv/bin/pip" not in line and "-m venv" not in line]
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", "\n".join(lines)],
            cwd=runner / step.get("working-directory", "."),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            return done.returncode, done.stdout + done.stderr
    return 0, done.stdout


def test_an_honest_submission_passes(forge):
    code, said = checked(forge, lambda work: submit(work / "leaderboard"))
    assert (code, said.count("::warning")) == (0, 1), said
    assert "training_data is not declared" in said


def test_a_spoilt_one_fails_and_says_where(forge):
    def spoil(work):
        (submit(work / "leaderboard") / "scores.parquet").write_bytes(b"PAR1")

    code, said = checked(forge, spoil)
    assert code == 1
    assert "::error title=lab__length/mini@1%3A parquet::scores.parquet: not readable as parquet" in said


@pytest.mark.parametrize(
    "path",
    [
        "leaderboard/ledger.jsonl",
        "rmbench/cli.py",
        ".github/workflows/submission.yml",
        "leaderboard/submissions/x",
        "leaderboard/submissions/a__b/mini@1/deep/x.json",
        "leaderboard/submissions/a__b/mini@1/::error::x.json",
        "leaderboard/submissions/a b/mini@1/x.json",
        "leaderboard/submissions/$(touch pwned)/mini@1/x.json",
    ],
)
def test_other_files_are_refused(forge, path):
    def change(work):
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text("mine\n")

    code, said = checked(forge, change)
    assert code == 1
    assert "a submission changes files in leaderboard/submissions/" in said
    assert not [*forge.rglob("pwned")]


def test_a_link_is_no_file(forge):
    def change(work):
        folder = submit(work / "leaderboard")
        (folder / "scores.parquet").unlink()
        (folder / "scores.parquet").symlink_to("/etc/passwd")

    code, said = checked(forge, change)
    assert code == 1
    assert "root:" not in said


def test_a_change_of_an_entry_that_is_on_the_board_is_told(forge):
    work = forge / "work"
    folder = submit(work / "leaderboard")
    git(work, "add", ".")
    git(work, "commit", "-qm", "with one")
    code, said = checked(forge, lambda _: shutil.rmtree(folder))
    assert code == 0
    (line,) = said.splitlines()
    assert line.startswith("::warning::leaderboard/submissions/lab__length/mini@1 is on the board already;")


@pytest.mark.parametrize("name", ["::error title=owned::do this", "##[error]x"])
def test_a_name_is_no_command(forge, name):
    code, said = checked(forge, lambda work: (work / name).write_text("mine"))
    assert code == 1
    assert name not in said


def test_a_rename_is_a_change_of_both(forge):
    work = forge / "work"
    folder = submit(work / "leaderboard")
    shutil.move(folder / "submission.json", work / "precious.json")
    git(work, "add", ".")
    git(work, "commit", "-qm", "with a file that is none of theirs")
    code, said = checked(forge, lambda _: shutil.move(work / "precious.json", folder / "submission.json"))
    assert (code, "and no others" in said) == (1, True)
