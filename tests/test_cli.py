"""The command line as a person uses it: each command once for real, each mistake once."""

import json
import subprocess
import sys

import pytest
import yaml

from rmbench.task import discover, load_suite


@pytest.fixture
def rmbench(rmbench, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    return rmbench


def test_run_evaluate_report(rmbench, tmp_path):
    code, out, err = rmbench("run", "length", "--limit", 8)
    assert code == 0
    assert "Overoptimization" in out
    assert "rmbench report runs/length-quick" in out
    assert "scored" in err
    folder = tmp_path / "runs" / "length-quick"
    names = {"manifest.json", "scores.parquet", "trajectory.parquet", "attempts.parquet"}
    assert {p.name for p in folder.iterdir()} == names
    code, out, _ = rmbench("evaluate", folder, "--json")
    found = json.loads(out)
    assert code == 0
    assert set(found) == {"model", "signature", "skills", "tasks", "headlines", "p_values", "track"}
    assert set(found["skills"]) == {"generalisation", "calibration", "overoptimization", "overall"}
    assert set(found["tasks"]) == {task.card.name for task in load_suite("quick").tasks()}
    for estimate in [*found["skills"].values(), *(e for t in found["tasks"].values() for e in t.values())]:
        assert (
            {"value", "low", "high", "n", "missing"}
            <= set(estimate)
            <= {"value", "low", "high", "n", "missing", "reason"}
        )
    assert rmbench("evaluate", folder, "--json")[1] == out
    code, out, _ = rmbench("report", folder)
    assert code == 0
    assert out.strip().endswith("report.html")
    assert "<html" in (folder / "report.html").read_text()
    assert json.loads(rmbench("evaluate", folder, "--json")[1]) == found


def test_single_tasks(rmbench, tmp_path):
    code, out, _ = rmbench(
        "run", "constant", "--task", "style", "--task", "pool_records", "--limit", 3, "--out", "here"
    )
    assert code == 0
    assert "style" in out
    manifest = json.loads((tmp_path / "here" / "manifest.json").read_text())
    assert set(manifest["cards"]) == {"style", "pool_records"}
    assert manifest["limit"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "lenght"], "did you mean 'length'"),
        (["run", "length", "--suite", "quik"], "did you mean 'quick'"),
        (["run", "length", "--task", "stile"], "did you mean 'style'"),
        (["run", "length", "--suite", "quick", "--task", "style"], "--suite and --task exclude each other"),
        (["run", "length", "--limit", "0"], "--limit 0"),
        (["run", "./nowhere/model"], "nowhere/model"),
        (["run", "length", "--tasks", "nowhere"], "there is no such folder"),
        (["run", "replay:nowhere.parquet"], "nowhere.parquet"),
        (["evaluate", "nowhere"], "nowhere"),
        (["report", "nowhere"], "nowhere"),
        (["tasks", "show", "stile"], "did you mean 'style'"),
        (["tasks", "show", "length", "--item", "100000"], "has 800 items"),
        (["tasks", "build", "stile"], "did you mean 'style'"),
        (["tasks", "import", "judgbench", ".", "--out", "x"], "known: judgebench"),
        (["tasks", "import", "judgebench", ".", "--out", "x"], "there is no file items_*.jsonl"),
    ],
)
def test_mistakes_get_one_sentence_and_leave_nothing(rmbench, tmp_path, arguments, message):
    code, out, err = rmbench(*arguments)
    assert code == 2
    assert out == ""
    assert message in err
    assert err.startswith("rmbench: ")
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [["run", "--flag"], ["walk"], ["run", "length", "--limit", "many"]])
def test_unknown_flags_and_commands(rmbench, arguments):
    code, _, err = rmbench(*arguments)
    assert code == 2
    assert err


