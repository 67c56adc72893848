"""The doctor: a sick model for every name, which fails under that name and no other, and healthy ones that pass."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_models as tm

from rmbench.doctor import CHECKS, FULL, examine, preflight
from rmbench.doctor.subject import EXAMPLE, Subject, examples, largest
from rmbench.errors import UsageError
from rmbench.models import ModelOptions, load_model
from rmbench.models.base import Rule
from rmbench.models.tokens import TEMPLATE_DATE
from rmbench.task import load_task
from rmbench.types import Failure

LONG = 2048  # tokens: the examples have a few hundred in the fixtures' small vocabulary


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A healthy folder, kept whole; a test that breaks it takes `copied`."""
    return tm.save(tmp_path_factory.mktemp("models") / "good", window=LONG)


@pytest.fixture
def copied(good, tmp_path):
    return Path(shutil.copytree(good, tmp_path / "rm"))


@pytest.fixture
def small_suite(monkeypatch):
    """The command holds these few texts against the window instead of the 12,905 of the quick suite."""
    monkeypatch.setattr("rmbench.task.load_suite", lambda *_: SimpleNamespace(tasks=lambda: [tm.task()]))


def problems(examination):
    return [finding.check for finding in examination.problems]


def found(findings, name):
    (finding,) = (finding for finding in findings if finding.check == name)
    return finding


# --- healthy models ---


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert"])
def test_a_healthy_folder_has_no_problem(tmp_path, kind):
    examination = examine(str(tm.save(tmp_path / "rm", kind, window=LONG)))
    assert problems(examination) == []
    names = {finding.check for finding in examination.findings}
    assert {"missing-bos", "generation-prompt", "batch-mates", "ignores-prompt", "determinism"} <= names
    assert ("pooling" in names) == (kind != "bert")  # an encoder reads its first token
    assert ("prefix-sharing" in names) == load_model(str(tmp_path / "rm")).shares_prefixes
    assert not [finding for finding in preflight(load_model(str(tmp_path / "rm"))) if finding.status == "problem"]


def test_the_embedded_model_is_healthy():
    examination = examine("tiny", suite=[tm.task()])
    assert {finding.status for finding in examination.findings} == {"ok"}
    assert found(examination.findings, "too-long").sentence.startswith("the longest of 18 conversations has ")
    assert "".join(token.text for token in examination.tokens) == (
        f"<|user|>{EXAMPLE[0]['content']}<|assistant|>{EXAMPLE[1]['content']}<|end|>"
    )
    assert [token.text for token in examination.tokens if token.special] == ["<|user|>", "<|assistant|>", "<|end|>"]


def test_a_language_model_is_asked_about_the_answer_alone(tmp_path):
    folder = tm.save(tmp_path / "lm", auto="AutoModelForCausalLM", window=LONG, template="{{ bos_token }}" + tm.BARE)
    examination = examine(f"likelihood:{folder}")
    assert problems(examination) == []
    assert "".join(token.text for token in examination.tokens[examination.start :]) == EXAMPLE[1]["content"]
    names = {finding.check for finding in examination.findings}
    assert not names & {"missing-eos", "doubled-eos", "generation-prompt", "pooling"}  # no end mark is scored


def test_a_model_without_tokens_is_asked_for_scores_alone():
    examination = examine("length")
    assert examination.tokens == ()
    assert problems(examination) == ["ignores-prompt"]
    assert {finding.check for finding in examination.findings} <= {
        "missing-score", "non-finite", "constant", "determinism", "batch-mates", "ignores-prompt", "ties",
    }  # fmt: skip


# --- models that do not load ---


def without_head(folder):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["score.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def unmerged(folder):
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "x/y", "peft_type": "LORA"}')


def unmerged_inside(folder):
    import torch
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights["model.layers.0.self_attn.q_proj.lora_A.default.weight"] = torch.zeros(2, 32)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def three_labels(folder):
    tm.save(folder, labels=3)


