"""The world of small jobs: text and choices must agree, answers must be true, and no shortcut may pay."""

import json
import re
from datetime import date, datetime, timedelta
from functools import cache
from random import Random
from time import perf_counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmbench.worlds import get_world, phrases, surface
from rmbench.worlds.base import split_of
from rmbench.worlds.transforms import RUMOURS, WORLD, banks
from rmbench.worlds.transforms.framing import FRAMINGS
from rmbench.worlds.transforms.reading import KINDS, OPERATIONS, WORDING, parse

SETTINGS = [(difficulty, domain) for difficulty in ("base", "hard") for domain in ("base", "held_out")]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


@cache
def prompt(seed, difficulty="base", domain="base", split="test"):
    return WORLD.prompt(seed, split=split, difficulty=difficulty, domain=domain)


def clean(p):
    return {c.name: c.options[0] for c in WORLD.choices(p)}


def day(text):
    number, month = text.split()
    return datetime.strptime(f"{number} {month} 2023", "%d %B %Y").date()  # noqa: DTZ007 - a day has no time zone


def clock(text):
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def shift_clock(text, minutes):
    hours, rest = divmod((clock(text) + minutes) % 1440, 60)
    return f"{hours:02d}:{rest:02d}"


def written(when):
    return when.strftime("%d %B").lstrip("0")


