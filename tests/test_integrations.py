"""The callback measures what `rmbench run` would, costs what it may, and leaves the training as it was, bit for bit."""

import random
import subprocess
import sys
import time
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_models
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback
from trl import RewardConfig, RewardTrainer

import rmbench
from rmbench.errors import ModelError, UsageError
from rmbench.integrations import RewardBenchmarkCallback, callback
from rmbench.integrations.share import MARGIN, Share
from rmbench.models.tiny import FOLDER
from rmbench.training_data import Settings, training_pairs
from rmbench.types import Failure, Result

SPEEDS = ("_runtime", "_samples_per_second", "_steps_per_second")


@pytest.fixture(scope="module")
def pairs():
    from datasets import Dataset

    return Dataset.from_list([p.row() for p in training_pairs(Settings(pairs=24))]).remove_columns("margin")


@pytest.fixture
def make(tmp_path, pairs):
    """A RewardTrainer of TRL on a random model of two layers; `model` goes to its config, the rest to RewardConfig."""

    def made(kind="llama", dtype=torch.float32, model=None, window=1024, peft=None, **options):
        tokenizer = AutoTokenizer.from_pretrained(FOLDER)
        config = tiny_models.config(kind, len(tokenizer), pad_id=tokenizer.pad_token_id, window=window)
        config.update(model or {})
        torch.manual_seed(0)
        options = {
            "max_steps": 6,
            "per_device_train_batch_size": 2,
            "logging_steps": 2,
            "learning_rate": 1e-3,
        } | options
        quiet = {"report_to": [], "disable_tqdm": True, "save_strategy": "no", "use_cpu": True, "bf16": False}
        return RewardTrainer(
            model=AutoModelForSequenceClassification.from_config(config, dtype=dtype),
            args=RewardConfig(output_dir=str(tmp_path / "out"), **quiet | options),
            train_dataset=pairs,
            eval_dataset=pairs.select(range(4)),
            processing_class=tokenizer,
            peft_config=peft,
        )

    return made


def toys(items=6):
    return [tiny_models.task("toy", items=items)]


def attach(trainer, **options):
    options = {"tasks": toys(), "max_share": 1.0, "every": 2} | options
    made = RewardBenchmarkCallback(trainer, **options)
    trainer.add_callback(made)
    return made


def measured(trainer):
    return [row for row in trainer.state.log_history if "rmbench/share" in row]


def own(trainer):
    """What the trainer itself logs, without what no two trainings share."""
    rows = [row for row in trainer.state.log_history if "rmbench/share" not in row]
    return [{k: v for k, v in row.items() if not k.endswith(SPEEDS)} for row in rows]


def ours(caplog):
    return [record.getMessage() for record in caplog.records if record.name == callback.log.name]


def test_its_numbers_are_those_of_run_and_evaluate(make, tmp_path):
    trainer = make()
    tasks = ["difficulty", "known_probability", "pool_records"]
    bench = attach(trainer, tasks=tasks, limit=8, every=1000, per_task=True, out=tmp_path / "kept", track="closed")
    trainer.train()
    assert [*bench.results] == [6]  # at the end, though no multiple of `every`
    (row,) = measured(trainer)
    trainer.save_model(tmp_path / "saved")
    folder = rmbench.run(
        str(tmp_path / "saved"), suite=None, tasks=bench.tasks, optimizer="none", track="closed", out=tmp_path / "run"
    )
    expected, kept = rmbench.evaluate(folder), rmbench.evaluate(tmp_path / "kept" / "step-6")
    for name, skill in (expected.skills | expected.track).items():
        assert row.get(f"rmbench/{name}") == pytest.approx(skill.value, abs=1e-6)
        assert row.get(f"rmbench/{name}") == (kept.skills | kept.track)[name].value
    for name, task in expected.tasks.items():
        assert row[f"rmbench/task/{name}"] == pytest.approx(task.metrics[task.headline].value, abs=1e-6)
    assert row["rmbench/overall_low"] <= row["rmbench/overall"] <= row["rmbench/overall_high"]
    assert (row["step"], row["rmbench/missing"], row["rmbench/limit"]) == (6, 0, 8)
    assert kept.model.endswith("step-6")
    assert "limit:8" in kept.signature


