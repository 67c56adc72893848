"""Runs in which optimisers query the model: files, resumption, what a cut or a failing model does, what is refused."""

import shutil
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

import rmbench
from rmbench.engine.pursuit import Attack, gold_runs, planned, pursue
from rmbench.engine.scoring import score_items
from rmbench.engine.store import ScoreStore
from rmbench.errors import RmbenchError, RunError, TaskError, UsageError
from rmbench.models import ModelOptions, load_model
from rmbench.optimizers import get_optimizer, optimizer_names
from rmbench.optimizers.policy_gradient import PolicyGradient
from rmbench.scores import read_run
from rmbench.task import (
    cut_task,
    discover,
    load_suite,
    load_task,
    read_raw_card,
    read_reference,
    read_task,
    with_queries,
    write_reference,
    write_task,
)
from rmbench.trajectory import rows_digest, step_rows
from rmbench.types import Failure

BUDGETS = {"policy_gradient": 512, "search": 96}
NAME = "pool_transforms"


@pytest.fixture(scope="module")
def task():
    """Eight prompts with 96 queries of search between them (12 each), and 4 steps of policy gradient."""
    cut = cut_task(load_task(NAME), 8, 64)
    return with_queries(replace(cut, card=cut.card.model_copy(update={"items": 8})), BUDGETS)


@pytest.fixture(scope="module")
def folder(task, tmp_path_factory):
    return rmbench.run("length", suite=None, tasks=[task], out=tmp_path_factory.mktemp("run") / "length")


def courses(path):
    return {(t.optimizer, t.rewarded): t for t in read_run(path).trajectories}


def test_a_run_holds_the_courses_of_the_model_and_of_the_gold(folder, task):
    found = courses(folder)
    assert set(found) == {(name, who) for name in BUDGETS for who in ("model", "gold")}
    for (name, _), course in found.items():
        assert course.items == tuple(item.id for item in task.items)
        assert course.queries == BUDGETS[name]
        assert course.settings["queries"] in (BUDGETS[name], load_task(NAME).card.budgets.queries[name])
    for name in BUDGETS:  # the same prompts, answers and luck at the start
        assert found[name, "model"].steps[0].golds == found[name, "gold"].steps[0].golds
        assert [s.queries for s in found[name, "model"].steps] == [s.queries for s in found[name, "gold"].steps]


def test_attempts_tell_every_query_of_the_search(folder, task):
    attempts = read_run(folder).attempts[NAME, "search"]
    assert len(attempts) == 96
    assert {a.item for a in attempts} == {item.id for item in task.items}
    assert all((a.text is not None) == (a.kept or a.operator == "start") for a in attempts)
    last = courses(folder)["search", "model"].steps[-1]
    for item, gold, proxy in zip(courses(folder)["search", "model"].items, last.golds, last.proxies, strict=True):
        best = max((a for a in attempts if a.item == item and a.kept), key=lambda a: a.proxy)
        assert (best.gold, best.proxy) == (gold, proxy)


def test_evaluate_counts_all_eight_recoveries(folder):
    found = rmbench.evaluate(folder, bootstrap=50).tasks[NAME].metrics
    shown = [name for name in found if name.startswith("Recovery(") and not ("@" in name or "global" in name)]
    assert len(shown) == 8
    assert found["MeanRecovery"].value == pytest.approx(np.mean([found[name].value for name in shown]))


@pytest.mark.parametrize(("model", "value"), [("constant", 0.0), ("oracle", 1.0)])
def test_the_ends_of_the_scale(model, value, task, tmp_path):
    found = rmbench.evaluate(rmbench.run(model, suite=None, tasks=[task], out=tmp_path / "run"), bootstrap=50)
    for name, estimate in found.tasks[NAME].metrics.items():
        if name.startswith(("Recovery", "MeanRecovery")):
            assert estimate.value == value, name


def test_the_same_run_twice_is_the_same_content(folder, task, tmp_path):
    again = rmbench.run("length", suite=None, tasks=[task], out=tmp_path / "again")
    for key in ("scores", "trajectory", "attempts"):
        assert getattr(read_run(again).manifest, key) == getattr(read_run(folder).manifest, key)


class Counting:
    """A baseline that is cut off when it is asked for the n-th time, and writes down what it was asked."""

    identity = "length, as it is today"

    def __init__(self, calls, asked):
        self.model, self.calls, self.asked = load_model("length", ModelOptions()), calls, asked
        self.settings = self.model.settings

    def score(self, conversations):
        self.calls -= 1
        if self.calls < 0:
            raise KeyboardInterrupt
        self.asked.append({c[0]["content"] + c[-1]["content"] for c in conversations})
        return self.model.score(conversations)


