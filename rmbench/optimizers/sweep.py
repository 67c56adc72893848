"""Every budget on every pool: each pool is sorted once by its proxy and once by its gold, whatever the budgets are.

The work is numpy's, which lets other threads run meanwhile; pools are taken in blocks that fit the processor's cache.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from rmbench.optimizers.pool import Places, PoolOptimizer, Ranked
from rmbench.types import Floats

BLOCK = 1 << 16  # candidates worked on at once: half a MiB per array


@dataclass(frozen=True, slots=True)
class Sweep:
    """What every budget reaches. `mean` and `tied` have shape (pools,), the others (pools, budgets).

    `gold` is reached when the proxy is optimised, `oracle` when the gold itself is; `proxy` is in standard deviations
    within the pool; `kl` in nats. `saturated` is 1 where the proxy could not spend the budget. `mean` is the gold of
    the pool that nothing has optimised, `tied` counts candidates that share their proxy with another. All are NaN where
    a pool is too small for a budget.
    """

    optimizers: tuple[PoolOptimizer, ...]
    mean: Floats
    tied: Places
    kl: Floats
    proxy: Floats
    gold: Floats
    oracle: Floats
    saturated: Floats


def sweep(proxy: Sequence[Floats], gold: Sequence[Floats], optimizers: Sequence[PoolOptimizer]) -> Sweep:
    """Spend every budget on every pool; `proxy[k]` and `gold[k]` are finite, of shape (N_k,). N log N per pool."""
    # a rising budget starts where the last one ended
    order = sorted(optimizers, key=lambda one: (one.name, one.budget))
    columns = [order.index(one) for one in optimizers]
    blocks = list(_blocks(proxy))

    def work(block: Places) -> tuple[Floats, Floats]:
        return _block(np.stack([proxy[k] for k in block]), np.stack([gold[k] for k in block]), order)

    found = np.full((5, len(proxy), len(order)), np.nan)
    once = np.full((2, len(proxy)), np.nan)
    with ThreadPoolExecutor(_threads(len(blocks))) as pool:
        for block, (each, one) in zip(blocks, pool.map(work, blocks), strict=True):
            found[:, block], once[:, block] = each, one
    kl, reached, golds, oracle, saturated = found[..., columns]
    return Sweep(tuple(optimizers), once[0], once[1].astype(np.intp), kl, reached, golds, oracle, saturated)


def _threads(blocks: int) -> int:
    """Two, where there is work and a second core: more only wait for memory."""
    return (
        min(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, blocks) or 1
    )


def _blocks(pools: Sequence[Floats]) -> Iterator[Places]:
    """Indices of pools of one size, as many at a time as a block holds."""
    sizes = np.array([pool.size for pool in pools], dtype=np.intp)
    for size in np.unique(sizes):
        same = np.flatnonzero(sizes == size)
        yield from np.array_split(same, -(-same.size // max(1, BLOCK // int(size))))


def _block(proxy: Floats, gold: Floats, optimizers: Sequence[PoolOptimizer]) -> tuple[Floats, Floats]:
    """The five numbers per pool and budget, shape (5, pools, budgets); mean gold and tied candidates, (2, pools)."""
    by_proxy, by_gold = Ranked.of(proxy), Ranked.of(gold)
    golds, standard = by_proxy.sort(gold), by_proxy.sort(_standard(proxy))
    out = np.full((5, len(proxy), len(optimizers)), np.nan)
    for k, optimizer in enumerate(optimizers):
        spent, best = optimizer.weigh(by_proxy), optimizer.weigh(by_gold)
        if spent is not None and best is not None:
            out[0, :, k], out[4, :, k] = spent.kl, spent.saturated
            out[1, :, k] = _dot(spent.weights, standard)
            out[2, :, k] = _dot(spent.weights, golds)
            out[3, :, k] = _dot(best.weights, by_gold.values)
    uniform = np.full((1, by_proxy.size), 1 / by_proxy.size)
    return out, np.stack([_dot(np.broadcast_to(uniform, golds.shape), golds), by_proxy.tied.astype(np.float64)])


def _dot(weights: Floats, values: Floats) -> Floats:
    # einsum and not @: BLAS sums in another order with another number of threads
    found: Floats = np.einsum("pn,pn->p", weights, values)
    return found


def _standard(scores: Floats) -> Floats:
    """Scores in standard deviations from the pool's mean; 0 for a constant reward."""
    largest = np.abs(scores).max(axis=-1, keepdims=True)
    scaled = scores / np.where(largest > 0, largest, 1.0)
    centred = scaled - scaled.mean(axis=-1, keepdims=True)
    spread = centred.std(axis=-1, keepdims=True)
    varies = (np.ptp(scaled, axis=-1, keepdims=True) > 0) & (spread > 0)
    return np.where(varies, centred / np.where(varies, spread, 1.0), 0.0)