def test_a_part_of_a_suite_is_not_called_the_suite():
    called, tasks = callback._frozen("quick", None, 32)
    assert called.startswith("quick-in-training@")
    sizes = {task.card.axis: set() for task in tasks}
    for task in tasks:
        sizes[task.card.axis].add((len({i.group for i in task.items}), max(len(i.responses) for i in task.items)))
        assert not task.card.budgets.queries
    assert sizes["overoptimization"] == {(8, 64)}
    assert max(groups for groups, _ in sizes["calibration"] | sizes["generalisation"]) == 32


class Stranger(TrainerCallback):
    """Draws from every global generator in every step, as data augmentation would."""

    def __init__(self):
        self.drawn = []

    def on_step_begin(self, *_, **__):
        self.drawn.append((random.random(), np.random.random(), float(torch.rand(()))))  # noqa: NPY002


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"kind": "gpt2", "disable_dropout": False, "gradient_checkpointing": True},  # dropout draws random numbers
        {"kind": "bert", "eval_strategy": "steps", "eval_steps": 2},
        {"bf16": True},  # autocast
        {"dtype": torch.bfloat16},
        {"peft": True},
    ],
    ids=str,
)
def test_the_training_is_the_same_bit_for_bit(make, options):
    if options.get("peft"):
        from peft import LoraConfig

        options = {"peft": LoraConfig(r=2, target_modules=["q_proj"], modules_to_save=["score"], task_type="SEQ_CLS")}
    ends = []
    for watched in (False, True):
        trainer, stranger = make(max_steps=4, **options), Stranger()
        trainer.add_callback(stranger)
        next(trainer.model.children()).eval()  # a part that its owner has frozen stays so
        bench = attach(trainer) if watched else None
        trainer.train()
        model = trainer.model
        ends.append((model.state_dict(), stranger.drawn, own(trainer), [m.training for m in model.modules()]))
        if watched:
            assert [type(result) for result in bench.results.values()] == [Result] * 2, bench.results
            assert not [m for m in model.modules() if m._forward_hooks and type(m) is torch.nn.Linear]
    (plain, *others), (same, *those) = ends
    assert plain.keys() == same.keys()
    assert all(plain[key].dtype == same[key].dtype and torch.equal(plain[key], same[key]) for key in plain)
    assert others == those
    assert torch.is_grad_enabled()


def test_the_head_does_not_round(make):
    """In bf16, scores of different answers would be equal."""
    trainer = make(bf16=True)
    bench = attach(trainer, every=1)
    trainer.train()
    assert all(isinstance(result, Result) for result in bench.results.values())
    model = bench._model()
    with callback.lent(model.model):
        scores = model.score([i.conversation(0) for i in toys(40)[0].items])
    assert all(float(torch.tensor(s).bfloat16()) != s for s in scores)


def test_default_share_holds_with_a_real_trainer(make):
    """Seconds are counted here, from outside: everything that the callback does in any event."""
    trainer = make(max_steps=80, per_device_train_batch_size=4, logging_steps=10)
    bench = attach(
        trainer, every=5, tasks=toys(2), max_share=RewardBenchmarkCallback.__init__.__kwdefaults__["max_share"]
    )
    spent = []

    def timed(call, *args, **kwargs):
        began = time.perf_counter()
        call(*args, **kwargs)
        spent.append(time.perf_counter() - began)

    for event in ("on_train_begin", "on_step_end", "on_epoch_end", "on_train_end"):
        setattr(bench, event, partial(timed, getattr(bench, event)))
    began = time.perf_counter()
    trainer.train()
    share = sum(spent) / (time.perf_counter() - began)
    assert 1 <= len(measured(trainer)) < 16
    assert share < 0.05
    assert share == pytest.approx(bench.share.used, abs=0.005)


