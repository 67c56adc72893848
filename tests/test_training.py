"""The training script: it must run, save a model that loads as any other, resume, and never see a task's prompt."""

import itertools

import pytest

import rmbench
from rmbench.studies.tiny_data import SPECIALS, encode, groups, train_tokenizer
from rmbench.task import discover, load_task


def test_claims_are_marked_at_their_tokens(tmp_path):
    tokenizer = train_tokenizer(600, 40, tmp_path)
    samples = list(itertools.chain.from_iterable(itertools.islice(groups(0, 3), 8)))
    for sample, encoded in zip(samples, encode(tokenizer, samples), strict=True):
        assert len(encoded.spans) == len(sample.claims)
        for claim, (first, last, ok) in zip(sample.claims, encoded.spans, strict=True):
            text = sample.messages[-1]["content"][claim.start : claim.end]
            assert tokenizer.decode(encoded.ids[first : last + 1]).strip().endswith(text.strip()[-1])
            assert ok == claim.ok


def test_digits_are_single_tokens(tmp_path):
    tokenizer = train_tokenizer(600, 40, tmp_path)
    assert tokenizer.tokenize("1905") == ["1", "9", "0", "5"]
    ids = tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=True, return_dict=False)
    assert ids[-1] == tokenizer.convert_tokens_to_ids(SPECIALS[-1])
    text = "Ünïcode 🙂 and\ntabs\t too"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_training_prompts_are_in_no_task():
    asked = {item.prompt[0]["content"] for name in discover() for item in load_task(name).items}
    trained = {g[0].messages[0]["content"] for g in itertools.islice(groups(0, 1), 2000)}
    assert len(trained) > 1900
    assert not asked & trained


@pytest.mark.slow
def test_a_short_training_gives_a_model_that_runs(tmp_path):
    from rmbench.studies.train_tiny import Settings, train

    out = tmp_path / "model"
    train(Settings(out, steps=4, copy_steps=2, hidden=32, inner=64, layers=2, heads=2, vocabulary=400, threads=1))
    train(Settings(out, steps=6, copy_steps=2, hidden=32, inner=64, layers=2, heads=2, vocabulary=400, threads=1))
    folder = rmbench.run(str(out), suite="quick", limit=4, out=tmp_path / "run")
    assert rmbench.evaluate(folder, bootstrap=20).skills["overall"].value is not None


def test_the_embedded_model_is_small_and_complete():
    from rmbench.models.tiny import FOLDER

    files = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= set(files)
    assert sum(files.values()) <= 8_000_000
