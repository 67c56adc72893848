"""The same model on CUDA in bf16 and on the CPU in fp32: the same ranks and skills. Skipped where there is no GPU.

    pytest tests/test_gpu.py -n 0 -s

prints tokens per second, and the share of what the matrix products alone allow.
"""

from __future__ import annotations

import pytest
import torch
from scipy.stats import spearmanr

import rmbench
from rmbench.bench import SHARED, measure
from rmbench.engine import score_items
from rmbench.models import ModelOptions, load_model
from rmbench.scores import read_run
from rmbench.task import load_suite

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
LIMIT = 16


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """tiny on a part of the quick suite: in fp32 on the CPU, and as it comes on the GPU."""
    folder = tmp_path_factory.mktemp("runs")
    how = {"suite": "quick", "limit": LIMIT, "optimizer": "none", "store": False}
    return {device: rmbench.run("tiny", **how, device=device, out=folder / device) for device in ("cpu", "cuda")}


def test_what_computed_is_written_down(runs):
    settings = {device: read_run(folder).manifest.settings for device, folder in runs.items()}
    assert (settings["cpu"]["dtype"], settings["cuda"]["dtype"]) == ("float32", "bfloat16")
    assert settings["cuda"]["device"] == "cuda"
    assert settings["cuda"]["attention"] in ("sdpa", "flash_attention_2")
    assert int(read_run(runs["cuda"]).manifest.environment["batch_tokens"]) >= 2048


def test_scores_have_the_same_ranks(runs):
    here, there = (read_run(runs[device]) for device in ("cpu", "cuda"))
    for name in here.tasks:
        both = [[score for item in run.items(name) for score in item.scores] for run in (here, there)]
        assert spearmanr(*both).statistic > 0.999, name


def test_skills_agree_to_a_hundredth(runs):
    here, there = (rmbench.evaluate(runs[device], bootstrap=10).skills for device in ("cpu", "cuda"))
    for axis, estimate in here.items():
        assert there[axis].value == pytest.approx(estimate.value, abs=0.01), axis


def test_fp32_on_the_gpu_is_the_cpu_to_rounding():
    task = [t for t in load_suite("quick").tasks() if t.card.name == "ties"]
    found = [
        [s for row in score_items(load_model("tiny", options), task).scores["ties"] for s in row]
        for options in (ModelOptions(device="cpu"), ModelOptions(device="cuda", dtype="float32"))
    ]
    assert found[0] == pytest.approx(found[1], abs=2e-3)


def test_shared_prompts_agree_on_the_gpu():
    assert load_model("tiny", ModelOptions(device="cuda")).shares_prefixes


def test_speed():
    model = load_model("tiny", ModelOptions(device="cuda"))
    speeds = measure(model, rounds=3)
    print(
        f"\n{torch.cuda.get_device_name()}, {model.max_batch_tokens:,} tokens per batch, {model.settings['attention']}"
    )
    for speed in speeds:
        print(
            f"{speed.workload}: {speed.way}: {speed.tokens_per_second:,.0f} tokens/s, {speed.share:.0%} of the ceiling"
        )
    best = {speed.workload: speed.ratio for speed in speeds if speed.way == SHARED}
    assert best["pool"] > 1
