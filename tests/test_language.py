"""The language task: gold reads back what was written in every language, and twins differ in the language alone."""

import random
import re
from collections import Counter
from functools import cache
from random import Random

import pytest

from rmbench.errors import TaskError
from rmbench.models import ModelOptions, load_model
from rmbench.recipes import build_items
from rmbench.recipes._languages import CODES, notices
from rmbench.recipes._languages.base import slots
from rmbench.recipes._languages.plan import Facts, draw, expect, plan, sample
from rmbench.recipes._languages.schema import SHOWN, SUBJECTS
from rmbench.task import load_task

OTHERS = [code for code in CODES if code != "en"]
SCRIPT = {"ru": r"[а-яё]", "zh": r"[\u4e00-\u9fff]"}


@cache
def items():
    return load_task("language").items


def facts_about(subject, seed):
    return next(f for n in range(1000) if (f := draw(Random(f"{seed}/{n}"))).subject.key == subject)


def better_first(item):
    """The texts, the better one first."""
    return [text for _, text in sorted(zip(item.gold, item.responses, strict=True), reverse=True)]


def accuracy(chosen, score):
    """Share of pairs that a score of a text gets right; a tie is half right."""
    gaps = [score(better) - score(worse) for better, worse in map(better_first, chosen)]
    return sum((gap > 0) + (gap == 0) / 2 for gap in gaps) / len(gaps)


# The banks


@pytest.mark.parametrize("code", OTHERS)
def test_a_bank_says_all_that_the_english_one_does(code):
    english, other = notices("en").language, notices(code).language
    assert {habit: len(bank) for habit, bank in english.empty.items()} == {h: len(b) for h, b in other.empty.items()}
    for key, subject in SUBJECTS.items():
        theirs = other.subjects[key]
        assert theirs.says.keys() == english.subjects[key].says.keys()
        assert len(theirs.invented) == len(english.subjects[key].invented) == len(set(theirs.invented))
        for field in (subject.name, *subject.fields):  # no two values look alike
            forms = [tuple(other.show[field.kind](value).values()) for value in field.values]
            assert len(set(forms)) == len(field.values), (key, field.key)


@pytest.mark.parametrize("code", CODES)
def test_every_sentence_is_one_and_tells_its_fields(code):
    language = notices(code).language
    for key, wording in language.subjects.items():
        for keys, bank in wording.says.items():
            assert len(bank) >= 2, (key, keys)
            for template in bank:
                named = {name or keys[0] for name, letter in slots(template) if letter not in "st"}
                assert named == {*keys}, template
        whole = [*wording.invented, *(s for bank in language.empty.values() for s in bank)]
        for sentence in whole:
            assert [m.group() for m in language.end.finditer(sentence)] == [sentence]
    for request in language.requests:
        assert request.count("{record}") == 1


@pytest.mark.parametrize("code", SCRIPT)
def test_other_scripts_are_written_in_throughout(code):
    for item in items():
        if item.tags["language"] == code:
            for text in (item.prompt[0]["content"], *item.responses):
                assert re.search(SCRIPT[code], text)
                assert not re.search(r"[A-Za-bd-z]{2,}", text), text  # "°C" and "m²" are in every language


def test_the_rules_of_writing_values():
    show = {code: notices(code).language.show for code in CODES}
    assert [show[c]["price"](1080)["v"] for c in CODES] == ["1,080", "1.080", "1 080", "1080", "1080", "1080", "1080"]
    assert [show[c]["price"](8.5)["v"] for c in CODES] == ["8.50", *["8,50"] * 5, "8.50"]
    times = ["2:30 pm", "14:30", "14 h 30", "14:30", "14h30", "14:30", "14:30"]
    assert [show[c]["time"]((14, 30))["v"] for c in CODES] == times
    assert show["en"]["time"]((12, 0))["v"] == "12 pm"
    assert show["en"]["time"]((11, 0))["v"] == "11 am"
    dates = ["8 May", "8. Mai", "8 mai", "8 de mayo", "8 de maio", "8 мая", "5月8日"]
    assert [show[c]["date"]((8, 5))["v"] for c in CODES] == dates
    assert [show["ru"]["rooms"](n)["v"] for n in (2, 4, 5)] == ["2 комнаты", "4 комнаты", "5 комнат"]


def test_an_unknown_language_is_named():
    with pytest.raises(TaskError, match="'xx'; there are en, de"):
        notices("xx")


