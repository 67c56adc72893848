"""Adversarial texts against the gold of the world of small jobs: nothing added may pay, nothing true may be lost."""

import math
import time
from random import Random

import pytest
from hostile import EMPTY, HARMLESS, HOSTILE, LEADS, TAILS, after_stop, before_start, slip
from hypothesis import given, settings
from hypothesis import strategies as st

from rmbench.worlds.transforms import WORLD
from rmbench.worlds.transforms.loose import loosely

FILLER = math.exp(-0.04)
KINDS_OF_PROMPT = [(difficulty, domain) for difficulty in ("base", "hard") for domain in ("base", "held_out")]


def prompt_of(seed):
    difficulty, domain = KINDS_OF_PROMPT[seed % 4]
    return WORLD.prompt(seed, difficulty=difficulty, domain=domain)


def clean(prompt):
    return {c.name: c.options[0] for c in WORLD.choices(prompt)}


def answer(seed):
    prompt = prompt_of(seed)
    return prompt, WORLD.render(prompt, WORLD.sample(prompt, Random(seed)), seed)


def score(prompt, text):
    return WORLD.gold(prompt, text).score


def counts(prompt, text):
    parts = WORLD.gold(prompt, text).parts
    return parts["right"], parts["wrong"]


seeds = st.integers(0, 10**5)
places = st.integers(0, 20)


@given(seeds, st.sampled_from(EMPTY), st.booleans())
@settings(max_examples=150, deadline=None)
def test_an_empty_sentence_costs_wherever_it_stands(seed, sentence, first):
    prompt, text = answer(seed)
    longer = f"{sentence} {text}" if first else f"{text} {sentence}"
    assert score(prompt, longer) <= score(prompt, text) * FILLER + 1e-9
    assert counts(prompt, longer) == counts(prompt, text)


@given(seeds, st.sampled_from(TAILS), places)
@settings(max_examples=300, deadline=None)
def test_words_glued_to_a_sentence_are_no_free_ride(seed, junk, where):
    prompt = prompt_of(seed)
    text = WORLD.render(prompt, clean(prompt), seed)
    glued = WORLD.gold(prompt, after_stop(text, where, junk))
    assert glued.score <= FILLER
    assert (glued.parts["right"], glued.parts["wrong"]) == (WORLD.asked(prompt), 0)


@given(seeds, places, st.data())
@settings(max_examples=400, deadline=None)
def test_no_dirt_on_any_sentence_pays(seed, where, data):
    prompt, text = answer(seed)
    dirty = data.draw(
        st.sampled_from(
            [slip(text, where)]
            + [after_stop(text, where, junk) for junk in TAILS]
            + [before_start(text, where, lead) for lead in LEADS]
            + [change(text) for change in HARMLESS.values()]
        )
    )
    assert score(prompt, dirty) <= score(prompt, text) + 1e-9


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_harmless_changes_leave_what_is_said(change):
    for seed in range(120):
        prompt, text = answer(seed)
        changed = change(text)
        assert counts(prompt, changed) == counts(prompt, text), changed
        assert score(prompt, text) * 0.6 <= score(prompt, changed) <= score(prompt, text)


@pytest.mark.parametrize("mark", [", ", "; ", " and ", " - ", "\n"])
def test_sentences_may_be_joined(mark):
    """A comma for a full stop takes nothing away. (Judged on two sentences: a list may swallow what follows it.)"""
    for seed in range(200):
        prompt = prompt_of(seed)
        lines = WORLD.body(prompt, clean(prompt), Random(seed))[:2]
        joined = f"{lines[0].rstrip('.')}{mark}{lines[1]}"
        assert counts(prompt, joined) == (2, 0), joined


JOB = next(
    (p, i, job)
    for p in map(prompt_of, range(0, 4000, 4))
    for i, job in enumerate(p.data["jobs"], 1)
    if job["kind"] == "largest_number"
)
PROMPT, _, LARGEST = JOB
RIGHT, WRONG = (f"The largest number is {LARGEST[key]}" for key in ("truth", "wrong"))


