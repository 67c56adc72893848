"""A model on the workers of a real Ray cluster of two nodes: same bits, nothing twice, a sentence for what fails."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny_models as tm
from tiny_models import chat, task

from rmbench.engine import plan_batches, pool, score_items
from rmbench.engine.cluster import ClusterOptions, _has_room, connect
from rmbench.engine.store import ScoreStore
from rmbench.engine.workers import Facts, agreed
from rmbench.errors import ModelError, TooLongError, UsageError
from rmbench.models import Batch, ModelOptions, Tokens, load_model, reads_tokens
from rmbench.models.base import Rule, is_parallel
from rmbench.types import Failure

ray = pytest.importorskip("ray")

CHATS = [chat(f"Who was {name}?", f"{text} {'word ' * n}") for n, name in enumerate("ABC") for text in tm.TEXTS]
SMALL = ModelOptions(max_batch_tokens=150)
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # tests are nobody's usage
os.environ["RAY_prestart_worker_first_driver"] = "0"  # noqa: SIM112 - so it is called: no idle processes


@pytest.fixture(scope="module")
def cluster():
    """Two nodes on this machine, each of which believes to have four processors."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 4, "include_dashboard": False})
    made.add_node(num_cpus=4)
    made.wait_for_nodes()
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tm.save(tmp_path_factory.mktemp("models") / "good-rm")


@pytest.fixture(scope="module")
def local(folder):
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield load_model(str(folder), SMALL)
    torch.set_num_threads(threads)


def logged(log: Path):
    """A loader whose models note "begin" and "end" of each batch in a file; the first to get the victim stays in it.

    The victim is the hash of a batch's rows, in a file of its own; hashes of numbers are the same in all processes.
    """

    def load(spec, options):
        model = load_model(spec, options)
        plain = model.score_tokens

        def note(what, batch):
            with log.open("a") as file:
                file.write(f"{what} {hash(tuple(batch))} {os.getpid()}\n")

        def score_tokens(batch, shared=None):
            note("begin", batch)
            victim, mark = log.with_suffix(".victim"), log.with_suffix(".pid")
            if victim.exists() and victim.read_text() == str(hash(tuple(batch))) and not mark.exists():
                mark.with_suffix(".new").write_text(str(os.getpid()))
                mark.with_suffix(".new").rename(mark)
                time.sleep(90)
            found = plain(batch, shared)
            note("end", batch)
            return found

        model.score_tokens = score_tokens
        return model

    return load


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("log") / "log"


@pytest.fixture(scope="module")
def remote(cluster, folder, log):
    with connect(str(folder), SMALL, ClusterOptions(cluster.address, workers=2), logged(log)) as model:
        yield model


def settings(cluster, **more):
    return ClusterOptions(cluster.address, **{"workers": 1, "patience": 30, **more})


def batches(local):
    """Plain batches, and one whose rows share their prompt."""
    rows = list(dict.fromkeys(local.encode(CHATS)))
    whole = sorted(rows, key=lambda t: -len(t.ids))
    same = local.encode([chat("Who was Ada?", text) for text in tm.TEXTS])
    differs = [len(set(column)) > 1 for column in zip(*(t.ids for t in same), strict=False)]
    common = differs.index(True)
    assert common > 5
    return [*plan_batches(whole, 150), Batch(tuple(same), (common,) * len(same))]


def test_the_workers_are_one_model(remote, local):
    assert is_parallel(remote)
    assert remote.settings == local.settings
    assert remote.identity == local.identity is not None
    assert remote.max_batch_tokens == 150
    assert (remote.shares_prefixes, remote.sharing_reach) == (local.shares_prefixes, local.sharing_reach)
    assert remote.encode(CHATS) == local.encode(CHATS)
    assert remote.versions["torch"]


