"""Runs written by hand for the tests of the report: one task per axis, and text that tries to be code."""

import numpy as np

from rmbench.report.html import write_report
from rmbench.scores import write_run
from rmbench.task import read_task, write_task
from rmbench.types import Failure, Item, Message

EVIL = '<img src=x onerror="window.pwned=1"></script><script>window.pwned=2</script>{{ 7*7 }}'
MODEL = f"org/model \u202egnp.exe\x1b[31m[red] {EVIL}"
CARD = {
    "version": 1,
    "asks": f"Does it hold? {EVIL}",
    "limits": "Synthetic numbers.",
    "licence": "CC0-1.0",
    "source": "written for this test",
    "canary": "rmbench:00000000-0000-0000-0000-000000000000",
    "chance": 0.0,
}


def chat(text):
    return (Message(role="user", content=text),)


def pool(rng, n):
    gold = rng.beta(2, 2, 64)
    texts = tuple(f"answer {k} of {n} {EVIL if k % 2 else ''}" for k in range(64))
    return Item(f"p{n}", chat(f"question {n} {EVIL}"), texts, tuple(gold), f"g{n}")


def pair(rng, n, **tags):
    p = float(rng.uniform(0.05, 0.95))
    gold = (1.0, 0.0) if p > 0.5 else (0.0, 1.0)
    return Item(f"q{n}", chat(f"pair {n}"), (f"a{n}", f"b{n}"), gold, f"g{n // 2}", p, tags=tags)


def logit(p):
    return float(np.log(p / (1 - p)))


def make_tasks(root):
    """A folder with one task per axis, and the tasks."""
    rng = np.random.default_rng(0)
    shifted = [pair(rng, n, split="base" if n % 2 else "shift") for n in range(60)]
    items = {
        "t_pool": ("overoptimization", [pool(rng, n) for n in range(12)]),
        "t_calibration": ("calibration", [pair(rng, n) for n in range(60)]),
        "t_shift": ("generalisation", shifted),
    }
    for name, (axis, content) in items.items():
        write_task(root / name, CARD | {"name": name, "axis": axis, "title": f"Title of {name}"}, content)
    return [read_task(root / name) for name in items]


def keep(_, scores):
    return scores


def lose(name, scores):
    """Two pools and every shifted pair without a score."""
    gone = {"t_pool": 2, "t_shift": len(scores)}.get(name, 0)
    return [[Failure(f"timeout {EVIL}")] * len(s) if i < gone else s for i, s in enumerate(scores)]


def scores_of(task, rng):
    """A proxy that follows the gold, but loves the responses below 0.2."""
    if task.card.name == "t_pool":
        return [[3 * g + rng.normal() * 0.3 + 4 * (g < 0.2) for g in item.gold] for item in task.items]
    return [[logit(item.probability) + rng.normal() * 0.5, 0.0] for item in task.items]


def make_run(path, tasks, change=keep):
    rng = np.random.default_rng(1)
    write_run(
        path,
        settings={"name": MODEL, "revision": EVIL},
        suite="test@1",
        seed=0,
        limit=None,
        tasks=tasks,
        scores={t.card.name: change(t.card.name, scores_of(t, rng)) for t in tasks},
        environment={"python": "3"},
        stats={},
        created="2026-01-02T03:04:05+00:00",
    )
    return path


def make_reports(root):
    """A folder with tasks, run, broken run and their pages."""
    tasks = make_tasks(root / "tasks")
    make_run(root / "run", tasks)
    make_run(root / "broken", tasks, lose)
    write_report(root / "run", root / "report.html", tasks_dir=root / "tasks")
    write_report(root / "broken", root / "broken.html")
    return root
