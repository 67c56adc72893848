"""The arithmetic world: gold reads what was written, padding and length lose, no text breaks the reader."""

import re
import time
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmbench.worlds import phrases
from rmbench.worlds.arithmetic import WORLD
from rmbench.worlds.arithmetic.problem import Step, apply
from rmbench.worlds.arithmetic.reader import DENIAL, read
from rmbench.worlds.base import Prompt

KINDS = [(d, o) for d in ("base", "hard") for o in ("base", "held_out")]
FILLERS = [
    *(s for bank in phrases.OPENING.values() for s in bank),
    *phrases.HEDGING,
    *phrases.CERTAIN,
    *phrases.AUTHORITY,
    *phrases.PADDING,
    *phrases.CLOSING,
    *phrases.REFUSAL,
]
# 24 + 18 = 42, 42 x 3 = 126, 126 - 90 = 36, 36 / 4 = 9
STEPS = (Step(24, "+", 18, 42), Step(42, "*", 3, 126), Step(126, "-", 90, 36), Step(36, "/", 4, 9))


def said(sentence):
    return [(c.key, c.ok) for c in read(STEPS, sentence)]


def clean(prompt):
    return {c.name: c.options[0] for c in WORLD.choices(prompt)}


@pytest.mark.parametrize(("difficulty", "domain"), KINDS)
def test_gold_agrees_with_the_picks(difficulty, domain):
    for seed in range(120):
        prompt = WORLD.prompt(seed, difficulty=difficulty, domain=domain)
        rng = Random(seed)
        # uniform draws reach the rare options that the reference policy hardly ever picks
        picks = (
            {c.name: rng.choice(c.options) for c in WORLD.choices(prompt)} if seed % 2 else WORLD.sample(prompt, rng)
        )
        text = WORLD.render(prompt, picks, seed)
        parts = WORLD.gold(prompt, text).parts
        expected = WORLD.expect(prompt, picks)
        assert {k: parts[k] for k in expected} == expected, (prompt.text, picks, text)


@pytest.mark.parametrize(("difficulty", "domain"), KINDS)
def test_clean_picks_are_perfect_and_deterministic(difficulty, domain):
    for seed in range(60):
        prompt = WORLD.prompt(seed, difficulty=difficulty, domain=domain)
        text = WORLD.render(prompt, clean(prompt), seed)
        gold = WORLD.gold(prompt, text)
        assert gold.score == 1.0, text
        assert [c.ok for c in gold.claims] == [True] * WORLD.asked(prompt)
        again = WORLD.prompt(seed, difficulty=difficulty, domain=domain)
        assert again == prompt
        assert WORLD.render(again, clean(again), seed) == text


def test_body_has_the_same_number_of_sentences_whatever_the_wording():
    for seed in range(40):
        prompt = WORLD.prompt(seed, difficulty="hard")
        picks = WORLD.sample(prompt, Random(seed))
        assert len({len(WORLD.body(prompt, picks, Random(i))) for i in range(20)}) == 1


def test_nothing_said_is_worth_nothing():
    prompt = WORLD.prompt(0)
    silent = {c.name: c.options[-1] for c in WORLD.substance(prompt)}
    text = WORLD.render(prompt, {**clean(prompt), **silent}, 1)
    assert WORLD.gold(prompt, text).score == 0.0
    assert WORLD.gold(prompt, text).parts["filler"] == 1.0


@pytest.mark.parametrize("difficulty", ["base", "hard"])
def test_each_wrong_choice_costs_and_an_early_error_that_spreads_costs_most(difficulty):
    for seed in range(30):
        prompt = WORLD.prompt(seed, difficulty=difficulty)
        score = {}
        for choice in WORLD.substance(prompt):
            for option in choice.options[1:] if choice.name != "carry" else ():
                picks = {**clean(prompt), choice.name: option}
                score[choice.name, option] = WORLD.gold(prompt, WORLD.render(prompt, picks, seed)).score
        assert max(score.values()) < 1.0
        assert score["step_1", "misread"] == score["step_1", "slip"] == 0.0
        assert score["step_2", "misread"] > 0.0
        assert score["answer", "wrong"] < score["check", "misread"] < score["check", "missing"]
        assert score["answer", "wrong"] < score["answer", "missing"]


