"""The instruction world: what is promised is what the reader finds, and no surface habit pays."""

import re
import time
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmbench.worlds import get_world, phrases, surface
from rmbench.worlds.instructions import WORLD
from rmbench.worlds.instructions.catalogue import BEGINNINGS, ENDINGS, KINDS, LINKERS, NAMES
from rmbench.worlds.instructions.constraints import CHECKS, GROUPS, View, check
from rmbench.worlds.instructions.kinds import core, whole
from rmbench.worlds.instructions.prompts import WORDINGS

SETTINGS = [(d, m) for d in ("base", "hard") for m in ("base", "held_out")]
FILLERS = [
    *(s for bank in phrases.OPENING.values() for s in bank),
    *phrases.HEDGING,
    *phrases.CERTAIN,
    *phrases.AUTHORITY,
    *phrases.PADDING,
    *phrases.CLOSING,
]


def clean(prompt):
    return {c.name: c.options[0] for c in WORLD.choices(prompt)}


def draws(prompt, count):
    rng = Random(prompt.seed)
    return [WORLD.render(prompt, WORLD.sample(prompt, rng), seed) for seed in range(count)]


def test_the_world_is_found_by_name():
    assert get_world("instructions") is WORLD


@pytest.mark.parametrize(("difficulty", "domain"), SETTINGS)
def test_gold_finds_what_the_picks_promise(difficulty, domain):
    for seed in range(150):
        prompt = WORLD.prompt(seed, difficulty=difficulty, domain=domain)
        rng = Random(seed)
        for draw in range(2):
            picks = WORLD.sample(prompt, rng)
            parts = WORLD.gold(prompt, WORLD.render(prompt, picks, draw)).parts
            promised = WORLD.expect(prompt, picks)
            assert {k: parts[k] for k in promised} == promised


@pytest.mark.parametrize(("difficulty", "domain"), SETTINGS)
def test_a_clean_text_is_perfect(difficulty, domain):
    for seed in range(100):
        prompt = WORLD.prompt(seed, difficulty=difficulty, domain=domain)
        assert WORLD.gold(prompt, WORLD.render(prompt, clean(prompt), seed)).score == 1.0


def test_word_limits_are_judged_by_the_words_a_person_counts():
    seen = set()
    for seed in range(200):
        prompt = WORLD.prompt(seed, difficulty="hard")
        limits = {r["kind"]: r["value"] for r in prompt.data["rules"] if r["kind"].startswith("words")}
        for text in draws(prompt, 3 if limits else 0):
            words = len(re.sub(r"(?m)^- |\*\*", "", text).split())
            for kind, value in limits.items():
                kept = words <= value if kind == "words_max" else words >= value
                assert WORLD.gold(prompt, text).parts[f"rule_{kind}"] == kept
                seen.add((kind, kept))
    assert len(seen) == 4


def test_rendering_is_deterministic_and_seeds_vary_the_wording():
    prompt = WORLD.prompt(3)
    picks = clean(prompt)
    assert WORLD.prompt(3) == prompt
    assert WORLD.render(prompt, picks, 1) == WORLD.render(prompt, picks, 1)
    assert len({WORLD.render(prompt, picks, seed) for seed in range(20)}) > 10


def test_training_and_test_prompts_never_meet():
    train = {WORLD.prompt(s, split="train").text for s in range(500)}
    test = {WORLD.prompt(s, split="test").text for s in range(500)}
    assert not train & test
    assert len(train) == len(test) == 500


def test_difficulty_and_domain_decide_the_number_and_the_kinds():
    kinds = {"base": set(), "held_out": set()}
    for difficulty, domain in SETTINGS:
        for seed in range(60):
            data = WORLD.prompt(seed, difficulty=difficulty, domain=domain).data
            kinds[domain].add(data["kind"])
            assert len(data["rules"]) in ({3, 4} if difficulty == "base" else {5, 6})
    assert len(kinds["base"]) == 8
    assert len(kinds["held_out"]) == 4
    assert not kinds["base"] & kinds["held_out"]
    for name in CHECKS:
        assert not set(WORDINGS["base"][name]) & set(WORDINGS["held_out"][name])


def test_every_constraint_and_its_opposite_occur():
    counts = dict.fromkeys(CHECKS, 0)
    for seed in range(400):
        for rule in WORLD.prompt(seed, difficulty="hard").data["rules"]:
            counts[rule["kind"]] += 1
    assert min(counts.values()) > 15
    for first, second in [("use", "avoid"), ("words_max", "words_min"), ("lower", "upper"), ("ps", "no_ps")]:
        assert 0.5 < counts[first] / counts[second] < 2