def causal(folder):
    tm.save(folder, auto="AutoModelForCausalLM")


def write(folder, name, text):
    (folder / name).write_text(text)


def edit(folder, **fields):
    tm.edit_json(folder / "config.json", **fields)


@pytest.mark.parametrize(
    ("name", "breaks"),
    [
        ("missing-head", without_head),
        ("labels", three_labels),
        ("adapter", unmerged),
        ("adapter", unmerged_inside),
        ("causal-lm", causal),
        ("no-template", lambda folder: (folder / "chat_template.jinja").unlink()),
        ("pickle", lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin")),
        ("no-weights", lambda folder: (folder / "model.safetensors").unlink()),
        ("remote-code", partial(edit, auto_map={"AutoModelForSequenceClassification": "own.Own"})),
        ("config", lambda folder: (folder / "config.json").unlink()),
        ("config", partial(write, name="config.json", text="{")),
        ("config", partial(write, name="config.json", text="[]")),
        ("config", partial(edit, model_type="zebra")),
        ("unreadable", partial(write, name="model.safetensors", text="garbage")),
        ("unreadable", partial(edit, vocab_size=999)),
        ("no-such-model", shutil.rmtree),
    ],
)
def test_what_does_not_load_has_a_name(copied, name, breaks):
    breaks(copied)
    examination = examine(str(copied))
    assert [(finding.check, finding.status) for finding in examination.findings] == [(name, "problem")]
    assert str(copied) in examination.findings[0].sentence
    assert examination.tokens == ()


def test_a_hub_model_that_cannot_be_had(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert problems(examine("some/reward-model")) == ["no-such-model"]


def test_bad_usage_is_no_finding(good):
    with pytest.raises(UsageError, match="there is no model"):
        examine("lenght")
    with pytest.raises(UsageError, match="device"):
        examine(str(good), ModelOptions(device="abacus"))


# --- tokens ---

TURN = "<|{{ m.role }}|>{{ m.content }}"
EACH = "{% for m in messages %}"
HEADER = "{% if add_generation_prompt %}<|assistant|>{% endif %}"
UNMARKED_LAST = EACH + TURN + "{% if not loop.last %}{{ eos_token }}{% endif %}{% endfor %}" + HEADER


@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("missing-bos", tm.SUFFIXED.removeprefix("{{ bos_token }}")),
        ("doubled-bos", "{{ bos_token }}" + tm.SUFFIXED),
        ("doubled-eos", tm.SUFFIXED.replace("{{ eos_token }}", "{{ eos_token }}{{ eos_token }}\n")),
        ("missing-eos", "{{ bos_token }}" + UNMARKED_LAST),
        ("generation-prompt", tm.SUFFIXED.replace("{% if add_generation_prompt %}", "{% if true %}")),
    ],
)
def test_marks_that_a_template_forgets_or_doubles(copied, name, template):
    (copied / "chat_template.jinja").write_text(template)
    assert problems(examine(str(copied))) == [name]
    assert found(preflight(load_model(str(copied))), name).status == "problem"


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ bos_token }}" + tm.BARE, "no end mark"),
        ("{{ bos_token }}" + EACH + TURN + "{% endfor %}" + HEADER, "no end mark"),
    ],
)
def test_a_template_without_any_end_mark_gets_a_note(copied, template, says):
    (copied / "chat_template.jinja").write_text(template)
    finding = found(examine(str(copied)).findings, "missing-eos")
    assert finding.status == "note"
    assert says in finding.sentence