@pytest.mark.slow
def test_every_node_has_a_worker_and_the_environment_of_this_process(cluster, folder, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with connect("length", ModelOptions(), settings(cluster, workers=2)) as model:
        seen = [seen for _, seen in model._pool.map("look", [(surroundings(),)] * 2)]
    assert len({node for node, *_ in seen}) == 2
    assert [rest for _, *rest in seen] == [["1", "1"]] * 2


def surroundings():
    """A function that travels by itself: the workers do not have this file."""

    def look(_model):
        node = ray.get_runtime_context().get_node_id()
        return node, os.environ.get("HF_HUB_OFFLINE"), os.environ.get("OMP_NUM_THREADS")

    return look


def test_same_bits_as_in_this_process(remote, local):
    asked = batches(local)
    found = list(remote.score_batches(asked))
    assert sorted(number for number, _ in found) == list(range(len(asked)))
    expected = [local.score_tokens(batch.rows, batch.shared) for batch in asked]
    assert [scores for _, scores in sorted(found)] == expected  # exactly
    assert remote.score_tokens(asked[-1].rows, asked[-1].shared) == expected[-1]
    assert remote.score(CHATS[:6]) == [*local.score(CHATS[:3]), *local.score(CHATS[3:6])]  # one part per worker


def test_the_engine_gives_the_same_bytes(remote, local, tmp_path):
    toy = task(items=12)
    expected = score_items(local, [toy]).scores
    told = []
    with ScoreStore(tmp_path / "scores.sqlite") as store:
        assert score_items(remote, [toy], lambda *seen: told.append(seen), store).scores == expected
        # what the workers have paid for serves a model of this process, and asks it nothing
        assert score_items(_Mute(local), [toy], store=store).scores == expected
    assert told[-1][:2] == (36, 36)
    assert [done for done, *_ in told] == sorted(done for done, *_ in told)
    assert len(told) > 5


class _Mute:
    """A model that can name and encode, and must not be asked."""

    def __init__(self, model):
        self._model = model

    def __getattr__(self, name):
        return getattr(self._model, name)

    def score_tokens(self, *_):
        raise AssertionError("asked")


def test_what_the_model_refuses_is_raised_as_itself_and_not_tried_again(remote, local):
    beyond = [chat("Hi", "word " * 500)]
    with pytest.raises(TooLongError, match="1 of 1 conversations do not fit good-rm") as caught:
        remote.encode(beyond)
    assert type(caught.value) is TooLongError
    assert caught.value.problem == "too-long"
    (missing,) = remote.lenient().encode(beyond)
    assert isinstance(missing, Failure)
    assert is_parallel(remote.lenient())
    with pytest.raises(TooLongError):  # the other one is as it was
        remote.encode(beyond)
    left = remote._pool._left
    with pytest.raises(ModelError, match="model good-rm failed while scoring: IndexError") as caught:
        list(remote.score_batches([Batch((Tokens((10**6,)),))]))
    assert type(caught.value) is ModelError
    assert remote._pool._left == left
    asked = batches(local)
    assert len(list(remote.score_batches(asked))) == len(asked)  # the workers are well


def test_a_function_sees_the_model_itself(remote):
    assert remote.look(lambda model: type(model).__name__) == "Classifier"


def entries(log: Path, asked):
    """How often the models of `logged` began each of these batches, and ended it. (They try things out on others.)"""
    keys = {hash(batch.rows) for batch in asked}
    whole, _, _ = log.read_text().rpartition("\n") if log.exists() else ("", "", "")
    lines = [line.split() for line in whole.splitlines()]
    noted = [(what, int(key)) for what, key, _ in lines]
    return [Counter(key for what, key in noted if what == kind and key in keys) for kind in ("begin", "end")]


def killed_when_all_else_is_done(log: Path, asked):
    """A thread that kills the victim's worker while one batch is left that nobody has begun: the victim's next one."""

    def kill():
        while [len(some) for some in entries(log, asked)] != [len(asked) - 1, len(asked) - 2]:
            time.sleep(0.02)
        os.kill(int(log.with_suffix(".pid").read_text()), signal.SIGKILL)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    return thread


def test_a_worker_killed_in_the_middle_costs_its_batch_and_nothing_else(remote, local, log):
    asked = batches(local)
    victim = hash(asked[0].rows)  # its worker is given asked[2] with it, as the third of five
    log.unlink(missing_ok=True)
    log.with_suffix(".victim").write_text(str(victim))
    killer = killed_when_all_else_is_done(log, asked)
    found = list(remote.score_batches(asked))
    killer.join(10)
    begun, ended = entries(log, asked)
    processes = {int(line.split()[-1]) for line in log.read_text().splitlines()}
    survivor = remote.look(lambda _: os.getpid())
    os.kill(survivor, signal.SIGKILL)
    again = list(remote.score_batches(asked[:4]))  # by new workers alone
    assert sorted(number for number, _ in found) == list(range(len(asked)))
    expected = [local.score_tokens(batch.rows, batch.shared) for batch in asked]
    assert [scores for _, scores in sorted(found)] == expected
    assert [scores for _, scores in sorted(again)] == expected[:4]
    assert not killer.is_alive()
    assert {key: n for key, n in begun.items() if n > 1} == {victim: 2}
    assert set(ended.values()) == {1}
    assert len(ended) == len(asked)
    dead = int(log.with_suffix(".pid").read_text())
    assert {dead, survivor} <= processes


@pytest.mark.slow
def test_a_batch_that_ends_every_worker_is_named(cluster):
    def load(_spec, _options):
        return Rule(lambda _: os.kill(os.getpid(), signal.SIGKILL), {"name": "deadly"})

    said = r"3 workers were lost over the same batch, the last one so: The actor is dead because its worker process"
    with connect("x", ModelOptions(), settings(cluster), load) as model, pytest.raises(ModelError, match=said):
        model.score(CHATS)


def test_a_model_that_reads_no_tokens_is_asked_in_order_and_its_scores_are_kept(cluster, tmp_path):
    class Named:
        """Its identity is the number of threads that it computes with."""

        def __init__(self, plain):
            self.settings, self.score = plain.settings, plain.score

        @property
        def identity(self):
            return f"{sys.modules['torch'].get_num_threads()} threads"

    def load(spec, options):
        import torch

        torch.set_num_threads(1)  # whatever it was: the worker sets it before it asks for the identity
        return Named(load_model(spec, options))

    plain, toy = load_model("length"), task(items=12)
    wanted = settings(cluster, workers=2, cpus_per_worker=2)
    with connect("length", ModelOptions(), wanted, load) as model, ScoreStore(tmp_path / "scores.sqlite") as store:
        assert model.identity == "2 threads"
        assert not reads_tokens(model)
        assert model.score(CHATS) == plain.score(CHATS)
        assert model.score(CHATS[:1]) == plain.score(CHATS)[:1]
        assert model.score([]) == []
        for served in (0, 36):
            assert score_items(model, [toy], store=store).scores == score_items(plain, [toy]).scores
            assert store.served == served


def test_workers_agree_in_all_but_the_node():
    first = Facts({"name": "a", "identity": "A"}, "1" * 64, True, True, False, {"torch": "2"}, "one (10.0.0.1)")
    other = replace(first, node="two (10.0.0.2)")
    assert agreed(None, first) is first
    assert agreed(first, other) is first
    said = r"the workers do not hold the same model: {} on node one \(10.0.0.1\) and .* on node two"
    with pytest.raises(ModelError, match=said.format("identity is 1{24}")):
        agreed(first, replace(other, identity="2" * 64))
    with pytest.raises(ModelError, match=said.format("name is a")):  # what differs, before that something does
        agreed(first, replace(other, identity="2" * 64, settings={"name": "b", "identity": "A"}))
    with pytest.raises(ModelError, match=said.format("torch is 2")):
        agreed(first, replace(other, versions={}))


@pytest.mark.slow
def test_workers_that_disagree_are_refused(cluster, tmp_path):
    def load(_spec, _options):
        try:
            (tmp_path / "first").touch(exist_ok=False)
            digest = "a" * 64
        except FileExistsError:
            digest = "b" * 64
        return Rule(lambda _: 0.0, {"name": "two", "weights_sha256": digest})

    said = r"the workers do not hold the same model: weights_sha256 is [ab]{24} on node .* and [ab]{24} on node .*; use"
    with pytest.raises(ModelError, match=said), connect("x", ModelOptions(), settings(cluster, workers=2), load):
        pass


def test_what_the_cluster_does_not_have_is_said(cluster):
    wanted = settings(cluster, workers=4, gpus_per_worker=1, patience=1)
    said = r"asked for 4 workers with 1 GPU and 1 CPU each, but 0 found a place in 1 s: there are 0 GPU and 8 CPU on 2 "
    with pytest.raises(UsageError, match=said), connect("length", ModelOptions(), wanted):
        pass


def test_a_machine_that_is_too_small_is_known_at_once(remote):
    _has_room(ClusterOptions(workers=8))
    with pytest.raises(
        UsageError, match="asked for 9 workers with 0 GPU and 1 CPU each, but this machine is too small"
    ):
        _has_room(ClusterOptions(workers=9))


def test_a_folder_must_lie_on_the_nodes(cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = rf"{tmp_path}/no-rm is not on node .*; put it at the same place"
    away = connect("likelihood:./no-rm", ModelOptions(), settings(cluster))
    with pytest.raises(ModelError, match=said) as caught, away:
        pass
    assert caught.value.problem == "no-such-model"


@pytest.mark.slow
def test_errors_of_loading_are_raised_as_themselves(cluster, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with (
        pytest.raises(ModelError, match="has no weights") as caught,
        connect(str(tmp_path), ModelOptions(), settings(cluster)),
    ):
        pass
    assert caught.value.problem == "no-weights"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"workers": 0}, "workers must be at least 1"),
        ({"gpus_per_worker": 2}, "from 0 to 1"),
        ({"cpus_per_worker": 0}, "above 0"),
        ({"cpus_per_worker": 1.5}, "whole number"),
    ],
)
def test_impossible_settings(wrong, said):
    with pytest.raises(UsageError, match=said):
        ClusterOptions(**wrong)


