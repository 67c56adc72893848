"""`rmbench analyze pool` on 1,000 prompts x 12,800 candidates, against the public way to do it. Timed by

    pytest tests/benchmarks/test_analysis_speed.py -n 0 --benchmark-enable --benchmark-only -s

(the ordinary test run takes small pools, once, and compares the values). The peer is the loop that is found in public
code: for every n, sum over i of C(i - 1, n - 1) / C(N, n) g_(i) with exact big integers. Its coefficients alone are
timed, and of them every `STRIDE`-th: the time is multiplied by STRIDE, and counted once for all prompts. Both sides are
compared by the processor time of all their threads, which other work on the machine hardly changes.
"""

import json
import math
import resource
import subprocess
import sys
import time
from math import comb

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rmbench.analysis.pool import analyze_pool, pools_of, to_json
from rmbench.optimizers import BestOfN, Tilt, tilt
from rmbench.optimizers.sweep import sweep

DRAWS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 6400, 8192]
NATS = (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0)
STRIDE = 64
SECONDS, BYTES = 30, 4 * 2**30


def columns(prompts, size):
    rng = np.random.default_rng(0)
    proxy = rng.standard_normal((prompts, size))
    gold = 0.6 * proxy + 0.8 * rng.standard_normal((prompts, size))
    return np.repeat(np.arange(prompts), size), [f"prompt {k}" for k in range(prompts)], proxy.ravel(), gold.ravel()


def coefficients(size, n, places):
    """C(i - 1, n - 1) / C(N, n) for the places i, one exact division of integers each."""
    ways = comb(size, n)
    return np.array([comb(i - 1, n - 1) / ways for i in places])


def as_found(size, n, places):
    """The same, as it is written in public: the denominator is worked out again for every term."""
    return np.array([comb(i - 1, n - 1) / comb(size, n) for i in places])


def peer_seconds(peer, size):
    """The peer's coefficients for all n, from every STRIDE-th of them."""
    start = time.process_time()
    for n in DRAWS:
        peer(size, n, range(n, size + 1, STRIDE))
    return STRIDE * (time.process_time() - start)


@pytest.mark.benchmark(min_rounds=1, warmup=False)
def test_whole_analysis(benchmark):
    """Curves at 15 n, tilt at 7 budgets, 1,000 resamples by prompt, and everything else that `analyze pool` prints."""
    prompts, size, draws = (4, 300, [1, 2, 16, 256]) if benchmark.disabled else (1000, 12800, DRAWS)
    pools = pools_of(*columns(prompts, size))
    start = time.process_time()
    found = to_json(benchmark.pedantic(analyze_pool, (pools,), {"n": draws}, rounds=1, iterations=1))
    seconds = time.process_time() - start
    ordered = [item.gold[np.argsort(item.scores)] for item in pools.items[:3]]
    for k, n in enumerate(draws[:4]):
        weights = coefficients(size, n, range(n, size + 1))
        expected = np.mean([weights @ gold[n - 1 :] for gold in ordered])
        swept = sweep([i.scores for i in pools.items[:3]], [i.gold for i in pools.items[:3]], [BestOfN(n)])
        assert swept.gold.mean() == pytest.approx(expected, abs=1e-10)
        assert found["curves"]["best_of_n"][k]["n"] == n
    if not benchmark.disabled:
        benchmark.extra_info["processor_seconds"] = seconds
        for peer in (as_found, coefficients):
            needed = peer_seconds(peer, size)
            benchmark.extra_info |= {f"{peer.__name__}_seconds": needed, f"{peer.__name__}_ratio": needed / seconds}
        print(f"\n{prompts} x {size}: {benchmark.stats.stats.min:.1f} s on the clock; {benchmark.extra_info}")
        assert seconds < SECONDS


def test_command_on_parquet(benchmark, tmp_path):
    """The command itself, in a process of its own, from a parquet file: seconds and peak memory."""
    prompts, size = (5, 40) if benchmark.disabled else (1000, 12800)
    codes, labels, proxy, gold = columns(prompts, size)
    order = np.random.default_rng(1).permutation(codes.size)  # candidates come in any order
    names = pa.DictionaryArray.from_arrays(codes[order], labels).cast(pa.string())
    pq.write_table(pa.table({"x": names, "r": proxy[order], "g": gold[order]}), tmp_path / "pool.parquet")
    draws = ["--n", ",".join(map(str, DRAWS))] if not benchmark.disabled else []
    command = [sys.executable, "-m", "rmbench.cli", "analyze", "pool", str(tmp_path / "pool.parquet"), "--json", *draws]
    command += ["--prompt", "x", "--proxy", "r", "--gold", "g"]

    def call():
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    found = json.loads(benchmark.pedantic(call, rounds=1, iterations=1))
    assert (found["prompts"], found["candidates"]) == (prompts, prompts * size)
    if not benchmark.disabled:
        peak = 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        benchmark.extra_info["peak_gigabytes"] = peak / 2**30
        print(f"\n{prompts} x {size} from parquet: {benchmark.stats.stats.min:.1f} s, {peak / 2**30:.2f} GiB")
        assert peak < BYTES
        for point in found["curves"]["tilt"]:
            assert point["gold"]["value"] == pytest.approx(0.6 * math.sqrt(2 * point["kl"]), rel=0.06)


def grown(size, monkeypatch):
    """Candidates looked at by the tilts of one pool: each evaluation of its exponentials counts N."""
    seen = [0]
    evaluate = tilt._tilted

    def counted(strength, below, *rest):
        seen[0] += below.size
        return evaluate(strength, below, *rest)

    rng = np.random.default_rng(0)
    with monkeypatch.context() as patch:
        patch.setattr(tilt, "_tilted", counted)
        sweep(list(rng.standard_normal((4, size))), list(rng.standard_normal((4, size))), [Tilt(b) for b in NATS])
    return seen[0]


def test_work_grows_with_the_pool_and_no_faster(monkeypatch):
    """Beyond the sort, a budget costs a handful of passes over the pool, whatever the pool's size."""
    small, large = grown(3200, monkeypatch), grown(12800, monkeypatch)
    assert large <= 4 * 1.25 * small
    assert large <= 4 * 2 * len(NATS) * 8 * 12800  # 4 pools, proxy and gold, at most eight passes a budget


def test_time_grows_as_n_log_n(benchmark):
    sizes = (320, 1280) if benchmark.disabled else (12_800, 51_200)
    optimizers = [*map(BestOfN, (2, 16, 128)), *map(Tilt, NATS)]
    rng = np.random.default_rng(0)

    def seconds(size):
        pools = list(rng.standard_normal((8, size)))
        best = math.inf
        for _ in range(3):
            start = time.process_time()
            sweep(pools, pools[::-1], optimizers)
            best = min(best, time.process_time() - start)
        return best

    small, large = seconds(sizes[0]), benchmark.pedantic(seconds, (sizes[1],), rounds=1, iterations=1)
    if not benchmark.disabled:
        benchmark.extra_info["times_for_4_times_as_many"] = large / small
        print(f"\n{sizes[1]} against {sizes[0]} candidates: {large / small:.2f} times as long")
        assert large < 2 * 4 * math.log(sizes[1]) / math.log(sizes[0]) * small
