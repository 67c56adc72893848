"""Many valid submissions to a synthetic suite, made cheaply: how large a board can be is measured on them.

python tests/benchmarks/make_submissions.py OUT --count 5000 --rows 20000
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent.parent))  # as a script it does not see the helpers of the tests

from scored import card

from rmbench.errors import UsageError
from rmbench.leaderboard.standard import Standard, Standards
from rmbench.leaderboard.types import Submission
from rmbench.rows import _schema
from rmbench.scores import VERSION, Counts, Manifest
from rmbench.types import Budgets, Item, Task

SIZE = 64  # candidates of a pool
BUDGETS = Budgets(tilt=(1, 2), best_of_n=(4, 16))


def suite_of(rows):
    return f"scale{rows}@1"


@cache
def standard(suite):
    """Pairs with and without known probabilities, and pools: a third of the rows each."""
    rows = int(suite.removeprefix("scale").removesuffix("@1")) if suite.startswith("scale") else 0
    if suite_of(rows) != suite:
        raise UsageError(f"there is no suite {suite}")
    rng = np.random.default_rng(0)
    shifted = Task(
        card("generalisation", "shifted"),
        tuple(pair(rng, k, {"split": ("base", "shift")[k % 2]}) for k in range(rows // 6)),
    )
    known = Task(
        card("calibration", "known"), tuple(pair(rng, k, {}, float(rng.uniform(0.05, 0.95))) for k in range(rows // 6))
    )
    pools = Task(
        card("overoptimization", "pools", budgets=BUDGETS),
        tuple(pool(rng, k) for k in range(max(rows // 3 // SIZE, 8))),
    )
    return Standard(suite, {task.card.name: task for task in (shifted, known, pools)})


def standards():
    """A world in which the synthetic suites are the only ones."""
    return Standards(standard)


def pair(rng, k, tags, probability=None):
    gold = (1.0, 0.0) if (rng.random() if probability is None else probability) > 0.5 else (0.0, 1.0)
    prompt = ({"role": "user", "content": f"pair {k}"},)
    return Item(f"i{k:06d}", prompt, ("first", "second"), gold, f"g{k // 2:06d}", probability, tags=tags)


def pool(rng, k):
    prompt = ({"role": "user", "content": f"pool {k}"},)
    gold = tuple(rng.beta(2, 2, SIZE).tolist())
    return Item(f"p{k:06d}", prompt, tuple(f"answer {n}" for n in range(SIZE)), gold, f"g{k:06d}")


def make_submissions(root, count, rows):
    """`count` submission folders below `root`, of models that are better the higher their number."""
    suite = suite_of(rows)
    found = standard(suite)
    table = found.rows.to_arrow()
    gold = np.asarray(table.column("gold"))
    columns = {
        field.name: table.column(field.name).cast(field.type) for field in _schema() if field.name in table.column_names
    }
    columns["reason"] = pa.nulls(len(gold), pa.string())
    for k in range(count):
        rng = np.random.default_rng([1, k])
        scores = gold + 4.0 * 0.1 ** (k / max(count - 1, 1)) * rng.standard_normal(len(gold))
        folder = root / "submissions" / f"lab{k % 50:02d}__model-{k:05d}" / suite
        folder.mkdir(parents=True)
        columns["score"] = pa.array(scores)
        whole = pa.table([columns[field.name] for field in _schema()], schema=_schema())
        pq.write_table(whole, folder / "scores.parquet", compression="zstd")
        manifest = manifest_of(found, suite, scores, k)
        (folder / "manifest.json").write_text(json.dumps(manifest.model_dump(mode="json")))
        about = Submission(organisation=f"lab{k % 50:02d}", model=f"model-{k:05d}", parameters=10**6 * (k + 1))
        (folder / "submission.json").write_text(json.dumps(about.model_dump(mode="json")))
    return root


def manifest_of(found, suite, scores, k):
    sizes = {name: (len(task.items), sum(len(i.responses) for i in task.items)) for name, task in found.tasks.items()}
    plain = {"failed": 0, "tied": 0, "truncated": 0, "tokens": 1000, "seconds": 1.0}
    return Manifest(
        rmbench=VERSION,
        created="2026-01-02T03:04:05+00:00",
        settings={"name": f"model-{k:05d}"},
        suite=suite,
        seed=0,
        limit=None,
        environment={},
        counts={name: Counts(items=n, responses=m, scored=m, **plain) for name, (n, m) in sizes.items()},
        cards=found.cards,
        scores=found.digest(scores.tolist(), [None] * len(scores)),
    ).sealed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--rows", type=int, default=20_000)
    told = parser.parse_args()
    start = time.perf_counter()
    make_submissions(told.out, told.count, told.rows)
    print(f"{told.count} submissions of {suite_of(told.rows)} in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
