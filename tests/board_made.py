"""Boards made by hand, for the tests of the pages: a few entries with files, or hundreds without."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace

import numpy as np
from report_runs import EVIL, make_run, make_tasks

from rmbench.leaderboard.types import (
    SKILLS,
    Board,
    Contamination,
    Entry,
    HeldOut,
    Left,
    Problem,
    Rank,
    Submission,
    TrainingSet,
)
from rmbench.ledger import Event
from rmbench.stats import interval
from rmbench.types import AXES, Estimate

SUITE = "test@1"
DRAWS = 200
EVIL_LINE = f"\u202egnp.exe {EVIL} javascript:alert(1)"
# What pydantic would refuse in a submission, and a page must stand all the same
SETTINGS = {"name": f"org/model {EVIL_LINE}", "revision": EVIL, "nested": {"a</script>": [1, EVIL]}, "dtype": "float32"}


def entry(key, values, *, cards, spread=0.02, rng=None, **more):
    """An entry with these skills per axis; replicates are normal around them, paired through `rng`'s own order."""
    organisation, _, model = key.partition("__")
    rng = rng or np.random.default_rng(sum(map(ord, key)))
    axes = np.array(values, dtype=float)
    draws = axes[:, None] + spread * rng.standard_normal((3, DRAWS))
    draws = np.vstack([draws, draws.mean(axis=0)])
    found = dict(zip(SKILLS, [*axes, axes.mean()], strict=True))
    told = more.pop("told", {})
    plain = {
        "key": key,
        "submission": Submission(organisation=organisation, model=model, **told),
        "suite": SUITE,
        "folder": more.pop("folder", None),
        "digest": f"{sum(map(ord, key)):064x}",
        "settings": {"name": model, "dtype": "float32"},
        "created": "2026-01-02T03:04:05+00:00",
        "harness": "0.1.0",
        "trust": "recomputed",
        "skills": {name: estimate(value, row) for (name, value), row in zip(found.items(), draws, strict=True)},
        "tasks": {name: estimate(found[card.axis], draws[AXES.index(card.axis)]) for name, card in cards.items()},
        "items": 132,
        "missing": 0,
        "tokens": 16_200_863,
        "seconds": 143.0,
        "parameters": None,
        "track": "open",
        "contamination": Contamination("unknown", "no training data is declared"),
        "draws": draws,
    }
    return Entry(**(plain | more))


def estimate(value, draws):
    bounds = interval(draws)
    return Estimate(float(value), *bounds, 132, 0) if bounds else Estimate(None, None, None, 0, 132, "it failed")


def ranked(entries):
    """In the order of overall skill, with places that are certain but for neighbours closer than 0.05."""
    ordered = sorted(entries, key=lambda one: -one.skills["overall"].value)
    ranks = {one.key: {} for one in ordered}
    for name in SKILLS:
        own = sorted(ordered, key=lambda one: -one.skills[name].value)
        values = [one.skills[name].value for one in own]
        group, leader = 0, math.inf
        for place, (one, value) in enumerate(zip(own, values, strict=True), start=1):
            if leader - value > 0.05:
                group, leader = group + 1, value
            low = 1 + sum(v > value + 0.05 for v in values)
            high = len(values) - sum(v < value - 0.05 for v in values)
            ranks[one.key][name] = Rank(place, low, high, group)
    return tuple(replace(one, ranks=ranks[one.key]) for one in ordered)


def event(number, what, reason=None, **facts):
    return Event(
        number=number,
        time="2026-02-03T04:05:06+00:00",
        event=what,
        entry="acme__deep-rm",
        suite="core@3",
        submission="2" * 64,
        by="maintainer",
        reason=reason,
        facts=facts,
        previous="0" * 64,
        hash="1" * 64,
        signature="c2ln" if what == "verified" else None,
    )


