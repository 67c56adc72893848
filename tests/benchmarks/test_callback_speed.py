"""The share of a training's time that `RewardBenchmarkCallback` takes at its defaults. Measured by

    pytest tests/benchmarks/test_callback_speed.py -n 0 --benchmark-enable --benchmark-only -s

on TRL's RewardTrainer and a model of the embedded one's size (the ordinary test run takes a few steps and a toy task).
The time is that of the whole process in every event of the callback, against that of `train()`.
"""

import time

import pytest
import tiny_models
from datasets import Dataset
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer
from trl import RewardConfig, RewardTrainer

from rmbench.integrations import RewardBenchmarkCallback
from rmbench.models.tiny import FOLDER
from rmbench.training_data import Settings, training_pairs

STEPS, BATCH = 1500, 32  # enough for 5 % of it to hold a measurement or two: half an hour on a CPU, minutes on a GPU
EVENTS = ("on_train_begin", "on_step_end", "on_epoch_end", "on_train_end")


class Timed(RewardBenchmarkCallback):
    """Counts the seconds of its events."""

    seconds = 0.0

    def __getattribute__(self, name):
        found = super().__getattribute__(name)
        if name not in EVENTS:
            return found

        def call(*args, **kwargs):
            began = time.perf_counter()
            found(*args, **kwargs)
            self.seconds += time.perf_counter() - began

        return call


@pytest.mark.benchmark(min_rounds=1, warmup=False)
def test_share_of_training(benchmark, tmp_path):
    small = benchmark.disabled
    pairs = [pair.row() for pair in training_pairs(Settings(pairs=16 if small else 2000))]
    quiet = {"report_to": [], "disable_tqdm": True, "save_strategy": "no", "bf16": False}
    quiet["per_device_train_batch_size"] = 2 if small else BATCH
    args = RewardConfig(output_dir=str(tmp_path), max_steps=4 if small else STEPS, logging_steps=100, **quiet)
    trainer = RewardTrainer(
        model=AutoModelForSequenceClassification.from_config(AutoConfig.from_pretrained(FOLDER)),
        args=args,
        train_dataset=Dataset.from_list(pairs).remove_columns("margin"),
        processing_class=AutoTokenizer.from_pretrained(FOLDER),
    )
    toy = {"tasks": [tiny_models.task(items=2)], "max_share": 1.0, "every": 2} if small else {}
    bench = Timed(trainer, **toy)
    trainer.add_callback(bench)
    began = time.perf_counter()
    benchmark.pedantic(trainer.train, rounds=1, iterations=1)
    share = bench.seconds / (time.perf_counter() - began)
    assert bench.results
    assert share <= bench.share.used + 0.005  # the callback's own count begins later than this one
    if not small:
        benchmark.extra_info |= {"share": share, "measurements": len(bench.results), "each": bench.share.estimate}
        print(f"\n{STEPS} steps: {benchmark.extra_info}")
        assert share < 0.05