# value of one small unit in terms of its dimension's base: an independent route to the conversions
SI = {"kilometres": 100_000, "metres": 100, "centimetres": 1, "kilograms": 1000, "grams": 1, "litres": 1000}
SI |= {"millilitres": 1, "weeks": 604_800, "days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}

# q.w: words, q.n: numbers, q.a: arguments -> answer, written without any of the world's own code
INDEPENDENT = {
    "word_at": lambda q: q.w[int(q.a[0]) - 1],
    "word_count": lambda q: str(len(q.w)),
    "first_alphabetically": lambda q: min(q.w),
    "longest_word": lambda q: max(q.w, key=len),
    "reverse_words": lambda q: ", ".join(q.w[::-1]),
    "sort_words": lambda q: ", ".join(sorted(q.w)),
    "upper_case": lambda q: q.w[int(q.a[0]) - 1].upper(),
    "sort_numbers": lambda q: ", ".join(map(str, sorted(q.n))),
    "largest_number": lambda q: str(max(q.n)),
    "sum_first_two": lambda q: str(q.n[0] + q.n[1]),
    "word_from_end": lambda q: q.w[-int(q.a[0])],
    "last_alphabetically": lambda q: max(q.w),
    "shortest_word": lambda q: min(q.w, key=len),
    "first_letters": lambda q: ", ".join(x[0] for x in q.w),
    "sort_numbers_down": lambda q: ", ".join(map(str, sorted(q.n)[::-1])),
    "range_of_numbers": lambda q: str(max(q.n) - min(q.n)),
    "even_numbers": lambda q: ", ".join(str(x) for x in q.n if not x % 2),
    "backwards": lambda q: "".join(reversed(q.a[0])),
    "letter_count": lambda q: str(len(list(q.a[0]))),
    "vowel_count": lambda q: str(len(re.findall("[aeiou]", q.a[0]))),
    "drop_last_letter": lambda q: re.sub(".$", "", q.a[0]),
    "middle_letter": lambda q: re.fullmatch(rf".{{{len(q.a[0]) // 2}}}(.).{{{len(q.a[0]) // 2}}}", q.a[0])[1],
    "weekday_after": lambda q: (date(2024, 1, 1 + DAYS.index(q.a[1])) + timedelta(int(q.a[0]))).strftime("%A"),
    "weekday_before": lambda q: (date(2024, 1, 1 + DAYS.index(q.a[1])) - timedelta(int(q.a[0]))).strftime("%A"),
    "date_after": lambda q: written(day(q.a[1]) + timedelta(int(q.a[0]))),
    "date_before": lambda q: written(day(q.a[1]) - timedelta(int(q.a[0]))),
    "days_between": lambda q: str((day(q.a[1]) - day(q.a[0])).days),
    "time_after": lambda q: shift_clock(q.a[1], int(q.a[0])),
    "time_before": lambda q: shift_clock(q.a[1], -int(q.a[0])),
    "convert": lambda q: str(int(q.a[0]) * SI[q.a[1]] // SI[q.a[2]]),
    "convert_back": lambda q: str(int(q.a[0]) * SI[q.a[1]] // SI[q.a[2]]),
}


def many(count, seed=0):
    """Prompts of every kind with picks that are far more adventurous than the reference policy's."""
    rng = Random(seed)
    for i in range(count):
        p = prompt(i, *SETTINGS[i % 4])
        yield p, {c.name: rng.choice(c.options) for c in WORLD.choices(p)}, rng.randrange(10**6)


def test_the_world_is_found_by_name():
    assert get_world("transforms") is WORLD


@pytest.mark.parametrize("kind", sorted(OPERATIONS))
def test_every_operation_agrees_with_an_independent_computation(kind):
    domain = "base" if kind in KINDS["base"] else "held_out"
    jobs = [(p, j) for i in range(150) if (p := prompt(i, "hard", domain)) for j in p.data["jobs"] if j["kind"] == kind]
    assert len(jobs) > 15
    for p, job in jobs:
        assert job["truth"] == INDEPENDENT[kind](SimpleNamespace(w=p.data["words"], n=p.data["numbers"], a=job["args"]))
        assert job["wrong"] != job["truth"]


def test_gold_reads_what_the_picks_say():
    for p, picks, seed in many(600):
        text = WORLD.render(p, picks, seed)
        expected, parts = WORLD.expect(p, picks), WORLD.gold(p, text).parts
        assert {key: parts[key] for key in expected} == expected, text


def test_reference_samples_agree_too():
    rng = Random(3)
    for i in range(200):
        p = prompt(i, *SETTINGS[i % 4])
        picks = WORLD.sample(p, rng)
        expected, parts = WORLD.expect(p, picks), WORLD.gold(p, WORLD.render(p, picks, i)).parts
        assert {key: parts[key] for key in expected} == expected


def test_clean_picks_give_gold_one():
    for i in range(200):
        p = prompt(i, *SETTINGS[i % 4])
        assert WORLD.gold(p, WORLD.render(p, clean(p), i)).score == 1.0


def test_every_template_is_read_as_exactly_what_it_says():
    """One sentence, one meaning: also after a lead, a lost capital, and with every value form."""
    rng = Random(1)
    for i in range(250):
        p = prompt(i, *SETTINGS[i % 4])
        for job in p.data["jobs"]:
            operation, wording = OPERATIONS[job["kind"]], WORDING[job["kind"]]
            assert len(wording.answers) >= 5
            slots = [*operation.args.items(), ("value", operation.value)]
            for template in wording.answers:
                for value in (job["truth"], job["wrong"]):
                    canon = [*job["args"], value]
                    shown = {n: s.show(v, rng) for (n, s), v in zip(slots, canon, strict=True)}
                    line = template.format(**shown)
                    assert template.split()[0].strip(',"') in phrases.LOWERABLE
                    assert [s.text for s in surface.split(line)] == [line]
                    for said in (line, f"Again, {line[0].lower()}{line[1:]}"):
                        (claim,) = WORLD.read(p, said)
                        assert claim.ok == (value == job["truth"])
                        assert said[: claim.end].endswith(shown["value"])
                        assert (job["kind"], (*job["args"], value)) in [
                            (s.kind, (*s.args, s.value)) for s in parse(said)
                        ]


def test_claims_end_where_the_value_ends_in_the_dressed_text():
    for p, picks, seed in many(80, seed=5):
        text = WORLD.render(p, picks, seed)
        for claim in WORLD.gold(p, text).claims:
            assert 0 <= claim.start < claim.end <= len(text)
            if claim.key != "filler":
                tail = re.findall(r"\w+", text[claim.start : claim.end].replace("**", ""))[-1].lower()
                last = re.findall(r"\w+", claim.value.lower())[-1]
                assert tail in {last, last.lstrip("0")} or tail in banks.NUMBER_WORDS or last.endswith(tail)


def test_inventions_are_false_unasked_and_cost_as_much_as_a_wrong_answer():
    for i in range(300):
        p = prompt(i, *SETTINGS[i % 4])
        with_one = WORLD.gold(p, WORLD.render(p, {**clean(p), "invented": "one"}, i))
        assert with_one.parts["right"] == WORLD.asked(p)
        assert with_one.score == pytest.approx(WORLD.asked(p) / (WORLD.asked(p) + 2))
        (bad,) = [c for c in with_one.claims if not c.ok]
        assert bad.key.startswith("extra/")


def test_a_true_but_unasked_statement_earns_nothing():
    p = next(p for i in range(99) if (p := prompt(i)).data["words"] and "word_count" not in str(p.data["jobs"]))
    text = WORLD.render(p, clean(p), 0)
    count = len(p.data["words"])
    true = WORLD.gold(p, f"{text} There are {count} words in the list.")
    assert (true.parts["right"], true.parts["wrong"], true.parts["filler"]) == (WORLD.asked(p), 0, 1)
    assert WORLD.gold(p, f"{text} There are {count + 1} words in the list.").parts["wrong"] == 1
    assert WORLD.gold(p, f"{text} The list of words also contains {p.data['words'][0]}.").parts["wrong"] == 0


def test_two_answers_to_one_job_do_not_hedge_the_bet():
    p = next(p for i in range(99) if "largest_number" in str((p := prompt(i)).data["jobs"]))
    job = next(j for j in p.data["jobs"] if j["kind"] == "largest_number")
    right, wrong = (f"The largest number is {job[k]}." for k in ("truth", "wrong"))
    assert WORLD.gold(p, right).parts["right"] == 1
    assert (WORLD.gold(p, f"{right} {wrong}").parts["right"], WORLD.gold(p, f"{right} {wrong}").parts["wrong"]) == (
        0,
        1,
    )
    for evasive in (
        f"The largest number is {job['truth']} or {job['wrong']}.",
        f"The largest number is not {job['wrong']}.",
    ):
        assert WORLD.read(p, evasive) == []


def test_rendering_and_prompts_are_deterministic():
    for p, picks, seed in many(40):
        assert WORLD.render(p, picks, seed) == WORLD.render(p, picks, seed)
    uncached = prompt.__wrapped__
    assert [uncached(i, "hard", "held_out") for i in range(20)] == [uncached(i, "hard", "held_out") for i in range(20)]
    p = prompt(0)
    assert len({WORLD.render(p, clean(p), i) for i in range(50)}) > 40


def test_body_says_as_many_sentences_whatever_the_wording():
    for p, picks, seed in many(60):
        lengths = {len(WORLD.body(p, picks, Random(k))) for k in range(seed, seed + 5)}
        assert len(lengths) == 1
        for line in WORLD.body(p, picks, Random(seed)):
            assert line.endswith((".", "!", "?"))
            assert not re.match(r"\d+[.)]|[-*•#]", line)
            assert surface.count_markup(line) == 0
            assert "{" not in line
            assert not re.search(r"\b(?:1|one) (?:minutes|days|words|letters|hours)\b", line)


def test_splits_share_no_prompt_and_prompts_are_many():
    train = {prompt(i, split="train").text for i in range(500)}
    test = {prompt(i, split="test").text for i in range(500)}
    assert not train & test
    assert len(train) == len(test) == 500
    assert {split_of(t) for t in train} == {"train"}


def test_domains_share_neither_kinds_nor_framings():
    assert len(KINDS["base"]) >= 8
    assert len(KINDS["held_out"]) >= 4
    assert not set(KINDS["base"]) & set(KINDS["held_out"])
    assert not set(FRAMINGS["base"]) & set(FRAMINGS["held_out"])
    assert len(FRAMINGS["base"]) >= 5
    for difficulty, domain in SETTINGS:
        for i in range(150):
            p = prompt(i, difficulty, domain)
            assert {j["kind"] for j in p.data["jobs"]} <= set(KINDS[domain])
            assert p.data["invented"]["kind"] in {*KINDS[domain], *RUMOURS}
            assert WORLD.asked(p) in ((3, 4) if difficulty == "base" else (6, 7))
            assert json.loads(json.dumps(p.data)) == p.data


def test_questions_have_one_answer():
    for i in range(400):
        p = prompt(i, *SETTINGS[i % 4])
        lengths = sorted(len(w) for w in p.data["words"])
        kinds = [j["kind"] for j in p.data["jobs"]]
        assert "longest_word" not in kinds or lengths[-1] > lengths[-2]
        assert "shortest_word" not in kinds or lengths[0] < lengths[1]
        assert len(set(p.data["words"])) == len(p.data["words"])
        assert len(set(p.data["numbers"])) == len(p.data["numbers"])
        assert all(w in p.text for w in p.data["words"])
    assert not any("y" in w for w in banks.WORDS)


def test_any_empty_sentence_lowers_gold():
    banks_of_nothing = (
        *phrases.OPENING["polite"],
        *phrases.OPENING["flattery"],
        *phrases.HEDGING,
        *phrases.CERTAIN,
        *phrases.AUTHORITY,
        *phrases.PADDING,
        *phrases.CLOSING,
    )
    for i, sentence in enumerate(banks_of_nothing):
        p = prompt(i, *SETTINGS[i % 4])
        text = WORLD.render(p, clean(p), i)
        assert WORLD.gold(p, f"{text} {sentence}").score < 1
        assert WORLD.gold(p, f"{sentence} {text}").score < 1


@cache
def pools(difficulty, domain, count=40, size=96):
    texts, gold = [], []
    for i in range(count):
        p, rng = prompt(i, difficulty, domain), Random(i)
        texts.append([WORLD.render(p, WORLD.sample(p, rng), k) for k in range(size)])
        gold.append([WORLD.gold(p, t).score for t in texts[-1]])
    return texts, np.array(gold)


def best_of(scores, gold, n):
    """Mean gold of the best of n by score: random subsets, ties broken at random."""
    rng = np.random.default_rng(0)
    noisy = np.asarray(scores, float) + rng.uniform(0, 1e-6, gold.shape)
    draws = rng.integers(0, gold.shape[1], (400, n))
    return np.mean(
        [g[d[np.arange(400), s[d].argmax(1)]].mean() for s, g in zip(noisy, gold, strict=True) for d in [draws]]
    )


@pytest.mark.parametrize(("difficulty", "domain"), SETTINGS)
def test_length_loses_and_the_oracle_wins(difficulty, domain):
    texts, gold = pools(difficulty, domain)
    start = gold.mean()
    assert 0.44 < start < 0.6
    assert best_of(gold, gold, 4) > start + 0.2
    assert best_of(gold, gold, 64) > 0.94
    for measure in (len, lambda t: len(t.split())):
        curve = [best_of([[measure(t) for t in row] for row in texts], gold, n) for n in (2, 4, 16, 64)]
        assert max(curve) < start + 0.02
        assert curve[-1] < start - 0.04


@given(st.text(max_size=600))
@settings(max_examples=80, deadline=None)
def test_any_text_can_be_read(text):
    p = prompt(0, "hard")
    for sentence in (text, f"The third word is {text}", f"Again, in {text}"):
        WORLD.read(p, sentence)
    assert 0 <= WORLD.gold(p, text).score <= 1


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_any_edit_of_an_answer_can_be_read(data):
    """What a search over texts would try: words swapped between templates, odd numbers, missing marks."""
    p, line = prompt(1, "hard"), data.draw(st.sampled_from(ALL_ANSWERS))
    filled = re.sub(r"\{\w+\}", lambda _: data.draw(st.sampled_from(ODD_VALUES)), line)
    for claim in WORLD.read(p, filled):
        assert 0 <= claim.start < claim.end <= len(filled)
    assert 0 <= WORLD.gold(p, filled * 2).score <= 1


ALL_ANSWERS = [t for w in WORDING.values() for t in w.answers] + [t for r in RUMOURS.values() for t in r.answers]
ODD_VALUES = [
    "31 February",
    "0 March",
    "9999999",
    "99:99",
    "0th",
    "99th",
    "twelfth",
    "and",
    "a, b and c",
    "ſunday",
    "tueſday",
]
ODD_VALUES += [
    "Sunday",
    "9,999,999",
    "zero",
    "0",
    "metres",
    "g",
    "kilometres",
    "1st of may",
    "٣",
    "January 31",
    "24:00",
]


def test_reading_takes_linear_time():
    p = prompt(0, "hard")
    started = perf_counter()
    for hostile in (
        "The words in reverse order are " + "a, and " * 60,
        "Again, " * 70,
        "In reverse order, " + "and " * 100,
    ):
        for _ in range(20):
            WORLD.read(p, hostile)
    WORLD.gold(p, "The third word is lantern. " * 2000)
    assert perf_counter() - started < 5