# The gold program


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("code", CODES)
def test_gold_reads_back_what_was_written(code, subject):
    notice = notices(code)
    for seed in range(60):
        rng = Random(f"{code}/{subject}/{seed}")
        facts = facts_about(subject, seed)
        picks = sample(facts, rng)
        text = notice.write(facts, plan(facts, picks, rng), rng)
        gold = notice.gold(facts, text)
        assert dict(gold.parts) == expect(facts, picks), text
        worth = gold.parts["right"] / (SHOWN + 2 * gold.parts["wrong"])
        assert 0 <= gold.score <= worth


@pytest.mark.parametrize("code", CODES)
def test_every_template_is_read_with_every_value(code):
    """Whatever a sentence says, the program hears that and nothing else, so no wording is ambiguous."""
    notice = notices(code)
    for subject in SUBJECTS.values():
        shown = tuple(range(3))
        facts = Facts(subject, 0, {field.key: shown for field in subject.fields}, 0.0, bullets=False)
        for pair in (*((f.key,) for f in subject.fields), *subject.pairs):
            for template in notice.language.subjects[subject.key].says[pair]:
                for seed in range(5):
                    told = {key: Random(f"{seed}/{key}").randrange(len(subject.field(key).values)) for key in pair}
                    said = notice.read(facts, fill_in(notice, subject, template, told))
                    assert dict(said) == told, template


def fill_in(notice, subject, template, told):
    forms = {
        key: notice.language.show[subject.field(key).kind](subject.field(key).values[v]) for key, v in told.items()
    }
    head = notice.language.subjects[subject.key].others[0]

    def slot(found):
        key, letter = found[1] or next(iter(told)), found[2]
        if letter in "st":
            return head if letter == "s" else head[0].lower() + head[1:]
        value = forms[key][letter.lower()]
        return value[0].upper() + value[1:] if letter.isupper() else value

    return re.sub(r"\{(?:(\w+)\.)?(\w)\}", slot, template)


def all_right(facts):
    return dict.fromkeys(facts.values, "right") | dict.fromkeys(
        ("invented", "polite", "padding", "closing", "repetition"), "none"
    )


@pytest.mark.parametrize("code", CODES)
def test_an_edited_value_is_wrong(code):
    notice = notices(code)
    for seed in range(40):
        facts = draw(Random(seed))
        text = notice.write(facts, plan(facts, all_right(facts), Random(seed)), Random(seed))
        assert notice.gold(facts, text).score == 1
        digits = [m.start() for m in re.finditer(r"\d", text)]
        for place in digits[:3]:
            edited = text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :]
            parts = notice.gold(facts, edited).parts
            assert parts["wrong"] == 1, edited
            assert parts["right"] == SHOWN - 1


@pytest.mark.parametrize("code", CODES)
def test_what_is_true_in_another_language_earns_nothing(code):
    for seed in range(20):
        facts = draw(Random(seed))
        for other in CODES:
            if other != code:
                text = notices(other).write(facts, plan(facts, all_right(facts), Random(seed)), Random(seed))
                gold = notices(code).gold(facts, text)
                assert gold.score == 0
                assert gold.parts["filler"] >= 1


@pytest.mark.parametrize("code", CODES)
def test_contradictions_repeats_and_silence(code):
    notice = notices(code)
    facts = draw(Random(7))
    picks = all_right(facts)
    right = notice.write(facts, plan(facts, picks, Random(1)), Random(1))
    key = next(iter(facts.values))
    wrong = notice.write(facts, plan(facts, {**picks, key: "wrong"}, Random(1)), Random(1))
    gap = notice.language.gap
    both = notice.gold(facts, right + gap + wrong).parts
    assert (both["right"], both["wrong"]) == (SHOWN - 1, 1)
    twice = notice.gold(facts, right + gap + right)
    assert twice.parts["repeats"] > 0
    assert twice.score < 1
    assert notice.gold(facts, "").score == 0
    polite = notice.language.empty["polite"][0]
    assert notice.gold(facts, polite + gap + right).score == pytest.approx(0.9608, abs=1e-4)  # exp(-0.04)
    assert notice.gold(facts, notice.ask(facts)).parts["right"] == 0  # the record itself is no answer in sentences


def test_the_record_shows_the_true_values():
    for code in CODES:
        notice = notices(code)
        for seed in range(20):
            facts = draw(Random(seed))
            moved = {key: (values[1], *values[1:]) for key, values in facts.values.items()}
            other = Facts(facts.subject, facts.name, moved, facts.request, facts.bullets)
            rows, others = notice.ask(facts).splitlines(), notice.ask(other).splitlines()
            assert sum(a != b for a, b in zip(rows, others, strict=True)) == SHOWN


# The task


