"""The terminal's table and the page, from runs written by hand. No model is needed."""

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from report_runs import CARD, chat, make_reports
from rich.console import Console

from rmbench.errors import RunError, UsageError
from rmbench.evaluation import evaluate
from rmbench.report import html, terminal, words
from rmbench.report.html import write_report
from rmbench.report.progress import RunProgress
from rmbench.report.terminal import print_result
from rmbench.report.worst import fooled, worst_fooled
from rmbench.scores import read_run
from rmbench.task import read_task, write_task
from rmbench.types import Estimate, ScoredItem


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_reports(tmp_path_factory.mktemp("reports"))


@pytest.fixture
def run_path(root):
    return root / "run"


@pytest.fixture
def broken_run(root):
    return root / "broken"


@pytest.fixture
def report(root):
    return root / "report.html"


@pytest.fixture
def broken_report(root):
    return root / "broken.html"


@pytest.fixture
def pool_task(root):
    return read_task(root / "tasks" / "t_pool")


def printed(result, width=80, run=Path("runs/x")):
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    print_result(result, console, run=run)
    return console.file.getvalue()


# --- terminal


def test_terminal_fits_80_columns_and_shows_what_matters(run_path):
    result = evaluate(run_path)
    text = printed(result)
    assert max(map(len, text.splitlines())) <= 80
    for skill in result.skills.values():
        assert f"{words.number(skill.value)} " in text
        assert words.interval(skill) in text
    pool_metrics = result.tasks["t_pool"].metrics
    assert words.number(pool_metrics["Recovery(best_of_n=64)"].value) in text
    assert "0 = a constant reward · 1 = the gold reward itself" in text
    assert "rmbench report runs/x" in text
    assert result.signature in re.sub(r"\s", "", text)


