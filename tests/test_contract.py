"""What must hold for every task that exists, whoever adds it: the ends of the scale, invariances, the third state."""

import random
from dataclasses import replace
from functools import cache

import pytest

import rmbench
from rmbench.models import ModelOptions, load_model
from rmbench.recipes import build_items
from rmbench.task import content_hash, cut_task, discover, load_suite, load_task, tasks_root
from rmbench.types import Task
from rmbench.worlds import get_world

TASKS = sorted(discover())
BUILT = [name for name in TASKS if not name.startswith("lm_")]  # the others hold answers of a language model
RANKING_AXES = {"generalisation", "overoptimization"}
NOT_NUMBERS = [float("nan"), float("inf"), float("-inf")]


@cache
def whole(name):
    return load_task(name)


def frozen(task):
    """The task without optimisers that query the reward: `test_interactive_runs.py` has their contracts."""
    budgets = task.card.budgets.model_copy(update={"queries": {}})
    return replace(task, card=task.card.model_copy(update={"budgets": budgets}))


@cache
def small(name):
    """Enough of a task to measure, little enough to run often."""
    groups = 32 if whole(name).card.axis == "overoptimization" else None
    return frozen(cut_task(whole(name), groups, 64))


class Fixed:
    """A reward model made of a function of the baseline's score and the conversation."""

    def __init__(self, base, change):
        self.base, self.change = base, change
        self.settings = {"name": "fixed"}

    def score(self, conversations):
        return [self.change(s, c) for s, c in zip(self.base.score(conversations), conversations, strict=True)]


def evaluate(task, model, folder):
    """(headline, metrics as plain numbers) of one task, through the files that a user gets."""
    path = rmbench.run(model, suite=None, tasks=[task], out=folder)
    found = rmbench.evaluate(path, bootstrap=400).tasks[task.card.name]
    return found.skill, {name: (e.value, e.low, e.high, e.n, e.missing) for name, e in found.metrics.items()}


def baseline(name, task, seed=0):
    return load_model(name, ModelOptions(tasks=(task,), seed=seed))


@pytest.mark.parametrize("name", TASKS)
def test_the_ends_of_the_scale(name, tmp_path):
    task = small(name)
    assert evaluate(task, baseline("oracle", task), tmp_path / "oracle")[0].value == 1.0
    constant = evaluate(task, baseline("constant", task), tmp_path / "constant")[0]
    assert constant.value == 0.0
    assert constant.low == constant.high == 0.0


@pytest.mark.parametrize("name", TASKS)
def test_random_knows_nothing(name, tmp_path):
    """0 lies in the 95 % interval of most seeds: of five, at least three (fewer by chance: 1 in 1,000)."""
    task = small(name)
    inside = 0
    for seed in range(5):
        skill = evaluate(task, baseline("random", task, seed), tmp_path / str(seed))[0]
        inside += skill.low <= 0 <= skill.high
        assert abs(skill.value) < 0.25
    assert inside >= 3


@pytest.mark.parametrize("name", TASKS)
def test_affine_rewards_rank_the_same(name, tmp_path):
    task = small(name)
    base = baseline("length", task)
    plain = evaluate(task, base, tmp_path / "plain")[1]
    scaled = evaluate(task, Fixed(base, lambda s, _: 3 * s + 7), tmp_path / "scaled")[1]
    if task.card.axis in RANKING_AXES:
        assert scaled.keys() == plain.keys()
        for metric, values in plain.items():
            assert scaled[metric] == pytest.approx(values, abs=1e-9), metric
    else:  # a cross-fitted temperature takes a scale out; T = 1 does not
        same = {"CalibrationSkill", "NLL", "Brier", "RMSE", "Accuracy", "TieSkill", "SelectiveSkill"} & plain.keys()
        assert len(same) >= 4
        for metric in same:
            assert scaled[metric] == pytest.approx(plain[metric], abs=1e-6), metric


def _shuffled(task, rng):
    items = list(task.items)
    rng.shuffle(items)
    out = []
    for item in items:
        order = list(range(len(item.responses)))
        rng.shuffle(order)
        swapped = order[0] == 1 and len(order) == 2
        contexts = None if item.contexts is None else tuple(item.contexts[i] for i in order)
        out.append(
            replace(
                item,
                prompt=contexts[0] if contexts else item.prompt,
                contexts=contexts,
                responses=tuple(item.responses[i] for i in order),
                gold=tuple(item.gold[i] for i in order),
                probability=1 - item.probability if swapped and item.probability is not None else item.probability,
                votes=item.votes[::-1] if swapped and item.votes is not None else item.votes,
            )
        )
    return Task(task.card, tuple(out))


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("model", ["random", "length"])
def test_order_means_nothing(name, model, tmp_path):
    task = small(name)
    plain = evaluate(task, baseline(model, task), tmp_path / "plain")[1]
    mixed = evaluate(_shuffled(task, random.Random(5)), baseline(model, task), tmp_path / "mixed")[1]
    assert plain.keys() == mixed.keys()
    for metric, values in plain.items():
        assert mixed[metric] == pytest.approx(values, abs=1e-9), metric


