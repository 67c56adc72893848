"""A prompt that is read once gives the scores of the plain path, and where a model cannot, it is not asked to."""

from __future__ import annotations

import random

import pytest
import tiny_models as tm
from tiny_models import chat

from rmbench.engine import plan_batches, score_items
from rmbench.models import ModelOptions, Tokens, load_model
from rmbench.models.prefixes import Prefixes

KINDS = ["llama", "qwen2", "qwen3", "gpt2", "mistral", "gemma2", "gpt_neox", "bloom"]
LUCK = random.Random(3)
BEGINNINGS = [tuple(LUCK.randrange(10, 300) for _ in range(n)) for n in (45, 30, 17)]
ROWS = [
    Tokens((*ids, *(LUCK.randrange(10, 300) for _ in range(n))), len(ids) + 1) for ids in BEGINNINGS for n in (5, 9, 14)
]
SHARED = [45] * 3 + [30] * 3 + [17] * 3


@pytest.fixture(scope="module", params=["AutoModelForSequenceClassification", "AutoModelForCausalLM"])
def scorer(request, tmp_path_factory):
    def make(kind, **more):
        folder = tm.save(tmp_path_factory.mktemp(kind) / "rm", kind, auto=request.param, **more)
        return load_model(f"likelihood:{folder}" if "Causal" in request.param else str(folder))

    return make


def close(found, expected, tolerance=1e-5):
    largest = max(map(abs, expected))
    return max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= tolerance * largest


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_the_plain_path(scorer, kind):
    model = scorer(kind)
    assert model.shares_prefixes
    plain = [model.score_tokens([row])[0] for row in ROWS]
    assert max(plain) - min(plain) > 1e-3 * max(map(abs, plain))
    assert close(model.score_tokens(ROWS, SHARED), plain)
    assert close(model.score_tokens(ROWS[:3], SHARED[:3]), plain[:3])  # one beginning for all
    assert close(model.score_tokens(ROWS[1:3], SHARED[1:3]), plain[1:3])  # and it is still known
    assert close(model.score_tokens(ROWS[3:], [4] * 6), plain[3:])  # each of its own


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
@pytest.mark.parametrize("pad_id", [1, 2, None])
def test_whatever_the_padding_token(tmp_path, kind, pad_id):
    model = load_model(str(tm.save(tmp_path / "rm", kind, pad_id=pad_id)))
    ends = [Tokens((*row.ids, 1), row.start) for row in ROWS]  # each ends in </s>, which may be the padding
    plain = [model.score_tokens([row])[0] for row in ends]
    assert close(model.score_tokens(ends, SHARED), plain)
    only_ends = [Tokens((*BEGINNINGS[0], 1), 45), Tokens((*BEGINNINGS[0], 1, 1), 45)]
    mixed = [*only_ends, *ends[:2]]
    assert close(model.score_tokens(mixed, [44] * 4), [model.score_tokens([row])[0] for row in mixed])
    mixed = [Tokens((*BEGINNINGS[0], 1), 46), *ends[:2]]  # a rest of padding alone
    assert close(model.score_tokens(mixed, [45] * 3), [model.score_tokens([row])[0] for row in mixed])


def test_a_sliding_window_is_not_gone_beyond(scorer):
    """Rows near the window, behind prompts of different length: the padding between the two parts counts, too."""
    model = scorer("mistral", sliding=64)
    assert (model.shares_prefixes, model.sharing_reach) == (True, 64)
    rng = random.Random(5)
    prompts = [tuple(rng.randrange(10, 300) for _ in range(n)) for n in (20, 50)]
    rows = [
        Tokens((*ids, *(rng.randrange(10, 300) for _ in range(total - len(ids)))), len(ids) + 1)
        for ids, total in zip([prompts[0]] * 2 + [prompts[1]] * 2, (40, 60, 58, 63), strict=True)
    ]
    plain = [model.score_tokens([row])[0] for row in rows]
    for some in (slice(0, 2), slice(2, 4), slice(0, 4), slice(0, 3)):
        assert close(model.score_tokens(rows[some], [20, 20, 50, 50][some]), plain[some])
    named = [row.ids[:20] for row in rows]
    for budget in (64, 128, 1000):
        for batch in plan_batches(rows, budget, named, model.sharing_reach):
            if batch.shared:
                longest = max(len(row.ids) - n for row, n in zip(batch.rows, batch.shared, strict=True))
                assert max(batch.shared) + longest < 64