DAYS = {"day": ("Monday", "Friday"), "place": ("Hill Park", "Rose Hall")}
CASES = {
    "words_max": ({"value": 4}, "Come to the party.", "Come to the big party."),
    "words_min": ({"value": 4}, "- **Come** to the party.", "- Come to us."),
    "sentences": ({"value": 2}, "Come along. It is fun!", "Come along. It is fun! Bye."),
    "lower": ({"value": 0}, "come along. it is fun.", "come along. It is fun."),
    "upper": ({"value": 0}, "COME ALONG AT 4.", "COME ALONG at 4."),
    "caps": ({"value": "place"}, "Come to HILL PARK.", "Come to HILL PARK. Yes, Hill Park."),
    "no_commas": ({"value": 0}, "Come along now.", "Come along, now."),
    "commas": ({"value": 2}, "Come, see, win.", "Come, see and win."),
    "no_exclamations": ({"value": 0}, "Come along.", "Come along!"),
    "exclamations": ({"value": 2}, "Come! Now!", "Come! Now."),
    "question": ({"value": 2}, "It is late. Are you in? Good.", "Are you in? It is late."),
    "no_question": ({"value": 0}, "It is late.", "Is it late?"),
    "ps": ({"value": 0}, "Come along. P.S. Bring cake.", "Come along to the ps shop."),
    "no_ps": ({"value": 0}, "Come along.", "Come along. PS: Bring cake."),
    "use": ({"value": "music"}, "There is Music.", "It is musical."),
    "avoid": ({"value": "music"}, "It is musical.", "There is music!"),
    "count": ({"value": "music", "n": 2}, "Music, music.", "Music, music and music."),
    "name": ({"value": "Priya"}, "Ask Priya.", "Ask Bruno."),
    "number": ({"value": 27}, "We are 27.", "We are 270."),
    "begin": ({"value": "Hello"}, "**Hello**, come in.", "Oh hello, come in."),
    "end": ({"value": "Take care"}, "Come in. Take care!", "Take care. Come in."),
    "order": ({"value": "place", "then": "day"}, "Hill Park on Friday.", "On Friday at Hill Park."),
}


def test_every_constraint_has_a_case():
    assert CASES.keys() == CHECKS.keys() == {kind for group in GROUPS.values() for kind in group}


@pytest.mark.parametrize("kind", CASES)
def test_a_constraint_is_kept_or_broken(kind):
    rule, good, bad = CASES[kind]
    assert check({"kind": kind, **rule}, View(good, DAYS)).kept
    assert not check({"kind": kind, **rule}, View(bad, DAYS)).kept
    assert not check({"kind": kind, **rule}, View("", DAYS)).kept


def test_capitals_and_order_need_their_details():
    for kind in ("caps", "order"):
        assert not check({"kind": kind, **CASES[kind][0]}, View("Come on Friday.", DAYS)).kept


def test_an_empty_sentence_lowers_gold():
    rng = Random(0)
    for seed in range(60):
        prompt = WORLD.prompt(seed, difficulty="hard" if seed % 2 else "base")
        text = WORLD.render(prompt, clean(prompt), seed)
        filler = rng.choice(FILLERS)
        assert WORLD.gold(prompt, f"{text} {filler}").score < 1.0
        assert WORLD.gold(prompt, f"{filler} {text}").score < 1.0


@pytest.mark.parametrize("habit", surface.HABITS)
def test_every_surface_habit_costs(habit):
    worst = list(surface.HABITS[habit])[-1]
    for seed in range(20):
        prompt = WORLD.prompt(seed)
        assert WORLD.gold(prompt, WORLD.render(prompt, {**clean(prompt), habit: worst}, seed)).score < 1.0


def test_the_longest_text_does_not_win():
    means, longest, best = [], [], []
    for seed in range(16):
        prompt = WORLD.prompt(seed, difficulty="hard" if seed % 2 else "base")
        texts = draws(prompt, 64)
        gold = np.array([WORLD.gold(prompt, t).score for t in texts])
        means.append(gold.mean())
        for part in range(0, 64, 16):
            longest.append(gold[part + max(range(16), key=lambda i: len(texts[part + i]))])
            best.append(gold[part : part + 16].max())
    assert 0.4 < np.mean(means) < 0.6
    assert np.mean(longest) < np.mean(means)
    assert np.mean(best) > np.mean(means) + 0.25


def test_refusals_off_topic_texts_and_echoes_earn_next_to_nothing():
    for seed in range(30):
        prompt = WORLD.prompt(seed)
        other = next(k for k in KINDS if k != prompt.data["kind"])
        values = [whole(core(v)) for v in prompt.data["details"].values()]
        lines = [s for bank in KINDS[other].words.values() for s in bank]
        off_topic = " ".join([s for s in lines if not any(v.search(s) for v in values)][:9])
        for text in ("", " \n", *phrases.REFUSAL, off_topic):
            assert WORLD.gold(prompt, text).score < 0.05
        assert WORLD.gold(prompt, prompt.text).score < 0.2