def test_the_task_has_six_languages_in_three_scripts():
    assert Counter(i.tags["language"] for i in items()) == {"en": 420, **dict.fromkeys(OTHERS, 70)}
    assert all(i.tags["category"] == i.tags["language"] for i in items() if i.tags["split"] == "shift")
    assert not any("world" in i.tags for i in items())
    assert len({i.prompt[0]["content"] for i in items()}) > 0.99 * len(items())


def test_twins_differ_in_the_language_only():
    groups = {}
    for item in items():
        groups.setdefault(item.group, []).append(item)
    for base, shift in groups.values():
        assert (base.tags["split"], shift.tags["split"]) == ("base", "shift")
        assert base.tags["language"] == "en"
        assert base.tags["twin"] == shift.tags["twin"] == base.group
        assert base.gold == shift.gold
        assert abs(base.gold[0] - base.gold[1]) >= 0.1
        assert base.prompt[0]["content"].count("\n- ") == shift.prompt[0]["content"].count("\n- ")


def test_any_prefix_of_the_groups_is_balanced():
    groups = [*dict.fromkeys(item.group for item in items())]
    categories = {i.group: i.tags["category"] for i in items() if i.tags["split"] == "shift"}
    for size in (6, 24, 50, 200, 420):
        counts = Counter(categories[group] for group in groups[:size])
        assert max(counts.values()) - min(counts.get(code, 0) for code in OTHERS) <= 1


@pytest.mark.parametrize("split", ["base", "shift"])
def test_neither_length_nor_position_nor_form_tells(split):
    chosen = [i for i in items() if i.tags["split"] == split]
    assert accuracy(chosen, len) == 0.5  # by design, and so in each half
    assert abs(accuracy(chosen[: len(chosen) // 2], len) - 0.5) < 0.01
    assert (
        abs(accuracy(chosen, lambda text: len(re.findall(r"[.!?。！？]+(?:\s|$|(?=[^\s.!?。！？]))", text))) - 0.5)
        < 0.1
    )
    first = sum(i.gold[0] > i.gold[1] for i in chosen) / len(chosen)
    assert abs(first - 0.5) < 0.05  # 2 standard errors
    for code in {i.tags["language"] for i in chosen}:
        assert accuracy([i for i in chosen if i.tags["language"] == code], len) == 0.5


DIGIT_SCORES = {
    "in the record": lambda known, said: len({*said} & known),
    "not in the record": lambda known, said: -len({*said} - known),
    "the former less the latter": lambda known, said: len({*said} & known) - len({*said} - known),
    "each time": lambda known, said: sum(1 if number in known else -1 for number in said),
}


def by_digits(chosen, score):
    """The accuracy of a score that sees an answer's digits and the record's, and no word of either."""

    def of(item, text):
        return score({*re.findall(r"\d+", item.prompt[0]["content"])}, re.findall(r"\d+", text))

    gaps = [of(item, better) - of(item, worse) for item in chosen for better, worse in [better_first(item)]]
    return sum((gap > 0) + (gap == 0) / 2 for gap in gaps) / len(gaps)


@pytest.mark.parametrize("score", DIGIT_SCORES.values(), ids=DIGIT_SCORES)
def test_digits_alone_do_not_tell(score):
    base, shift = ([i for i in items() if i.tags["split"] == split] for split in ("base", "shift"))
    for chosen in (base, shift):
        for size in (24, 48, 100, 210, 420):
            assert abs(by_digits(chosen[:size], score) - 0.5) < 0.03
    for code in OTHERS:
        groups = {i.group for i in shift if i.tags["language"] == code}
        for chosen in (base, shift):
            assert abs(by_digits([i for i in chosen if i.group in groups], score) - 0.5) < 0.03


def test_every_conversation_fits_the_embedded_model():
    model = load_model("tiny", ModelOptions())
    longest = Counter()
    for item in items():
        for text in item.responses:
            chat = [*item.prompt, {"role": "assistant", "content": text}]
            size = len(model.tokenizer.apply_chat_template(chat, tokenize=True, return_dict=False))
            longest[item.tags["language"]] = max(longest[item.tags["language"]], size)
    assert max(longest.values()) < 1000, longest


def test_the_recipe_is_deterministic_and_refuses_what_it_cannot_do():
    build = {"recipe": "language", "languages": ["de", "zh"], "pairs": 2, "seed": 1}
    random.seed(0)
    first = build_items(build, "here")
    assert first == build_items(build, "here")
    assert [i.id for i in first][:4] == ["de-0000-base", "de-0000-shift", "zh-0000-base", "zh-0000-shift"]
    with pytest.raises(TaskError, match="language 'xx'"):
        build_items({**build, "languages": ["xx"]}, "here")
    with pytest.raises(TaskError, match=r"no pair with a gold margin of 5\.0"):
        build_items({**build, "margin": 5}, "here")
