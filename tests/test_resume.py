"""A real run, killed at moments that nobody chose: it goes on where it stopped, and ends with the same bytes."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
import tiny_models as tm

import rmbench
from rmbench.engine.pursuit import gold_runs
from rmbench.scores import read_run
from rmbench.task import cut_task, load_task, read_task, with_queries, write_reference, write_task

TASK = "short_pool"
FILES = ("scores.parquet", "trajectory.parquet", "attempts.parquet")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tm.save(tmp_path_factory.mktemp("model") / "rm", window=2048)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    """A folder with one task: a part of a shipped pool, and a few queries for each optimiser."""
    folder = tmp_path_factory.mktemp("tasks")
    cut = with_queries(cut_task(load_task("pool_transforms"), 4, 48), {"policy_gradient": 256, "search": 64})
    raw = cut.card.model_dump(mode="json") | {"name": TASK, "reference": None, "build": {}}
    raw["budgets"]["best_of_n"] = [4, 16]
    write_task(folder / TASK, raw, cut.items)
    write_reference(folder / TASK, gold_runs(read_task(folder / TASK)))
    return folder


@pytest.fixture(scope="module")
def options(tasks):
    return {"suite": None, "tasks": [TASK], "tasks_dir": tasks, "max_batch_tokens": 600}


@pytest.fixture(scope="module")
def whole(model, options, tmp_path_factory):
    """The run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    return rmbench.run(str(model), **options, out=folder, store=folder.parent / "kept.sqlite")


@pytest.fixture
def started(model, tasks, tmp_path):
    """Start the same run as a process of its own."""
    command = [sys.executable, "-m", "rmbench.cli", "run", model, "--task", TASK, "--tasks", tasks]
    command += ["--max-batch-tokens", "600", "--out", tmp_path / "run", "--store", tmp_path / "kept.sqlite"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return lambda: subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kept(store):
    try:
        with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as base:
            return base.execute("SELECT count(*) FROM batches").fetchone()[0]
    except sqlite3.Error:
        return 0


def contents(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


def stop_at(process, store, moment, way):
    while process.poll() is None and kept(store) < moment:
        time.sleep(0.005)
    process.send_signal(way)
    assert process.wait() != 0, "the run was over before it was stopped"
    assert kept(store) >= moment


@pytest.mark.slow
def test_killed_at_ten_random_moments(started, whole, tmp_path):
    """Ten kills, spread over the batches by luck; each loses no batch that was done before it."""
    everything = kept(whole.parent / "kept.sqlite")
    moments = sorted(random.sample(range(1, everything - 2), 10))
    for moment in moments:
        stop_at(started(), tmp_path / "kept.sqlite", moment, signal.SIGKILL)
        assert not (tmp_path / "run").exists()
    assert started().wait() == 0
    assert contents(tmp_path / "run") == contents(whole), f"moments {moments}"
    assert kept(tmp_path / "kept.sqlite") == everything  # no other batches than those of the undisturbed run


def test_killed_and_interrupted(started, whole, tmp_path):
    """As above, for the ordinary test run: killed after a third, stopped by Ctrl-C after two."""
    everything = kept(whole.parent / "kept.sqlite")
    for third, way in enumerate((signal.SIGKILL, signal.SIGINT), 1):
        stop_at(started(), tmp_path / "kept.sqlite", third * everything // 3, way)
        assert not (tmp_path / "run").exists()
    assert started().wait() == 0
    assert contents(tmp_path / "run") == contents(whole)
    assert kept(tmp_path / "kept.sqlite") == everything


def test_a_second_run_is_served_and_reads_nothing(model, options, whole, tmp_path):
    store, told = whole.parent / "kept.sqlite", []
    before = kept(store)
    again = rmbench.run(
        str(model), **options, out=tmp_path / "again", store=store, progress=lambda *now: told.append(now)
    )
    assert contents(again) == contents(whole)
    assert kept(store) == before
    assert told[-1][0] == told[-1][1] > 192
    assert told[-1][2] == 0  # tokens


def test_other_weights_are_not_served(model, options, whole, tmp_path):
    from safetensors.torch import load_file, save_file

    other = tm.save(tmp_path / "other", window=2048)
    weights = load_file(other / "model.safetensors")
    weights["score.weight"] = weights["score.weight"] * 1.5
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    store = whole.parent / "kept.sqlite"
    run = rmbench.run(str(other), **options, optimizer="none", out=tmp_path / "run", store=store)
    pairs = zip(read_run(run).items(TASK), read_run(whole).items(TASK), strict=True)
    assert all(left.scores == pytest.approx(1.5 * right.scores, abs=1e-5) for left, right in pairs)


def test_neither_other_tasks_nor_what_is_kept_change_a_bit(model, options, whole, tmp_path):
    """A task within a larger run, alone from an empty store, and alone from the store of the larger run."""
    both = {**options, "tasks": [TASK, "ties"], "limit": 4, "optimizer": "none", "too_long": "null"}
    runs = [rmbench.run(str(model), **both, out=tmp_path / "both", store=tmp_path / "a.sqlite")]
    for store in ("a.sqlite", "b.sqlite"):
        alone = {**both, "tasks": ["ties"]}
        runs.append(rmbench.run(str(model), **alone, out=tmp_path / store[0], store=tmp_path / store))
    scores = [[item.scores.tolist() for item in read_run(run).items("ties")] for run in runs]
    assert scores[0] == scores[1] == scores[2]
    pairs = zip(read_run(runs[0]).items(TASK), read_run(whole).items(TASK), strict=True)
    assert all(left.scores.tolist() == right.scores.tolist() for left, right in pairs)