def test_terminal_is_not_fooled_by_a_models_name(run_path):
    text = printed(evaluate(run_path), width=300)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[U+202E]gnp.exe[U+001B][31m[red]" in text


def test_terminal_says_what_is_missing(broken_run):
    result = evaluate(broken_run)
    text = printed(result)
    assert max(map(len, text.splitlines())) <= 80
    assert "2 items missing a score" in text
    assert re.search(r"Generalisation\s+–", text)
    assert re.search(r"Overall\s+–", text)


@pytest.mark.parametrize(
    ("value", "low", "high", "left", "bar"),
    [
        (0.5, 0.4, 0.6, 0.0, "━━━━━━━━━───●──·········"),
        (1.0, 1.0, 1.0, 0.0, "━━━━━━━━━━━━━━━━━━━━━━━●"),
        (-0.5, -0.6, -0.4, -1.0, "·····─●─━━━━│···········"),
        (None, None, None, 0.0, "························"),
    ],
)
def test_bar(value, low, high, left, bar):
    assert terminal._bar(Estimate(value, low, high, 1, 0), left).plain == bar


def test_progress_is_lines_without_a_terminal():
    console = Console(file=io.StringIO(), force_terminal=False, width=80)
    with RunProgress(console, "tiny") as progress:
        for done in range(0, 101, 10):
            progress(done, 100, done * 5)
    lines = console.file.getvalue().splitlines()
    assert lines[0] == "tiny: 100 responses"
    assert len(lines) == 2
    assert lines[1].startswith("scored 100 responses in ")
    assert lines[1].endswith("tokens/s")


def test_progress_is_a_bar_in_a_terminal():
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with RunProgress(console, "tiny") as progress:
        progress(40, 100, 1000)
    assert "40/100" in console.file.getvalue()
    assert "tokens/s" in console.file.getvalue()


# --- words


def test_numbers():
    assert words.number(None) == "–"
    assert words.number(-0.001) == "0.00"
    assert words.number(-0.12) == "−0.12"


@pytest.mark.parametrize("name", ["overall", "generalisation", "calibration", "overoptimization"])
def test_readings(name):
    assert "62\N{NO-BREAK SPACE}%" in words.reading(name, Estimate(0.62, 0.5, 0.7, 9, 0))
    assert "cannot be told apart" in words.reading(name, Estimate(0.1, -0.1, 0.3, 9, 0)).lower()
    assert "%" not in words.reading(name, Estimate(-0.3, -0.5, -0.1, 9, 0))
    assert "no such axis" in words.reading(name, Estimate(None, None, None, 0, 0, "no such axis"))


# --- worst-fooled examples


def scored(scores, gold, name="i"):
    return ScoredItem(name, "g", np.array(scores, dtype=float), np.array(gold, dtype=float))


def test_fooled_ranks():
    case = fooled("t", scored([1, 5, 3, 2], [0.9, 0.1, 0.4, 0.0]))
    assert (case.pick, case.best, case.gold_rank, case.best_proxy_rank, case.tied) == (1, 0, 3, 4, 0)
    assert case.loss == pytest.approx(0.8)


def test_a_tie_may_land_on_the_worst_whatever_the_order():
    assert fooled("t", scored([5, 5, 1], [0.9, 0.1, 0.5])).gold_pick == 0.1
    assert fooled("t", scored([5, 5, 1], [0.1, 0.9, 0.5])).gold_pick == 0.1


@pytest.mark.parametrize(
    ("scores", "gold"), [([1, 2], [0, 1]), ([1, 1], [0, 1]), ([np.nan, 1], [1, 0]), ([1, 2], [0.5, 0.5])]
)
def test_not_fooled(scores, gold):
    assert fooled("t", scored(scores, gold)) is None


def test_worst_come_first_and_only_pools_count(run_path):
    cases = worst_fooled(read_run(run_path), 5)
    assert [c.loss for c in cases] == sorted((c.loss for c in cases), reverse=True)
    assert len(cases) == 5
    assert {c.task for c in cases} == {"t_pool"}


# --- page


def test_page_holds_everything_as_text(report, run_path):
    text = report.read_text(encoding="utf-8")
    result = evaluate(run_path)
    assert "<img src=x" not in text
    assert "<script>window" not in text
    assert "{{ 7*7 }}" in re.search(r"<title>(.*)</title>", text)[1]
    assert text.count("<script") == 3
    for skill in result.skills.values():
        assert f"{words.number(skill.value)} " in text
    for name in result.tasks["t_calibration"].metrics:
        assert name.replace("'", "&#39;") in text
    assert "http://" not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert "https://" not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


def test_page_shows_the_texts_that_fooled(report, pool_task, run_path):
    worst = worst_fooled(read_run(run_path), 1)[0]
    item = next(i for i in pool_task.items if i.id == worst.item)
    text = report.read_text(encoding="utf-8")
    for shown in (item.prompt[0]["content"], item.responses[worst.pick], item.responses[worst.best]):
        assert shown.split(" <")[0] in text


def test_same_run_same_bytes(report, run_path, root, tmp_path):
    again = write_report(run_path, tmp_path / "again.html", tasks_dir=root / "tasks")
    assert again.read_bytes() == report.read_bytes()


def test_page_says_when_texts_are_not_there(broken_report):
    text = broken_report.read_text(encoding="utf-8")
    assert "Texts of t_pool are not shown: there is no task" in text
    assert "proxy rank 1" in text


def test_page_does_not_show_texts_of_another_version(run_path, pool_task, tmp_path):
    changed = [replace(i, prompt=chat("SOMETHING ELSE")) for i in pool_task.items]
    card = CARD | {"name": "t_pool", "axis": "overoptimization", "title": "changed"}
    write_task(tmp_path / "tasks" / "t_pool", card, changed)
    text = write_report(run_path, tmp_path / "r.html", tasks_dir=tmp_path / "tasks").read_text(encoding="utf-8")
    assert "SOMETHING ELSE" not in text
    assert "the installed task is not the one this run scored" in text


def test_page_gives_reasons_for_missing_values(broken_report):
    text = broken_report.read_text(encoding="utf-8")
    assert "248 of 1008 responses have no score" in text
    assert re.search(r"<p class=\"value\">–", text)
    assert "– No chart: no item has all its scores." in text
    assert "timeout &lt;img" in text


def test_nothing_half_written(run_path, tmp_path, monkeypatch):
    out = tmp_path / "report.html"
    out.write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(RunError, match=r"report\.html could not be written: No space left"):
        html._write(out, "new")
    assert out.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_bad_input(run_path, tmp_path):
    with pytest.raises(UsageError, match="is a folder"):
        write_report(run_path, tmp_path)
    with pytest.raises(RunError, match="not a run folder"):
        write_report(tmp_path, tmp_path / "x.html")
    assert not (tmp_path / "x.html").exists()