@pytest.mark.parametrize("name", TASKS)
def test_missing_scores_are_a_third_state(name, tmp_path):
    task = cut_task(small(name), 30, None)
    base = baseline("length", task)
    lost = dict(zip((task.items[k].responses[0] for k in range(1, 8)), 3 * NOT_NUMBERS, strict=False))
    spoiler = Fixed(base, lambda score, conversation: lost.get(conversation[-1]["content"], score))
    kept = tuple(item for item in task.items if not lost.keys() & set(item.responses))
    assert 0 < len(kept) < len(task.items)
    path = rmbench.run(spoiler, suite=None, tasks=[task], out=tmp_path / "spoilt")
    found = rmbench.evaluate(path, bootstrap=50).tasks[name].metrics
    path = rmbench.run(base, suite=None, tasks=[Task(task.card, kept)], out=tmp_path / "kept")
    without = rmbench.evaluate(path, bootstrap=50).tasks[name].metrics
    path = rmbench.run(base, suite=None, tasks=[task], out=tmp_path / "whole")
    total = rmbench.evaluate(path, bootstrap=50).tasks[name].metrics
    for metric, estimate in found.items():
        assert estimate.n + estimate.missing == total[metric].n, metric
        if metric not in without:  # a category that lost all its items
            assert (estimate.n, estimate.value) == (0, None), metric
            continue
        assert estimate.n == without[metric].n, metric
        if task.card.axis != "calibration":  # there the folds of the temperature are other ones
            assert estimate.value == pytest.approx(without[metric].value), metric
    assert sum(e.missing for e in found.values()) > 0
    everything = Fixed(base, lambda _s, _c: float("nan"))
    path = rmbench.run(everything, suite=None, tasks=[task], out=tmp_path / "nothing")
    nothing = rmbench.evaluate(path, bootstrap=50).tasks[name].skill
    assert nothing.value is None
    assert nothing.n == 0
    assert nothing.reason


@pytest.mark.parametrize("name", [n for n in TASKS if whole(n).card.axis == "overoptimization"])
def test_length_loses_in_every_world(name, tmp_path):
    skill = evaluate(frozen(whole(name)), baseline("length", whole(name)), tmp_path / "run")[0]
    assert skill.value < 0


@pytest.mark.parametrize("name", TASKS)
def test_gold_can_be_made_again_from_the_tags(name):
    """Every tenth response is graded again by its world, from the prompt that its tags name.

    Items that were changed after they were graded say so (`change`): their recipes' tests hold their gold.
    """
    count = 0
    items = [item for item in whole(name).items if "world" in item.tags and "change" not in item.tags]
    if not items:
        assert all("change" in item.tags or "language" in item.tags for item in whole(name).items)
        return
    for item in items[:: max(1, len(items) // 40)]:
        tags = item.tags
        world = get_world(tags["world"])
        prompt = world.prompt(int(tags["seed"]), difficulty=tags["difficulty"], domain=tags["domain"])
        assert str(world.version) == tags["world_version"]
        assert prompt.messages == item.prompt
        read = world.gold_of_free_text if tags.get("reading") == "free" else world.gold
        for text, gold in list(zip(item.responses, item.gold, strict=True))[:6]:
            assert read(prompt, text).score == pytest.approx(gold, abs=1e-12)
            count += 1
    assert count >= 40


# of `ties` a few groups take as long as many: it searches long for texts of equal worth
SOME = [pytest.param(name, marks=pytest.mark.slow) if name == "ties" else name for name in BUILT]


@pytest.mark.parametrize("name", SOME)
def test_the_recipe_makes_the_committed_items(name):
    """A few groups of each task are built again; the whole task is in the slow test."""
    task = whole(name)
    build = dict(task.card.build)
    build |= {"prompts": 2} if "prompts" in build else {"pairs": 3}
    built = build_items(build, name)
    assert tuple(built) == task.items[: len(built)]


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILT)
def test_the_whole_task_is_built_again(name):
    task = whole(name)
    assert content_hash(build_items(task.card.build, name)) == task.card.sha256


@pytest.mark.parametrize("name", TASKS)
def test_cards_promise_what_we_promise(name):
    card = whole(name).card
    assert card.items == len(whole(name).items)
    assert card.canary.encode() in (discover()[name] / "items.parquet").read_bytes()
    assert discover()[name].parent.name == card.axis
    if card.axis == "overoptimization":
        prompts, candidates = (64, 256) if name in BUILT else (48, 64)
        assert card.items >= prompts
        assert all(len(item.responses) >= candidates for item in whole(name).items)
    else:
        assert card.items >= 400
        assert card.resolves is not None


def test_suites_and_axes():
    for suite, expected in (("quick", BUILT), ("core", TASKS)):
        names = [t.card.name for t in load_suite(suite).tasks()]
        assert sorted(names) == expected
    axes = [whole(n).card.axis for n in TASKS]
    assert axes.count("generalisation") >= 4
    assert axes.count("calibration") >= 2
    assert axes.count("overoptimization") >= 4
    assert len({whole(n).card.canary for n in TASKS}) == len(TASKS)


def test_no_task_holds_a_training_prompt():
    """The split is a function of the prompt's own text; look at every prompt all the same."""
    from rmbench.worlds.base import split_of

    for name in TASKS:
        ours = [i for i in whole(name).items if "change" not in i.tags and "language" not in i.tags]
        asked = {item.prompt[-1]["content"] for item in ours}
        assert {split_of(text) for text in asked} <= {"test"}


def test_no_folder_is_left_over():
    for path in tasks_root().rglob("*"):
        assert path.is_dir() or path.suffix in {".yaml", ".parquet", ".md"}, path
