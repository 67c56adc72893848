"""Reliability of tasks: what graded models, equal models and unlike runs give, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scored import card

from rmbench.errors import RunError, UsageError
from rmbench.scores import write_run
from rmbench.studies.reliability import POWER, study
from rmbench.task import read_card
from rmbench.types import Item, Task

PROMPT = ({"role": "user", "content": "q"},)
COUNT = 400


def questions(count=COUNT, name="pairs"):
    rng = np.random.default_rng(3)
    golds = rng.random((count, 2))
    items = tuple(Item(f"i{k}", PROMPT, (f"a{k}", f"b{k}"), tuple(map(float, g)), f"g{k}") for k, g in enumerate(golds))
    return Task(card("generalisation", name), items)


def wrong(rate, seed):
    """A model that is wrong on a random share of the pairs, and right on the others."""
    rng = np.random.default_rng(seed)
    return lambda i: tuple(-g for g in i.gold) if rng.random() < rate else i.gold


def written(folder, task, score):
    scores = {task.card.name: [list(score(i)) for i in task.items]}
    fixed = {"settings": {"name": folder.name}, "suite": None, "seed": 0, "limit": None, "environment": {}, "stats": {}}
    return write_run(folder, tasks=[task], scores=scores, **fixed)


def panel(tmp_path, rates, task=None, seed=10):
    task = task or questions()
    return [written(tmp_path / f"m{n}", task, wrong(rate, seed + n)) for n, rate in enumerate(rates)]


def test_models_far_apart_are_ranked_alike_by_every_half_and_told_apart(tmp_path):
    (found,) = study(panel(tmp_path, [0.02, 0.15, 0.3, 0.45]), halvings=50, bootstrap=300)
    assert (found.task, found.models, found.groups) == ("pairs", 4, COUNT)
    assert found.split_half > 0.95
    assert found.reliability >= found.split_half
    assert found.separated == 1.0


def test_equally_good_models_are_not_ranked(tmp_path):
    found = [
        study(panel(tmp_path / str(seed), [0.3] * 6, seed=100 * seed), halvings=50, bootstrap=300)[0]
        for seed in range(8)
    ]
    assert abs(np.mean([one.split_half for one in found])) < 0.25
    assert np.mean([one.separated for one in found]) <= 0.15


def test_the_resolvable_difference_is_that_of_the_paired_test(tmp_path):
    """Independent errors at rate e: the skill (2 acc - 1) differs with variance 4 * 2 e (1 - e) / n."""
    rate = 0.3
    (found,) = study(panel(tmp_path, [rate] * 4), halvings=10, bootstrap=1000)
    assert pytest.approx(2.80, abs=0.01) == POWER
    assert found.resolves == pytest.approx(POWER * 2 * np.sqrt(2 * rate * (1 - rate) / COUNT), rel=0.1)


def test_power_is_as_promised():
    """A true difference of that size is found in about 80 % of simulated studies by the normal test it stands for."""
    rng = np.random.default_rng(0)
    second, n, tries = 0.3, COUNT, 3000
    better = second
    for _ in range(20):  # the variance depends on the difference itself
        better = second - POWER * np.sqrt((second * (1 - second) + better * (1 - better)) / n)
    found = 0
    for _ in range(tries):
        difference = (rng.random(n) < second).astype(float) - (rng.random(n) < better)
        found += abs(difference.mean()) > 1.96 * difference.std(ddof=1) / np.sqrt(n)
    assert found / tries == pytest.approx(0.8, abs=0.04)


def test_identical_models_have_no_rank_and_no_resolution(tmp_path):
    task = questions(20)
    (found,) = study([written(tmp_path / f"m{n}", task, lambda i: i.gold) for n in range(3)], halvings=10)
    assert (found.split_half, found.reliability, found.resolves, found.separated) == (None, None, None, 0.0)


def test_bad_input(tmp_path):
    folders = panel(tmp_path, [0.1, 0.2, 0.3])
    with pytest.raises(UsageError, match="2 runs are too few"):
        study(folders[:2])
    other = written(tmp_path / "other", questions(30), lambda i: i.gold)
    with pytest.raises(RunError, match="ran other items of pairs"):
        study([*folders[:2], other])
    another = written(tmp_path / "another", questions(30, "unlike"), lambda i: i.gold)
    with pytest.raises(RunError, match="share no task"):
        study([*folders[:2], another])


def test_missing_scores_do_not_break_the_study(tmp_path):
    task = questions(60)
    spoilt = written(tmp_path / "nan", task, lambda i: (float("nan"), 0.0) if i.id == "i3" else i.gold)
    folders = panel(tmp_path, [0.1, 0.4], task)
    (found,) = study([*folders, spoilt], halvings=20, bootstrap=100)
    (whole,) = study([*folders, written(tmp_path / "gold", task, lambda i: i.gold)], halvings=20, bootstrap=100)
    assert found.split_half == pytest.approx(whole.split_half, abs=0.1)
    assert found.resolves == pytest.approx(whole.resolves, rel=0.1)


def test_every_shipped_pair_task_says_what_it_resolves():
    from rmbench.task import discover

    cards = [read_card(folder / "card.yaml") for folder in discover().values()]
    assert all(0 < c.resolves < 1 for c in cards if c.axis != "overoptimization")
