"""A run: tasks and a model in, a folder out, whole or not at all."""

from __future__ import annotations

import subprocess
import sys

import pytest
import tiny_models as tm
from tiny_models import task

import rmbench
from rmbench.errors import ModelError, RmbenchError, RunError, UsageError
from rmbench.run import default_folder, environment
from rmbench.scores import read_run
from rmbench.task import write_task


class Model:
    def __init__(self, settings=None, rule=lambda c: float(len(c[-1]["content"]))):
        self.settings = {"name": "mine"} if settings is None else settings
        self.rule = rule

    def score(self, conversations):
        return [self.rule(c) for c in conversations]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def values(folder, name="toy"):
    return {item.id: item.scores.tolist() for item in read_run(folder).items(name)}


def test_a_run_holds_the_scores_and_what_made_them(here):
    told = []
    folder = rmbench.run("length", tasks=[task()], limit=4, seed=7, progress=lambda *now: told.append(now))
    assert str(folder) == "runs/length-tasks"
    run = read_run(folder)
    assert values(folder)["i1"] == [float(len(r)) for r in task().items[1].responses]
    assert len(run.items("toy")) == 4
    manifest = run.manifest
    assert (manifest.settings, manifest.suite, manifest.seed, manifest.limit) == ({"name": "length"}, None, 7, 4)
    assert manifest.environment["python"] == sys.version.split()[0]
    assert told[-1] == (12, 12, 0)


def test_default_folders_are_numbered(here):
    folders = [rmbench.run("constant", tasks=[task()]) for _ in range(3)]
    assert [f.name for f in folders] == ["constant-tasks", "constant-tasks-2", "constant-tasks-3"]
    assert default_folder("org/../my model", "quick@1").name == "org-..-my-model-quick"
    assert default_folder("../..", None).name == "model-tasks"


def test_a_model_of_ones_own(here):
    folder = rmbench.run(Model(), tasks=[task()], out="mine")
    assert values(folder) == values(rmbench.run("length", tasks=[task()]))


@pytest.mark.parametrize(
    ("model", "error", "says"),
    [
        (object(), UsageError, "object is not a reward model: it needs `settings` and `score"),
        (Model({"revision": 1}), ModelError, "must hold the model's name"),
        (Model({"name": "x", "window": float("nan")}), ModelError, "go into a JSON file and cannot"),
        (Model({"name": "x", "head": object()}), ModelError, "go into a JSON file and cannot"),
        ("lenght", UsageError, "did you mean 'length'"),
    ],
)
def test_what_is_no_model(here, model, error, says):
    with pytest.raises(error, match=says):
        rmbench.run(model, tasks=[task()])
    assert not list(here.iterdir())


def test_tasks_by_name_from_a_folder_of_ones_own(here):
    toy = task(items=4)
    write_task(here / "tasks" / "toy", toy.card.model_dump(mode="json"), toy.items)
    for named in ("toy", ["toy"]):
        assert set(values(rmbench.run("constant", tasks=named, tasks_dir=here / "tasks"))) == {"i0", "i1", "i2", "i3"}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"suite": None}, "nothing to run"),
        ({"suite": None, "tasks": []}, "nothing to run"),
        ({"suite": "no-such-suite"}, "no suite 'no-such-suite'"),
        ({"tasks": ["no_such_task"]}, "no task 'no_such_task'"),
        ({"tasks": [task(), task()]}, "share a name"),
        ({"tasks": [task()], "limit": 0}, "--limit 0"),
        ({"tasks": [task()], "too_long": "cut"}, "too_long must be"),
        ({"tasks": [task()], "tasks_dir": "nowhere"}, None),
    ],
)
def test_what_cannot_be_run(here, more, says):
    if says is None:  # a folder that is not needed is not looked at
        rmbench.run("constant", **more)
        return
    with pytest.raises(UsageError, match=says):
        rmbench.run("constant", **more)
    assert not list(here.iterdir())


def test_a_taken_folder_is_noticed_before_any_scoring(here):
    def never(_):
        raise AssertionError

    (here / "full").mkdir()
    (here / "full" / "x").write_text("")
    (here / "file").write_text("")
    for out, says in [("full", "already holds something"), ("file", "already holds"), ("file/run", "not a folder")]:
        with pytest.raises(RunError, match=says):
            rmbench.run(Model(rule=never), tasks=[task()], out=out)
    (here / "empty").mkdir()
    assert rmbench.run("constant", tasks=[task()], out="empty").name == "empty"


def test_a_default_folder_that_cannot_be_made_is_noticed_before_any_scoring(here):
    def never(_):
        raise AssertionError

    (here / "runs").write_text("")
    with pytest.raises(RunError, match="not a folder that you may write to"):
        rmbench.run(Model(rule=never), tasks=[task()])


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_nothing_is_left_of_a_run_that_broke(here, error):
    def breaks(conversation):
        if "Question 5" in conversation[0]["content"]:
            raise error
        return 1.0

    with pytest.raises((KeyboardInterrupt, RmbenchError)):
        rmbench.run(Model(rule=breaks), tasks=[task()])
    assert not list(here.iterdir())


def test_a_run_replays_to_itself(here):
    rule = lambda c: float("nan") if "Question 2" in c[0]["content"] else len(c[-1]["content"]) / 7  # noqa: E731
    first = rmbench.run(Model(rule=rule), tasks=[task(), task("other", items=9)], out="first")
    for source in ("first", "first/scores.parquet"):
        again = rmbench.run(f"replay:{source}", tasks=[task(), task("other", items=9)])
        a, b = read_run(first), read_run(again)
        assert a.manifest.scores == b.manifest.scores  # every score and every reason, bit for bit
        assert b.reasons == {"non-finite score: nan": 6}  # once in each task


def test_oracle_reads_the_tasks_of_the_run(here):
    run = read_run(rmbench.run("oracle", tasks=[task()]))
    assert all(item.scores.tolist() == item.gold.tolist() for item in run.items("toy"))


def test_a_transformers_folder_runs(here):
    tm.save(here / "my-rm")
    run = read_run(rmbench.run("./my-rm", tasks=[task(items=3)]))
    assert run.manifest.settings["name"] == "my-rm"
    assert run.manifest.counts["toy"].tokens > 100
    assert all(item.complete for item in run.items("toy"))
    with pytest.raises(RmbenchError, match="window"):
        rmbench.run("./my-rm", tasks=[task(items=60)], out="long")
    assert not (here / "long").exists()
    missing = read_run(rmbench.run("./my-rm", tasks=[task(items=60)], out="long", too_long="null"))
    assert all(reason.startswith("too long: ") for reason in missing.reasons)
    assert missing.reasons


def test_environment_names_versions_without_loading_anything():
    code = "import sys; from rmbench.run import environment; environment(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert {"python", "platform", "torch", "numpy", "rmbench"} <= set(environment())


def test_the_public_names():
    code = (
        "import sys, rmbench; print(sorted({'torch', 'numpy', 'pydantic', 'pyarrow'} & set(sys.modules)));"
        "import rmbench.run, rmbench.task; from rmbench.run import environment; print(callable(rmbench.run))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "True"]
    assert callable(rmbench.evaluate)
    with pytest.raises(AttributeError, match="no attribute 'evalaute'"):
        _ = rmbench.evalaute
