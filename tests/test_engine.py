"""The engine: batches, each conversation once, and what counts as a score."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tiny_models as tm
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import task

from rmbench.engine import plan_batches, score_items
from rmbench.errors import ModelError, UsageError
from rmbench.models import ModelOptions, Tokens, load_model
from rmbench.types import Failure, Task


class Spy:
    """A model that writes down what it is asked."""

    def __init__(self, rule=lambda c: float(len(c[-1]["content"]))):
        self.settings = {"name": "spy"}
        self.asked = []
        self.rule = rule

    def score(self, conversations):
        self.asked += conversations
        return [self.rule(c) for c in conversations]


class TokenSpy(Spy):
    max_batch_tokens = 40
    shares_prefixes = False
    sharing_reach = None
    identity = None

    def __init__(self):
        super().__init__()
        self.batches = []

    def encode(self, conversations):
        texts = [c[-1]["content"] for c in conversations]
        return [Failure("empty") if not t else Tokens(tuple(map(ord, t.replace("!", ".")))) for t in texts]

    def score_tokens(self, batch, shared=None):
        self.batches.append([len(t.ids) for t in batch])
        return [float(sum(t.ids)) for t in batch]


def rows(lengths):
    return [Tokens((n, *range(length - 1))) for n, length in enumerate(lengths)]


@given(st.lists(st.integers(1, 300), max_size=60), st.integers(1, 1000))
def test_batches_hold_everything_once_within_the_budget(lengths, budget):
    sequences = rows(lengths)
    batches = plan_batches(sequences, budget)
    assert sorted(row.ids for b in batches for row in b.rows) == sorted(row.ids for row in sequences)
    for batch in batches:
        width = max(len(row.ids) for row in batch.rows)
        assert len(batch.rows) * width <= budget or len(batch.rows) == 1
        assert batch.shared is None
    flat = [len(row.ids) for b in batches for row in b.rows]
    assert flat == sorted(flat, reverse=True)


prompted = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), min_size=1, max_size=60, unique=True)


@given(prompted, st.integers(30, 600), st.booleans())
def test_batches_of_shared_prompts_hold_everything_once_within_the_budget(asked, budget, from_the_response):
    """Four prompts of 25 to 100 tokens, with rests of which some begin alike."""
    sequences = [
        Tokens((*[7 + p] * (25 + 25 * p), *range(n, n + 1 + n % 9)), (25 + 25 * p) * from_the_response)
        for p, n in asked
    ]
    batches = plan_batches(sequences, budget, [p for p, _ in asked])
    assert sorted(row.ids for b in batches for row in b.rows) == sorted(row.ids for row in sequences)
    for batch in batches:
        shared = batch.shared or [0] * len(batch.rows)
        width = max(len(row.ids) - n for row, n in zip(batch.rows, shared, strict=True))
        assert len(batch.rows) * width <= budget or len(batch.rows) == 1
        starts = {row.ids[:n] for row, n in zip(batch.rows, shared, strict=True)}
        assert len(starts) == 1 or len(starts) * max(map(len, starts)) <= budget
        for row, n in zip(batch.rows, shared, strict=True):
            assert n < (row.start or len(row.ids))  # the score's first token needs one before it
    assert plan_batches(sequences, budget, [p for p, _ in asked]) == batches


def test_a_pool_shares_its_prompt_and_a_short_one_is_not_worth_it():
    pool = [Tokens((*[5] * 300, *[n] * 40)) for n in range(64)]
    shared = plan_batches(pool, 1024, ["one"] * 64)
    assert all(batch.shared == (300,) * len(batch.rows) for batch in shared)
    assert sum(len(b.rows) * max(len(r.ids) - 300 for r in b.rows) for b in shared) == 64 * 40
    short = [Tokens((*[5] * 8, *[n] * 40)) for n in range(64)]
    assert all(batch.shared is None for batch in plan_batches(short, 1024, ["one"] * 64))
    for reach in (600, 602):  # a window that prompt and response must fit into, in every batch
        batches = plan_batches(pool, 1024, ["one"] * 64, reach)
        assert {batch.shared is not None for batch in batches} == {reach == 602}
    apart = plan_batches(pool, 1024, range(64))
    assert all(batch.shared is None for batch in apart)


def test_padding_is_small_when_lengths_vary():
    lengths = [10, 200, 12, 190, 11, 205] * 10
    batches = plan_batches(rows(lengths), 1024)
    padded = sum(len(b.rows) * max(len(r.ids) for r in b.rows) for b in batches)
    assert padded < 1.05 * sum(lengths)
    assert plan_batches([], 100) == []


def test_every_conversation_is_asked_once():
    toy = task()
    spy = Spy()
    twice = Task(toy.card.model_copy(update={"name": "again"}), toy.items)
    found = score_items(spy, [toy, twice])
    assert len(spy.asked) == 18  # the same batches: asked once
    assert found.scores["toy"] == found.scores["again"]
    assert found.scores["toy"][2] == [float(len(r)) for r in toy.items[2].responses]


class Tight(TokenSpy):
    """Not more than 30 tokens fit."""

    max_batch_tokens = 1000

    def score_tokens(self, batch, shared=None):
        if len(batch) * max(len(t.ids) for t in batch) > 30:
            raise self.error
        return super().score_tokens(batch, shared)


class OutOfMemoryError(RuntimeError):
    pass


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OutOfMemoryError("CUDA: tried to allocate"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
def test_a_batch_that_does_not_fit_is_halved(error):
    texts = ("a" * 40, "b" * 10, "c" * 9, "d" * 8, "e" * 3)
    item = tm.Item("x", ({"role": "user", "content": "?"},), texts, (0.0,) * 5, "g")
    spy = Tight()
    spy.error = error
    found = score_items(spy, [Task(task().card, (item,))]).scores["toy"]
    assert found == [[Failure("out of memory: 40 tokens"), *(float(sum(map(ord, t))) for t in texts[1:])]]
    assert all(len(b) * max(b) <= 30 for b in spy.batches)


def test_tokens_that_are_equal_are_scored_once_and_failures_stay():
    items = task(items=1, responses=4).items
    item = tm.Item("x", items[0].prompt, ("ab!", "ab.", "", "c"), (0.0,) * 4, "g")
    spy, seen = TokenSpy(), []
    found = score_items(spy, [Task(task().card, (item,))], lambda *told: seen.append(told))
    assert spy.batches == [[3, 1]]
    assert found.scores["toy"] == [[241.0, 241.0, Failure("empty"), 99.0]]
    assert found.stats["toy"]["tokens"] == 7  # "ab!" and "ab." both count: tokens of the plain path
    assert seen[0] == (0, 4, 0)
    assert seen[-1] == (4, 4, 4)
    assert [done for done, *_ in seen] == sorted(done for done, *_ in seen)


def test_order_changes_no_bit(tmp_path):
    model = load_model(str(tm.save(tmp_path / "rm")), ModelOptions(max_batch_tokens=150))
    toy = task(items=8)
    turned = Task(toy.card, tuple(reversed(toy.items)))
    there, back = score_items(model, [toy]).scores["toy"], score_items(model, [turned]).scores["toy"]
    assert there == back[::-1]  # exactly: the batches are the same ones


def test_batches_agree_with_one_by_one(tmp_path):
    model = load_model(str(tm.save(tmp_path / "rm")), ModelOptions(max_batch_tokens=300))
    toy = task(items=8)
    for item, row in zip(toy.items, score_items(model, [toy]).scores["toy"], strict=True):
        assert row == pytest.approx([model.score([item.conversation(k)])[0] for k in range(3)], abs=1e-6)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_what_is_not_finite_is_a_failure(bad):
    found = score_items(Spy(lambda c: bad if "Answer 1" in c[-1]["content"] else 1.0), [task()]).scores["toy"]
    assert found[0] == [1.0, Failure(f"non-finite score: {float(bad)}"), 1.0]


def test_a_model_with_nan_weights_gives_failures(tmp_path):
    import torch

    model = load_model(str(tm.save(tmp_path / "rm")))
    with torch.no_grad():
        model.model.score.weight.fill_(math.nan)
    row = score_items(model, [task()]).scores["toy"][0]
    assert row == [Failure("non-finite score: nan")] * 3


def test_numbers_of_other_libraries_are_welcome():
    import torch

    for kind in (np.float32, np.float64, int, torch.tensor):
        row = score_items(Spy(lambda _, kind=kind: kind(2)), [task()]).scores["toy"][0]
        assert row == [2.0] * 3
        assert all(type(x) is float for x in row)


@pytest.mark.parametrize("bad", [None, "3", True, [1.0, 2.0], 10**400])
def test_what_is_no_number_is_an_error(bad):
    with pytest.raises(ModelError, match=r"model spy gave .* as a score; expected a number or a Failure"):
        score_items(Spy(lambda _: bad), [task()])


class Short(Spy):
    def score(self, conversations):
        return [1.0] * (len(conversations) - 1)


class ShortTokens(TokenSpy):
    def score_tokens(self, batch, shared=None):
        return [1.0] * (len(batch) + 1)


class ShortCode(TokenSpy):
    def encode(self, conversations):
        return super().encode(conversations)[1:]


@pytest.mark.parametrize("kind", [Short, ShortTokens, ShortCode])
def test_a_wrong_count_is_an_error(kind):
    with pytest.raises(ModelError, match=r"model spy gave \d+ scores for \d+ conversations"):
        score_items(kind(), [task()])


def test_what_a_model_raises_is_named():
    def broken(_):
        raise KeyError("weights")

    with pytest.raises(ModelError, match="model spy failed while scoring: KeyError: 'weights'"):
        score_items(Spy(broken), [task()])

    def own(_):
        raise UsageError("as it is")

    with pytest.raises(UsageError, match="as it is"):
        score_items(Spy(own), [task()])


def test_ctrl_c_is_not_an_error_of_the_model():
    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_items(Spy(stop), [task()])


def test_seconds_are_shared_out_by_tokens():
    short, long = task("short", items=1), task("long", items=9)
    stats = score_items(TokenSpy(), [short, long]).stats
    assert stats["long"]["seconds"] / stats["short"]["seconds"] == pytest.approx(
        stats["long"]["tokens"] / stats["short"]["tokens"]
    )
    assert stats["long"]["truncated"] == 0