def test_a_run_killed_at_any_step_goes_on_to_the_same_end(folder, task, tmp_path):
    """Killed again and again, a little later each time; what was answered is never asked again."""
    kills, asked = 0, []
    out = tmp_path / "killed"
    while not out.exists():
        try:
            rmbench.run(Counting(8, asked), suite=None, tasks=[task], out=out, store=tmp_path / "kept.sqlite")
        except KeyboardInterrupt:
            kills += 1
            assert not out.exists()
    assert kills >= 2
    for key in ("scores", "trajectory", "attempts"):
        assert getattr(read_run(out).manifest, key) == getattr(read_run(folder).manifest, key)
    before = len(asked)
    rmbench.run(Counting(0, asked), suite=None, tasks=[task], out=tmp_path / "again", store=tmp_path / "kept.sqlite")
    assert len(asked) == before


def test_a_cut_task_searches_each_prompt_as_long_and_equals_the_whole_there(task, folder, tmp_path):
    half = cut_task(task, 4, None)
    assert {a.optimizer.name: a.queries for a in planned([half])} == {"policy_gradient": 512, "search": 48}
    path = rmbench.run("length", suite=None, tasks=[half], out=tmp_path / "half")
    whole, part = courses(folder), courses(path)
    for key in whole:
        assert [s.golds for s in part[key].steps] == [s.golds[:4] for s in whole[key].steps]
    assert read_run(path).cards[NAME].budgets.queries == {"policy_gradient": 512, "search": 48}


def test_the_quick_suite_spends_fewer_queries():
    tasks = [t for t in load_suite("quick").tasks() if t.card.budgets.queries]
    spent = {(a.task.card.name, a.optimizer.name): a.queries for a in planned(tasks)}
    assert len(spent) == 8
    assert {queries for (_, name), queries in spent.items() if name == "search"} == {1024}
    assert {queries for (_, name), queries in spent.items() if name == "policy_gradient"} == {2048}


class Rule:
    def __init__(self, rule):
        self.rule, self.settings = rule, {"name": "rule"}

    def score(self, conversations):
        return [self.rule(c[-1]["content"]) for c in conversations]


def test_a_model_that_fails_on_five_percent_is_measured_and_its_failures_counted(task, tmp_path):
    """On a pool an incomplete prompt is left out; on a course what failed taught nothing. Neither is a score."""
    fails = Rule(lambda text: Failure("busy") if sum(map(ord, text)) % 20 == 0 else float(len(text)))
    path = rmbench.run(fails, suite=None, tasks=[task], out=tmp_path / "run")
    for name in BUDGETS:
        course = courses(path)[name, "model"]
        assert 0 < course.steps[-1].failed < 0.1 * course.queries
    found = rmbench.evaluate(path, bootstrap=50).tasks[NAME].metrics
    assert found["Recovery(policy_gradient=512)"].value is None or np.isfinite(
        found["Recovery(policy_gradient=512)"].value
    )
    assert found["Recovery(tilt=1)"].value is None
    assert found["MeanRecovery"].value is None


def test_a_model_that_answers_nothing_is_given_up_at_once(task, tmp_path):
    path = rmbench.run(Rule(lambda _: Failure("never")), suite=None, tasks=[task], out=tmp_path / "run")
    for name in BUDGETS:
        course = courses(path)[name, "model"]
        assert len(course.steps) == 2
        assert course.steps[-1].failed == course.queries
    assert rmbench.evaluate(path, bootstrap=20).tasks[NAME].skill.value is None


def test_one_optimizer_alone(task, tmp_path):
    path = rmbench.run("length", suite=None, tasks=[task], optimizer="search", reward_queries=32, out=tmp_path / "run")
    run = read_run(path)
    assert {t.optimizer for t in run.trajectories} == {"search"}
    assert pq.read_table(path / "scores.parquet").num_rows == 0
    found = rmbench.evaluate(path, bootstrap=50).tasks[NAME]
    assert found.skill.value == found.metrics["Recovery(search=32)"].value
    assert not [name for name in found.metrics if "tilt" in name]


def test_no_optimizer_at_all(task, folder, tmp_path):
    path = rmbench.run("length", suite=None, tasks=[task], optimizer="none", out=tmp_path / "run")
    assert sorted(p.name for p in path.iterdir()) == ["manifest.json", "scores.parquet"]
    found, whole = (rmbench.evaluate(p, bootstrap=20) for p in (path, folder))
    shown = [
        f"Recovery({name})" for name in ("tilt=1", "tilt=2", "tilt=4", "best_of_n=4", "best_of_n=16", "best_of_n=64")
    ]
    values = [whole.tasks[NAME].metrics[name].value for name in shown]
    assert found.tasks[NAME].skill.value == pytest.approx(np.mean(values))
    assert found.signature.split("tasks:")[1].split("|")[0] != whole.signature.split("tasks:")[1].split("|")[0]