@pytest.mark.parametrize(("device", "gpus"), [("cuda:1", 1), ("cpu", 1), ("cuda", 0)])
def test_devices_that_a_worker_does_not_see(device, gpus):
    wanted = connect("length", ModelOptions(device=device), ClusterOptions(gpus_per_worker=gpus))
    with pytest.raises(UsageError, match=f"device '{device}'"), wanted:
        pass


def test_ray_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(UsageError, match=r"pip install 'rmbench\[ray\]'"),
        connect("length", ModelOptions(), ClusterOptions()),
    ):
        pass


def refused():
    """What Ray raises where a token is missing: the reason stands at the end of the chain."""
    error = ConnectionError("Failed to connect to Ray cluster at 10.0.0.1:6379")
    error.__cause__ = RuntimeError("Failed: AuthenticationError: InvalidAuthToken: Authentication token is missing")
    return error


JOINING = [
    (refused(), "no Ray cluster can be joined at auto: it wants a token; set RAY_AUTH_MODE=token"),
    (ConnectionError("Could not find any running Ray instance."), "find any running Ray instance; run this on a node"),
]


@pytest.mark.parametrize(("error", "said"), JOINING, ids=["no token", "no cluster"])
def test_a_cluster_that_cannot_be_joined(monkeypatch, error, said):
    def init(**_):
        raise error

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(UsageError, match=said), connect("length", ModelOptions(), ClusterOptions("auto")):
        pass