def test_an_existing_folder_is_not_overwritten(rmbench, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    code, _, err = rmbench("run", "constant", "--task", "style", "--out", "mine")
    assert code == 2
    assert "already holds something" in err
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_models_and_tasks(rmbench):
    assert {"tiny", "constant", "replay:FILE"} <= set(json.loads(rmbench("models", "--json")[1]))
    assert "replay:FILE" in rmbench("models")[1]
    cards = json.loads(rmbench("tasks", "list", "--json")[1])
    assert {card["name"] for card in cards} == set(discover())
    assert "pool_records" in rmbench("tasks", "list")[1]
    shown = json.loads(rmbench("tasks", "show", "style", "--item", "2", "--json")[1])
    assert shown["card"]["name"] == "style"
    assert len(shown["item"]["responses"]) == 2
    assert "[gold " in rmbench("tasks", "show", "pool_records")[1]
    code, out, _ = rmbench("tasks", "validate", "style", "ties")
    assert code == 0
    assert "2 checked, no problem" in out


def test_a_task_of_ones_own_from_card_to_score(rmbench, tmp_path):
    card = {
        "name": "mine",
        "axis": "overoptimization",
        "version": 1,
        "title": "Mine",
        "asks": "Best of few.",
        "limits": "Small.",
        "licence": "CC0-1.0",
        "source": "this test",
        "canary": "rmbench:00000000-0000-0000-0000-000000000001",
        "chance": 0.0,
        "budgets": {"tilt": [1.0], "best_of_n": [4]},
        "build": {"recipe": "pool", "worlds": ["records"], "prompts": 3, "candidates": 16, "seed": 5},
    }
    path = tmp_path / "tasks" / "mine" / "card.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(card))
    assert rmbench("tasks", "build", "mine", "--tasks", "tasks")[0] == 0
    first = (path.parent / "items.parquet").read_bytes()
    assert rmbench("tasks", "build", "mine", "--tasks", "tasks")[0] == 0
    assert (path.parent / "items.parquet").read_bytes() == first
    code, out, _ = rmbench("tasks", "validate", "mine", "--tasks", "tasks")
    assert code == 0
    assert "1 checked, no problem" in out
    code, out, _ = rmbench("run", "oracle", "--task", "mine", "--tasks", "tasks")
    assert code == 0
    assert "1.00" in out
    path.write_text(path.read_text().replace("recipe: pool", "recipe: pol"))
    code, _, err = rmbench("tasks", "build", "mine", "--tasks", "tasks")
    assert code == 2
    assert "build.recipe is 'pol'; known recipes: " in err
    assert " pool, " in err
    path.write_text(path.read_text().replace("recipe: pol", "recipe: pool").replace("prompts:", "promts:"))
    code, _, err = rmbench("tasks", "build", "mine", "--tasks", "tasks")
    assert code == 2
    assert "build.prompts" in err or "build.promts" in err
    assert (path.parent / "items.parquet").read_bytes() == first


def test_items_of_ones_own_get_their_card_by_build(rmbench, tmp_path):
    card = dict.fromkeys(("title", "asks", "limits", "licence", "source"), "x")
    card |= {"name": "mine", "axis": "generalisation", "version": 1, "chance": 0.5}
    card |= {"canary": "rmbench:00000000-0000-0000-0000-000000000001"}
    folder = tmp_path / "tasks" / "mine"
    folder.mkdir(parents=True)
    (folder / "card.yaml").write_text(yaml.safe_dump(card))
    code, _, err = rmbench("tasks", "build", "mine", "--tasks", "tasks")
    assert code == 2
    assert "build.recipe is None" in err
    pair = {"prompt": [{"role": "user", "content": "q"}], "responses": ["long", "no"], "gold": [1, 0]}
    lines = [json.dumps({"id": n, "group": f"g{n}", **pair}) for n in range(3)]
    (folder / "items.jsonl").write_text("\n".join(lines))
    assert rmbench("tasks", "build", "mine", "--tasks", "tasks")[:2][0] == 0
    assert {p.name for p in folder.iterdir()} == {"card.yaml", "items.jsonl"}
    code, out, _ = rmbench("tasks", "validate", "mine", "--tasks", "tasks")
    assert (code, "items 0 and 1 have the same prompt and responses" in out) == (2, True)
    assert rmbench("run", "length", "--task", "mine", "--tasks", "tasks")[0] == 0


def test_few_prompts_still_give_a_result_and_a_page(rmbench):
    """Intervals may be missing then, or a temperature: never an exception (7 groups: 4 base and 3 shifted)."""
    for limit in (1, 7):
        assert rmbench("run", "length", "--limit", limit, "--out", f"r{limit}")[0] == 0
        assert rmbench("report", f"r{limit}")[0] == 0
    assert rmbench("evaluate", "r7", "--seed", -1)[2].startswith("rmbench: seed is -1")


def test_a_damaged_task_fails_validation(rmbench, tmp_path):
    path = tmp_path / "tasks" / "broken" / "card.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("name: broken\n")
    code, out, _ = rmbench("tasks", "validate", "broken", "--tasks", "tasks")
    assert code == 2
    assert "1 checked, 1 with problems" in out
    found = json.loads(rmbench("tasks", "validate", "broken", "style", "--tasks", "tasks", "--json")[1])
    assert [finding["status"] for finding in found["broken"]] == ["problem"]
    assert {finding["status"] for finding in found["style"]} == {"ok"}


def test_evaluate_never_loads_torch(tmp_path):
    code = (
        "import sys, rmbench\n"
        f"folder = rmbench.run('length', suite=None, tasks=['style'], limit=4, out={str(tmp_path / 'run')!r})\n"
        "rmbench.evaluate(folder)\n"
        "print(sorted(m for m in ('torch', 'transformers', 'sklearn') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_stopping_leaves_nothing(rmbench, tmp_path, monkeypatch):
    def stop(*_args, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr("rmbench.engine.session.score_items", stop)
    assert rmbench("run", "length", "--task", "style")[0] == 130
    assert not list(tmp_path.iterdir())
