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


# --- the examination before a run ---


@pytest.fixture
def read_at_the_wrong_place(tmp_path):
    """Padding and end mark are one, and every conversation ends with it."""
    return str(tm.save(tmp_path / "rm", pad_id=1, pad="</s>", window=2048))


def test_a_model_that_is_read_wrongly_is_not_scored(here, read_at_the_wrong_place):
    with pytest.raises(
        ModelError, match=r"rm does not pass pooling: .*see `rmbench doctor`, or go on with --allow pool"
    ):
        rmbench.run(read_at_the_wrong_place, tasks=[task()])
    assert not (here / "runs").exists()


def test_what_is_allowed_is_scored_and_written_down(here, read_at_the_wrong_place):
    folder = rmbench.run(read_at_the_wrong_place, tasks=[task()], allow=["pooling", "constant"])
    found = read_run(folder).manifest.environment
    assert found["allowed"] == "pooling"
    assert (found["batch_tokens"], found["shared_prompts"]) == ("1024", "true")
    assert "allowed" not in read_run(rmbench.run("length", tasks=[task()])).manifest.environment


def test_only_a_check_can_be_allowed(here):
    with pytest.raises(UsageError, match=r"no check 'poolin' to allow \(did you mean 'pooling'\?\)"):
        rmbench.run("length", tasks=[task()], allow=["poolin"])


def test_a_model_with_nan_weights_is_named_before_anything_is_scored(here, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tm.save(tmp_path / "rm", window=2048)
    weights = load_file(folder / "model.safetensors")
    weights["score.weight"] *= float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="does not pass non-finite"):
        rmbench.run(str(folder), tasks=[task()])


# --- options of the command that exclude each other, and what it says about kept scores ---


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", 2], "--workers goes with --engine ray"),
        (["--ray-address", "auto"], "--ray-address goes with --engine ray"),
        (["--gpus-per-worker", 1], "--gpus-per-worker goes with --engine ray"),
        (["--store", "s.sqlite", "--no-store"], "--store and --no-store exclude each other"),
        (["--allow", "poolin"], "there is no check 'poolin'"),
        (["--engine", "ray", "--workers", 0], "workers must be at least 1"),
    ],
)
def test_options_that_do_not_go_together(rmbench, options, message):
    code, _, err = rmbench("run", "length", "--limit", 1, *options)
    assert code == 2
    assert message in err


def test_a_python_object_cannot_be_sent_to_a_cluster(here):
    from rmbench.engine.cluster import ClusterOptions

    with pytest.raises(UsageError, match="only a model that has a name"):
        rmbench.run(Model(), tasks=[task()], cluster=ClusterOptions())


def test_the_command_says_what_was_kept(rmbench, tmp_path):
    model = tm.save(tmp_path / "rm", window=2048)
    command = ["run", model, "--task", "ties", "--limit", 2, "--optimizer", "none", "--store", "kept.sqlite"]
    code, _, err = rmbench(*command)
    assert code == 0
    assert "scored before" not in err
    code, _, err = rmbench(*command)
    assert code == 0
    assert "scored 4 responses" in err
    assert "4 of them had been scored before, and were kept in kept.sqlite" in err
    code, _, err = rmbench(*command[:-2], "--no-store")
    assert code == 0
    assert "scored before" not in err


def test_a_warning_of_the_store_is_one_line(rmbench, tmp_path):
    (tmp_path / "file").write_text("")
    model = tm.save(tmp_path / "rm", window=2048)
    command = ["run", model, "--task", "ties", "--limit", 1, "--optimizer", "none", "--store", "file/kept.sqlite"]
    code, _, err = rmbench(*command)
    assert code == 0
    (line,) = [line for line in err.splitlines() if "cannot be kept" in line]
    assert line.startswith("rmbench: scores cannot be kept in file/kept.sqlite")
    assert "Warning" not in err
