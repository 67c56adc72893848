"""Transformers folders: right tokens, right pooling, and a clear sentence for each way a folder can be wrong."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import tiny_models as tm
from tiny_models import chat

from rmbench.errors import ModelError, TooLongError, UsageError
from rmbench.models import ModelOptions, Tokens, hf, load_model, reads_tokens, tiny
from rmbench.models.budget import measured_budget
from rmbench.models.hub import Snapshot
from rmbench.types import Failure

CHATS = [chat("Who was Ada?", text) for text in (*tm.TEXTS, "Yes.", "word " * 12)]


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """A good folder, kept whole; a test that breaks it takes `copied`."""
    return tm.save(tmp_path_factory.mktemp("models") / "good-rm")


@pytest.fixture
def copied(llama, tmp_path):
    return Path(shutil.copytree(llama, tmp_path / "rm"))


def reference(folder, conversation):
    """One conversation alone, through the library's own functions."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    ids = tokenizer.apply_chat_template([list(conversation)], tokenize=True, return_dict=True, return_tensors="pt")
    with torch.no_grad():
        return float(model(**ids).logits[0, 0])


PADS = {"own pad": (2, "<pad>"), "pad = eos": (1, "</s>"), "no pad": (None, None), "pad outside": (-1, "<pad>")}


@pytest.mark.parametrize("template", [tm.SUFFIXED, tm.BARE], ids=["eos at the end", "bare"])
@pytest.mark.parametrize("pad", PADS)
@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert"])
def test_a_batch_scores_as_one_by_one_and_as_the_library(tmp_path, kind, pad, template):
    pad_id, pad_token = PADS[pad]
    if kind == "bert" and pad_id in (None, -1):
        pytest.skip("an encoder always has a padding token")
    folder = tm.save(tmp_path / "rm", kind, pad_id=2 if pad_id == -1 else pad_id, pad=pad_token, template=template)
    if pad_id == -1:
        tm.edit_json(folder / "config.json", pad_token_id=-1)
    model = load_model(str(folder))
    together = model.score(CHATS)
    assert len(set(together)) == len(CHATS)
    assert together == pytest.approx([model.score([c])[0] for c in CHATS], abs=1e-6)
    assert together == pytest.approx([reference(folder, c) for c in CHATS], abs=1e-6)


def test_no_padding_id_is_left_over(tmp_path):
    """Where every token of the vocabulary ends some sequence, sequences are scored alone, with the same result."""
    model = load_model(str(tm.save(tmp_path / "rm", pad_id=None, pad=None, template=tm.BARE)))
    encoded = model.encode(CHATS)
    expected = model.score_tokens(encoded)
    model._free_id = lambda _: None
    assert model.score_tokens(encoded) == pytest.approx(expected, abs=1e-6)


def test_tokens_are_the_template_and_nothing_else(llama):
    model = load_model(str(llama))
    assert reads_tokens(model)
    (tokens,) = model.encode([chat("Hi", "Yes.")])
    assert model.tokenizer.decode(tokens.ids) == "<s><|user|>Hi</s><|assistant|>Yes.</s>"
    assert tokens.ids.count(0) == 1  # the tokenizer adds <s> by itself; the template has it already


def test_a_template_that_asks_for_the_date_is_always_told_the_same(copied):
    dated = "\n{% set today = strftime_now('%d %B %Y, %A %H:%M, 100%') %}{{ today }}\n" + tm.SUFFIXED
    (copied / "chat_template.jinja").write_text(dated)
    model = load_model(str(copied))
    assert model.render(CHATS[0]).startswith("\n26 July 2024, Friday 00:00, 100%\n<s><|user|>")
    plain = model.tokenizer.apply_chat_template(list(CHATS[0]), tokenize=False)
    assert model.render(CHATS[0]).splitlines()[2:] == plain.splitlines()[2:]


