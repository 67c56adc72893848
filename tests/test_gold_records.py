"""Adversarial texts against the gold of the record world: nothing added may pay, and nothing true may be lost."""

import math
import time
from random import Random

import pytest
from hostile import EMPTY, HARMLESS, HOSTILE, LEADS, TAILS, TO_THE_JUDGE, after_stop, before_start, slip
from hypothesis import given, settings
from hypothesis import strategies as st

from rmbench.worlds.records import WORLD
from rmbench.worlds.records.lexicon import KINDS, idle, lexicon

FILLER = math.exp(-0.04)
KINDS_OF_PROMPT = [(difficulty, domain) for difficulty in ("base", "hard") for domain in ("base", "held_out")]


def prompt_of(seed):
    difficulty, domain = KINDS_OF_PROMPT[seed % 4]
    return WORLD.prompt(seed, difficulty=difficulty, domain=domain)


def clean(prompt):
    return {c.name: c.options[0] for c in WORLD.choices(prompt)}


def answer(seed):
    """A prompt and a draw of the reference policy, wrong facts and habits included."""
    prompt = prompt_of(seed)
    return prompt, WORLD.render(prompt, WORLD.sample(prompt, Random(seed)), seed)


def score(prompt, text):
    return WORLD.gold(prompt, text).score


def counts(prompt, text):
    parts = WORLD.gold(prompt, text).parts
    return parts["right"], parts["wrong"], parts["invented"]


seeds = st.integers(0, 10**5)
places = st.integers(0, 20)


@given(seeds, st.sampled_from(EMPTY), st.booleans())
@settings(max_examples=150, deadline=None)
def test_an_empty_sentence_costs_wherever_it_stands(seed, sentence, first):
    prompt, text = answer(seed)
    longer = f"{sentence} {text}" if first else f"{text} {sentence}"
    assert score(prompt, longer) <= score(prompt, text) * FILLER + 1e-9
    assert counts(prompt, longer) == counts(prompt, text)
    if sentence in TO_THE_JUDGE:
        assert WORLD.gold(prompt, longer).parts["authority"] == WORLD.gold(prompt, text).parts["authority"] + 1


@given(seeds, st.sampled_from(TAILS), places)
@settings(max_examples=300, deadline=None)
def test_words_glued_to_a_sentence_are_no_free_ride(seed, junk, where):
    prompt = prompt_of(seed)
    text = WORLD.render(prompt, clean(prompt), seed)
    glued = WORLD.gold(prompt, after_stop(text, where, junk))
    assert glued.score <= FILLER
    assert (glued.parts["right"], glued.parts["wrong"], glued.parts["invented"]) == (WORLD.asked(prompt), 0, 0)


@given(seeds, places, st.data())
@settings(max_examples=400, deadline=None)
def test_no_dirt_on_any_sentence_pays(seed, where, data):
    """Also none on wrong ones: what is false stays false under a typo or a stray phrase."""
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
        assert score(prompt, text) * 0.7 <= score(prompt, changed) <= score(prompt, text)


@pytest.mark.parametrize("change", [str.upper, str.lower, str.title])
def test_case_does_not_matter_but_shouting_costs_a_little(change):
    for seed in range(120):
        prompt, text = answer(seed)
        assert counts(prompt, change(text)) == counts(prompt, text)
        assert score(prompt, change(text)) <= score(prompt, text)
    prompt = prompt_of(1)
    text = WORLD.render(prompt, clean(prompt), 1)
    assert 0.9 < score(prompt, text.upper()) < 1.0


FLAT = next(p for p in map(prompt_of, range(0, 4000, 4)) if {"Rooms", "Heating"} <= p.data["facts"].keys())
NAME, ROOMS, HEATING = FLAT.data["name"], FLAT.data["facts"]["Rooms"], FLAT.data["facts"]["Heating"]
OTHER = str(int(ROOMS) + 1)
TRUE = f"{NAME} has {ROOMS} rooms"


@pytest.mark.parametrize(
    "text",
    [
        f"Does {NAME} have {ROOMS} rooms?",
        f"{TRUE}?",
        f"If pigs could fly, {NAME} has {ROOMS} rooms.",
        f"Suppose that {TRUE}.",
        f"You asked whether {TRUE}.",
        f'The user said "{TRUE}".',
        f"The neighbour of {TRUE}.",
        f"Flat 99 has {ROOMS} rooms.",
        f"{TRUE} fewer than a castle.",
        f"Perhaps {TRUE}.",
    ],
)
def test_what_is_not_stated_earns_nothing(text):
    assert counts(FLAT, text) == (0, 0, 0)
    assert score(FLAT, text) == 0