ALONE = """
import sys
from rmbench.engine.cluster import ClusterOptions, connect
from rmbench.errors import UsageError
from rmbench.models import ModelOptions

for address in ("127.0.0.1:1", "ray://somewhere:10001"):
    try:
        with connect("length", ModelOptions(), ClusterOptions(address)):
            pass
    except UsageError as error:
        print(error)
with connect("length", ModelOptions(), ClusterOptions(workers=1)) as model:
    import ray
    print(model.score([[{"role": "user", "content": "?"}, {"role": "assistant", "content": "four"}]]))
    print(ray._private.worker._global_node.get_session_dir_path())
print(ray.is_initialized())
"""


@pytest.mark.slow
def test_ray_on_this_machine_is_quiet_and_is_ended():
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True, env=environment)
    nobody, client, scores, session, joined = done.stdout.splitlines()
    assert nobody.startswith("no Ray cluster answers at 127.0.0.1:1: ")
    assert client.startswith("'ray://somewhere:10001' is not the address of a Ray cluster; write auto, or HOST:PORT")
    assert (scores, joined) == ("[4.0]", "False")
    assert done.stderr == ""
    time.sleep(1)
    assert not [p for p in Path("/proc").glob("[0-9]*/cmdline") if session in _read(p)]


def _read(path):
    try:
        return path.read_text()
    except OSError:
        return ""


