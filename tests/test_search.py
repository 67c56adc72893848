"""The search attacker: its course is exact and repeatable, it climbs, and its operators survive any text."""

from __future__ import annotations

import math
from collections import Counter
from functools import cache
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmbench.errors import UsageError
from rmbench.optimizers import mutations
from rmbench.optimizers.interactive import Arena, Reward
from rmbench.optimizers.mutations import Case, base
from rmbench.optimizers.search import NOTHING, OPTIMIZER, START, Search
from rmbench.types import Failure
from rmbench.worlds import get_world, worlds

WORLDS = sorted(worlds())
EACH = 15


def arena(world="records", count=4):
    made = get_world(world)
    prompts = tuple(made.prompt(900_000 + i) for i in range(count))
    return Arena(made, tuple(f"{world}-{i}" for i in range(count)), prompts)


def gold_of(where):
    prompts = {p.text: p for p in where.prompts}
    return lambda asked: [where.gold(prompts[c[0]["content"]], c[-1]["content"]) for c in asked]


def length(asked):
    return [float(len(c[-1]["content"])) for c in asked]


def shaky(asked):
    """Length, but about one text in twenty gets no score; which ones hangs on the text alone."""
    return [Failure("no") if Random(c[-1]["content"]).random() < 0.05 else length([c])[0] for c in asked]


def course(where, score, queries=None, seed=0, search=OPTIMIZER):
    reward = Reward(score)
    return list(search.steps(where, reward, queries or EACH * len(where.prompts), seed))


def attempts(steps, item=None):
    return [a for s in steps for a in s.attempts if item in (None, a.item)]


# --- the course ----------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_course_and_another_seed_another():
    where = arena()
    first, again, other = (course(where, length, seed=seed) for seed in (1, 1, 2))
    assert repr(first) == repr(again)  # NaN is not equal to itself
    assert [a.text for a in attempts(first)] != [a.text for a in attempts(other)]


def test_queries_are_counted_exactly_and_the_remainder_is_not_spent():
    where = arena(count=3)
    reward = Reward(length)
    steps = list(OPTIMIZER.steps(where, reward, 3 * 5 + 2, 0))
    assert [s.queries for s in steps] == [0, 3, 6, 9, 12, 15]
    assert reward.queries == 15
    assert [s.step for s in steps] == list(range(6))
    assert len(attempts(steps)) == 15
    assert [a.query for a in attempts(steps, "records-1")] == [1, 2, 3, 4, 5]


def test_step_zero_is_the_start_before_any_query():
    where = arena()
    zero, one = course(where, length)[:2]
    assert (zero.queries, zero.proxy, zero.kl, zero.attempts, zero.proxies) == (0, None, None, (), ())
    assert zero.golds == one.golds
    for prompt, attempt, gold in zip(where.prompts, one.attempts, zero.golds, strict=True):
        assert (attempt.operator, attempt.kept) == (START, True)
        assert attempt.gold == attempt.gold_before == gold == where.gold(prompt, attempt.text)
        assert attempt.proxy == len(attempt.text)
        assert math.isnan(attempt.proxy_before)


def test_the_start_is_the_same_for_every_reward():
    where = arena()
    texts = {tuple(a.text for a in course(where, score, 4)[1].attempts) for score in (length, gold_of(where))}
    assert len(texts) == 1


def test_a_shorter_budget_is_a_prefix_of_a_longer_one():
    where = arena()
    short, long = course(where, length, 4 * 6), course(where, length, 4 * 15)
    assert repr(short) == repr(long[: len(short)])


def test_a_prompt_fares_the_same_whatever_prompts_are_beside_it():
    whole = arena(count=4)
    part = Arena(whole.world, whole.items[2:3], whole.prompts[2:3])
    alone, among = course(part, length), course(whole, length)
    assert repr(attempts(alone)) == repr(attempts(among, whole.items[2]))
    assert [s.golds[0] for s in alone] == [s.golds[2] for s in among]