def test_truncation_saved_in_the_tokenizer_is_not_obeyed(copied):
    raw = json.loads((copied / "tokenizer.json").read_text())
    raw["truncation"] = {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
    (copied / "tokenizer.json").write_text(json.dumps(raw))
    (tokens,) = load_model(str(copied)).encode([CHATS[0]])
    assert len(tokens.ids) > 20


def test_settings_say_all_that_decides_the_scores(llama, copied):
    settings = load_model(str(llama)).settings
    assert settings["name"] == "good-rm"
    assert (settings["architecture"], settings["dtype"], settings["device"], settings["window"]) == (
        "LlamaForSequenceClassification",
        "float32",
        "cpu",
        128,
    )
    assert settings["pad_token"] == "<pad>"
    json.dumps(settings, allow_nan=False)
    digests = [k for k in settings if k.endswith("sha256")]
    assert len(digests) == 4
    assert {k: settings[k] for k in digests} == {k: load_model(str(copied)).settings[k] for k in digests}
    tm.tokenizer(template=tm.BARE).save_pretrained(copied)
    other = load_model(str(copied)).settings
    assert other["template_sha256"] != settings["template_sha256"]
    assert other["weights_sha256"] == settings["weights_sha256"]


def test_bf16_keeps_an_exact_head(llama):
    exact = load_model(str(llama)).score(CHATS)
    rounded = load_model(str(llama), ModelOptions(dtype="bfloat16"))
    found = rounded.score(CHATS)
    assert rounded.settings["dtype"] == "bfloat16"
    assert found == pytest.approx(exact, abs=0.05)
    import torch

    assert any(float(torch.tensor(x).bfloat16()) != x for x in found)  # not a multiple of bf16's step


def test_tiny_is_an_ordinary_folder(llama, monkeypatch):
    monkeypatch.setattr(tiny, "FOLDER", llama)
    model = load_model("tiny")
    assert model.settings["name"] == "tiny"
    assert model.score(CHATS) == load_model(str(llama)).score(CHATS)


# --- windows ---


def test_too_long_stops_or_is_missing_but_is_never_cut(llama):
    long = chat("Hi", "word " * 200)
    model = load_model(str(llama))
    with pytest.raises(TooLongError, match=r"1 of 2 .*good-rm.* \d{3} tokens, the window is 128 \(max_pos.*--too-long"):
        model.score([CHATS[0], long])
    model = load_model(str(llama), ModelOptions(too_long="null"))
    first, failed = model.score([CHATS[0], long])
    assert isinstance(first, float)
    assert failed.reason.startswith("too long: ")
    assert failed.reason.endswith(" tokens, window 128")


def test_the_window_may_come_from_the_tokenizer(copied):
    tm.edit_json(copied / "tokenizer_config.json", model_max_length=16)
    with pytest.raises(TooLongError, match=r"the window is 16 .model_max_length in tokenizer_config"):
        load_model(str(copied)).score(CHATS[:1])


# --- labels ---


def test_several_labels_need_a_choice(tmp_path):
    folder = tm.save(tmp_path / "rm", labels=3)
    tm.edit_json(folder / "config.json", id2label={"0": "bad", "1": "fair", "2": "good"})
    with pytest.raises(ModelError, match=r"3 outputs \(bad, fair, good\).*::label=bad"):
        load_model(str(folder))
    by_name, by_index = (load_model(f"{folder}::label={label}") for label in ("good", "2"))
    assert by_name.settings["label"] == "good"
    assert by_name.score(CHATS) == by_index.score(CHATS) != load_model(f"{folder}::label=bad").score(CHATS)
    with pytest.raises(ModelError, match="no label 'best'; it has bad, fair, good"):
        load_model(f"{folder}::label=best")
    with pytest.raises(UsageError, match="names no label"):
        load_model(f"{folder}::label=")


# --- folders that must not be scored ---


def test_a_missing_folder(tmp_path):
    with pytest.raises(ModelError, match=r"no model folder .*nowhere; check the path"):
        load_model(str(tmp_path / "nowhere"))


def test_an_empty_folder(tmp_path):
    with pytest.raises(ModelError, match=r"has no config\.json"):
        load_model(str(tmp_path))


def test_a_causal_language_model(tmp_path):
    folder = tm.save(tmp_path / "lm", auto="AutoModelForCausalLM")
    with pytest.raises(ModelError, match=r"LlamaForCausalLM in config\.json.*likelihood:"):
        load_model(str(folder))


def test_a_head_that_was_lost(copied):
    from safetensors.torch import load_file, save_file

    weights = load_file(copied / "model.safetensors")
    del weights["score.weight"]
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks the weights score\.weight of LlamaForSequenceClassification.*random"):
        load_model(str(copied))


def test_a_base_model_without_any_head(tmp_path):
    folder = tm.save(tmp_path / "base", auto="AutoModel")
    with pytest.raises(ModelError, match=r"lacks the weights score\.weight"):
        load_model(str(folder))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_pickle_weights(copied, name):
    (copied / "model.safetensors").rename(copied / name)
    with pytest.raises(ModelError, match=f"{name} is a pickle.*save_pretrained"):
        load_model(str(copied))


def test_no_weights(copied):
    (copied / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"has no weights: expected \*\.safetensors"):
        load_model(str(copied))


def test_an_adapter_that_was_not_merged(copied):
    (copied / "adapter_config.json").write_text('{"base_model_name_or_path": "x/y", "peft_type": "LORA"}')
    with pytest.raises(ModelError, match=r"holds an adapter .*merge_and_unload"):
        load_model(str(copied))


def test_no_chat_template(copied):
    (copied / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match=r"has no chat template.*chat_template\.jinja"):
        load_model(str(copied))


def test_a_template_that_refuses_a_conversation(copied):
    refusing = "{% if messages[0].role == 'system' %}{{ raise_exception('no system turn') }}{% endif %}" + tm.SUFFIXED
    (copied / "chat_template.jinja").write_text(refusing)
    system = ({"role": "system", "content": "Be kind."}, *CHATS[0])
    score, failed = load_model(str(copied)).score([CHATS[0], system])
    assert isinstance(score, float)
    assert failed == Failure("the chat template refuses it: no system turn")


def test_code_of_its_own(copied):
    own = {"AutoModelForSequenceClassification": "modeling_own.Own"}
    tm.edit_json(copied / "config.json", auto_map=own)
    with pytest.raises(ModelError, match=r"needs Python code of its own .*--trust-remote-code"):
        load_model(str(copied))
    tm.edit_json(copied / "config.json", auto_map={"AutoConfig": "own.Config"}, model_type="own")
    with pytest.raises(ModelError, match="needs Python code of its own"):
        load_model(str(copied))


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("config.json", "{", r"config\.json is not readable as JSON"),
        ("config.json", "[]", "must hold a JSON object"),
        ("config.json", '{"model_type": "zebra"}', "model_type 'zebra' is unknown"),
        ("tokenizer.json", "{", "cannot be loaded by AutoTokenizer"),
        ("model.safetensors", "garbage", "cannot be loaded by AutoModelForSequenceClassification"),
    ],
)
def test_a_damaged_file(copied, file, content, says):
    (copied / file).write_text(content)
    with pytest.raises(ModelError, match=says):
        load_model(str(copied))


