"""Scored items for tests of metrics: made in one line, seeded."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
from scipy.special import expit

from rmbench.metrics.base import estimate
from rmbench.scores import Manifest
from rmbench.stats import resample
from rmbench.types import Card, ScoredItem
from rmbench.types import Path as Course

GOLDEN = Path(__file__).parent / "golden"


def edited_manifest(run, change):
    """Change a run's manifest by hand, and seal it again where it still is one."""
    path = run / "manifest.json"
    raw = json.loads(path.read_text())
    change(raw)
    with contextlib.suppress(ValueError):  # not a manifest any more: that is what will be said of it
        raw["seal"] = Manifest.model_validate(raw).content_seal
    path.write_text(json.dumps(raw))


def item(scores, gold, name="i", group=None, **more):
    return ScoredItem(name, group or name, np.array(scores, dtype=float), np.array(gold, dtype=float), **more)


def pools(count=16, size=64, rho=0.6, seed=0):
    """Pools of Gaussian gold, and a proxy with correlation rho."""
    rng = np.random.default_rng(seed)
    gold = rng.standard_normal((count, size))
    proxy = rho * gold + np.sqrt(1 - rho**2) * rng.standard_normal((count, size))
    return [item(p, g, f"x{k}") for k, (p, g) in enumerate(zip(proxy, gold, strict=True))]


def pairs(count=200, noise=0.3, tau=0.2, seed=0, split=False):
    """Pairs with known probabilities, two per group; with `split`, one of them base and one shifted."""
    rng = np.random.default_rng(seed)
    out = []
    for k in range(count):
        gold = rng.random(2)
        tags = {"split": "base" if k % 2 else "shift"} if split else {}
        known = float(expit((gold[0] - gold[1]) / tau))
        scores = gold + noise * rng.standard_normal(2)
        out.append(item(scores, gold, f"i{k}", f"g{k // 2}", probability=known, tags=tags))
    return out


def course(gold, kl=None, queries=None, oracle=None, failed=0.0):
    """How one prompt fared along an optimiser that pushes; 100 queries a step unless told."""
    gold = np.array(gold, dtype=float)
    steps = 100.0 * np.arange(gold.size) if queries is None else np.array(queries, dtype=float)
    nats = np.full(gold.size, np.nan) if kl is None else np.array(kl, dtype=float)
    return Course(steps, nats, np.full(gold.size, np.nan), gold, failed=failed, oracle=oracle)


def rescored(items, score):
    """The same items under another reward: `score(item)` gives its scores."""
    return [
        ScoredItem(i.id, i.group, np.asarray(score(i), dtype=float), i.gold, i.probability, i.votes, i.tags)
        for i in items
    ]


def shuffled(items, seed=0):
    """The same questions with items and candidates in another order."""
    rng = np.random.default_rng(seed)
    out = []
    for k in rng.permutation(len(items)):
        one = items[k]
        order = rng.permutation(one.gold.size)
        swapped = one.gold.size == 2 and order[0] == 1
        known = 1 - one.probability if swapped and one.probability is not None else one.probability
        out.append(ScoredItem(one.id, one.group, one.scores[order], one.gold[order], known, one.votes, one.tags))
    return out


def value(metric, items):
    """The plain value of a metric on complete items."""
    return float(metric.combine(metric.rows(items).sum(axis=0)))


def estimated(metric, items, draws=300):
    return estimate(metric, items, resample([i.group for i in items], draws=draws, seed=0, name="test")).estimate


def golden(name):
    """Items and expected values of a golden file, each labelled there with how it was made."""
    raw = json.loads((GOLDEN / f"{name}.json").read_text())
    items = [
        item(i["scores"], i["gold"], i["id"], i["group"], probability=i.get("probability"), tags=i.get("tags", {}))
        for i in raw["items"]
    ]
    return raw, items


def card(axis, name="task", **more):
    return Card(
        name=name,
        axis=axis,
        version=1,
        title="t",
        asks="a",
        limits="l",
        licence="Apache-2.0",
        source="tests",
        canary="rmbench:00000000-0000-0000-0000-000000000000",
        chance=0.5,
        items=1,
        sha256="0" * 64,
        **more,
    )
