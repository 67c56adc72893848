"""The closed track: reproducible training data with honest labels that TRL takes, and what closed runs report."""

import json
import math
import sys
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
import tiny_models
from scored import edited_manifest

import rmbench
from rmbench.cli import main
from rmbench.errors import RmbenchError, UsageError
from rmbench.evaluation import to_json
from rmbench.scores import read_run
from rmbench.studies.tiny_data import VALIDATION
from rmbench.task import discover, load_task
from rmbench.training_data import BLOCK, SEEDS, Settings, chance, training_pairs, write_pairs
from rmbench.worlds import get_world, worlds
from rmbench.worlds.base import split_of

SOME = 160


@pytest.fixture(scope="module")
def gold():
    return [*training_pairs(Settings(pairs=SOME))]


def made(**more):
    return [*training_pairs(Settings(pairs=SOME, **more))]


def texts(pair):
    return {pair.chosen, pair.rejected}


def test_the_better_answer_is_chosen_and_the_margin_is_the_difference(gold):
    for pair in gold:
        world = get_world(pair.world)
        prompt = world.prompt(pair.seed, split="train")
        assert prompt.text == pair.prompt
        difference = world.gold(prompt, pair.chosen).score - world.gold(prompt, pair.rejected).score
        assert pair.margin == pytest.approx(difference, abs=1e-6)
        assert pair.margin > 0
        assert pair.probability == 1
    assert Counter(pair.world for pair in gold) == dict.fromkeys(worlds(), SOME // 4)


def test_prompts_are_of_the_training_split_and_in_no_task(gold):
    assert {split_of(pair.prompt) for pair in gold} == {"train"}
    asked = {message["content"] for name in discover() for item in load_task(name).items for message in item.prompt}
    assert not asked & {pair.prompt for pair in gold}


def test_seeds_are_apart_from_each_other_and_from_the_validation_of_tiny(gold):
    assert SEEDS * BLOCK <= VALIDATION
    other = made(seed=SEEDS - 1)
    assert max(pair.seed for pair in other) < VALIDATION
    assert not {pair.prompt for pair in gold} & {pair.prompt for pair in other}


def test_annotators_differ_in_labels_alone(gold):
    for more in ({"annotator": "logistic"}, {"annotator": "biased"}, {"label_noise": 0.3}, {"raters": 5}):
        for pair, reference in zip(made(**more), gold, strict=True):
            assert texts(pair) == texts(reference)
            assert (pair.prompt, pair.margin) == (reference.prompt, reference.margin)


def test_a_share_of_labels_is_turned_round(gold):
    clean = {**{p.prompt: p.chosen for p in gold}}
    turned = [pair.chosen != clean[pair.prompt] for pair in made(label_noise=0.25)]
    assert abs(np.mean(turned) - 0.25) < 3 * math.sqrt(0.25 * 0.75 / SOME)
    assert {pair.probability for pair in made(label_noise=0.25)} == {0.25, 0.75}
    # more noise turns the same labels round, and more of them
    fewer = [pair.chosen != clean[pair.prompt] for pair in made(label_noise=0.1)]
    assert all(more for less, more in zip(fewer, turned, strict=True) if less)


@pytest.mark.parametrize("raters", [1, 5])
def test_labels_come_as_often_as_their_probability_says(raters):
    """Of the logistic annotator; the expected number of correct labels is the sum of the stated chances."""
    settings = Settings(pairs=600, annotator="logistic", tau=0.3, raters=raters, worlds=("records", "transforms"))
    right, expected, spread = 0, 0.0, 0.0
    for pair in training_pairs(settings):
        single = 1 / (1 + math.exp(-pair.margin / 0.3))
        p = sum(
            math.comb(raters, k) * single**k * (1 - single) ** (raters - k) for k in range(raters // 2 + 1, raters + 1)
        )
        assert min(abs(pair.probability - p), abs(pair.probability - (1 - p))) < 1e-5
        right += abs(pair.probability - p) <= abs(pair.probability - (1 - p))
        expected, spread = expected + p, spread + p * (1 - p)
    assert abs(right - expected) < 3.5 * math.sqrt(spread)


def test_the_biased_annotator_likes_length_and_markdown():
    settings = Settings(annotator="biased", tau=0.15)
    plain = "one two three four"
    assert chance(plain, plain, 0.0, settings) == 0.5
    # twice as long is worth 0.05 of gold, each of at most five marks 0.02
    assert chance(f"{plain} {plain}", plain, 0.0, settings) == pytest.approx(1 / (1 + math.exp(-0.05 / 0.15)))
    marked = "**one** two three four"
    assert chance(marked, plain, 0.0, settings) == pytest.approx(1 / (1 + math.exp(-0.02 / 0.15)))
    heavy = " ".join(["**one**"] * 20)
    assert chance(heavy, " ".join(["one"] * 20), 0.0, settings) == pytest.approx(1 / (1 + math.exp(-0.1 / 0.15)))
    assert chance(plain, marked, 0.0, settings) == pytest.approx(1 - chance(marked, plain, 0.0, settings))
    assert chance(plain, plain, -1.0, Settings(annotator="logistic", tau=1e-9)) == 0
    longer = [len(p.chosen.split()) > len(p.rejected.split()) for p in made(annotator="biased", tau=0.001)]
    assert np.mean(longer) > np.mean([len(p.chosen.split()) > len(p.rejected.split()) for p in made()])


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_same_arguments_same_bytes(tmp_path, ending):
    settings = Settings(pairs=30, annotator="logistic", seed=3)
    for name in ("a", "b"):
        write_pairs(tmp_path / f"{name}.{ending}", settings)
    first, second = (tmp_path / f"{name}.{ending}" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    rows = pq.read_table(first).to_pylist() if ending == "parquet" else [*map(json.loads, first.open(encoding="utf-8"))]
    assert rows == [pair.row() for pair in training_pairs(settings)]
    assert list(rows[0]) == ["prompt", "chosen", "rejected", "margin", "probability", "world", "seed"]
    if ending == "parquet":
        assert json.loads(pq.read_schema(first).metadata[b"rmbench"])["annotator"] == "logistic"


def test_a_stopped_writing_leaves_what_was_there(tmp_path):
    out = tmp_path / "pairs.jsonl"
    out.write_text("mine")

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_pairs(out, Settings(pairs=10), stop)
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.jsonl"]
    assert out.read_text() == "mine"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pairs": 0}, "--pairs 0"),
        ({"pairs": BLOCK + 1}, "another --seed has as many more"),
        ({"seed": -1}, "--seed -1"),
        ({"seed": SEEDS}, "from 0 to 999"),
        ({"annotator": "golden"}, "known: gold, logistic, biased"),
        ({"tau": 0.0}, "--tau 0"),
        ({"tau": float("nan")}, "--tau nan"),
        ({"raters": 2}, "odd number"),
        ({"label_noise": 0.6}, "--label-noise 0.6"),
        ({"worlds": ("recrods",)}, "there is no world 'recrods'"),
        ({"worlds": ("records", "records")}, "named twice"),
    ],
)
def test_bad_settings(change, message):
    with pytest.raises(UsageError, match=message):
        Settings(**change)


def test_command_line(tmp_path, monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["rmbench", "train-data", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code or 0, *capsys.readouterr()

    out = tmp_path / "new" / "pairs.parquet"
    options = ("--annotator", "biased", "--label-noise", 0.1, "--raters", 3, "--worlds", "records,transforms")
    code, said, told = call("--out", out, "--pairs", 12, *options)
    assert (code, said.strip()) == (0, str(out))
    assert "wrote 12 pairs in" in told
    assert Counter(pq.read_table(out)["world"].to_pylist()) == {"records": 6, "transforms": 6}
    assert "must end in .jsonl or .parquet" in call("--out", tmp_path / "pairs.csv")[2]
    (tmp_path / "file").touch()
    assert "cannot be written" in call("--out", tmp_path / "file" / "x.jsonl", "--pairs", 1)[2]


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_trl_trains_on_it(tmp_path, ending):
    """As the documentation has it, with and without the margins, for two steps of a random model."""
    from datasets import load_dataset
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from trl import RewardConfig, RewardTrainer

    path = tmp_path / f"pairs.{ending}"
    write_pairs(path, Settings(pairs=8, worlds=("records",)))
    kind = "json" if ending == "jsonl" else ending
    data = load_dataset(kind, data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    folder = tiny_models.save(tmp_path / "model", window=2048)
    trainer = RewardTrainer(
        model=AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1),
        processing_class=AutoTokenizer.from_pretrained(folder),
        args=RewardConfig(
            output_dir=str(tmp_path / "out"),
            max_steps=2,
            per_device_train_batch_size=2,
            max_length=2048,
            report_to="none",
            use_cpu=True,
            bf16=False,
            save_strategy="no",
            disable_tqdm=True,
        ),
        train_dataset=data.remove_columns("margin") if ending == "jsonl" else data,
    )
    assert math.isfinite(trainer.train().training_loss)
    assert trainer.state.global_step == 2


# --- the track


TASKS = ["difficulty", "domain", "length"]


def scored(tmp_path, name, model, **more):
    return rmbench.run(model, suite=None, tasks=TASKS, limit=24, out=tmp_path / name, **more)


def test_closed_runs_report_how_far_the_skill_reaches(tmp_path):
    result = rmbench.evaluate(scored(tmp_path, "run", "length", track="closed"), bootstrap=200)
    assert list(result.track) == ["in_distribution", "near_shift", "far_shift"]
    tasks = result.tasks
    base = np.mean([tasks[name].metrics["BaseSkill"].value for name in TASKS])
    near = np.mean([tasks[name].metrics["RetainedSkill"].value for name in ("difficulty", "length")])
    assert result.track["in_distribution"].value == pytest.approx(base)
    assert result.track["near_shift"].value == pytest.approx(near)
    assert result.track["far_shift"] == tasks["domain"].metrics["RetainedSkill"]
    assert result.track["near_shift"].low < near < result.track["near_shift"].high
    assert to_json(result)["track"]["far_shift"]["n"] == result.track["far_shift"].n
    assert "|track:closed|" in result.signature


def test_the_gold_is_perfect_near_and_far(tmp_path):
    found = rmbench.evaluate(scored(tmp_path, "run", "oracle", track="closed"), bootstrap=20).track
    assert [estimate.value for estimate in found.values()] == [1, 1, 1]


def test_only_tasks_that_say_how_far_they_shift_count(tmp_path):
    some = {"suite": None, "tasks": ["known_probability"], "limit": 8}
    folder = rmbench.run("length", **some, out=tmp_path / "run", track="closed")
    found = rmbench.evaluate(folder, bootstrap=20).track
    assert {estimate.reason for estimate in found.values()} == {"no task of this kind was run"}
    assert all(estimate.value is None for estimate in found.values())


def test_the_track_is_what_is_declared_or_known(tmp_path):
    assert read_run(scored(tmp_path, "tfidf", "tfidf")).manifest.track == "closed"
    assert read_run(scored(tmp_path, "other", "tfidf", track="open")).manifest.track == "open"
    opened = scored(tmp_path, "length", "length")
    assert read_run(opened).manifest.track == "open"
    result = rmbench.evaluate(opened, bootstrap=20)
    assert (dict(result.track), to_json(result)["track"]) == ({}, {})
    assert "track" not in result.signature
    with pytest.raises(UsageError, match="give closed or open"):
        scored(tmp_path, "none", "length", track="ajar")


def test_old_manifests_are_open(tmp_path):
    folder = scored(tmp_path, "run", "length", track="closed")
    edited_manifest(folder, lambda raw: raw.pop("track"))
    assert read_run(folder).manifest.track == "open"
    edited_manifest(folder, lambda raw: raw.update(track="ajar"))
    with pytest.raises(RmbenchError, match="track"):
        read_run(folder)


def test_terminal_and_page_show_the_track(tmp_path):
    import io

    from rich.console import Console

    from rmbench.report.html import write_report
    from rmbench.report.terminal import print_result
    from rmbench.report.words import DISTANCES, interval

    for track in ("closed", "open"):
        folder = scored(tmp_path, track, "length", track=track)
        result = rmbench.evaluate(folder)
        console = Console(file=io.StringIO(), width=80)
        print_result(result, console, run=folder)
        said = console.file.getvalue()
        page = write_report(folder, tmp_path / f"{track}.html").read_text(encoding="utf-8")
        for shown in (said, page):
            assert ("Closed track" in shown) == (track == "closed")
            for title, _ in DISTANCES.values():
                assert (title in shown) == (track == "closed")
        if track == "closed":
            assert max(map(len, said.splitlines())) <= 80
            for estimate in result.track.values():
                assert interval(estimate) in said
                assert interval(estimate) in page