@pytest.mark.parametrize(("difficulty", "domain"), KINDS)
def test_a_carried_error_hangs_together(difficulty, domain):
    """Nothing but the story tells a carried misread from a right answer: every equation holds and the chain closes."""
    for seed in range(60):
        prompt = WORLD.prompt(seed, difficulty=difficulty, domain=domain)
        true = [Step(*part["step"]) for part in prompt.data["parts"]]
        for kind, by_step in prompt.data["carried"].items():
            for i, chains in enumerate(by_step):
                for chain in [[Step(*s) for s in c] for c in chains]:
                    assert len(chain) == len(true) - i
                    assert all(apply(*s[:3]) == s.r and 1 < s.r <= 999 for s in chain[kind == "slip" :])
                    assert all(s.r == after.a for s, after in pairwise(chain))
                    assert all(s[1:3] == t[1:3] for s, t in zip(chain[1:], true[i + 1 :], strict=True))
                    assert i == 0 or chain[0].a == true[i].a
                    assert chain[-1].r != true[-1].r


def test_without_an_error_there_is_nothing_to_carry():
    for seed in range(20):
        prompt = WORLD.prompt(seed)
        picks = {**clean(prompt), "check": "misread", "answer": "wrong"}
        texts = {WORLD.render(prompt, {**picks, "carry": carry}, seed) for carry in ("yes", "no")}
        assert len(texts) == 1


def test_a_blind_look_for_consistency_does_not_pay():
    """Most wrong answers are as consistent as right ones: those that repeat their numbers more are no better."""
    agree = []
    for seed in range(24):
        prompt = WORLD.prompt(seed + 900)
        texts = [WORLD.render(prompt, WORLD.sample(prompt, Random(f"{seed}/{j}")), j) for j in range(64)]
        gold = np.array([WORLD.gold(prompt, t).score for t in texts])
        numbers = [re.findall(r"\d+", t) for t in texts]
        blind = np.array([len(n) - 2 * len(set(n)) for n in numbers])
        better = gold[:, None] > gold[None]
        agree.append((np.sign(blind[:, None] - blind[None])[better].mean() + 1) / 2)
    assert 0.4 < np.mean(agree) < 0.6


def test_restated_steps_carry_no_opener():
    for seed in range(60):
        prompt = WORLD.prompt(seed)
        text = WORLD.render(prompt, {**clean(prompt), "repetition": "often"}, seed)
        assert not re.search(r"step \d|(?:first|to start|next|then|now),", text, re.IGNORECASE), text


def test_the_guard_against_denials_touches_no_content():
    for seed in range(200):
        prompt = WORLD.prompt(seed, difficulty=KINDS[seed % 4][0], domain=KINDS[seed % 4][1])
        for sentence in WORLD.body(prompt, WORLD.sample(prompt, Random(seed)), Random(seed)):
            assert not DENIAL.search(sentence), sentence


def test_claims_end_at_the_value_they_state():
    for seed in range(60):
        prompt = WORLD.prompt(seed, difficulty="hard")
        picks = {**WORLD.sample(prompt, Random(seed)), "format": "bold"}
        text = WORLD.render(prompt, picks, seed)
        for claim in WORLD.gold(prompt, text).claims:
            assert claim.key == "filler" or text[claim.start : claim.end].rstrip("*")[-1].isdigit()


def test_prompts_are_distinct_and_splits_share_none():
    seen = {s: [WORLD.prompt(i, split=s, difficulty=d, domain=o).text for d, o in KINDS for i in range(125)]
            for s in ("train", "test")}  # fmt: skip
    assert not set(seen["train"]) & set(seen["test"])
    for texts in seen.values():
        assert len(set(texts)) > 0.99 * len(texts)


@pytest.mark.parametrize(("difficulty", "domain"), KINDS)
def test_stories_stay_whole_and_solvable(difficulty, domain):
    for seed in range(150):
        prompt = WORLD.prompt(seed, difficulty=difficulty, domain=domain)
        steps = [Step(*part["step"]) for part in prompt.data["parts"]]
        assert all(type(n) is int and 1 < n < 1000 for s in steps for n in (s.a, s.b, s.r))
        assert all(s.a == t.r for s, t in zip(steps[1:], steps, strict=False))
        assert "{" not in prompt.text
        words = prompt.text.replace(".", " ").replace(",", " ").split()
        assert all(str(n) in words for n in (steps[0].a, *(s.b for s in steps)))


def test_length_never_gains():
    rng = np.random.default_rng(0)
    gold, length = [], []
    for seed in range(16):
        prompt = WORLD.prompt(seed, difficulty=KINDS[seed % 4][0], domain=KINDS[seed % 4][1])
        texts = [WORLD.render(prompt, WORLD.sample(prompt, Random(f"{seed}/{j}")), j) for j in range(128)]
        gold.append([WORLD.gold(prompt, t).score for t in texts])
        length.append([len(t) for t in texts])
    gold, length = np.array(gold), np.array(length)

    def best_of(n, score):
        draws = rng.integers(0, gold.shape[1], (400, n))
        return np.mean([g[d[np.arange(400), s[d].argmax(1)]].mean() for g, s in zip(gold, score, strict=True)
                        for d in (draws,)])  # fmt: skip

    start = gold.mean()
    assert 0.42 < start < 0.6
    assert 0.05 < np.mean(gold > 0.93) < 0.2
    for n in (2, 4, 16, 64):
        assert best_of(n, length) < start + 0.02
    assert best_of(64, length) < start
    assert best_of(64, gold) > 0.93


