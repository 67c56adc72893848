"""Submissions to a small suite of three tasks, for the tests of the leaderboard: made once, then spoilt."""

import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from scored import edited_manifest

import rmbench
from rmbench.errors import UsageError
from rmbench.leaderboard.assess import Assessor
from rmbench.leaderboard.pack import install, packed
from rmbench.leaderboard.standard import Standards, standard_of
from rmbench.leaderboard.types import Submission
from rmbench.task import cut_task, load_task, with_queries

SUITE = "mini@1"


@cache
def mini_tasks():
    """Pairs of two axes, and a pool with 4 steps of policy gradient and 12 queries of search at each of 8 prompts."""
    pool = cut_task(load_task("pool_transforms"), 8, 64)
    pool = replace(pool, card=pool.card.model_copy(update={"items": 8}))
    pairs = [cut_task(load_task("domain"), 40, None), cut_task(load_task("known_probability"), 40, None)]
    return [*pairs, with_queries(pool, {"policy_gradient": 512, "search": 96})]


@cache
def _mini():
    return standard_of(SUITE, mini_tasks())


def make(suite):
    if suite != SUITE:
        raise UsageError(f"this rmbench does not hold {suite}")
    return _mini()


def mini_standards():
    """The standards of a world in which the small suite is the only one."""
    return Standards(make)


@cache
def mini_run(model="length"):
    """A whole run of the small suite, made once a process: never change it."""
    out = Path(mkdtemp(prefix="rmbench-mini-")) / model
    rmbench.run(model, suite=None, tasks=mini_tasks(), out=out, store=False)
    edited_manifest(out, lambda raw: raw.update(suite=SUITE))
    return out


def assess(folder, bootstrap=200):
    return Assessor(bootstrap=bootstrap)(folder, mini_standards())


def submit(root, model="length", organisation="lab", name=None, **facts):
    """A submission folder below `root`."""
    submission = Submission(organisation=organisation, model=name or model, **facts)
    with packed(mini_run(model), submission, assess, root=root) as draft:
        return install(draft, root)


def copied(folder, root, key=None):
    """The same submission elsewhere, under another name if one is given (its submission.json is left alone)."""
    target = root / "submissions" / (key or folder.parent.name) / folder.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(folder, target)
    return target