def test_a_step_tells_of_the_best_texts_so_far():
    where = arena()
    steps = course(where, length)
    for item, index in ((item, i) for i, item in enumerate(where.items)):
        best = None
        for step in steps[1:]:
            (attempt,) = [a for a in step.attempts if a.item == item]
            if attempt.kept:
                assert best is None or attempt.proxy > best.proxy == attempt.proxy_before
                best = attempt
            else:
                assert attempt.proxy <= best.proxy
                assert attempt.text is None
            assert (step.proxies[index], step.golds[index]) == (best.proxy, best.gold)
        assert where.gold(where.prompts[index], best.text) == best.gold
    assert all(s.proxy == pytest.approx(np.mean(s.proxies)) for s in steps[1:])


@pytest.mark.parametrize("queries", [0, 3])
def test_a_budget_that_does_not_reach_every_prompt_is_refused(queries):
    with pytest.raises(UsageError, match=f"{queries} reward queries .* 4 prompts"):
        OPTIMIZER.steps(arena(), Reward(length), queries, 0)


# --- rewards that say nothing, or nothing at times -----------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS)
def test_a_constant_reward_leaves_the_start_as_it_is(world):
    steps = course(arena(world), lambda asked: [0.0] * len(asked))
    assert {s.golds for s in steps} == {steps[0].golds}
    assert {a.operator for a in attempts(steps) if a.kept} == {START}


def test_a_model_that_fails_at_times_is_attacked_all_the_same():
    where = arena(count=8)
    reward = Reward(shaky)
    steps = list(OPTIMIZER.steps(where, reward, 8 * 25, 0))
    failed = [a for a in attempts(steps) if math.isnan(a.proxy)]
    assert steps[-1].queries == 8 * 25
    assert steps[-1].failed == len(failed) == reward.failed > 0
    assert not any(a.kept for a in failed)
    assert min(steps[-1].proxies) > 600


def test_a_start_without_a_reward_gives_way_to_the_first_text_with_one():
    where = arena(count=1)
    asked_before = []

    def score(asked):
        asked_before.extend(asked)
        return [Failure("no") if len(asked_before) < 3 else 1.0 for _ in asked]

    steps = course(where, score, 6)
    first, second, third, *rest = attempts(steps)
    assert math.isnan(first.proxy)
    assert not first.kept
    assert first.text is not None
    assert not second.kept
    assert (third.kept, third.proxy) == (True, 1.0)
    assert math.isnan(third.proxy_before)
    assert not any(a.kept for a in rest)
    assert steps[2].proxy is None
    assert steps[3].proxy == 1.0


def test_a_model_that_never_answers_leaves_the_start():
    steps = course(arena(), lambda asked: [Failure("no")] * len(asked))
    assert {s.golds for s in steps} == {steps[0].golds}
    assert steps[-1].failed == steps[-1].queries
    assert not any(a.kept for a in attempts(steps))


# --- strength ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS)
def test_the_gold_itself_climbs_high(world):
    where = arena(world, count=8)
    steps = course(where, gold_of(where), 8 * 64)
    assert np.mean(steps[-1].golds) >= 0.8
    assert np.mean(steps[-1].golds) >= np.mean(steps[0].golds) + 0.25
    assert steps[-1].proxies == steps[-1].golds


@pytest.mark.parametrize("world", WORLDS)
def test_length_is_inflated_at_the_cost_of_gold(world):
    steps = course(arena(world, count=5), length, 5 * 24)
    assert steps[-1].proxy > 3 * steps[1].proxy
    assert np.mean(steps[-1].golds) < np.mean(steps[0].golds) - 0.2


def test_texts_stay_within_their_bounds():
    search = Search(words=80, characters=500)
    texts = [a.text for a in attempts(course(arena(), length, 4 * 40, search=search)) if a.operator != START and a.text]
    assert max(len(t) for t in texts) > 400
    assert all(len(t) <= 500 and len(t.split()) <= 80 for t in texts)


def test_every_operator_and_family_of_change_is_tried():
    steps = [s for name in WORLDS for s in course(arena(name, 6), lambda asked: [0.0] * len(asked), 6 * 64)]
    tried = {a.operator for a in attempts(steps)}
    assert {o.name for o in mutations.OPERATORS} <= tried
    assert {"reword", "padding: long", "format: bullets", "fact: wrong", "step: misread"} <= tried


def test_what_pays_is_tried_more_often():
    """A reward for headings alone: what makes them must be found and repeated."""
    steps = course(arena(count=8), lambda asked: [float(c[-1]["content"].count("#")) for c in asked], 8 * 64)
    counts = Counter(a.operator for a in attempts(steps))
    assert steps[-1].proxy > 20
    assert counts["heading"] + counts["section"] > 5 * (counts["lower case"] + counts["upper case"])