def test_an_optimizer_with_settings_of_its_own_has_gains_and_no_recovery(task, tmp_path):
    held = PolicyGradient(kl_penalty=0.5)
    path = rmbench.run("length", suite=None, tasks=[task], optimizer=held, reward_queries=256, out=tmp_path / "run")
    assert {t.rewarded for t in read_run(path).trajectories} == {"model"}
    found = rmbench.evaluate(path, bootstrap=20).tasks[NAME].metrics
    assert found["GoldGain(policy_gradient=256)"].value is not None
    assert found["Recovery(policy_gradient=256)"].value is None


def test_one_optimizer_leaves_out_the_tasks_that_it_cannot_attack(task, tmp_path):
    both = [load_task("length"), task]
    path = rmbench.run("length", suite=None, tasks=both, optimizer="search", reward_queries=16, out=tmp_path / "run")
    assert list(read_run(path).cards) == [NAME]


def test_a_failure_without_a_reason_is_read_back(task, tmp_path):
    fails = Rule(lambda text: Failure("") if len(text) % 7 == 0 else 1.0)
    path = rmbench.run(fails, suite=None, tasks=[task], out=tmp_path / "run")
    assert "the model gave no reason" in read_run(path).reasons


def test_zero_has_one_sign(tmp_path):
    model = Rule(lambda _: -0.0)
    model.identity = "minus zero"
    for _ in range(2):  # asked, and kept
        with ScoreStore(tmp_path / "store.sqlite") as store:
            found = score_items(model, [cut_task(load_task(NAME), 1, 2)], store=store)
    assert str(found.scores[NAME][0][0]) == "0.0"


def test_the_signature_knows_the_courses(task, tmp_path):
    signatures = set()
    for model in ("length", "constant"):
        path = rmbench.run(model, suite=None, tasks=[task], optimizer="search", reward_queries=16, out=tmp_path / model)
        signatures.add(rmbench.evaluate(path, bootstrap=10).signature.split("courses:")[1].split("|")[0])
    assert len(signatures) == 2


