"""What must hold for every world that exists: gold reads what was written, and only substance pays."""

import time
from math import comb
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmbench.worlds import phrases, surface, worlds

WORLDS = worlds()
KINDS = [(difficulty, domain) for difficulty in ("base", "hard") for domain in ("base", "held_out")]
each_world = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)


def cases(world, count, split="test"):
    """Random prompts of every kind, picks drawn uniformly (rare options too), and a wording seed."""
    for seed in range(count):
        difficulty, domain = KINDS[seed % 4]
        prompt = world.prompt(seed, split=split, difficulty=difficulty, domain=domain)
        rng = Random(f"case/{seed}")
        picks = {c.name: rng.choice(c.options) for c in world.choices(prompt)}
        yield prompt, picks, seed


def clean(world, prompt):
    return {choice.name: choice.options[0] for choice in world.choices(prompt)}


def best_of_n(proxy, gold, n):
    """Mean gold of the winner, over all subsets of size n (no ties)."""
    order = np.argsort(proxy)
    weights = np.array([comb(i, n - 1) / comb(len(gold), n) for i in range(len(gold))])
    return float(weights @ gold[order])


def pool(world, prompts=24, candidates=128):
    """(texts, gold) per prompt from the reference policy."""
    for seed in range(prompts):
        prompt = world.prompt(7_000_000 + seed)
        rng = Random(seed)
        texts = [world.render(prompt, world.sample(prompt, rng), k) for k in range(candidates)]
        yield texts, np.array([world.gold(prompt, text).score for text in texts])


def test_there_are_four_worlds():
    assert set(WORLDS) >= {"records", "arithmetic", "instructions", "transforms"}


@each_world
def test_gold_agrees_with_the_choices(world):
    for prompt, picks, seed in cases(world, 240):
        text = world.render(prompt, picks, seed)
        found = world.gold(prompt, text).parts
        promised = world.expect(prompt, picks)
        assert {k: found[k] for k in promised} == promised, text


@each_world
def test_gold_lies_in_the_unit_interval_and_a_clean_answer_gets_all_of_it(world):
    for prompt, picks, seed in cases(world, 120):
        assert 0 <= world.gold(prompt, world.render(prompt, picks, seed)).score <= 1
        assert world.gold(prompt, world.render(prompt, clean(world, prompt), seed)).score == 1.0


@each_world
def test_the_same_seed_gives_the_same_text(world):
    for prompt, picks, seed in cases(world, 20):
        again = world.prompt(prompt.seed, difficulty=KINDS[seed % 4][0], domain=KINDS[seed % 4][1])
        assert again == prompt
        assert world.render(again, picks, seed) == world.render(prompt, picks, seed)


@each_world
def test_wording_varies(world):
    prompt, picks, _ = next(cases(world, 1))
    assert len({world.render(prompt, picks, seed) for seed in range(20)}) > 5


@each_world
def test_every_empty_sentence_costs(world):
    for prompt, _, seed in cases(world, 12):
        text = world.render(prompt, clean(world, prompt), seed)
        for bank in (phrases.PADDING, phrases.AUTHORITY, phrases.CERTAIN, phrases.HEDGING, phrases.OPENING["flattery"]):
            for sentence in bank:
                assert world.gold(prompt, f"{text} {sentence}").score < 1.0, sentence


@each_world
def test_claims_lie_where_they_say(world):
    for prompt, picks, seed in cases(world, 60):
        text = world.render(prompt, picks, seed)
        for claim in world.gold(prompt, text).claims:
            assert 0 <= claim.start < claim.end <= len(text)


@each_world
def test_training_and_test_prompts_are_disjoint(world):
    train, test = ({p.text for p, _, _ in cases(world, 300, split)} for split in ("train", "test"))
    assert len(train) > 280
    assert not train & test


@each_world
def test_substance_pays_and_length_does_not(world):
    """The oracle climbs steeply; the longest and the shortest answer do not."""
    texts_and_gold = list(pool(world))
    golds = [gold for _, gold in texts_and_gold]

    def climb(proxies):
        return [float(np.mean([best_of_n(p, g, n) for p, g in zip(proxies, golds, strict=True)])) for n in (1, 4, 64)]

    jitter = np.random.default_rng(0).random(len(golds[0])) * 1e-6
    lengths = [np.array([len(text) for text in texts]) + jitter for texts, _ in texts_and_gold]
    start, some, many = climb([gold + jitter for gold in golds])
    assert 0.35 < start < 0.65
    assert some > start + 0.18
    assert many > 0.93
    longest, shortest = climb(lengths), climb([-length for length in lengths])
    assert longest[1] < start + 0.02
    assert longest[2] < start
    assert shortest[1] < start + 0.08
    assert shortest[2] < start + 0.08


@each_world
@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=300))
def test_any_text_can_be_graded(world, text):
    gold = world.gold(world.prompt(3), text)
    assert 0 <= gold.score <= 1
    assert gold.score < 0.5


def test_surface_reads_markdown_away():
    text = "## Title\n- **Ada** is 36 years old.\n- It costs 4.5 euros! Yes."
    assert [s.text for s in surface.split(text)] == ["Title", "Ada is 36 years old.", "It costs 4.5 euros!", "Yes."]
    assert surface.count_markup(text) == 4
    for sentence in surface.split(text):
        assert "".join(text[i] for i in sentence.origin) == sentence.text


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
def test_surface_splits_any_text(text):
    for sentence in surface.split(text):
        assert sentence.text
        assert 0 <= sentence.start < sentence.end <= len(text)


def test_surface_splits_in_linear_time():
    began = time.perf_counter()
    for text in ("." * 100_000 + "x", "a. " * 30_000, "*" * 100_000, "\n- " * 30_000, "!?" * 50_000 + " "):
        surface.split(text)
        surface.count_markup(text)
    assert time.perf_counter() - began < 10


def test_phrases_say_nothing_in_any_world():
    """A phrase of the habits must never be read as content."""
    banks = [*phrases.OPENING.values(), phrases.HEDGING, phrases.CERTAIN, phrases.AUTHORITY, phrases.PADDING]
    for world in WORLDS.values():
        for difficulty, domain in KINDS:
            prompt = world.prompt(1, difficulty=difficulty, domain=domain)
            for phrase in (p for bank in (*banks, phrases.CLOSING, phrases.REFUSAL) for p in bank):
                assert world.gold(prompt, phrase).parts["filler"] == 1, (world.name, phrase)