def test_positions_end_where_the_model_ends(scorer):
    """A short row beside a long one, behind a long prompt: padding must not be put beyond the last position."""
    model = scorer("gpt2", window=64)
    rng = random.Random(6)
    prompts = [tuple(rng.randrange(10, 300) for _ in range(n)) for n in (50, 20)]
    rows = [
        Tokens((*ids, *(rng.randrange(10, 300) for _ in range(n))), len(ids) + 1)
        for ids, n in zip(prompts * 2, (5, 40, 10, 30), strict=True)
    ]
    plain = [model.score_tokens([row])[0] for row in rows]
    assert close(model.score_tokens(rows, [50, 20, 50, 20]), plain)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["bert", "llama"])
def test_only_a_causal_model_does_without_a_mask(tmp_path, kind, dtype):
    """Also where a large common offset makes all made-up rows look alike."""
    import torch

    model = load_model(str(tm.save(tmp_path / "rm", kind)), ModelOptions(dtype=dtype))
    head = model.model.classifier if kind == "bert" else model.model.score
    head.bias = torch.nn.Parameter(torch.tensor([20.0], dtype=head.weight.dtype), requires_grad=False)
    assert model.causal == (kind == "llama")
    if kind == "llama" or dtype == "bfloat16":
        return
    for module in model.model.modules():  # even if it says so of itself
        if hasattr(module, "is_causal"):
            module.is_causal = True
    del model.causal
    assert not model.causal


def test_positions_that_change_with_the_length_are_not_shared(scorer):
    model = scorer("llama", rope={"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0})
    assert not model.shares_prefixes


def test_an_encoder_cannot_and_is_not_asked_to(tmp_path):
    model = load_model(str(tm.save(tmp_path / "rm", "bert")))
    assert not model.shares_prefixes
    toy = tm.task(items=3)
    expected = [[model.score([item.conversation(k)])[0] for k in range(3)] for item in toy.items]
    for found, plain in zip(score_items(model, [toy]).scores["toy"], expected, strict=True):
        assert found == pytest.approx(plain, abs=1e-6)


def test_a_trial_that_lacks_memory_decides_nothing(tmp_path, monkeypatch):
    model = load_model(str(tm.save(tmp_path / "rm")))
    score_tokens = type(model).score_tokens

    def full(self, batch, shared=None):
        if self.causal:
            raise MemoryError
        return score_tokens(self, batch, shared)

    with monkeypatch.context() as patch:
        patch.setattr(type(model), "score_tokens", full)
        with pytest.raises(MemoryError):
            _ = model.causal
        assert "causal" not in model.__dict__
    assert model.causal


def test_a_model_that_forgets_the_beginning_is_found_out(scorer, monkeypatch):
    """Were keys and values lost on the way, the trial would tell, and the plain path is taken."""
    import torch

    model = scorer("llama")
    inputs = Prefixes.inputs

    def forgets(self, batch, shared, pad_id):
        rows, given = inputs(self, batch, shared, pad_id)
        for layer in given[self._argument].layers:
            layer.values = layer.values * 0
        return rows, given

    monkeypatch.setattr(Prefixes, "inputs", forgets)
    assert not model.shares_prefixes
    head = getattr(model.model, "score", None) or model.model.lm_head
    head.bias = torch.nn.Parameter(torch.full((head.out_features,), 20.0))  # far from 0, it is still found out
    del model.shares_prefixes
    assert not model.shares_prefixes


def test_a_pool_reads_its_prompt_once(tmp_path, monkeypatch):
    """Through the engine, on real conversations: as many tokens as the prompt and the rests have."""
    model = load_model(str(tm.save(tmp_path / "rm", window=512)), ModelOptions(max_batch_tokens=200))
    prompt = "Tell me all about Ada, please. " * 8
    chats = [chat(prompt, f"{text} {'word ' * n}") for n, text in enumerate(tm.TEXTS * 3)]
    encoded = model.encode(chats)
    plain = [model.score_tokens([tokens])[0] for tokens in encoded]
    assert model.shares_prefixes
    read = []
    forward = model.model.model.forward

    def spy(input_ids, *args, **kwargs):
        read.append(input_ids.numel())
        return forward(input_ids, *args, **kwargs)

    monkeypatch.setattr(model.model.model, "forward", spy)
    batches = plan_batches(encoded, 200, ["same"] * len(encoded))
    found = {row: s for b in batches for row, s in zip(b.rows, model.score_tokens(b.rows, b.shared), strict=True)}
    assert close([found[tokens] for tokens in encoded], plain)
    shared = batches[0].shared[0]
    assert shared > 60
    rests = sum(len(b.rows) * max(len(row.ids) - shared for row in b.rows) for b in batches)
    assert sum(read) == shared + rests