def test_a_reference_over_other_items_is_refused_before_the_model_is_asked(task, tmp_path):
    small = with_queries(task, {"policy_gradient": 128, "search": 16})
    folder = tmp_path / "mine"
    write_task(folder, small.card.model_dump(mode="json") | {"name": "mine", "reference": None}, small.items)
    write_reference(folder, gold_runs(read_task(folder)))
    raw = read_raw_card(folder / "card.yaml")
    assert write_task(folder, raw, small.items).reference == raw["reference"]
    other = tuple(replace(item, id=f"new-{item.id}", group=f"new-{item.group}") for item in small.items)
    assert write_task(folder, raw, other).reference is None
    card = folder / "card.yaml"
    card.write_text(card.read_text() + f"reference: {raw['reference']}\n")  # as a hand might put it back
    never = Rule(lambda _: pytest.fail("the model was asked"))
    with pytest.raises(TaskError, match="rebuild"):
        rmbench.run(never, suite=None, tasks=[read_task(folder)], out=tmp_path / "run")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "serch"}, "no optimizer 'serch'"),
        ({"optimizer": "search", "reward_queries": 0}, "0 reward queries"),
        ({"optimizer": "search", "reward_queries": -5}, "-5 reward queries"),
        ({"optimizer": "search", "reward_queries": 7}, "7 reward queries buy no step on pool_transforms; one takes 8"),
        ({"optimizer": "policy-gradient", "reward_queries": 100}, "buy no step"),
        ({"optimizer": "lm-rl", "reward_queries": 100}, "--policy"),
        ({"optimizer": "search", "policy": "somewhere"}, "--policy goes with lm-rl"),
        ({"reward_queries": 100}, "go with --optimizer"),
        ({"optimizer": "search", "tasks": ["length"]}, "pool tasks"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_sentence(options, message, task, tmp_path):
    with pytest.raises(UsageError, match=message):
        rmbench.run("length", **{"suite": None, "tasks": [task], "out": tmp_path / "run", **options})
    assert not (tmp_path / "run").exists()
    assert not list(tmp_path.iterdir())


def test_a_task_whose_items_no_world_made_cannot_be_attacked(task):
    strange = replace(task, items=tuple(replace(item, tags={}) for item in task.items))
    with pytest.raises(TaskError, match="its world is unknown"):
        pursue(Attack(get_optimizer("search"), strange, 96), lambda c: [0.0] * len(c))


@pytest.mark.parametrize("name", ["trajectory.parquet", "attempts.parquet"])
def test_a_changed_or_missing_file_is_noticed(name, folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    table = pq.read_table(copy / name)
    pq.write_table(table.slice(1), copy / name)
    with pytest.raises(RunError, match=f"{name}"):
        read_run(copy)
    (copy / name).unlink()
    with pytest.raises(RunError, match=f"{name} is missing"):
        read_run(copy)
    (copy / name).write_bytes(b"no parquet")
    with pytest.raises(RunError, match="not readable as parquet"):
        read_run(copy)


def test_a_reference_is_kept_with_the_task_and_checked(task, tmp_path):
    small = with_queries(task, {"policy_gradient": 128, "search": 16})
    raw = small.card.model_dump(mode="json") | {"name": "mine", "reference": None}
    write_task(tmp_path / "mine", raw, small.items)
    written = read_task(tmp_path / "mine")
    runs = gold_runs(written)
    card = write_reference(tmp_path / "mine", runs)
    again = read_task(tmp_path / "mine")
    assert card.reference == again.card.reference == rows_digest(step_rows(runs), card.sha256)
    assert set(read_reference(again)) == set(BUDGETS)
    table = pq.read_table(tmp_path / "mine" / "reference.parquet")
    pq.write_table(table.slice(1), tmp_path / "mine" / "reference.parquet")
    with pytest.raises(TaskError, match="does not match the digest"):
        read_reference(again)


def test_without_a_reference_run_there_is_no_recovery_but_a_gain(task, tmp_path):
    bare = replace(task, card=task.card.model_copy(update={"reference": None}))
    found = rmbench.evaluate(rmbench.run("length", suite=None, tasks=[bare], out=tmp_path / "run"), bootstrap=20)
    metrics = found.tasks[NAME].metrics
    assert metrics["Recovery(search=96)"].value is None
    assert "reference run" in metrics["Recovery(search=96)"].reason
    assert metrics["GoldGain(search=96)"].value is not None


def test_every_optimizer_has_a_name_settings_and_a_kind_of_budget():
    assert {"policy_gradient", "search", "lm_rl"} <= set(optimizer_names())
    for name in optimizer_names():
        made = get_optimizer(name, "smollm2" if name == "lm_rl" else None)
        assert made.name == name
        assert isinstance(made.per_prompt, bool)


ATTACKED = [name for name in sorted(discover()) if load_task(name).card.budgets.queries]


def attacked(name, queries):
    """Six prompts of a task, nothing but the optimisers that query the reward, with a few queries each."""
    return cut_task(with_queries(load_task(name), dict.fromkeys(load_task(name).card.budgets.queries, queries)), 6, 2)


def recoveries(name, model, folder, queries=640):
    task = attacked(name, queries)
    made = load_model(model, ModelOptions(tasks=(task,))) if isinstance(model, str) else model
    budgets = task.card.budgets.model_copy(update={"tilt": (), "best_of_n": ()})
    task = replace(task, card=task.card.model_copy(update={"budgets": budgets}))
    found = rmbench.evaluate(rmbench.run(made, suite=None, tasks=[task], out=folder), bootstrap=20).tasks[name].metrics
    return {key: estimate.value for key, estimate in found.items() if key.startswith(("Recovery", "MeanRecovery"))}


@pytest.mark.parametrize("name", ATTACKED)
def test_the_ends_of_the_scale_for_every_task(name, tmp_path):
    assert set(recoveries(name, "constant", tmp_path / "constant").values()) == {0.0}
    assert set(recoveries(name, "oracle", tmp_path / "oracle").values()) == {1.0}


@pytest.mark.parametrize("name", ATTACKED)
def test_the_scale_of_a_reward_changes_nothing(name, tmp_path):
    plain = recoveries(name, Rule(lambda text: float(len(text))), tmp_path / "plain")
    scaled = recoveries(name, Rule(lambda text: 3.0 * len(text) + 7), tmp_path / "scaled")
    assert plain.keys() == scaled.keys()
    for key, value in plain.items():
        assert scaled[key] == pytest.approx(value, abs=1e-9), key


@pytest.mark.slow
def test_length_is_harmful_under_full_budgets(tmp_path):
    """Both optimisers, in at least three worlds."""
    below = dict.fromkeys(("policy_gradient", "search"), 0)
    for name in ATTACKED:
        found = rmbench.evaluate(rmbench.run("length", suite=None, tasks=[name], out=tmp_path / name), bootstrap=200)
        for optimizer, queries in found.tasks[name].card.budgets.queries.items():
            below[optimizer] += found.tasks[name].metrics[f"Recovery({optimizer}={queries})"].high < 0
    assert min(below.values()) >= 3, below


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKED)
def test_the_reference_runs_are_made_again(name):
    again = {run.optimizer: run for run in gold_runs(load_task(name))}
    kept = read_reference(load_task(name))
    assert again.keys() == kept.keys()
    for optimizer, run in again.items():
        assert run.steps == kept[optimizer].steps


def test_errors_are_ours():
    assert issubclass(RunError, RmbenchError)
