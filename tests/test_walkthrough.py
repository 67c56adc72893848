"""docs/add_a_task.md is executed: its files are written, its commands run, and what it shows must be printed."""

import re
import shlex
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from rmbench.cli import main

DOC = Path(__file__).parent.parent / "docs" / "add_a_task.md"
BLOCK = re.compile(r"(?:^`(?P<file>[^`\n]+)`\n\n)?^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def typed(monkeypatch, capsys):
    """Type a command: everything that it prints, on both streams."""

    def call(command):
        name, *arguments = shlex.split(command)
        if name == "python":
            subprocess.run([sys.executable, *arguments], check=True)
            return ""
        assert name == "rmbench"
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        with suppress(SystemExit):
            main()
        return "".join(capsys.readouterr())

    return call


def shows(printed, line):
    """Whether a line of the page was printed; `…` on the page stands for anything, and blanks are alike."""
    pattern = ".*".join(re.escape(part) for part in " ".join(line.split()).split("…"))
    return any(re.match(pattern, " ".join(said.split())) for said in printed.splitlines())


def test_the_walk_through_works_as_written(tmp_path, monkeypatch, typed):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    printed, written, commands = "", [], 0
    for block in BLOCK.finditer(DOC.read_text(encoding="utf-8")):
        if block["file"]:
            path = tmp_path / block["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["body"], encoding="utf-8")
            written.append(path.name)
        elif block["kind"] == "sh":
            printed = "".join(typed(command) for command in block["body"].splitlines())
            commands += len(block["body"].splitlines())
        else:
            assert block["kind"] == "text"
            for line in block["body"].splitlines():
                assert shows(printed, line), f"not printed: {line}\n\nprinted:\n{printed}"
    assert written == ["card.yaml", "card.yaml", "items.jsonl"]
    assert commands == 13
    assert (tmp_path / "runs" / "tiny-tasks" / "report.html").stat().st_size > 10_000


def test_a_line_that_was_not_printed_is_noticed():
    assert shows("a  b\nrun 3.2 s", "run … s")
    assert not shows("a b", "a c")
