"""`rmbench bench`: the three ways score the same, what is counted is what is said, and the table holds it."""

from __future__ import annotations

import json

import pytest
import tiny_models as tm

from rmbench.bench import CEILING, NAIVE, SHARED, SORTED, WORKLOADS, Products, measure, sequences, ways
from rmbench.engine.asking import ask_batch
from rmbench.models import load_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tm.save(tmp_path_factory.mktemp("models") / "rm", window=1024)


@pytest.fixture(scope="module")
def model(folder):
    return load_model(str(folder))


def test_the_lengths_are_those_that_are_said():
    pairs, pool = (sequences(name, 1000, 2000) for name in ("pairs", "pool"))
    assert len(pairs) == 24
    assert sum(len(row.ids) for _, row in pairs) == 8809
    assert [len(row.ids) for _, row in pool] == [340] * 64
    assert len({row.ids[:300] for _, row in pool}) == 1
    assert all(max(row.ids) < 1000 for _, row in pairs)
    short = sequences("pool", 1000, 100)
    assert {len(row.ids) for _, row in short} == {88 + 11}
    assert sequences("pairs", 1000, 2000) == pairs


@pytest.mark.parametrize("workload", WORKLOADS)
def test_all_ways_score_the_same(model, workload):
    asked = sequences(workload, model.vocabulary, model.window)
    plans = ways(model, asked)
    assert list(plans) == [NAIVE, SORTED, SHARED]
    found = [
        {row: s for batch in plan for row, s in zip(batch.rows, ask_batch(model, batch), strict=True)}
        for plan in plans.values()
    ]
    for other in found[1:]:
        assert other == pytest.approx(found[0], abs=1e-5)
    assert len(found[0]) == len(asked)


def test_speeds_are_counted_in_tokens_of_the_plain_path(model):
    speeds = measure(model, ["pool"], rounds=1)
    assert [speed.way for speed in speeds] == [NAIVE, SORTED, SHARED, CEILING]
    assert {speed.tokens for speed in speeds} == {64 * 340}
    assert speeds[0].ratio == 1
    for speed in speeds[:3]:
        assert speed.ratio == pytest.approx(speed.tokens_per_second / speeds[0].tokens_per_second)
    assert speeds[2].ratio > 1.5  # a ninth of the tokens is read


def test_the_ceiling_knows_every_matrix(model, folder):
    asked = sequences("pairs", model.vocabulary, model.window)
    assert len(Products(model, asked)._products) == 2 * 7 + 1
    likely = load_model(f"likelihood:{tm.save(folder.parent / 'lm', auto='AutoModelForCausalLM', window=1024)}")
    products = Products(likely, asked)._products
    assert [share for _, share in products[:-1]] == [1.0] * 14
    assert 0.8 < products[-1][1] < 1  # over the vocabulary: for the responses alone
    gpt2 = load_model(str(tm.save(folder.parent / "gpt2", "gpt2", window=1024)))
    assert len(Products(gpt2, asked)._products) == 2 * 4 + 1


def test_the_command(rmbench, folder):
    code, out, _ = rmbench("bench", folder, "--rounds", 1, "--workload", "pairs", "--max-batch-tokens", 4096)
    assert code == 0
    assert "float32 on cpu, 4,096 tokens per batch" in out
    assert [line for line in out.splitlines() if "pairs" in line and SORTED in line]
    code, out, _ = rmbench("bench", folder, "--rounds", 1, "--workload", "pool", "--json")
    assert code == 0
    assert {speed["way"] for speed in json.loads(out)["speeds"]} == {NAIVE, SORTED, SHARED, CEILING}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["length"], "length does not read tokens here"), (["--workload", "pools"], "no workload 'pools'; known: pairs")],
)
def test_bad_usage(rmbench, arguments, message):
    code, _, err = rmbench("bench", *arguments)
    assert code == 2
    assert message in err