@pytest.mark.slow
def test_a_model_that_loads_for_long_is_waited_for_and_it_is_said(cluster, tmp_path, monkeypatch):
    go, told = tmp_path / "go", []

    def load(spec, options):
        while not go.exists():
            time.sleep(0.1)
        return load_model(spec, options)

    def hear(message, **_):
        told.append(message)
        if len(told) == 2:
            go.touch()

    monkeypatch.setattr(pool, "warnings", SimpleNamespace(warn=hear))
    with connect("length", ModelOptions(), settings(cluster, patience=10), load) as model:
        assert model.score(CHATS) == load_model("length").score(CHATS)
    first, second = told
    assert re.match(r"still waiting for 1 of 1 workers to load the model, after 10 s, on \S+ \(\S+\); a large", first)
    assert "after 20 s" in second


@pytest.mark.slow
def test_a_lost_node_costs_what_was_at_work_there(cluster, folder, local, tmp_path):
    asked, log = batches(local) * 3, tmp_path / "log"
    node = cluster.add_node(num_cpus=4)
    cluster.wait_for_nodes()
    plain = logged(log)

    def load(spec, options):
        model = plain(spec, options)
        noting = model.score_tokens
        model.score_tokens = lambda *asked: (time.sleep(0.5), noting(*asked))[1]
        return model

    with connect(str(folder), SMALL, settings(cluster, workers=3), load) as model:
        stream = model.score_batches(asked)
        found = [next(stream), next(stream)]
        cluster.remove_node(node, allow_graceful=False)
        found += stream
    assert sorted(number for number, _ in found) == list(range(len(asked)))
    expected = [local.score_tokens(batch.rows, batch.shared) for batch in asked]
    assert [scores for _, scores in sorted(found)] == expected
    _, ended = entries(log, asked)
    assert len(asked) <= ended.total() <= len(asked) + 1  # at most the one that was lost on its way


@pytest.mark.slow
def test_a_run_on_a_cluster_writes_the_scores_of_a_run_here(cluster, local, tmp_path):
    import rmbench

    same = {"suite": None, "tasks": ["difficulty"], "limit": 6, "optimizer": "none", "store": False}
    here = rmbench.run("tiny", out=tmp_path / "here", **same)
    there = rmbench.run("tiny", out=tmp_path / "there", cluster=settings(cluster, workers=2), **same)
    files = [path.relative_to(here) for path in here.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert files
    assert [(there / file).read_bytes() for file in files] == [(here / file).read_bytes() for file in files]