@pytest.mark.parametrize("seed", range(20))
def test_share_is_kept_whatever_steps_and_measurements_cost(seed):
    rng, now = random.Random(seed), 0.0
    share = Share(0.05, clock=lambda: now)
    now = 1.0
    share.start()
    step, cost, steps, done = rng.uniform(0.01, 1), rng.uniform(0.1, 30), 2000, 0
    for number in range(1, steps + 1):
        now += step * rng.uniform(0.5, 1.5)
        if share.allows(number / steps, reserve=number < steps) and share.estimate is not None:
            with share.spending():
                now += share.estimate * rng.uniform(0.8, MARGIN)
            done += 1
        share.estimate = cost
        assert share.used <= 0.05 + 1e-12
    possible = 0.05 * steps * step / cost
    assert done >= possible / 2 - 2


def test_the_last_measurement_is_kept_room_for():
    now = 0.0
    share = Share(0.05, clock=lambda: now, estimate=4.0)
    now = 160.0  # it may take 8 s now; by the end of 200 s, one of 4 s and one of 8 s would be too much
    assert share.allows(160 / 200, reserve=False)
    assert not share.allows(160 / 200, reserve=True)
    assert share.allows(160 / 1000, reserve=True)
    now = 150.0
    assert not share.allows(0.5, reserve=False)
    assert share.seconds_until_allowed() == pytest.approx(152)


def test_a_measurement_that_costs_too_much_is_put_off(make, caplog):
    trainer = make()
    bench = attach(trainer, max_share=1e-6)
    trainer.train()
    assert not bench.results
    assert not measured(trainer)
    first, last = ours(caplog)
    assert "put" in first
    assert "step 2" in first
    assert "did not measure the last step" in last


@pytest.mark.parametrize("fault", [RuntimeError("CUDA error"), MemoryError(), ValueError("two\nlines")])
def test_a_failure_is_told_once_and_the_training_goes_on(make, monkeypatch, caplog, fault):
    def fail(*_):
        raise fault

    monkeypatch.setattr(callback, "score_items", fail)
    trainer = make()
    bench = attach(trainer)
    trainer.train()
    assert trainer.state.global_step == 6
    assert [*bench.results] == [2, 4, 6]
    assert all(isinstance(found, Failure) for found in bench.results.values())
    assert type(fault).__name__ in bench.results[2].reason
    (told,) = ours(caplog)
    assert "the training goes on" in told
    assert "\n" not in told
    assert not measured(trainer)
    assert trainer.model.training


class Broken(TrainerCallback):
    def on_log(self, *_, logs, **__):
        if "rmbench/share" in logs:
            raise ConnectionError("no route")


def test_a_logger_that_fails_is_a_failure_too(make, caplog):
    trainer = make(max_steps=2)
    trainer.add_callback(Broken())
    bench = attach(trainer)
    trainer.train()
    trainer.train()  # once more, with a count of its own
    assert bench.results == {2: Failure("ConnectionError: no route")}
    assert len([told for told in ours(caplog) if "no route" in told]) == 1


def test_scores_that_are_no_numbers_are_missing_and_no_skill(make, caplog):
    trainer = make()
    with torch.no_grad():
        trainer.model.score.weight.fill_(float("nan"))
    attach(trainer)
    trainer.train()
    row = measured(trainer)[0]
    assert row["rmbench/missing"] == 18
    assert "rmbench/overall" not in row
    assert any("no generalisation at step 2" in told for told in ours(caplog))


def test_what_does_not_fit_the_window_is_missing(make):
    trainer = make(window=32)
    bench = attach(trainer, tasks=[tiny_models.task(items=60)], limit=None)
    trainer.state.max_steps, trainer.state.global_step = 6, 2
    bench.on_step_end(trainer.args, trainer.state, trainer.control)
    assert 0 < measured(trainer)[0]["rmbench/missing"] < 180


class Stop(TrainerCallback):
    def on_step_end(self, _, state, control, **__):
        control.should_training_stop = state.global_step >= 3


@pytest.mark.parametrize(("at_end", "steps"), [(True, [2, 3]), (False, [2])])
def test_the_end_is_where_training_stops(make, at_end, steps):
    trainer = make()
    trainer.add_callback(Stop())
    bench = attach(trainer, at_end=at_end)
    trainer.train()
    assert [*bench.results] == steps


