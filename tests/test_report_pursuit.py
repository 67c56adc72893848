"""The report of runs in which optimisers asked the reward: what became of the gold, and what a search found."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from report_runs import ATTACKED, OPERATOR, make_reports
from rich.console import Console

import rmbench
from rmbench.evaluation import evaluate
from rmbench.report import meanings, sentences, terminal, words
from rmbench.report.exploits import Forest, endings
from rmbench.report.html import write_report
from rmbench.report.labels import place
from rmbench.report.panels import pool
from rmbench.report.pursuit import courses, spread
from rmbench.report.terminal import print_result
from rmbench.scores import read_run
from rmbench.task import cut_task, load_task, with_queries
from rmbench.types import Estimate


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_reports(tmp_path_factory.mktemp("reports"))


@pytest.fixture
def report(root):
    return root / "report.html"


def printed(result, width=80, run=Path("runs/x")):
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    print_result(result, console, run=run)
    return console.file.getvalue()


# --- terminal


def evaluated(root, name):
    return evaluate(root / name, bootstrap=50)


def test_terminal_shows_the_optimisers_that_asked(root):
    result = evaluated(root, "pursued")
    text = printed(result, run=root / "pursued")
    metrics = result.tasks["t_pool"].metrics
    assert f"policy gradient: {words.number(metrics['Recovery(policy_gradient=640)'].value)} " in text
    assert f"search: {words.number(metrics['Recovery(search=120)'].value)} " in text
    assert "policy_gradient" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_terminal_of_one_optimiser_alone(root):
    text = printed(evaluated(root, "searched"), run=root / "searched")
    assert re.search(r"search: −0\.\d\d", text)
    assert "nats:" not in text
    assert "n=" not in text


def test_terminal_of_a_language_model_without_reference(root):
    """Gold is told where recovery cannot be, and why it cannot be is told once below the table."""
    result = evaluated(root, "lm_rl")
    table = printed(result, run=root / "lm_rl").partition("not run:")[2]
    assert "lm-rl: gold 0.50 → 0.48" in table
    assert "KL ≈ 1.3 nats, estimated" in table
    assert table.count("there is no reference run") == 1
    assert max(map(len, table.splitlines())) <= 80
    assert "lm-rl: gold gain −0.02" in printed(result)  # no folder to read the course from


def test_terminal_of_a_model_that_failed(root):
    table = printed(evaluated(root, "dead"), run=root / "dead").partition("not run:")[2]
    assert "policy gradient: –" in table
    assert table.count("gave no score to 100 % of the queries") == 1


def test_reasons_are_said_once_for_all_tasks(root):
    task = evaluated(root, "lm_rl").tasks["t_pool"]
    twin = replace(task, card=task.card.model_copy(update={"name": "t_twin"}))
    (reason,) = terminal.reasons([task, twin])
    assert reason.startswith("t_pool, t_twin: lm-rl: there is no reference run in which")


# --- words


def test_every_metric_has_a_meaning(root):
    for name in ("run", *ATTACKED):
        for task in evaluate(root / name, bootstrap=2).tasks.values():
            found = meanings.families(task.metrics, task.card.axis)
            assert sorted(metric for family in found for metric in family.metrics) == sorted(task.metrics)
            assert [family.name for family in found if not family.meaning] == []
    assert "shift" in meanings.meaning("Gap", "generalisation")
    assert "harm" in meanings.meaning("Gap(tilt=1)", "overoptimization")
    assert "one λ" in meanings.meaning("Recovery(global_tilt=2)", "overoptimization")


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "–"), (0.0, "0.00"), (1973.2, "1973"), (-0.0123, "−0.0123"), (3e-7, "3.00e−07"), (12.34, "12.3")],
)
def test_rewards_of_every_size(value, said):
    assert words.reward(value) == said


def test_names_of_optimisers():
    assert [words.optimizer(n) for n in ("policy_gradient", "lm_rl", "search")] == [
        "policy gradient",
        "lm-rl",
        "search",
    ]
    assert words.why("t: lm_rl: no run of lm_rl_2") == "t: lm-rl: no run of lm_rl_2"
    assert words.count(16384) == "16\N{NARROW NO-BREAK SPACE}384"


def measured(value, low=None, high=None, reason=None):
    return Estimate(value, low, high, 9, 0, reason)


@pytest.mark.parametrize(
    ("peak", "drop", "said"),
    [
        (
            measured(1.9, 1.2, 2.6),
            measured(0.12, 0.05, 0.2),
            "Gold peaks at 1.9 nats [1.2, 2.6] and has lost 12 % of the headroom by the end.",
        ),
        (
            measured(1.9),
            measured(0.02, -0.05, 0.2),
            "Gold peaks at 1.9 nats; what it loses after that is within noise.",
        ),
        (measured(1.9), measured(None, reason="no reference"), "Gold peaks at 1.9 nats."),
        (
            measured(1e-19, 0, 0),
            measured(0.63, 0.5, 0.7),
            "Gold falls from the start and has lost 63 % of the headroom by the end.",
        ),
        (
            measured(None, reason="none within budget: x"),
            measured(0.01, -0.1, 0.1),
            "No peak within the budget: gold is not falling at its end.",
        ),
        (measured(None, reason="the model gave no score"), measured(None, reason="x"), ""),
        (None, measured(0.99, 0.7, 1.3), "Gold has lost 99 % of the headroom since its peak."),
        (None, measured(-0.01, -0.1, 0.1), ""),
    ],
)
def test_where_gold_turns(peak, drop, said):
    metrics = {"HackingThreshold(x=1)": peak, "GoodhartDrop(x=1)": drop}
    found = sentences.turning({k: v for k, v in metrics.items() if v is not None}, "x=1")
    assert found.replace("\N{NO-BREAK SPACE}", " ") == said


@pytest.mark.parametrize(
    ("peak", "r2", "said"),
    [
        (measured(2.0, 1.0, 3.0), measured(0.97), "A curve fitted to it (R² 0.97) peaks at 4.0 nats [1.0, 9.0]."),
        (
            measured(3.0),
            measured(0.97),
            "A curve fitted to it (R² 0.97) peaks at 9.0 nats, beyond what was spent: an extrapolation.",
        ),
        (measured(2.0), measured(0.3), ""),
        (measured(None, reason="no peak"), measured(0.97), ""),
        (measured(0.0), measured(0.97), ""),
        (measured(1e9), measured(0.97), ""),
    ],
)
def test_where_the_fitted_curve_peaks(peak, r2, said):
    assert sentences.fitted({"GaoPeak(x=1)": peak, "GaoR2(x=1)": r2}, "x=1", 8.0) == said


# --- labels


@pytest.mark.parametrize(
    ("golds", "at", "lean"), [([0, 1], 0.5, 1), ([1, 0], 0.5, -1), ([0, 1, 0], 1, 0), ([0.5, 0.5], 1, 1)]
)
def test_a_label_beside_a_line_is_off_it(golds, at, lean):
    """Below on the right of a steep rise, below on the left of a steep fall, above a narrow peak."""
    ends = {"gold_low": None, "gold_high": None, "oracle": None, "optimizer": "push", "lean": 1, "tag": "2"}
    line = [ends | {"d": 0.3 * k, "gold": gold, "budgeted": False} for k, gold in enumerate(golds)]
    marked = ends | {"d": 0.3 * at, "gold": float(np.interp(at, range(len(golds)), golds)), "budgeted": True}
    found = place([*line, marked], (-0.2, 1.2))
    assert (found[-1]["lean"], found[-1]["above"], found[-1]["tag"]) == (lean, lean == 0, "2")


# --- courses of optimisers that ask the reward


def drawn(root, name="pursued"):
    run, task = read_run(root / name), evaluated(root, name).tasks["t_pool"]
    charts = {}
    return pool(run, task, charts), charts, task, run


def test_a_course_is_drawn_where_the_metrics_measure_it(root):
    """Gold and ceiling at the marks are what recovery is made of; the end is the whole budget."""
    _, _, task, run = drawn(root)
    gradient, search = courses(run, task)
    marks = {p["label"]: p for p in gradient.points if p["budgeted"]}
    assert list(marks) == ["1 nat", "2 nats", "4 nats", "end, 5.0 nats"]
    for said, name in (("1 nat", "@1nats"), ("2 nats", "@2nats"), ("4 nats", "@4nats"), ("end, 5.0 nats", "=640")):
        for key, metric in (("gold", "GoldGain"), ("oracle", "Headroom")):
            gained = marks[said][key] - gradient.points[0][key]
            assert gained == pytest.approx(task.metrics[f"{metric}(policy_gradient{name})"].value, abs=1e-9)
    assert marks["2 nats"]["gold"] == max(p["gold"] for p in gradient.points)
    assert search.points[-1]["d"] == 120
    assert search.points[-1]["gold"] - search.points[0]["gold"] == pytest.approx(
        task.metrics["GoldGain(search=120)"].value
    )
    assert all(p["gold_low"] <= p["gold"] <= p["gold_high"] for p in gradient.points + search.points)


def test_the_reward_rises_in_deviations_within_a_prompt(root):
    _, _, task, run = drawn(root)
    gradient, search = courses(run, task)
    scale = np.mean([item.scores.std() for item in run.items("t_pool")])
    assert gradient.points[0]["proxy"] is None  # nothing was asked yet
    assert gradient.points[-1]["proxy"] == pytest.approx(9 / scale)
    own = courses(read_run(root / "searched"), evaluated(root, "searched").tasks["t_pool"])[0]
    assert own.scale is None
    assert search.points[-1]["proxy"] == pytest.approx(own.points[-1]["proxy"] / scale)
    assert spread(read_run(root / "searched").items("t_pool")) == {}


def test_charts_of_a_task_share_the_gold_axis(root):
    panel, charts, _, _ = drawn(root)
    assert [c["title"] for c in panel["courses"]] == ["Policy gradient", "Search"]
    domains = [
        [
            layer["encoding"]["y"]["scale"]["domain"]
            for layer in spec["layer"]
            if "scale" in layer["encoding"].get("y", {})
        ]
        for name, spec in charts.items()
        if name.startswith("gold-")
    ]
    assert len(domains) == 3
    assert len({tuple(domain) for found in domains for domain in found}) == 1
    assert not any(isinstance(v, float) and not np.isfinite(v) for spec in charts.values() for v in numbers_in(spec))


def numbers_in(value):
    if isinstance(value, dict):
        value = list(value.values())
    return [x for part in value for x in numbers_in(part)] if isinstance(value, list | tuple) else [value]


def test_panel_of_a_language_model_and_of_a_dead_one(root):
    panel, charts, _, _ = drawn(root, "lm_rl")
    (course,) = panel["courses"]
    assert (panel["chart"], panel["scored"], course["title"]) == (None, False, "lm-rl")
    assert course["gain"].value == pytest.approx(-0.02, abs=0.02)
    assert course["said"][0] == "Gold 0.50 → 0.48."
    assert "KL ≈ 1.3 nats, estimated, at the end." in course["said"]
    assert "as TRL estimates it" in json.dumps(charts["proxy-t_pool-lm_rl"], ensure_ascii=False)
    assert all(p["oracle"] is None for p in courses(*drawn(root, "lm_rl")[:1:-1])[0].points)
    panel, charts, _, _ = drawn(root, "dead")
    (course,) = panel["courses"]
    assert charts == {}
    assert course["chart"] is None
    assert course["spent"] == "64 reward queries, each asked once, 64 without a score."


# --- exploits


def test_endings_are_the_prompts_with_more_reward_and_less_gold(root):
    attempts = read_run(root / "pursued").attempts["t_pool", "search"]
    found = endings(attempts, {f"p{n}": 2.0 for n in range(12)})
    assert [e.start.item for e in found] == [f"p{n}" for n in range(11, 0, -1)]  # p0 lost no gold
    first = found[0]
    assert (first.start.gold, first.winner.gold) == (0.6, pytest.approx(0.3))
    assert first.rise == pytest.approx((first.winner.proxy - first.start.proxy) / 2)
    assert first.kept == 6
    assert first.worst.operator == OPERATOR
    assert endings([], {}) == []


def test_forest_holds_zero():
    forest = Forest(-1.0, 3.0)
    assert (forest.x(0), forest.x(9), forest.x(-1), forest.width(1, -1)) == (25, 100, 0, 50)


def test_page_shows_the_exploits_as_text(root):
    text = (root / "pursued.html").read_text(encoding="utf-8")
    assert "<img src=x" not in text
    assert "<script>window" not in text
    assert text.count("<script") == 3
    assert "flattery &lt;img" in text
    assert "winner 11 at 10 [U+202E] &lt;img" in text
    assert text.count('<details class="example">') == 3
    assert "Strongest exploit: reward +" in text


def test_page_counts_the_queries(root, report):
    text = (root / "pursued.html").read_text(encoding="utf-8")
    assert "<span>760 reward queries</span>" in text
    assert "120 reward queries, 24 of them asked before, none without a score." in text
    assert "Optimiser: policy gradient" in text
    assert "Reward queries per task" in text
    assert "KL compares models within a method, not across methods." in text
    assert "<dt>Reward query</dt>" in text
    assert "reward quer" not in report.read_text(encoding="utf-8").partition("<script")[0].lower()


def test_page_of_optimisers_alone(root):
    text = (root / "lm_rl.html").read_text(encoding="utf-8").partition("<script")[0]
    assert "responses</span>" not in text
    assert "this run scored no responses of its own" in text
    assert "best of n, label" not in text
    panel = re.search(r'<article class="card whole">.*?</article>', text, re.DOTALL)[0]
    assert panel.count("there is no reference run") == 1
    assert "lm_rl:" not in panel
    dead = (root / "dead.html").read_text(encoding="utf-8")
    assert "t_pool, policy gradient: 64 of 64 reward queries got no score." in dead


def test_page_of_courses_is_not_much_larger(root, report):
    assert (root / "pursued.html").stat().st_size < report.stat().st_size + 120_000


def test_a_real_run_of_all_optimisers(tmp_path):
    task = cut_task(load_task("pool_transforms"), 6, 16)
    task = replace(task, card=task.card.model_copy(update={"items": 6}))
    task = with_queries(task, {"policy_gradient": 512, "search": 72})
    run = rmbench.run("length", suite=None, tasks=[task], out=tmp_path / "run")
    text = write_report(run, tmp_path / "r.html").read_text(encoding="utf-8").partition("<script")[0]
    assert text.count('data-chart="gold-pool_transforms') == 3
    assert "What the search found" in text
    assert "512 reward queries" in text
    table = printed(evaluate(run, bootstrap=50), run=run)
    assert re.search(r"search: −?\d", table)