def test_weights_of_another_shape(copied):
    tm.edit_json(copied / "config.json", vocab_size=999)
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(str(copied))


def test_a_tokenizer_with_more_tokens_than_the_model(copied):
    bigger = tm.tokenizer()
    bigger.add_tokens(["Ada"])
    bigger.save_pretrained(copied)
    with pytest.raises(ModelError, match="gives token 320, but the model knows only 320"):
        load_model(str(copied)).score(CHATS[:1])


def test_device_and_dtype_that_cannot_be(llama):
    with pytest.raises(UsageError, match="device 'abacus' cannot be used here"):
        load_model(str(llama), ModelOptions(device="abacus"))
    with pytest.raises(UsageError, match="dtype 'int3' is not one of auto, float32"):
        load_model(str(llama), ModelOptions(dtype="int3"))


# --- the Hub ---


def test_a_local_folder_has_no_revision(llama):
    with pytest.raises(UsageError, match="has no revision 'abc'"):
        load_model(str(llama), ModelOptions(revision="abc"))


def test_a_hub_model_is_pinned_to_its_commit(llama, tmp_path, monkeypatch):
    import huggingface_hub

    commit = "0123456789abcdef0123456789abcdef01234567"
    asked = {}

    def download(source, *, revision, allow_patterns, ignore_patterns):
        asked.update(source=source, revision=revision, allowed=allow_patterns)
        return str(shutil.copytree(llama, tmp_path / commit, dirs_exist_ok=True))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    model = load_model("some/reward-model", ModelOptions(revision="main"))
    assert (asked["source"], asked["revision"]) == ("some/reward-model", "main")
    assert not any(p.endswith((".bin", ".pt", ".py")) for p in asked["allowed"])
    assert (model.settings["name"], model.settings["revision"]) == ("some/reward-model", commit)