def small_board(root):
    """Five ranked entries, a partial one and four that are left, with all that a stranger can write."""
    tasks = make_tasks(root / "tasks")
    run = make_run(root / "run", tasks)
    cards = {task.card.name: task.card for task in tasks}
    folders = {}
    for key in ("acme__deep-rm", "acme__twin", "rmbench__constant", "rmbench__tiny", "lab__wide"):
        folders[key] = root / "submissions" / key / SUITE
        shutil.copytree(run, folders[key])
        (folders[key] / "submission.json").write_text('{"model": "<b>"}')
    clean = Contamination("clean", "2 declared sets were scanned")
    less = {name: Estimate(0.41, 0.38, 0.44, 100, 0) for name in SKILLS}
    overlap = Contamination("overlap", f"34 items are in set {EVIL}", 34, 132, less)
    described = {
        "description": f"A model. {EVIL} javascript:alert(1) {{{{7*7}}}}",
        "link": "https://example.org/model?a=1&b=2",
        "licence": "MIT <b>",
        "parameters": 8_030_000_000,
        "price": 0.2,
        "training_data": (TrainingSet(name=f"set {EVIL}"[:120], link="https://example.org/data"),),
    }
    deep = entry(
        "acme__deep-rm",
        (0.62, 0.55, 0.48),
        cards=cards,
        folder=folders["acme__deep-rm"],
        told=described,
        settings=SETTINGS,
        trust="spot-verified",
        parameters=8_030_000_000,
        contamination=overlap,
        heldout=HeldOut("spring", {"overall": 0.5}, 0.05, 2, 1),
        events=(event(1, "added"), event(2, "verified", EVIL_LINE, kind="spot", items=64, worst=0.001)),
        warnings=(Problem("slow", "manifest.json", f"took long {EVIL}", "warning"),),
    )
    more = [
        entry("acme__twin", (0.60, 0.54, 0.50), cards=cards, parameters=1_240_000, trust="re-run", contamination=clean),
        entry("rmbench__constant", (0.0, 0.0, 0.0), cards=cards, spread=0.0, parameters=0),
        entry("rmbench__tiny", (0.30, 0.70, 0.20), cards=cards, parameters=1_237_248, track="closed"),
        entry("lab__wide", (0.1, -0.05, -0.3), cards=cards, spread=0.08, trust="self-reported", parameters=70 * 10**9),
    ]
    whole = [deep, *(replace(one, folder=folders[one.key]) for one in more)]
    gone = Estimate(None, None, None, 0, 60, "no item has all its scores")
    part = entry("lab__half", (0.5, 0.5, 0.5), cards=cards, folder=root / "nowhere")
    part = replace(
        part,
        skills=part.skills | {"calibration": gone, "overall": gone},
        missing=60,
        partial=f"60 items fail {EVIL_LINE}",
    )
    left = (
        Left(
            f"<script>alert(1)</script>{EVIL_LINE}", "te|st@1", "rejected", (f"manifest.json: {EVIL_LINE}", "And more.")
        ),
        Left("acme__gone", SUITE, "withdrawn", ("at the wish of the submitter",)),
        Left("acme__cheat", SUITE, "disqualified", ("the scores were of another model",)),
        Left("acme__old", "test@0", "other version", ("made for test@0",)),
    )
    settings = {"bootstrap": DRAWS, "seed": 0, "level": 0.95}
    return Board(SUITE, cards, ranked(whole), (part,), left, settings, "ab" * 32, "spring")


def large_board(count, root, seed=0):
    """As many entries as told, with ties, missing sizes and all states, but without files."""
    tasks = make_tasks(root / "tasks")
    cards = {task.card.name: task.card for task in tasks}
    rng = np.random.default_rng(seed)
    states = [
        Contamination("clean", "scanned"),
        Contamination("unknown", "not declared"),
        Contamination("overlap", "x", 3, 9),
    ]
    made = []
    for k in range(count):
        level = rng.uniform(-0.1, 0.8)
        told = {"trust": ("self-reported", "recomputed", "spot-verified", "re-run")[k % 4], "track": "open"}
        told |= {
            "parameters": None if k % 7 == 0 else int(10 ** rng.uniform(6, 11)),
            "tokens": int(rng.uniform(1e6, 2e7)),
        }
        told |= {"contamination": states[k % 3], "seconds": float(rng.uniform(10, 9000))}
        axes = level + rng.normal(0, 0.08, 3)
        made.append(entry(f"org{k % 40}__model-{k:04d}", axes, cards=cards, rng=rng, folder=root / "none", **told))
    return Board(SUITE, cards, ranked(made), (), (), {"bootstrap": DRAWS, "seed": 0, "level": 0.95}, None, None)