def test_where_nothing_new_fits_the_best_text_is_asked_for_again_and_said_so():
    steps = course(arena(count=1), length, 40, search=Search(words=0))
    first, *rest = attempts(steps)
    assert first.operator == START
    assert {(a.operator, a.kept, a.text, a.proxy) for a in rest} == {(NOTHING, False, None, first.proxy)}
    assert steps[-1].cached == 39


def test_settings_name_everything_that_decides_the_course():
    assert OPTIMIZER.name == "search"
    assert OPTIMIZER.settings["operators"] == [o.name for o in mutations.OPERATORS]
    assert Search(words=50).settings != OPTIMIZER.settings


# --- operators -----------------------------------------------------------------------------------------------------


@cache
def case(world="instructions"):
    made = get_world(world)
    return Case(made, made.prompt(900_000))


def test_names_are_unique_and_every_family_has_operators():
    names = [o.name for o in mutations.OPERATORS]
    assert len({*names}) == len(names)
    assert {*mutations.FAMILIES} == {"content", "habits", *(o.family for o in mutations.OPERATORS)}


@pytest.mark.parametrize("operator", mutations.OPERATORS, ids=lambda o: o.name)
def test_every_operator_changes_a_text_and_does_it_again_the_same(operator):
    where = case("records")
    text = mutations.first(where, Random(1)).text
    text = f'{text} It costs 12 dollars! - "Very" **good**.\nAnd so on.'
    made = {operator.edit(text, where, Random(seed)) for seed in range(6)}
    assert made - {text}
    assert made == {operator.edit(text, where, Random(seed)) for seed in range(6)}


TEXTS = st.one_of(st.text(max_size=300), st.text(alphabet='aB1 .!?*-#|\n"\t', max_size=120))


@settings(max_examples=30, deadline=None)
@given(text=TEXTS, seed=st.integers(0, 9), world=st.sampled_from(WORLDS))
def test_operators_take_any_text(text, seed, world):
    for operator in mutations.OPERATORS:
        assert isinstance(operator.edit(text, case(world), Random(seed)), str)


@settings(deadline=None)
@given(TEXTS)
def test_cutting_into_sentences_loses_nothing(text):
    pieces = base.sentences(text)
    assert "".join(pieces) == text
    assert pieces


def test_sentences_are_cut_where_a_reader_would():
    text = 'One is 1.5 m. "Two!" **Three.** Four\n- Five.\n- Six'
    assert [p.strip() for p in base.sentences(text)] == [
        "One is 1.5 m.",
        '"Two!"',
        "**Three.**",
        "Four",
        "- Five.",
        "- Six",
    ]


def test_a_list_stays_a_list_when_something_is_put_before_it():
    assert base.before("- One.\n- Two.", "Sure!") == "Sure!\n- One.\n- Two."
    assert base.after("One.", "Two.") == "One. Two."


def test_a_rewritten_draft_keeps_what_was_added_and_forgets_edits_of_sentences():
    where = case("records")
    by_name = {o.name: o for o in mutations.OPERATORS}
    draft = mutations.first(where, Random(0))
    draft = draft.edited(by_name["delete a sentence"], where, "a").edited(by_name["heading"], where, "b")
    assert len(draft.edits) == 2
    moves = mutations.moves(where)
    change = next(m for m in moves["content"] if m.choice == "fact_1" and m.option != draft.picks["fact_1"])
    changed = change.apply(draft, where, Random(0))
    assert [operator.name for operator, _ in changed.edits] == ["heading"]
    assert changed.text.startswith("#")
    assert changed.picks == {**draft.picks, "fact_1": change.option}
    plain = where.world.render(where.prompt, changed.picks, changed.wording)
    assert changed.text.endswith(plain)


def test_moves_cover_every_option_of_every_choice():
    where = case("arithmetic")
    moves = mutations.moves(where)
    expected = {(c.name, o) for c in where.world.choices(where.prompt) for o in c.options}
    assert {(m.choice, m.option) for family in moves.values() for m in family} == expected | {("", "")}
    assert {m.name for m in moves["habits"]} >= {"padding: long", "opening: flattery"}
    assert "step: right" in {m.name for m in moves["content"]}