def test_a_detail_is_wrong_when_it_is_also_stated_otherwise():
    prompt = next(p for p in map(WORLD.prompt, range(99)) if "day" in p.data["details"])
    day = prompt.data["details"]["day"]
    other = "Monday" if day != "Monday" else "Sunday"
    right = WORLD.gold(prompt, f"It is on {day}.")
    both = WORLD.gold(prompt, f"It is on {day}. It is on {other}.")
    assert right.parts["wrong"] == 0
    assert both.parts["wrong"] == 1
    claim = next(c for c in both.claims if c.key == "detail_day" and not c.ok)
    assert claim.value == other
    assert f"It is on {day}. It is on {other}."[claim.start : claim.end] == other


def test_claims_point_into_the_text():
    for seed in range(60):
        prompt = WORLD.prompt(seed, difficulty="hard")
        text = draws(prompt, 1)[0]
        gold = WORLD.gold(prompt, text)
        assert all(0 <= c.start < c.end <= len(text) for c in gold.claims)
        assert list(gold.claims) == sorted(gold.claims, key=lambda c: (c.start, c.end))
        for c in gold.claims:
            if c.key.startswith("detail"):
                assert text[: c.end].replace("*", "").lower().endswith(core(c.value).lower())
        assert sum(c.key.startswith("rule_") for c in gold.claims) == len(prompt.data["rules"])


def test_surface_treatment_does_not_change_what_is_read():
    keys = ("right", "wrong", "filler", "repeats")
    for seed in range(60):
        prompt = WORLD.prompt(seed)
        picks = {**clean(prompt), "format": "plain"}
        plain = WORLD.gold(prompt, WORLD.render(prompt, picks, seed)).parts
        for style in ("bullets", "bold"):
            parts = WORLD.gold(prompt, WORLD.render(prompt, {**picks, "format": style}, seed)).parts
            assert {k: parts[k] for k in keys} == {k: plain[k] for k in keys}
            assert parts["markup"] > 0


@pytest.mark.parametrize("name", KINDS)
def test_the_banks_keep_their_words_apart(name):
    kind = KINDS[name]
    topical = [s for bank in kind.words.values() for s in bank]
    says = [s for slot in kind.slots.values() for s in slot.says]
    lines = [*topical, *says, *kind.questions, *kind.names, *kind.numbers]
    around = [*FILLERS, *phrases.AGAIN, *LINKERS, *ENDINGS[kind.domain], *BEGINNINGS[kind.domain], *NAMES, *kind.topics]
    values = [v for slot in kind.slots.values() for v in slot.values]
    for word, bank in kind.words.items():
        for line in (*lines, *around, *values):
            assert len(whole(word).findall(line)) == (line in bank), (word, line)
    for value in values:
        for line in (*lines, *around, *(v for v in values if v != value)):
            assert not whole(core(value)).search(line), (value, line)
    for phrase in (*ENDINGS[kind.domain], *NAMES):
        assert not any(whole(phrase).search(line) for line in (*lines, *FILLERS))
    starts = {re.sub(r"\W", "", line.split()[0]).lower() for line in (*lines, *FILLERS)}
    assert not starts & {w.lower() for w in BEGINNINGS[kind.domain]}
    assert all(line[-1] in ".!?" and "\n" not in line for line in lines)
    assert len(set(topical)) == 24


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=400), st.integers(0, 40))
def test_gold_reads_any_text(text, seed):
    prompt = WORLD.prompt(seed, difficulty="hard")
    gold = WORLD.gold(prompt, text)
    assert 0.0 <= gold.score <= 1.0
    assert all(0 <= c.start <= c.end <= len(text) for c in gold.claims)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from([*FILLERS[:8], "PS", "P.S.", "**", "- ", "\n", "!", "?", "Hello", "27", " "]), max_size=40)
)
def test_gold_reads_any_patchwork(pieces):
    prompt = WORLD.prompt(1, difficulty="hard")
    clean_text = WORLD.render(prompt, clean(prompt), 0)
    text = " ".join([*pieces, clean_text, *pieces])
    gold = WORLD.gold(prompt, text)
    assert 0.0 <= gold.score <= 1.0
    assert all(text[c.start : c.end].strip() for c in gold.claims)


def test_reading_takes_linear_time():
    prompt = WORLD.prompt(2, difficulty="hard")
    piece = WORLD.render(prompt, clean(prompt), 0) + " "

    def seconds(copies):
        start = time.process_time()
        WORLD.gold(prompt, piece * copies)
        return time.process_time() - start

    seconds(5)
    assert seconds(160) < 12 * max(seconds(20), 0.01)
