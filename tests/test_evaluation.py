"""From a run folder to numbers: skills, signature, JSON, third states, and no heavy import."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time

import numpy as np
import pytest
from scored import card, pairs, pools

from rmbench.errors import RunError, UsageError
from rmbench.evaluation import evaluate, to_json
from rmbench.scores import read_run, write_run
from rmbench.types import Budgets, Failure, Item, Task

PROMPT = ({"role": "user", "content": "q"},)


def task(name, axis, items, **more):
    made = tuple(
        Item(
            i.id,
            PROMPT,
            tuple(map(str, range(i.gold.size))),
            tuple(i.gold.tolist()),
            i.group,
            i.probability,
            None,
            i.tags,
        )
        for i in items
    )
    return Task(card(axis, name, **more), made)


BUDGETS = Budgets(tilt=(1, 2), best_of_n=(4, 16))
ITEMS = {"pool": pools(count=8), "known": pairs(count=60), "style": pairs(count=60, split=True)}
TASKS = [
    task("pool", "overoptimization", ITEMS["pool"], budgets=BUDGETS),
    task("known", "calibration", ITEMS["known"]),
    task("style", "generalisation", ITEMS["style"]),
]


def write(path, score=lambda i: i.scores.tolist(), tasks=TASKS, items=ITEMS, **more):
    names = [t.card.name for t in tasks]
    fixed = {"settings": {"name": "toy"}, "suite": "quick@1", "seed": 0, "limit": None, "environment": {}, "stats": {}}
    return write_run(path, tasks=tasks, scores={n: [score(i) for i in items[n]] for n in names}, **(fixed | more))


def gold(i):
    return i.gold.tolist()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write(tmp_path_factory.mktemp("evaluation") / "run", created="2026-01-01")


def test_json_has_the_documented_keys(run):
    found = to_json(evaluate(run, bootstrap=50))
    assert list(found) == ["model", "signature", "skills", "tasks", "headlines", "p_values", "track"]
    assert list(found["skills"]) == ["generalisation", "calibration", "overoptimization", "overall"]
    assert found["headlines"] == {
        "pool": "MeanRecovery",
        "known": "CalibrationSkill",
        "style": "RetainedSkill",
    }
    assert all(found["headlines"][name] == next(iter(metrics)) for name, metrics in found["tasks"].items())
    for estimate in [*found["skills"].values(), *(e for t in found["tasks"].values() for e in t.values())]:
        nulls = [key for key in ("value", "low", "high") if not isinstance(estimate[key], float)]
        assert list(estimate) == ["value", "low", "high", "n", "missing", *(["reason"] if nulls else [])]
        assert all(estimate[key] is None for key in nulls)
    assert all(estimate["value"] is not None for estimate in found["skills"].values())
    json.dumps(found, allow_nan=False)


def test_bit_for_bit(run, tmp_path):
    assert evaluate(run, bootstrap=50) == evaluate(str(run), bootstrap=50) == evaluate(read_run(run), bootstrap=50)
    other = evaluate(write(tmp_path / "later", created="2027-01-01", environment={"torch": "9"}), bootstrap=50)
    assert other == evaluate(run, bootstrap=50)  # neither time nor machine is in the result
    assert evaluate(run, bootstrap=50, seed=1).skills["overall"].low != other.skills["overall"].low


def test_skills_are_means(run):
    result = evaluate(run, bootstrap=50)
    axes = [result.skills[t.card.axis].value for t in result.tasks.values()]
    assert [t.skill.value for t in result.tasks.values()] == axes
    assert result.skills["overall"].value == pytest.approx(np.mean(axes))
    assert result.skills["overall"].n == 8 + 60 + 30


def test_skill_of_an_axis_with_two_tasks(tmp_path):
    items = {"a": pairs(count=40), "b": pairs(count=40, noise=2, seed=1)}
    tasks = [task(name, "generalisation", items[name]) for name in items]
    result = evaluate(write(tmp_path / "run", tasks=tasks, items=items))
    a, b, both = *(result.tasks[n].skill for n in "ab"), result.skills["generalisation"]
    assert both.value == pytest.approx((a.value + b.value) / 2)
    assert both.high - both.low < max(a.high - a.low, b.high - b.low)  # independent tasks average their noise
    assert result.skills["calibration"].reason == "no calibration task was run"
    assert result.skills["overall"].value is None
    assert result.skills["overall"].reason == "calibration: no calibration task was run"


def test_oracle_and_constant(tmp_path):
    for name, score, expected in (("gold", gold, 1), ("same", lambda i: [0.3] * i.gold.size, 0)):
        for skill in evaluate(write(tmp_path / name, score), bootstrap=50).skills.values():
            assert (skill.value, skill.low, skill.high) == (expected,) * 3


def test_models_are_paired(tmp_path, run):
    """The same resamples for every model: 3r + 7 has the same interval, digit for digit."""
    other = evaluate(write(tmp_path / "scaled", lambda i: (3 * i.scores + 7).tolist()), bootstrap=50)
    for axis, skill in evaluate(run, bootstrap=50).skills.items():
        assert other.skills[axis].low == pytest.approx(skill.low, abs=1e-9)


def test_failures_are_counted_and_never_a_score(tmp_path, run):
    lost = {"x0", "i0", "i1"}
    path = write(
        tmp_path / "run", lambda i: [Failure("too long"), *i.scores.tolist()[1:]] if i.id in lost else i.scores.tolist()
    )
    result = evaluate(path, bootstrap=50)
    assert [t.skill.missing for t in result.tasks.values()] == [1, 2, 1]
    assert result.skills["overall"].missing == 4
    kept = {name: [i for i in items if i.id not in lost] for name, items in ITEMS.items()}
    tasks = [task(t.card.name, t.card.axis, kept[t.card.name], budgets=t.card.budgets) for t in TASKS]
    without = evaluate(write(tmp_path / "without", tasks=tasks, items=kept), bootstrap=50)
    for name in ("pool", "style"):
        assert result.tasks[name].skill.value == pytest.approx(without.tasks[name].skill.value)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, Failure("none")])
def test_a_task_without_scores_has_no_value_and_says_why(tmp_path, bad):
    path = write(tmp_path / "run", lambda i: [bad] * i.gold.size if i.gold.size > 2 else i.scores.tolist())
    found = to_json(evaluate(path, bootstrap=50))
    nothing = {"value": None, "low": None, "high": None, "n": 0, "missing": 8}
    assert found["tasks"]["pool"]["MeanRecovery"] == nothing | {"reason": "no item has all its scores"}
    assert found["skills"]["overoptimization"] == nothing | {"reason": "pool: no item has all its scores"}
    assert found["skills"]["overall"]["value"] is None
    assert found["skills"]["generalisation"]["value"] is not None
    json.dumps(found, allow_nan=False)


def test_one_group_has_a_value_without_an_interval(tmp_path):
    items = {"pool": pools(count=1)}
    result = evaluate(
        write(tmp_path / "run", tasks=[TASKS[0].__class__(TASKS[0].card, TASKS[0].items[:1])], items=items)
    )
    plain = to_json(result)["skills"]["overoptimization"]
    assert plain["value"] is not None
    assert (plain["low"], plain["reason"]) == (None, "pool: a single group: no interval")


def test_signature(tmp_path, run):
    signature = evaluate(run, bootstrap=50).signature
    keys = [part.split(":")[0] for part in signature.split("|")]
    assert keys == ["rmbench", "suite", "model", "tasks", "seed", "scores", "boot"]
    assert signature.startswith("rmbench:0.1.0|suite:quick@1|model:toy@")
    changes = {
        "suite": {"suite": None},
        "model": {"settings": {"name": "toy", "revision": "b"}},
        "limit": {"limit": 5},
        "seed": {"seed": 1},
        "scores": {"score": gold},
        "tasks": {"tasks": [*TASKS[:2], task("style", "generalisation", ITEMS["style"], citation="x")]},
    }
    for key, change in changes.items():
        other = evaluate(write(tmp_path / key, **change), bootstrap=50).signature
        assert (other != signature) == (key != "tasks")  # a citation decides no number
        differing = set(other.split("|")) ^ set(signature.split("|"))
        assert {part.split(":")[0] for part in differing} == ({key} if key != "tasks" else set())
    odd = evaluate(write(tmp_path / "odd", settings={"name": "a|b\n<img>"}), bootstrap=50).signature
    assert "model:a_b__img_@" in odd


def test_bad_arguments(tmp_path, run):
    with pytest.raises(UsageError, match="bootstrap is 0"):
        evaluate(run, bootstrap=0)
    with pytest.raises(RunError, match="is not a run folder"):
        evaluate(tmp_path / "nowhere")


def test_no_heavy_import(run):
    code = (
        "import sys, rmbench.evaluation as e\n"
        "heavy = {'torch', 'transformers', 'sklearn', 'datasets', 'evaluate', 'altair'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        f"e.to_json(e.evaluate({str(run)!r}, bootstrap=20))\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "print('ok')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "ok\n", done.stderr


def test_a_core_suite_takes_seconds(tmp_path):
    """About 12 tasks: pools of 64 x 256 and 400 pairs each, 1000 resamples. Measured at 3 s on two cores."""
    items = {f"pool{k}": pools(count=64, size=256, seed=k) for k in range(4)}
    items |= {f"known{k}": pairs(count=400, seed=k, split=bool(k)) for k in range(3)}
    items |= {f"pairs{k}": pairs(count=400, seed=k, split=True) for k in range(5)}
    axes = {"pool": "overoptimization", "known": "calibration", "pairs": "generalisation"}
    tasks = [task(name, axes[name[:-1]], found) for name, found in items.items()]
    path = write(tmp_path / "run", tasks=tasks, items=items)
    start = time.process_time()
    result = evaluate(path)
    assert time.process_time() - start < 10
    assert result.skills["overall"].value is not None