@pytest.mark.parametrize(
    "text",
    [
        f"Is it true that {RIGHT.lower()}?",
        f"{RIGHT}?",
        f"If pigs could fly, {RIGHT.lower()}.",
        f"You asked whether {RIGHT.lower()}.",
        f'The user said "{RIGHT}".',
        f"Perhaps {RIGHT.lower()}.",
        f"{RIGHT} or {LARGEST['wrong']}.",
        f"{RIGHT} plus {LARGEST['wrong']}.",
        f"{RIGHT}/{LARGEST['wrong']}.",
    ],
)
def test_what_is_not_stated_earns_nothing(text):
    assert counts(PROMPT, text)[0] == 0
    assert score(PROMPT, text) == 0


@pytest.mark.parametrize(
    "denial",
    [
        RIGHT.replace(" is ", " is not ") + ".",
        RIGHT.replace(" is ", " isn't ") + ".",
        f"It would be wrong to say that {RIGHT.lower()}.",
        f"It is false that {RIGHT.lower()}.",
        f"{RIGHT}, which is not true.",
    ],
)
def test_denying_a_truth_is_wrong_also_beside_stating_it(denial):
    assert counts(PROMPT, denial) == (0, 1)
    assert counts(PROMPT, f"{RIGHT}. {denial}") == (0, 1)


def test_denying_a_falsehood_is_not_wrong():
    assert counts(PROMPT, WRONG.replace(" is ", " is not ") + ".") == (0, 0)


@pytest.mark.parametrize(
    "taken_back", ["That is false.", "None of this is true.", "Just kidding.", "All of the above is wrong."]
)
def test_taking_it_all_back_leaves_nothing(taken_back):
    assert score(PROMPT, f"{WORLD.render(PROMPT, clean(PROMPT), 0)} {taken_back}") == 0


def test_listing_every_value_is_wrong():
    options = " ".join(f"The largest number is {n}." for n in PROMPT.data["numbers"])
    right, wrong = counts(PROMPT, options)
    assert (right, wrong) == (0, len(PROMPT.data["numbers"]) - 1)
    assert score(PROMPT, options) == 0


def test_values_without_sentences_and_copies_of_the_prompt_earn_nothing():
    for seed in range(200):
        prompt = prompt_of(seed)
        truths = [job["truth"] for job in prompt.data["jobs"]]
        for text in (", ".join(truths), "\n".join(truths), ". ".join(truths), prompt.text):
            assert score(prompt, text) == 0, text


def test_saying_one_thing_again_in_a_sentence_is_a_repeat():
    assert WORLD.gold(PROMPT, f"{RIGHT}, {RIGHT} and {RIGHT}.").parts["repeats"] == 2


def test_a_longer_list_is_not_the_list():
    prompt = next(p for p in map(prompt_of, range(0, 400, 4)) if "sort_words" in str(p.data["jobs"]))
    job = next(job for job in prompt.data["jobs"] if job["kind"] == "sort_words")
    stated = f"Alphabetically, the words run {job['truth']}"
    assert counts(prompt, f"{stated}.") == (1, 0)
    assert counts(prompt, f"{stated}, and this is all.") == (1, 0)
    assert counts(prompt, f"{stated} and {prompt.data['words'][0]}.") == (0, 1)


@given(seeds, st.text(max_size=80), places, st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_text_anywhere_is_survived(seed, junk, where, glued):
    prompt, text = answer(seed)
    at = (where * 7) % len(text)
    gold = WORLD.gold(prompt, text[:at] + junk + text[at:] if glued else f"{text} {junk}")
    assert 0 <= gold.score <= 1
    for claim in gold.claims:
        assert claim.start < claim.end


@given(st.text(alphabet=st.sampled_from("ab 9.,!?\"'\n-IiſİK🎉"), max_size=60))
@settings(max_examples=200, deadline=None)
def test_statements_stand_where_they_say(text):
    sentence = f"So {RIGHT.lower()} {text}"
    for reading in loosely(sentence).readings:
        for said in reading.statements:
            assert 0 <= said.start < said.end <= len(sentence)


@pytest.mark.parametrize("unit", HOSTILE, ids=repr)
def test_time_is_linear(unit):
    text = unit * (20_000 // len(unit))
    began = time.process_time()
    WORLD.gold(PROMPT, text)
    WORLD.gold(PROMPT, f"{RIGHT} {text}")
    assert time.process_time() - began < 3
