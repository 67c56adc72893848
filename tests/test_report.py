"""The terminal's table and the page, from runs written by hand. No model is needed."""

import io
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from report_runs import CARD, chat, make_reports
from rich.console import Console
from scored import edited_manifest

from rmbench.errors import RunError, UsageError
from rmbench.evaluation import evaluate
from rmbench.report import html, terminal, words
from rmbench.report.html import write_report
from rmbench.report.labels import place
from rmbench.report.progress import RunProgress
from rmbench.report.sections import split_common
from rmbench.report.terminal import print_result
from rmbench.report.worst import fooled, worst_fooled
from rmbench.scores import read_run, write_run
from rmbench.task import read_task, write_task
from rmbench.types import Budgets, Estimate, Item, ScoredItem


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


def test_terminal_shows_saturation_only_where_there_is_some(root, tmp_path):
    assert "saturated" not in evaluated_pool(tmp_path / "fine", root, lambda g: g)
    text = evaluated_pool(tmp_path / "coarse", root, round)  # two levels: log 2 nats, near 0.7
    shares = re.findall(r"saturated (\S+)\s%", text)
    assert len(shares) == 2
    assert all(share.count("/") == 2 and share.endswith("/100") for share in shares)


def evaluated_pool(path, root, proxy):
    task = read_task(root / "tasks" / "t_pool")
    task = replace(
        task, card=task.card.model_copy(update={"budgets": Budgets(tilt=(0.25, 0.4, 2), best_of_n=(2, 4, 64))})
    )
    scores = [[proxy(g) for g in item.gold] for item in task.items]
    return printed(evaluate(write_scores(path, [task], {"t_pool": scores})))


def write_scores(path, tasks, scores):
    write_run(
        path,
        settings={"name": "m"},
        suite=None,
        seed=0,
        limit=None,
        tasks=tasks,
        scores=scores,
        environment={},
        stats={},
        created="2026-01-02T03:04:05+00:00",
    )
    return path


def categories(path, names):
    """A run of 20 pairs without a base split, each third one lost and each fifth one tied, in these categories."""
    items = [
        Item(f"q{n}", chat("?"), ("a", "b"), (1.0, 0.0), f"g{n}", tags={"category": names[n % len(names)]})
        for n in range(20)
    ]
    write_task(path / "t_plain", CARD | {"name": "t_plain", "axis": "generalisation", "title": "Plain"}, items)
    scores = [[0.0, 0.0] if n % 5 == 0 else [-1.0, 0.0] if n % 3 == 0 else [1.0, 0.0] for n in range(20)]
    return write_scores(path / "run", [read_task(path / "t_plain")], {"t_plain": scores})


def test_terminal_shows_only_the_axes_that_were_run(tmp_path):
    text = printed(evaluate(categories(tmp_path, ["math", "coding"])))
    assert "not run: calibration, overoptimization" in text
    assert "no number" not in text
    assert not re.search(r"^│\s+(Calibration|Overall)", text, re.MULTILINE)
    page = write_report(tmp_path / "run", tmp_path / "r.html").read_text(encoding="utf-8")
    assert page.count('<article class="card skill') == 1
    assert "Not run: calibration, overoptimization." in page


def test_accuracy_reads_like_the_published_tables(tmp_path):
    """Of 20 pairs 4 are tied, 5 lost, 11 won: 65.0 % with half a tie each, 55.0 % with ties as errors."""
    text = printed(evaluate(categories(tmp_path / "few", ["math", "coding"])))
    assert "65.0\N{NO-BREAK SPACE}%, ties as errors 55.0\N{NO-BREAK SPACE}%" in text
    assert re.search(r"coding \d\d\.\d  math \d\d\.\d", text)
    many = printed(evaluate(categories(tmp_path / "many", [f"c{n}" for n in range(9)])))
    assert "c1" not in many
    assert max(map(len, text.splitlines())) <= 80


def test_accuracy_of_splits_has_a_decimal(run_path):
    result = evaluate(run_path)
    base, shift = (result.tasks["t_shift"].metrics[f"Accuracy(split='{s}')"].value for s in ("base", "shift"))
    assert f"{100 * base:.1f}\N{NO-BREAK SPACE}% → {100 * shift:.1f}\N{NO-BREAK SPACE}%" in printed(result)


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


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0"), (1e-4, "<1"), (0.014, "1"), (0.5, "50"), (0.999, "99"), (1, "100")]
)
def test_shares_do_not_round_to_none_or_all(value, said):
    assert words.share(value) == said


def test_what_all_cards_say_is_said_once():
    common, own = split_common(["One pool. Which? Gold: a.", "One pool. Which? Gold: b."])
    assert (common, own) == ("One pool. Which?", ["Gold: a.", "Gold: b."])
    assert split_common(["Same. Words."]) == ("", ["Same. Words."])
    assert split_common(["Same.", "Same."]) == ("Same.", ["", ""])
    assert split_common(["A 1.5 b.", "C."]) == ("", ["A 1.5 b.", "C."])


# --- labels of the gold chart


def points(optimizer, *places):
    line = [{"optimizer": optimizer, "d": d, "gold": gold, "budgeted": d > 0} for d, gold in places]
    return [p | {"gold_low": None, "gold_high": None, "oracle": 1.0, "tag": f"n={4**k}"} for k, p in enumerate(line)]


def test_labels_stand_away_from_the_other_line():
    low, high = [(0, 0.5), (1, 0.5), (1.4, 0.5), (2, 0.5)], [(0, 0.5), (0.8, 0.6), (1.37, 0.62), (1.8, 0.63)]
    for tilt, best, above in ((low, high, "best_of_n"), (high, low, "tilt"), (low, low, "tilt")):
        found = place(points("tilt", *tilt) + points("best_of_n", *best))
        assert {p["optimizer"] for p in found if p["above"]} == {above}
        assert all(p["tag"] for p in found)


def test_labels_that_would_collide_are_left_out():
    found = place(points("tilt", (0, 0.5), (1, 0.6), (1.01, 0.6), (2, 0.7)))
    assert [bool(p["tag"]) for p in found] == [True, True, False, True]
    constant = points("tilt", (0, 0.5)) + points("best_of_n", (0, 0.5), (0, 0.5))
    assert sum(bool(p["tag"]) for p in place([p | {"budgeted": True, "oracle": 0.5} for p in constant])) == 2


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


def test_a_cards_words_cannot_turn_the_reading_direction(root, run_path, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(run_path, run)
    words = {"title": "Safe \u202e<img onerror=x>", "asks": "Why\u2066?", "licence": "\u202eX"}
    edited_manifest(run, lambda manifest: manifest["cards"]["t_pool"].update(words))
    text = write_report(run, tmp_path / "r.html", tasks_dir=root / "tasks").read_text(encoding="utf-8")
    body = text[: text.index("<script")]
    assert "Safe [U+202E]&lt;img" in body
    assert not {"\u202e", "\u2066", "<img"} & {c for c in ("\u202e", "\u2066", "<img") if c in body}


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