CHATML = (
    EACH + "{% if loop.first %}<|im_start|>system\nBe helpful.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
BRACKETS = (
    "{% for m in messages %}{% if m.role == 'user' %}{{ bos_token }}[INST] {{ m.content }} [/INST]"
    "{% else %} {{ m.content }} {{ eos_token }}{% endif %}{% endfor %}"
)
END_ALONE = EACH + TURN + "{% endfor %}{{ eos_token }}"
HEADERLESS = EACH + "{{ m.content }}{{ eos_token }}{% endfor %}"
ONE_TURN = "{% if messages | length > 2 %}{{ raise_exception('one turn') }}{% endif %}" + tm.SUFFIXED


@pytest.mark.parametrize("template", [CHATML, BRACKETS, END_ALONE, HEADERLESS, ONE_TURN])
def test_ways_of_writing_that_are_all_right(copied, template):
    text = template if "bos_token" in template else "{{ bos_token }}" + template
    (copied / "chat_template.jinja").write_text(text)
    examination = examine(str(copied))
    assert problems(examination) == []
    assert found(examination.findings, "missing-eos").status == "ok"


@pytest.mark.parametrize(
    ("template", "name"),
    [
        (CHATML.replace("{% if add_generation_prompt %}", "{% if true %}"), "generation-prompt"),
        (ONE_TURN.replace("{% if add_generation_prompt %}", "{% if true %}"), None),
        (BRACKETS.replace(" {{ eos_token }}", "{% if not loop.last %}{{ eos_token }}{% endif %}"), "missing-eos"),
    ],
)
def test_the_same_ways_gone_wrong(copied, template, name):
    text = template if "bos_token" in template else "{{ bos_token }}" + template
    (copied / "chat_template.jinja").write_text(text)
    assert problems(examine(str(copied))) == [name] * (name is not None)


def test_an_end_mark_that_the_tokenizer_writes_and_the_template_does_not(copied):
    from tokenizers import processors

    made = tm.tokenizer(template="{{ bos_token }}" + tm.BARE)
    made.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    made.save_pretrained(copied)
    examination = examine(str(copied))
    assert problems(examination) == ["missing-eos"]
    assert "the tokenizer ends plain text with </s>" in found(examination.findings, "missing-eos").sentence


def test_a_template_that_fails_is_named(copied):
    (copied / "chat_template.jinja").write_text("{{ messages[0].content + 1 }}")
    examination = examine(str(copied))
    assert problems(examination) == ["template"]
    assert "the chat template fails with TypeError" in found(examination.findings, "template").sentence
    assert examination.tokens == ()


def test_a_template_that_refuses_everything_leaves_no_score(copied):
    (copied / "chat_template.jinja").write_text("{{ raise_exception('not today') }}")
    examination = examine(str(copied))
    assert problems(examination) == ["missing-score"]
    assert "the chat template refuses it: not today" in found(examination.findings, "missing-score").sentence


def test_pooling_at_the_wrong_place(tmp_path):
    folder = tm.save(tmp_path / "rm", pad_id=1, pad="</s>", window=LONG)
    examination = examine(str(folder))
    assert problems(examination) == ["pooling"]
    tokens = [token.text for token in examination.tokens]
    assert tokens[-1] == "</s>"
    sentence = found(examination.findings, "pooling").sentence
    assert f"read at token {len(tokens) - 1} of {len(tokens)}, {tokens[-2]!r}, not at the end, '</s>'" in sentence
    assert "(pad_token_id 1); if the model was trained with TRL and pad = eos" in sentence
    assert "go on with --allow pooling" in sentence


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("kind", ["llama", "gemma2"])
def test_pooling_in_16_bits_is_told_exactly(tmp_path, kind, dtype):
    """No other token is nearer by chance: the readings come from the pass that gives the score, head in float32."""
    options = ModelOptions(dtype=dtype)
    for name, pad_id, status in [("good", 2, "ok"), ("bad", 1, "problem")]:
        model = load_model(str(tm.save(tmp_path / name, kind, pad_id=pad_id, window=LONG)), options)
        subject = Subject(model, examples(2))
        at = len(subject.example.ids) - (1 if status == "ok" else 2)
        assert subject.reading.outputs[at] == subject.reading.score
        assert CHECKS["pooling"](subject)[0] == status


def test_pooling_looks_at_the_chosen_output(tmp_path):
    folder = tm.save(tmp_path / "rm", labels=3, window=LONG)
    for label in range(3):
        subject = Subject(load_model(f"{folder}::label={label}"), examples(2))
        assert subject.reading.outputs[-1] == subject.reading.score
        assert len(set(subject.reading.outputs)) > 1


def test_a_score_that_is_rounded_is_still_that_of_the_last_token(good, monkeypatch):
    import torch

    model = load_model(str(good), ModelOptions(dtype="bfloat16"))
    plain = model.score_tokens
    monkeypatch.setattr(model, "score_tokens", lambda *given: torch.tensor(plain(*given)).bfloat16().tolist())
    assert Subject(model, examples(2)).reading.score != Subject(model, examples(2)).reading.outputs[-1]
    assert found(preflight(model), "pooling").status == "ok"


def test_pad_and_eos_may_be_one_where_the_template_ends_otherwise(tmp_path):
    template = tm.SUFFIXED.replace("{{ eos_token }}", "<|system|>")
    folder = tm.save(tmp_path / "rm", pad_id=1, pad="</s>", window=LONG, template=template)
    assert problems(examine(str(folder))) == []


def test_a_template_that_asks_the_clock_gets_a_note(copied):
    dated = "{% if strftime_now is defined %}{{ strftime_now('%d %b %Y') }}{% endif %}"
    (copied / "chat_template.jinja").write_text(tm.SUFFIXED.replace("{{ bos_token }}", "{{ bos_token }}" + dated))
    examination = examine(str(copied))
    finding = found(examination.findings, "clock")
    assert finding.status == "note"
    assert finding.sentence.endswith(f"rmbench always gives {TEMPLATE_DATE:%d %b %Y}")
    assert f"{TEMPLATE_DATE:%d %b %Y}" in "".join(token.text for token in examination.tokens)


def test_a_head_that_pools_in_its_own_way_gets_a_note(good, monkeypatch):
    model = load_model(str(good))
    plain = model.score_tokens
    monkeypatch.setattr(model, "score_tokens", lambda *given: [x + 1000 for x in plain(*given)])
    assert found(preflight(model), "pooling").status == "note"


def test_a_tokenizer_with_more_tokens_than_the_model(copied):
    bigger = tm.tokenizer()
    bigger.add_tokens(["zyzzyva"])
    bigger.save_pretrained(copied)
    finding = found(examine(str(copied)).findings, "vocabulary")
    assert (finding.status, "zyzzyva" in finding.sentence) == ("note", True)
    bigger.add_tokens(["Ada"])
    bigger.save_pretrained(copied)
    examination = examine(str(copied))
    assert problems(examination) == ["vocabulary"]
    assert examination.tokens == ()


# --- the window ---


def test_a_window_that_is_too_small(copied):
    edit(copied, max_position_embeddings=36)
    suite = [tm.task(items=3)]
    examination = examine(str(copied), suite=suite)
    assert problems(examination) == ["too-long"]
    model = load_model(str(copied), ModelOptions(too_long="null"))
    every = [item.conversation(j) for item in suite[0].items for j in range(3)]
    over = sum(isinstance(x, Failure) for x in model.encode(every))
    assert 0 < over < 9
    assert found(examination.findings, "too-long").sentence.startswith(
        f"{over} of 9 conversations ({100 * over / 9:.1f} %) "
    )
    assert "36 tokens (max_position_embeddings" in found(examination.findings, "window").sentence
    assert found(examination.findings, "missing-score").status == "note"  # the examples are too long, too


def test_truncation_saved_in_the_tokenizer_is_told(copied):
    raw = json.loads((copied / "tokenizer.json").read_text())
    raw["truncation"] = {"direction": "Left", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
    (copied / "tokenizer.json").write_text(json.dumps(raw))
    finding = found(examine(str(copied)).findings, "window")
    assert finding.status == "note"
    assert "at 8 tokens on the left" in finding.sentence


# --- scores ---


def sick(good, monkeypatch, change):
    """A healthy model whose scores are changed by `change(scores, batch)`."""
    model = load_model(str(good))
    plain = model.score_tokens

    def score_tokens(batch, shared=None):
        return change(plain(batch, shared), batch)

    monkeypatch.setattr(model, "score_tokens", score_tokens)
    return model


def test_weights_that_are_not_numbers(copied):
    import torch
    from safetensors.torch import load_file, save_file

    weights = load_file(copied / "model.safetensors")
    weights["model.norm.weight"][0] = torch.nan
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    assert problems(examine(str(copied))) == ["non-finite"]


def test_one_overflow_among_good_scores(good, monkeypatch):
    model = sick(
        good, monkeypatch, lambda scores, batch: [scores[0], *([float("inf")] if batch[1:] else []), *scores[2:]]
    )
    assert found(preflight(model), "non-finite").sentence.startswith("1 of 4 scores are not finite (the first is inf)")


def test_a_head_of_zeros(copied):
    from safetensors.torch import load_file, save_file

    weights = load_file(copied / "model.safetensors")
    weights["score.weight"] *= 0
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    assert problems(examine(str(copied))) == ["constant"]


def test_dropout_that_is_still_on(tmp_path):
    model = load_model(str(tm.save(tmp_path / "rm", "gpt2", window=LONG)))
    model.model.train()
    assert problems(examine(model)) == ["determinism"]


def test_scores_at_random():
    assert problems(examine(Rule(lambda _: random.random(), {"name": "dice"}))) == ["determinism"]


def test_scores_that_move_with_batch_mates(good, monkeypatch):
    model = sick(good, monkeypatch, lambda scores, _: [x - sum(scores) / len(scores) for x in scores])
    assert "batch-mates" in problems(examine(model))
    assert found(preflight(model), "batch-mates").status == "problem"


def test_padding_that_is_not_masked(good, monkeypatch):
    from rmbench.models import prefixes, tokens

    def unmasked(batch, pad_id, device):
        inputs = prefixes.pad(batch, pad_id, device)
        return {"input_ids": inputs["input_ids"].flip(1), "attention_mask": inputs["attention_mask"] * 0 + 1}

    monkeypatch.setattr(tokens, "pad", unmasked)
    assert "batch-mates" in problems(examine(str(good)))


@pytest.mark.parametrize(("moved", "statuses"), [(0.05, {"ok", "note"}), (0.5, {"note"}), (1.5, {"problem"})])
def test_in_16_bits_a_score_may_move_more(good, monkeypatch, moved, statuses):
    """`moved`: standard deviations of a dozen scores."""
    model = load_model(str(good), ModelOptions(dtype="bfloat16"))
    plain, spread = model.score_tokens, Subject(model, examples(6)).spread

    def score_tokens(batch, shared=None):
        return [x + moved * spread * (len(batch) == 1) for x in plain(batch, shared)]

    monkeypatch.setattr(model, "score_tokens", score_tokens)
    findings = preflight(model)
    assert found(findings, "missing-score").sentence == "all 12 examples have a score"
    assert found(findings, "batch-mates").status in statuses


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_no_shift_that_rounding_explains_is_a_problem(tmp_path, monkeypatch, kind):
    """Scores that are nearly equal: their spread is small, and rounding as large as ever."""
    model = load_model(str(tm.save(tmp_path / "rm", kind, window=LONG)), ModelOptions(dtype="bfloat16"))
    plain, subject = model.score_tokens, Subject(model, examples(6))
    rounding = subject.reading.rounding
    assert largest(subject.scores[::2], subject.alone) < rounding < subject.spread
    for shift, status in [(0.5 * rounding, "note"), (2 * rounding, "problem")]:

        def score_tokens(batch, shared=None, shift=shift):
            scores = plain(batch, shared)
            return [1e-3 * x + shift * (len(batch) == 1) for x in scores]

        with monkeypatch.context() as patched:
            patched.setattr(model, "score_tokens", score_tokens)
            assert CHECKS["batch-mates"](Subject(model, examples(6)))[0] == status


def test_prompts_that_are_shared_wrongly(good, monkeypatch):
    model = load_model(str(good))
    plain = model.score_tokens

    def score_tokens(batch, shared=None):
        told = shared or [0] * len(batch)
        return [x + n / 100 for x, n in zip(plain(batch), told, strict=True)]

    assert model.shares_prefixes
    monkeypatch.setattr(model, "score_tokens", score_tokens)
    assert problems(examine(model)) == ["prefix-sharing"]


def test_a_template_that_drops_the_prompt(copied):
    template = (
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'assistant' %}{{ m.content }}</s>{% endif %}{% endfor %}"
    )
    (copied / "chat_template.jinja").write_text(template)
    assert problems(examine(str(copied))) == ["ignores-prompt"]
    assert found(preflight(load_model(str(copied))), "ignores-prompt").status == "problem"


def test_ties_of_a_head_in_bf16(good, monkeypatch):
    import torch

    spread = torch.tensor(load_model(str(good)).score(examples(6))).std()

    def rounded(scores, _):
        return (torch.tensor(scores) / spread + 100).bfloat16().tolist()

    model = sick(good, monkeypatch, rounded)
    examination = examine(model)
    assert problems(examination) == ["ties"]
    scores = model.score(examples(6))
    equal = sum(a == b for i, a in enumerate(scores) for b in scores[:i])
    assert equal > 3
    assert found(examination.findings, "ties").sentence.startswith(f"{100 * equal / 66:.1f} % of the pairs")


def test_ties_that_bf16_would_make_are_a_note():
    model = Rule(lambda c: 1000 + 1e-3 * float(len(c[-1]["content"]) + len(c[0]["content"]) ** 1.5), {"name": "fine"})
    finding = found(examine(model).findings, "ties")
    assert finding.status == "note"
    assert finding.sentence.endswith("100.0 % after rounding to bf16")


def test_models_that_fail_or_miscount():
    def angry(_):
        raise RuntimeError("out of patience")

    examination = examine(Rule(angry, {"name": "angry"}))
    assert problems(examination) == ["scoring"]
    assert "RuntimeError: out of patience" in examination.findings[0].sentence
    assert problems(examine(Rule(lambda _: "7", {"name": "texts"}))) == ["scoring"]

    class Short:
        settings = {"name": "short"}  # noqa: RUF012

        def score(self, conversations):
            return [1.0] * (len(conversations) - 1)

    (finding,) = examine(Short()).problems
    assert finding.sentence == "model short gave 11 scores for 12 conversations; it must give one for each"


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_scalars_of_other_libraries_are_scores(library):
    import torch

    make = {"numpy": np.float32, "torch": torch.tensor}[library]
    examination = examine(Rule(lambda c: make(float(len(c[0]["content"] + c[1]["content"]))), {"name": "scalars"}))
    assert problems(examination) == []


def test_a_preflight_reads_few_tokens():
    """On a CPU that reads 450 tokens a second, this is what a user waits for before a run begins."""
    model = load_model("tiny")
    read = []
    model.model.base_model.register_forward_pre_hook(
        lambda _, __, given: read.append(given["input_ids"].numel()), with_kwargs=True
    )
    preflight(model)
    assert sum(read) < 3000


def test_scores_that_know_no_other_prompt():
    """The gold of the tasks knows each answer under its own prompt alone, as saved scores do."""
    examination = examine("oracle", suite=[load_task("known_probability")])
    assert problems(examination) == []
    assert "ignores-prompt" not in {finding.check for finding in examination.findings}


def test_a_score_that_is_there_in_company_alone():
    class Shy:
        settings = {"name": "shy"}  # noqa: RUF012

        def score(self, conversations):
            scores = [float(len(c[0]["content"] + c[1]["content"])) for c in conversations]
            return scores if scores[1:] else [Failure("alone")]

    examination = examine(Shy())
    assert problems(examination) == ["batch-mates"]
    assert "up to inf sd" in found(examination.findings, "batch-mates").sentence


def test_scores_that_are_missing():
    examination = examine(Rule(lambda _: Failure("no quota"), {"name": "poor"}))
    assert problems(examination) == ["missing-score"]
    assert "12 of 12 examples have no score: no quota" in examination.findings[0].sentence
    known = {c[-1]["content"]: float(n) ** 0.5 for n, c in enumerate(examples(6)[1:])}
    some = examine(Rule(lambda c: known.get(c[-1]["content"], Failure("unknown")), {"name": "some"}))
    assert found(some.findings, "missing-score").status == "note"
    assert "constant" not in problems(some)


# --- the registry and the command ---


def test_every_name_is_in_the_documentation():
    text = (Path(__file__).parent.parent / "docs" / "doctor.md").read_text()
    loading = "missing-head labels adapter causal-lm no-template pickle no-weights remote-code config unreadable"
    for name in [*CHECKS, *FULL, *loading.split(), "no-such-model", "scoring", "outputs"]:
        assert f"`{name}`" in text, name


def test_the_examples_are_short_distinct_and_of_mixed_lengths():
    for prompts in (2, 6):
        conversations = examples(prompts)
        assert len({json.dumps(c) for c in conversations}) == 2 * prompts
        assert all(a[:-1] == b[:-1] for a, b in zip(conversations[::2], conversations[1::2], strict=True))
        lengths = [sum(len(m["content"]) for m in c) for c in conversations]
        assert max(lengths) < 800
        assert max(lengths) > 1.1 * min(lengths)


def test_the_task_at_hand_gives_the_examples():
    own = tm.task("known_probability", items=6, responses=2, axis="calibration")
    (a, b, *_) = examples(2, [own])
    assert a[0]["content"].startswith("Question")
    assert a[0] == b[0]
    assert examples(2, [replace(own, items=own.items[:1])])[0][0]["content"] == "Question 0?"


@pytest.mark.usefixtures("small_suite")
def test_the_command_prints_tokens_and_findings(rmbench, good):
    code, out, _ = rmbench("doctor", good)
    assert code == 0
    assert "⟦<s>⟧⟦<|user|>⟧" in out
    assert "⟦</s>⟧" in out
    assert out.rstrip().endswith("no problem")
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "of 18 conversations" in " ".join(out.split())


@pytest.mark.slow
def test_the_command_looks_at_the_quick_suite(rmbench, good):
    code, out, _ = rmbench("doctor", good)
    assert code == 0
    assert "of 12905 conversations" in " ".join(out.split())


@pytest.mark.usefixtures("small_suite")
def test_the_command_prints_json(rmbench, good):
    code, out, _ = rmbench("doctor", good, "--json")
    told = json.loads(out)
    assert code == 0
    assert set(told) == {"model", "tokens", "findings", "start"}
    assert told["tokens"][0] == {"id": 0, "text": "<s>", "special": True}
    assert {finding["status"] for finding in told["findings"]} <= {"ok", "note"}


@pytest.mark.usefixtures("small_suite")
def test_exit_codes(rmbench, copied):
    (copied / "chat_template.jinja").unlink()
    code, out, err = rmbench("doctor", copied)
    assert code == 1
    assert "no-template" in out
    assert "problems: no-template" in out
    assert not err
    code, out, err = rmbench("doctor", "lenght")
    assert (code, out) == (2, "")
    assert "did you mean 'length'" in err


def test_a_suite_that_does_not_exist(rmbench):
    assert rmbench("doctor", "length", "--suite", "quik")[0] == 2
