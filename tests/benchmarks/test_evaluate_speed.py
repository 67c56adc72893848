"""`evaluate` on a run the size of the core suite, against only reading its files. Timed by

    pytest tests/benchmarks -n 0 --benchmark-enable --benchmark-only -s

(the ordinary test run takes a small run, once, and only checks that both ways in give the same numbers).
"""

import timeit

import numpy as np

from rmbench.evaluation import evaluate
from rmbench.scores import read_run, write_run
from rmbench.types import Card, Item, Task

POOLS, PAIRS = 4, 7  # the tasks of the core suite


def card(name, axis, items):
    return Card(
        name=name,
        axis=axis,
        version=1,
        title=name,
        asks="how fast",
        limits="says nothing about a model",
        licence="CC0-1.0",
        source="written for this test",
        canary="rmbench:00000000-0000-0000-0000-000000000000",
        chance=0.0,
        items=items,
        sha256="0" * 64,
    )


def item(rng, name, number, size):
    gold = rng.permutation(np.linspace(0, 1, size))
    more = {"probability": float(gold[0]), "tags": {"split": "base" if number % 2 else "shift"}} if size == 2 else {}
    prompt = ({"role": "user", "content": f"{name} {number}"},)
    return Item(
        f"{number}",
        prompt,
        tuple(f"answer {k}" for k in range(size)),
        tuple(gold),
        f"g{number // 2 if size == 2 else number}",
        **more,
    )


def make_run(path, prompts, size, pairs):
    rng = np.random.default_rng(0)
    tasks = []
    for k in range(POOLS + PAIRS):
        axis = "overoptimization" if k < POOLS else "calibration" if k < POOLS + 3 else "generalisation"
        count, width = (prompts, size) if k < POOLS else (pairs, 2)
        items = tuple(item(rng, f"task_{k}", number, width) for number in range(count))
        tasks.append(Task(card(f"task_{k}", axis, count), items))
    return write_run(
        path,
        settings={"name": "noisy gold"},
        suite=None,
        seed=0,
        limit=None,
        tasks=tasks,
        scores={t.card.name: [[g + rng.normal() for g in i.gold] for i in t.items] for t in tasks},
        environment={},
        stats={},
        created="2026-01-02T03:04:05+00:00",
    )


def test_evaluate(benchmark, tmp_path):
    sizes = (6, 64, 40) if benchmark.disabled else (64, 256, 800)
    make_run(tmp_path / "run", *sizes)
    result = benchmark(evaluate, tmp_path / "run")
    assert evaluate(read_run(tmp_path / "run")) == result
    assert len(result.tasks) == POOLS + PAIRS
    assert 0 < result.skills["overall"].value < 1
    if not benchmark.disabled:
        seconds = min(timeit.repeat(lambda: read_run(tmp_path / "run"), number=1, repeat=3))
        best = benchmark.stats.stats.min
        benchmark.extra_info |= {"reading_seconds": seconds, "times_reading": best / seconds}
        print(f"\nevaluate {best:.2f} s: {benchmark.extra_info}")