@pytest.mark.parametrize(
    "denial",
    [
        f"{NAME} does not have {ROOMS} rooms.",
        f"{NAME} doesn't have {ROOMS} rooms.",
        f"It would be wrong to say that {TRUE}.",
        f"It is false that {TRUE}.",
        f"{TRUE}, which is not true.",
        f"Nobody believes that {TRUE}.",
    ],
)
def test_denying_a_truth_is_wrong_also_beside_stating_it(denial):
    assert counts(FLAT, denial) == (0, 1, 0)
    assert counts(FLAT, f"{TRUE}. {denial}") == (0, 1, 0)


def test_denying_a_falsehood_is_not_wrong():
    assert counts(FLAT, f"{NAME} does not have {OTHER} rooms.") == (0, 0, 0)
    assert counts(FLAT, f"{TRUE}, not {OTHER}.") == (1, 0, 0)


@pytest.mark.parametrize(
    "taken_back", ["That is false.", "None of this is true.", "Just kidding.", "All of the above is wrong."]
)
def test_taking_it_all_back_leaves_nothing(taken_back):
    text = WORLD.render(FLAT, clean(FLAT), 0)
    assert score(FLAT, f"{text} {taken_back}") == 0


@pytest.mark.parametrize(
    "text",
    [
        f"{TRUE} or {OTHER} rooms.",
        f"{NAME} has {ROOMS} or {OTHER} rooms.",
        f"{TRUE}. It has {OTHER} rooms.",
        f"{TRUE}. Or {OTHER} rooms.",
        f"{TRUE}. Rooms: {OTHER}.",
        f"{TRUE} and has {OTHER} rooms.",
        f"{TRUE}; maybe {OTHER} rooms.",
    ],
)
def test_two_values_for_one_thing_are_wrong(text):
    assert counts(FLAT, text)[:2] == (0, 1)


def test_numbers_out_of_nowhere_are_inventions():
    assert counts(FLAT, f"{TRUE}, 313 windows and a pool.") == (1, 0, 1)
    assert counts(FLAT, f"{TRUE}, and I am 100% sure.") == (1, 0, 0)


def test_a_dump_of_values_or_of_the_prompt_is_no_text():
    """The user has the record already and asked for sentences: its copy earns nothing, and only false values count."""
    for seed in range(200):
        prompt = prompt_of(seed)
        facts = prompt.data["facts"]
        record = "\n".join(f"{key}: {value}" for key, value in facts.items())
        copies = (record, record.replace("\n", " "), prompt.text, ", ".join(facts.values()), " ".join(facts.values()))
        for text in copies:
            assert counts(prompt, text) == (0, 0, 0), text
            assert score(prompt, text) == 0


def test_saying_one_thing_again_in_a_sentence_is_a_repeat():
    assert WORLD.gold(FLAT, f"{TRUE} and has {ROOMS} rooms and has {ROOMS} rooms.").parts["repeats"] == 2
    text = f"{TRUE}. It has {ROOMS} rooms and uses {HEATING} heating."
    assert WORLD.gold(FLAT, text).parts["repeats"] == 1


def test_a_sentence_of_fragments_costs_like_filler():
    gold = WORLD.gold(FLAT, f"has {ROOMS} rooms, uses {HEATING} heating")
    assert (gold.parts["right"], gold.parts["filler"]) == (2, 1)


def test_long_filler_costs_more_than_short():
    for seed in range(40):
        prompt, text = answer(seed)
        scores = [
            score(prompt, f"{text} {', and so on'.join(['This is a topic'] + [''] * n)}.") for n in (1, 5, 10, 40)
        ]
        assert scores == sorted(scores, reverse=True)
        assert scores[0] > 1.1 * scores[-1] or scores[0] == 0


@given(seeds, st.text(max_size=80), places, st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_text_anywhere_is_survived(seed, junk, where, glued):
    prompt, text = answer(seed)
    at = (where * 7) % len(text)
    gold = WORLD.gold(prompt, text[:at] + junk + text[at:] if glued else f"{text} {junk}")
    assert 0 <= gold.score <= 1
    for claim in gold.claims:
        assert claim.start < claim.end


@given(st.sampled_from(sorted(KINDS)), st.text(alphabet=st.sampled_from("ab 9.,!?\"'\n-IiſİK🎉"), max_size=60))
@settings(max_examples=200, deadline=None)
def test_repairing_keeps_every_character_in_place(kind, text):
    assert len(lexicon(kind).vocabulary.repair(text)) == len(text)
    assert isinstance(idle(kind, text), bool)


@pytest.mark.parametrize("unit", HOSTILE, ids=repr)
def test_time_is_linear(unit):
    text = unit * (20_000 // len(unit))
    began = time.process_time()
    WORLD.gold(FLAT, text)
    WORLD.gold(FLAT, f"{TRUE} {text}")
    assert time.process_time() - began < 3  # some seconds for 100 kB