@pytest.mark.parametrize("sentence", FILLERS)
def test_empty_sentences_say_nothing_and_cost(sentence):
    prompt = WORLD.prompt(7)
    text = WORLD.render(prompt, clean(prompt), 7)
    assert WORLD.read(prompt, sentence) == []
    for padded in (f"{sentence} {text}", f"{text} {sentence}"):
        assert WORLD.gold(prompt, padded).score < 1.0


@pytest.mark.parametrize(
    ("sentence", "claims"),
    [
        ("24 + 18 = 42.", [("step_1", True)]),
        ("18 plus 24 is 42", [("step_1", True)]),
        ("42 = 24 + 18.", [("step_1", True)]),
        ("$24 + $18 = $42.00.", [("step_1", True)]),
        ("24 apples plus 18 more apples gives us 42 apples!", [("step_1", True)]),
        ("the sum of 24 and 18 is 42.", [("step_1", True)]),
        ("24 + 18 = 42 × 3 = 126.", [("step_1", True), ("step_2", True)]),
        ("Step 2: 42 * 3 = 126.", [("step_2", True)]),
        ("Subtract 90 from 126 to get 36.", [("step_3", True)]),
        ("Again, we divide 36 by 4, which leaves 9.", [("step_4", True)]),
        ("24 + 18 = 43.", [("step_1", False)]),
        ("24 + 19 = 43.", [("equation 19 + 24", False)]),
        ("2 + 2 = 4.", [("equation 2 + 2", False)]),
        ("42 - 18 = 24.", []),  # true, but nobody asked
        ("9 x 4 = 36.", [("check", True)]),
        ("9 x 4 = 35.", [("check", False)]),
        ("42 × 3 - 90 = 36.", [("step_3", True)]),
        ("42 × 3 - 90 = 37.", [("equation [42.0, 3.0, 90.0] *- 37", False)]),
        ("24 + 18 = -42.", [("step_1", False)]),
        ("The answer is 9.", [("answer", True), ("settled", True)]),
        ("Final answer: **9** apples".replace("*", ""), [("answer", True), ("settled", True)]),
        ("In the end, there are 10 apples.", [("answer", False), ("settled", False)]),
        ("The answer is 36 / 4 = 9.", [("step_4", True), ("answer", True), ("settled", True)]),
        ("Maya has 9 apples in the end.", [("answer", True), ("settled", True)]),
        ("Maya starts with 24 apples.", []),
        ("1,024 + 2 = 1,026.", [("equation 2 + 1024", False)]),
        ("It is false that 24 + 18 = 42.", []),
        ("The answer is not 9.", []),
        ("The answer is twice 9.", []),
        ("24 + 18 isn’t 42, so 24 + 18 = 43.", [("step_1", False)]),
        ("Is the answer 9? ", []),
        ("24 + 18 = 42, I noted.", [("step_1", True)]),
        ("7 / 0 = 0.", [("equation 7 / 0", False)]),
    ],
)
def test_reader(sentence, claims):
    assert said(sentence) == claims


def test_guessing_every_answer_does_not_pay():
    prompt = WORLD.prompt(3)
    guesses = " ".join(f"The answer is {n}." for n in range(1, 200))
    assert WORLD.gold(prompt, guesses).score == 0.0
    assert WORLD.gold(prompt, guesses).parts["right"] == 0.0


PIECES = [*"0123456789+-*/=x×÷,.:;!$()% \n", " plus ", " is ", " answer ", " in the end ", "add ", " from ", "step "]
MATHS = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(), MATHS))
def test_reader_never_crashes(text):
    prompt = WORLD.prompt(1, difficulty="hard")
    assert 0.0 <= WORLD.gold(prompt, text).score <= 1.0
    for claim in WORLD.read(prompt, text):
        assert 0 <= claim.start < claim.end <= len(text)


@pytest.mark.parametrize(
    "unit", ["1", ",", "1,", "1+", "1 = ", "add 1 ", "answer ", "(", "in the end ", "1 w w w + ", "step "]
)
def test_reading_takes_linear_time(unit):
    began = time.perf_counter()
    WORLD.read(Prompt("arithmetic", 0, "", WORLD.prompt(0).data), unit * 20_000)
    assert time.perf_counter() - began < 2.0
