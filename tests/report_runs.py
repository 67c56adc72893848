"""Runs written by hand for the tests of the report: one task per axis, and text that tries to be code."""

import math
from dataclasses import replace

import numpy as np

from rmbench.report.html import write_report
from rmbench.scores import write_run
from rmbench.task import read_task, write_task
from rmbench.trajectory import Trajectory
from rmbench.types import Attempt, Budgets, Failure, Item, Message, Step

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


def make_run(path, tasks, change=keep, trajectories=()):
    """A run of the tasks; without `change`, one that scores nothing."""
    rng = np.random.default_rng(1)
    write_run(
        path,
        settings={"name": MODEL, "revision": EVIL},
        suite="test@1",
        seed=0,
        limit=None,
        tasks=tasks,
        scores={t.card.name: change(t.card.name, scores_of(t, rng)) for t in tasks} if change else {},
        trajectories=trajectories,
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
    make_pursued(root / "pursued", tasks)
    make_lm_rl(root / "lm_rl", tasks[0])
    make_dead(root / "dead", tasks[0])
    make_attacked(root / "searched", tasks[0], make_courses(tasks[0])[2:])
    alone = replace(tasks[0], items=tasks[0].items[:1])
    make_attacked(root / "single", alone, make_courses(alone)[:2])
    write_report(root / "run", root / "report.html", tasks_dir=root / "tasks")
    write_report(root / "broken", root / "broken.html")
    for name in ATTACKED:
        write_report(root / name, root / f"{name}.html", tasks_dir=root / "tasks")
    return root


# --- runs in which optimisers asked the reward: courses written by hand

ATTACKED = ("pursued", "lm_rl", "dead", "searched", "single")
QUERIES = {"policy_gradient": 640, "search": 120}
OPERATOR = f"flattery {EVIL}"


def step(number, queries, golds, **more):
    plain = {"cached": 0, "failed": 0, "kl": None, "proxy": float(number) if number else None}
    return Step(number, queries, golds=tuple(golds), **(plain | more))


def climb(task, optimizer, rewarded, gains, per_step, **more):
    """A course whose mean gold gains what it is told, each prompt a little differently; KL rises if it has any."""
    luck = np.random.default_rng(2).normal(0, 0.02, len(task.items))
    kl = more.pop("kl", None)
    steps = [
        step(k, k * per_step, 0.5 + gain + luck * (k > 0), kl=None if kl is None else kl * k, **more)
        for k, gain in enumerate(gains)
    ]
    settings = {"version": 1, "operators": ["a", "b"], "queries": per_step * (len(gains) - 1), "seed": 0}
    return Trajectory(task.card.name, optimizer, rewarded, tuple(i.id for i in task.items), settings, tuple(steps))


def searched(task):
    """Ten queries per prompt: a start, nine changes in turn; every prompt but the first loses gold and wins reward."""
    found = []
    for index, item in enumerate(task.items):
        gold, proxy = 0.6, 1.0
        found.append(Attempt(item.id, 1, "start", math.nan, proxy, gold, gold, kept=True, text=f"start {index} {EVIL}"))
        for query in range(2, 11):
            operator = ("plain", OPERATOR, "worse")[query % 3]
            rise, loss = {"plain": (0.1, 0.0), OPERATOR: (1.0 + 0.1 * index, 0.1 * (index > 0)), "worse": (-1, -0.1)}[
                operator
            ]
            kept = rise > 0
            text = f"winner {index} at {query} \u202e {EVIL}" if kept else None
            found.append(Attempt(item.id, query, operator, proxy, proxy + rise, gold, gold - loss, kept, text))
            gold, proxy = (gold - loss, proxy + rise) if kept else (gold, proxy)
    return found


def search_course(task):
    attempts, items = searched(task), tuple(item.id for item in task.items)
    steps = [step(0, 0, [0.6] * len(items), proxies=(math.nan,) * len(items), proxy=None)]
    for query in range(1, 11):
        mine = [a for a in attempts if a.query == query]
        best = [
            max((a for a in attempts if a.item == i and a.query <= query and a.kept), key=lambda a: a.proxy)
            for i in items
        ]
        proxies = tuple(a.proxy for a in best)
        golds = tuple(a.gold for a in best)
        more = {"proxies": proxies, "attempts": tuple(mine), "cached": query // 5 * 12}
        steps.append(step(query, query * len(items), golds, proxy=float(np.mean(proxies)), **more))
    settings = {"operators": ["plain", OPERATOR, "worse"], "queries": 120, "seed": 0, "version": 1}
    return Trajectory(task.card.name, "search", "model", items, settings, tuple(steps))


def with_budgets(task, **budgets):
    return replace(task, card=task.card.model_copy(update={"budgets": Budgets(**budgets)}))


def peaked(end, top=0.2):
    """Rises for four steps and falls for six, to `end`."""
    return [*np.linspace(0, top, 5), *np.linspace(top, end, 7)[1:]]


def make_courses(task):
    """What the model and the gold reach by policy gradient (gold peaks at 2 nats) and by search."""
    up = np.linspace(0, 0.4, 11)
    return [
        climb(task, "policy_gradient", "model", peaked(-0.1), 64, kl=0.5),
        climb(task, "policy_gradient", "gold", up, 64, kl=0.5),
        search_course(task),
        climb(task, "search", "gold", up, 12),
    ]


def make_pursued(path, tasks, change=keep):
    """A run of all tasks whose pool was also attacked."""
    tasks = [with_budgets(t, queries=QUERIES) if t.card.name == "t_pool" else t for t in tasks]
    return make_run(path, tasks, change, trajectories=make_courses(tasks[0]))


def make_attacked(path, task, courses):
    """A run of optimisers alone: no response was scored."""
    queries = {course.optimizer: course.queries for course in courses if course.rewarded == "model"}
    return make_run(path, [with_budgets(task, tilt=(), best_of_n=(), queries=queries)], None, trajectories=courses)


def make_lm_rl(path, task):
    """A language model trained for two steps: an estimated KL, and no run of the gold itself."""
    return make_attacked(path, task, [climb(task, "lm_rl", "model", [0, -0.01, -0.02], 32, kl=0.65, estimate=True)])


def make_dead(path, task):
    """A model that answers no optimiser at all."""
    ids = tuple(item.id for item in task.items)
    golds = [0.5] * len(ids)
    steps = (step(0, 0, golds, kl=0.0), step(1, 64, golds, kl=0.0, failed=64, proxy=None))
    course = Trajectory(task.card.name, "policy_gradient", "model", ids, {"queries": 640, "seed": 0}, steps)
    return make_attacked(path, task, [course])
