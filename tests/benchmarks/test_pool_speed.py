"""Exact best-of-n on pools, against the same formula written out with big integers. Timed by

    pytest tests/benchmarks -n 0 --benchmark-enable --benchmark-only -s

(the ordinary test run takes small pools, once, and only compares the values). A benchmark's `extra_info` keeps how many
times faster rmbench is; `--benchmark-json FILE` writes it down.
"""

import timeit
from math import comb

import numpy as np
import pytest

from rmbench.optimizers import BestOfN

DRAWS = [2**k for k in range(1, 9)]


def pools(prompts, size):
    """Proxy and gold, shape (prompts, size); proxies have two decimals, so that many of them are equal."""
    rng = np.random.default_rng(0)
    gold = rng.random((prompts, size))
    return np.round(gold + rng.standard_normal((prompts, size)), 2), gold


def by_rmbench(proxy, gold):
    return [[float(BestOfN(n).spend(r).weights @ g) for n in DRAWS] for r, g in zip(proxy, gold, strict=True)]


def averaged_over_ties(proxy, gold):
    """Gold from the lowest proxy to the highest, equal proxies sharing their mean."""
    order = sorted(range(len(proxy)), key=lambda i: proxy[i])
    groups = {}
    for i in order:
        groups.setdefault(proxy[i], []).append(gold[i])
    return [sum(group) / len(group) for group in groups.values() for _ in group]


def gold_of_best(n, ordered):
    """sum over i = n..N of C(i - 1, n - 1) / C(N, n) g_(i), one exact division of integers per term."""
    size = len(ordered)
    ways = comb(size, n)
    return sum(comb(i - 1, n - 1) / ways * ordered[i - 1] for i in range(n, size + 1))


def by_big_integers(proxy, gold):
    ordered = [averaged_over_ties(r, g) for r, g in zip(proxy.tolist(), gold.tolist(), strict=True)]
    return [[gold_of_best(n, pool) for n in DRAWS] for pool in ordered]


def by_big_integers_once(proxy, gold):
    """A kinder peer: the binomials of each n are computed once for all prompts."""
    ordered = np.array([averaged_over_ties(r, g) for r, g in zip(proxy.tolist(), gold.tolist(), strict=True)])
    size = ordered.shape[1]
    weights = [[comb(i - 1, n - 1) / comb(size, n) for i in range(1, size + 1)] for n in DRAWS]
    return (ordered @ np.array(weights).T).tolist()


@pytest.mark.parametrize("peer", [by_big_integers, by_big_integers_once])
def test_exact_best_of_n(benchmark, peer):
    proxy, gold = pools(2, 300) if benchmark.disabled else pools(64, 2048)
    found = benchmark(by_rmbench, proxy, gold)
    np.testing.assert_allclose(found, peer(proxy, gold), rtol=0, atol=1e-9)
    if not benchmark.disabled:  # the best of several on both sides: other work on the machine only ever adds time
        seconds = min(timeit.repeat(lambda: peer(proxy, gold), number=1, repeat=3))
        benchmark.extra_info |= {"peer": peer.__name__, "peer_seconds": seconds}
        benchmark.extra_info["times_faster"] = seconds / benchmark.stats.stats.min
        print(f"\n{proxy.shape} pool, n = {DRAWS}: {benchmark.extra_info}")