def test_a_hub_model_that_cannot_be_had(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="no folder some/reward-model, and the Hub did not give"):
        load_model("some/reward-model")
    with pytest.raises(ModelError, match="the Hub did not give"):
        load_model("some/bad name?")


def test_the_name_of_a_folder_is_its_own(tmp_path, monkeypatch):
    (tmp_path / "my-rm").mkdir()
    monkeypatch.chdir(tmp_path / "my-rm")
    assert Snapshot(Path(), ".", None).name == "my-rm"


# --- texts that nobody means, but somebody sends ---

ODD = {
    "half of a surrogate pair": ("half \ud83d of a pair", "it holds half of a surrogate pair, which is no text"),
    "a megabyte": ("word " * 200_000, r"too long: \d{6} tokens, window 128"),
    "control characters": ("a\x00b\x1b[31mc\u202ed", None),
    "nothing": ("", None),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("kind", ["classifier", "likelihood"])
def test_an_odd_text_has_an_outcome_of_its_own(tmp_path, kind, name):
    """Each in the middle of good ones, as a response and as a prompt: it is named, and changes no neighbour."""
    auto = {"classifier": "AutoModelForSequenceClassification", "likelihood": "AutoModelForCausalLM"}[kind]
    folder = tm.save(tmp_path / "rm", auto=auto)
    model = load_model(f"{kind}:{folder}", ModelOptions(too_long="null"))
    text, reason = ODD[name]
    for odd in (chat("Hi", text), chat(text, "Yes.")):
        before, found, after = model.score([CHATS[0], odd, CHATS[1]])
        assert [before, after] == pytest.approx(model.score(CHATS[:2]), abs=1e-6)
        if kind == "likelihood" and odd[-1]["content"] == "":
            assert found == Failure("the response has no tokens")  # a mean over nothing
        elif reason is None:
            assert isinstance(found, float)
        else:
            assert isinstance(found, Failure)
            assert re.fullmatch(reason, found.reason)


def test_a_model_that_states_no_window_has_one_all_the_same():
    assert hf.window_of(object(), None) == (2**17, "set by rmbench where a model states none")


def test_an_own_code_is_part_of_what_decides_the_scores(copied):
    (copied / "modeling_own.py").write_text("one = 1\n")
    trusting = ModelOptions(trust_remote_code=True)
    first = load_model(str(copied), trusting)
    (copied / "modeling_own.py").write_text("one = 2\n")
    second = load_model(str(copied), trusting)
    assert first.settings["remote_code"] != second.settings["remote_code"]
    assert first.identity != second.identity
    assert load_model(str(copied)).settings["remote_code"] is False


def test_the_identity_knows_weights_config_tokenizer_template_and_dtype(llama, copied):
    first = load_model(str(llama)).identity
    assert load_model(str(copied)).identity == first  # the name of the folder decides nothing
    assert load_model(str(copied), ModelOptions(dtype="bfloat16")).identity != first
    tm.edit_json(copied / "config.json", rms_norm_eps=1e-3)
    assert load_model(str(copied)).identity != first
    found = {first}
    for name, template in (("a", tm.BARE), ("b", tm.SUFFIXED + " ")):
        folder = Path(shutil.copytree(llama, copied.parent / name))
        tm.tokenizer(template=template).save_pretrained(folder)
        found.add(load_model(str(folder)).identity)
    assert len(found) == 3


def test_the_budget_of_a_device_is_measured(llama):
    """Time per token falls with every doubling until 8,192 tokens, and no further; then memory ends earlier."""

    class Device:
        def __init__(self, most=10**9):
            self.now, self.most, self.sizes = 0.0, most, []

        def score_tokens(self, batch):
            size = sum(len(tokens.ids) for tokens in batch)
            if size > self.most:
                raise MemoryError
            self.sizes.append(size)
            self.now += 0.01 + size * 1e-6 if size <= 8192 else size * 3e-6

    for most, expected in ((10**9, 8192), (5000, 4096), (100, 2048)):
        device = Device(most)
        assert measured_budget(device, 9999, [Tokens((1, 2))], lambda device=device: device.now) == expected
    model = load_model(str(llama))
    assert (model.max_batch_tokens, model.measures_budget) == (1024, False)
    assert load_model(str(llama), ModelOptions(max_batch_tokens=77)).max_batch_tokens == 77