def test_a_second_training_keeps_the_folders_of_the_first(make, tmp_path):
    for name in ("step-4", "step-4-2"):
        (tmp_path / "kept" / name).mkdir(parents=True)
    trainer = make()
    attach(trainer, every=4, out=tmp_path / "kept")
    trainer.train()
    assert sorted(p.name for p in (tmp_path / "kept").iterdir()) == ["step-4", "step-4-2", "step-4-3", "step-6"]


def test_only_the_main_process_measures(make):
    trainer = make()
    bench = attach(trainer)
    state = SimpleNamespace(global_step=2, max_steps=6, is_world_process_zero=False)
    bench.on_step_end(trainer.args, state, SimpleNamespace(should_training_stop=False))
    bench.on_epoch_end(trainer.args, state, SimpleNamespace(should_training_stop=True))
    assert not bench.results


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"every": 0}, "every is 0"),
        ({"max_share": 0}, "max_share is 0"),
        ({"max_share": 5}, "max_share is 5"),
        ({"limit": 0}, "limit is 0"),
        ({"tasks": []}, "tasks is empty"),
        ({"tasks": ["nonsense"]}, "there is no task 'nonsense'"),
        ({"tasks": None, "suite": "nonsense"}, "nonsense"),
        ({"track": "wide"}, "track is 'wide'"),
    ],
)
def test_wrong_options_are_told_before_training(make, options, said):
    with pytest.raises(UsageError, match=said):
        attach(make(), **options)


def test_wrong_models_are_told_before_training(make):
    with pytest.raises(UsageError, match="goes with a transformers or TRL trainer"):
        RewardBenchmarkCallback(SimpleNamespace())
    trainer = make()
    trainer.processing_class.chat_template = None
    with pytest.raises(ModelError, match="no chat template"):
        attach(trainer)
    trainer = make()
    trainer.processing_class = None
    with pytest.raises(UsageError, match="no tokenizer"):
        attach(trainer)
    trainer = make()
    trainer.model.config.num_labels = 3
    with pytest.raises(ModelError, match="3 outputs"):
        attach(trainer)
    trainer.model = AutoModelForCausalLM.from_config(trainer.model.config)
    with pytest.raises(ModelError, match="trains a language model"):
        attach(trainer)
    trainer.model = torch.nn.Linear(2, 1)
    with pytest.raises(ModelError, match="no transformers config"):
        attach(trainer)


def test_spread_weights_are_refused(make, monkeypatch):
    trainer = make()
    monkeypatch.setattr(trainer, "is_fsdp_enabled", True)
    with pytest.raises(UsageError, match="FSDP spreads the weights"):
        attach(trainer)
    monkeypatch.undo()
    for stage in (2, 3):
        state = SimpleNamespace(deepspeed_plugin=SimpleNamespace(zero_stage=stage))
        monkeypatch.setattr(trainer, "accelerator", SimpleNamespace(state=state, unwrap_model=lambda m, **_: m))
        if stage == 3:
            with pytest.raises(UsageError, match="DeepSpeed ZeRO stage 3 spreads"):
                callback.refuse(trainer)
        else:
            callback.refuse(trainer)


def test_it_goes_with_a_plain_trainer(make, tmp_path):
    from transformers import Trainer, TrainingArguments

    trl = make()
    rows = [{"input_ids": [5, 6, 7, 8], "attention_mask": [1, 1, 1, 1], "labels": 1.0}] * 8
    options = {"report_to": [], "disable_tqdm": True, "save_strategy": "no", "use_cpu": True, "max_steps": 4}
    args = TrainingArguments(output_dir=str(tmp_path), **options)
    trainer = Trainer(model=trl.model, args=args, train_dataset=rows, processing_class=trl.processing_class)
    bench = attach(trainer)
    trainer.train()
    assert [*bench.results] == [2, 4]


def test_its_import_needs_no_trl():
    code = "import sys\nfrom rmbench.integrations import RewardBenchmarkCallback\nprint('trl' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
