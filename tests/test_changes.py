"""Changes of a pair: what each leaves alone, whom it favours, and that any prefix of a task is balanced."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import cache
from random import Random

import pytest
import yaml

from rmbench.errors import TaskError
from rmbench.models import ModelOptions, load_model
from rmbench.recipes import build_items, recipe_names
from rmbench.recipes.changes import Case, changes, get_change, numerals, spelling, turns
from rmbench.recipes.changes.base import content
from rmbench.task import load_task, tasks_root
from rmbench.worlds import get_world, prompt_from_tags, worlds
from rmbench.worlds.base import split_of

TASKS = ("bias_probes", "perturbation", "multi_turn")
NAMES = sorted(changes())
PROBES = [name for name in NAMES if changes()[name].probe]
REWRITES = [name for name in NAMES if not changes()[name].probe]
MARGIN = 0.2


def settings(names, pairs):
    return {
        "recipe": "changed_pairs",
        "worlds": ["records", "arithmetic", "instructions", "transforms"],
        "pairs": pairs,
        "seed": 1_900_000,
        "margin": MARGIN,
        "changes": list(names),
    }


@cache
def twins(name, pairs=16):
    """(base, shift) of each pair that one change was made to."""
    items = build_items(settings([name], pairs), "test")
    return list(zip(items[::2], items[1::2], strict=True))


@cache
def card(name):
    return yaml.safe_load((tasks_root() / "generalisation" / name / "card.yaml").read_text())["build"]


def better_first(item):
    order = sorted((0, 1), key=lambda k: -item.gold[k])
    return [item.responses[k] for k in order], [item.gold[k] for k in order]


def test_changes_are_found_by_module():
    assert {*PROBES} == {*card("bias_probes")["changes"]}
    assert {*REWRITES} == {*card("perturbation")["changes"], *card("multi_turn")["changes"]}
    assert "changes" not in recipe_names()
    with pytest.raises(TaskError, match=r"there is no change 'flatery' \(did you mean 'flattery'\?\); known: "):
        get_change("flatery")


def test_a_change_needs_a_world_that_it_fits():
    with pytest.raises(TaskError, match="the change boxed fits none of the worlds records"):
        build_items(settings(["boxed"], 1) | {"worlds": ["records"]}, "test")
    with pytest.raises(TaskError, match="are more than the 2000 that seeds allow"):
        build_items(settings(["boxed", "casing"], 1001), "test")


@pytest.mark.parametrize("name", NAMES)
def test_the_same_settings_give_the_same_items(name):
    again = build_items(settings([name], 3), "test")
    assert again == [item for pair in twins(name)[:3] for item in pair]


@pytest.mark.parametrize("name", NAMES)
def test_twins_tell_what_they_are(name):
    for base, shift in twins(name):
        assert (base.tags["split"], shift.tags["split"]) == ("base", "shift")
        assert base.group == shift.group == base.tags["twin"] == shift.tags["twin"]
        assert (shift.tags["change"], shift.tags["category"]) == (name, name)
        assert not {"change", "category", "favours"} & base.tags.keys()
        assert ("favours" in shift.tags) == changes()[name].probe
        assert base.tags["world"] in changes()[name].worlds
        assert base.prompt == prompt_from_tags(base.tags).messages
        assert split_of(base.prompt[0]["content"]) == "test"


@pytest.mark.parametrize("name", NAMES)
def test_the_better_answer_stays_the_better_one(name):
    kind = changes()[name].kind
    for base, shift in twins(name):
        world, prompt = get_world(base.tags["world"]), prompt_from_tags(base.tags)
        assert [world.gold(prompt, text).score for text in base.responses] == list(base.gold)
        better = max((0, 1), key=lambda k: base.gold[k])
        for item in (base, shift):
            assert item.gold[better] - item.gold[1 - better] >= MARGIN
        if kind == "answer":
            assert [world.gold(prompt, text).score for text in shift.responses] == list(shift.gold)
            assert all(after <= before for before, after in zip(base.gold, shift.gold, strict=True))
        else:
            assert shift.gold == base.gold


@pytest.mark.parametrize("name", NAMES)
def test_nothing_differs_but_what_the_change_says(name):
    kind = changes()[name].kind
    for base, shift in twins(name):
        assert (base.prompt, base.responses) != (shift.prompt, shift.responses)
        changed = [a != b for a, b in zip(base.responses, shift.responses, strict=True)]
        if kind == "prompt":
            assert not any(changed)
        if kind == "answer":
            assert base.prompt == shift.prompt
            assert sum(changed) == 1
            better = max((0, 1), key=lambda k: base.gold[k])
            assert changed[better] == (shift.tags["favours"] == "better")


@pytest.mark.parametrize("name", [name for name in PROBES if changes()[name].kind == "answer"])
def test_a_habit_leaves_what_is_said_alone(name):
    for base, shift in twins(name):
        world, prompt = get_world(base.tags["world"]), prompt_from_tags(base.tags)
        for before, after in zip(base.responses, shift.responses, strict=True):
            old, new = world.gold(prompt, before), world.gold(prompt, after)
            assert content(old.parts) == content(new.parts)
            if name != "markdown":
                assert all(sentence in after for sentence in re.split(r"(?<=[.!?]) ", before))
            else:
                bare = re.sub(r"\*\*|^- |^#+ .*$", "", after, flags=re.MULTILINE)
                assert bare.split() == before.split()


@pytest.mark.parametrize("name", PROBES)
def test_both_sides_wear_it_equally_often(name):
    seen = Counter((base.tags["world"], shift.tags["favours"]) for base, shift in twins(name, 24))
    assert len({*seen.values()}) == 1
    assert sum(seen.values()) == 24


@pytest.mark.parametrize("name", NAMES)
def test_length_knows_nothing_about_the_base(name):
    longer = Counter()
    for base, _ in twins(name, 24):
        (better, worse), _ = better_first(base)
        assert len(better) != len(worse)
        longer[len(better) > len(worse)] += 1
    assert longer[True] == longer[False]


@pytest.mark.parametrize("task", TASKS)
def test_any_prefix_is_balanced(task):
    """After each round of all the changes, none is ahead; and no side, world or length by more than a few."""
    build = dict(card(task)) | {"pairs": 8}
    shifted = build_items(build, task)[1::2]
    count = len(build["changes"])
    for end in range(count, len(shifted) + 1, count):
        part = shifted[:end]
        assert {*Counter(item.tags["category"] for item in part).values()} == {end // count}
        sides = Counter(item.tags["favours"] for item in part if "favours" in item.tags)
        assert abs(sides["better"] - sides["worse"]) <= 2
        longer = sum(len(one) > len(other) for one, other in (better_first(item)[0] for item in part))
        if task != "bias_probes":  # there, the worn side is the longer one
            assert abs(2 * longer - end) < count


def test_sycophancy_is_a_remark_that_agrees_with_one_answer():
    """What is added after the prompt holds a value that the favoured answer states and the other one does not."""
    for base, shift in twins("sycophancy", 24):
        before, after = base.prompt[0]["content"], shift.prompt[0]["content"]
        assert after.startswith(before)
        world, prompt = get_world(base.tags["world"]), prompt_from_tags(base.tags)
        claims = [world.gold(prompt, text).claims for text in better_first(base)[0]]
        favoured = 0 if shift.tags["favours"] == "better" else 1
        stated = {(c.key, c.value) for c in claims[favoured] if c.ok != bool(favoured) and c.key != "filler"}
        others = {(c.key, c.value) for c in claims[1 - favoured]}
        remark = re.sub(r"(?<=\d),(?=\d{3})", "", after[len(before) :].lower()).replace(" and ", ", ")
        assert any(_in(value, remark) for _, value in stated - others), remark


def _in(value, remark):
    forms = [str(value).lower(), *([numerals.spoken(int(value))] if value.isdigit() and int(value) < 100 else [])]
    return any(re.search(rf"(?<![\w.]){re.escape(form)}(?!\w|\.\d)", remark) for form in forms)


@pytest.mark.parametrize("name", ["prompt_typos", "answer_typos"])
def test_typos_stay_out_of_what_decides(name):
    for base, shift in twins(name):
        world, prompt = get_world(base.tags["world"]), prompt_from_tags(base.tags)
        texts = [(base.prompt[0]["content"], shift.prompt[0]["content"])]
        if name == "answer_typos":
            texts = list(zip(base.responses, shift.responses, strict=True))
        slips = []
        for before, after in texts:
            old, new = before.split(" "), after.split(" ")
            assert len(old) == len(new)
            changed = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
            assert all(
                re.sub(r"[a-z]", "", a) == re.sub(r"[a-z]", "", b) for a, b in changed
            )  # capitals, digits, marks
            slips.append(len(changed))
            if name == "answer_typos":
                for claim in world.gold(prompt, before).claims:
                    if claim.key not in {"topic", "filler"}:
                        assert before[claim.start : claim.end] in after
        assert min(slips) >= spelling.FEWEST
        assert len({*slips}) == 1  # as many in one answer as in the other


def test_no_slip_makes_another_word():
    """Over all the words that our worlds use."""
    known = set()
    for name, world in worlds().items():
        rng = Random(name)
        for seed in range(150):
            prompt = world.prompt(1_950_000 + seed)
            text = world.render(prompt, world.sample(prompt, rng), seed)
            known |= {*re.findall(r"[a-z]+", f"{prompt.text} {text}".lower())}
    assert len(known) > 1000
    rng = Random(0)
    for word in sorted(known):
        if len(word) >= spelling.LEAST:
            made = {spelling.misspell(word, rng) for _ in range(40)} - {None}
            assert made
            assert not made & (known | spelling.WORDS | {word})
            assert all((m[0], m[-1]) == (word[0], word[-1]) for m in made)


def test_slips_of_one_word():
    made = {spelling.misspell("later", Random(k)) for k in range(200)}
    assert made == {"ltaer", "laetr", "laater", "lateer"}  # not "latter"
    assert {spelling.misspell("apple", Random(k)) for k in range(200)} >= {"aple", "appple"} - {"appple"}


@pytest.mark.parametrize(
    ("number", "words"), [(0, "zero"), (12, "twelve"), (20, "twenty"), (21, "twenty-one"), (99, "ninety-nine")]
)
def test_numbers_in_words(number, words):
    assert numerals.spoken(number) == words


@pytest.mark.parametrize(
    ("clock", "spoken"), [("00:10", "12:10 am"), ("08:30", "8:30 am"), ("12:05", "12:05 pm"), ("18:00", "6:00 pm")]
)
def test_times_of_day(clock, spoken):
    assert numerals.twelve_hours(f"at {clock}, then") == f"at {spoken}, then"
    assert numerals.twelve_hours("in 1:30:00 or 25:10") == "in 1:30:00 or 25:10"


def test_numbers_keep_their_value():
    """Put back into figures, the shifted texts are those of the base."""
    for base, shift in twins("number_format", 24):
        pairs = [(base.prompt[0]["content"], shift.prompt[0]["content"])]
        pairs += zip(base.responses, shift.responses, strict=True)
        for before, after in pairs:
            assert _figures(before) == _figures(after)


def _figures(text):
    text = re.sub(r"(?<=\d),(?=\d{3})", "", numerals.twelve_hours(text).lower())
    for n in range(99, -1, -1):
        text = re.sub(rf"\b{numerals.spoken(n)}\b", str(n), text)
    months = "january|february|march|april|may|june|july|august|september|october|november|december"
    return re.sub(rf"({months}) (\d+)", r"\2 \1", text)


def test_a_box_is_around_the_answer_and_nothing_else():
    for base, shift in twins("boxed"):
        world, prompt = get_world(base.tags["world"]), prompt_from_tags(base.tags)
        for before, after in zip(base.responses, shift.responses, strict=True):
            (value,) = re.findall(r"\\boxed\{(\d+)\}", after)
            assert {c.value for c in world.gold(prompt, before).claims if c.key == "answer"} == {value}
            assert re.sub(r"\$?\\boxed\{(\d+)\}\$?", r"\1", after) == before


def test_case_and_space_are_all_that_changes():
    for name in ("casing", "whitespace"):
        for base, shift in twins(name):
            for before, after in zip(
                [*(m["content"] for m in base.prompt), *base.responses],
                [*(m["content"] for m in shift.prompt), *shift.responses],
                strict=True,
            ):
                assert before.lower().split() == after.lower().split()
                assert name == "casing" or before.split() == after.split()


def shifted(task, change):
    return [item for item in load_task(task).items if item.tags.get("change") == change]


def test_answers_asked_for_in_capitals_keep_them():
    items = {item.id: item for item in load_task("perturbation").items}
    found = shifted("perturbation", "casing")
    asked = [item for item in found if re.search("capital|upper case", item.prompt[-1]["content"], re.IGNORECASE)]
    assert asked
    for item in asked:
        assert item.responses == items[item.id.replace("-shift", "-base")].responses


def test_no_probe_breaks_a_limit_that_its_prompt_sets():
    for item in load_task("bias_probes").items:
        if item.tags["split"] == "base" or item.tags["world"] not in {"records", "instructions"}:
            continue
        assert item.tags["change"] != "length"
        if item.tags["change"] == "judge_instruction" and item.tags["world"] == "instructions":
            assert "sentence" not in item.prompt[0]["content"]
    limits = [item for item in load_task("bias_probes").items if item.tags["world"] == "records"]
    for item in limits:
        most = int(re.search(r"(\d+) words", item.prompt[0]["content"])[1])
        base = next(i for i in limits if i.tags["twin"] == item.tags["twin"] and i.tags["split"] == "base")
        for text, plain in zip(item.responses, base.responses, strict=True):
            assert len(text.split()) <= max(most, len(plain.split())), item.id


def test_order_is_all_that_changes():
    for base, shift in twins("reordering", 24):
        for before, after in zip(
            [*(m["content"] for m in base.prompt), *base.responses],
            [*(m["content"] for m in shift.prompt), *shift.responses],
            strict=True,
        ):
            assert sorted(before.split()) == sorted(after.split())


@pytest.mark.parametrize("name", ["small_talk", "other_question", "same_kind"])
def test_the_question_comes_last_and_as_it_was(name):
    counts = Counter()
    for base, shift in twins(name, 24):
        assert shift.prompt[-1] == base.prompt[0]
        roles = [turn["role"] for turn in shift.prompt]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
        counts[len(roles) // 2] += 1
        assert len({turn["content"] for turn in shift.prompt}) == len(roles)
        for turn in shift.prompt[:-1:2]:
            assert split_of(turn["content"]) == "test" or name == "small_talk"
    assert counts.keys() == {1, 2, 3}
    assert max(counts.values()) - min(counts.values()) <= 4


def test_earlier_answers_are_good_ones():
    for name in worlds():
        seen = [turns.answered(name, 1_960_000 + seed) for seed in range(20)]
        found = [exchange for exchange in seen if exchange]
        assert len(found) >= 15, name


def test_a_request_in_two_parts_is_the_request():
    for base, shift in twins("split_request", 24):
        given, _, asked = (turn["content"] for turn in shift.prompt)
        text = base.prompt[0]["content"]
        assert asked in text
        rest = text.replace(asked, "").split("\n")
        assert all(line.strip() in given for line in rest)


def test_synonyms_change_words_of_the_bank_alone():
    kept = defaultdict(int)
    for base, shift in twins("synonyms", 16):
        before = [*(m["content"] for m in base.prompt), *base.responses]
        after = [*(m["content"] for m in shift.prompt), *shift.responses]
        for one, other in zip(before, after, strict=True):
            assert re.findall(r"\d+", one) == re.findall(r"\d+", other)
            assert re.findall(r"\"[^\"]*\"", one) == re.findall(r"\"[^\"]*\"", other)
            kept[one == other] += 1
    assert kept[True]
    assert kept[False]


@pytest.mark.parametrize("name", TASKS)
def test_every_conversation_fits_the_window_of_the_embedded_model(name):
    model = load_model("tiny", ModelOptions())
    told = [item.conversation(k) for item in load_task(name).items for k in range(2)]
    texts = [model.tokenizer.apply_chat_template(list(conversation), tokenize=False) for conversation in told]
    assert max(map(len, model.tokenizer(texts)["input_ids"])) <= 1000


def test_a_change_that_does_not_fit_says_so():
    prompt = get_world("arithmetic").prompt(1_900_001)
    case = Case(get_world("arithmetic"), prompt, ("I cannot say.", "Nor can I."), 0, 0)
    for name in ("boxed", "sycophancy", "answer_typos", "synonyms"):
        if name != "synonyms":
            assert get_change(name).apply(case, Random(0)) is None
    assert numerals.CHANGES[0].apply(case, Random(0)) is not None  # the numbers of the story are in the prompt
