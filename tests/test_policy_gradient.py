"""The policy gradient: exact KL, the right gradient, the ends of the scale, exact counts."""

import itertools
import math
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rmbench.optimizers.interactive import Arena, Reward
from rmbench.optimizers.policy_gradient import Draw, Measured, Policy, PolicyGradient, kind_of, leave_one_out
from rmbench.task import discover, load_task, read_reference
from rmbench.types import Failure
from rmbench.worlds import get_world, practice_prompts, worlds

SMALL = PolicyGradient(prompts=4, responses=4, practice=8, answers=2)


def arena(world, prompts=3):
    made = tuple(get_world(world).prompt(100_000 + i) for i in range(prompts))
    return Arena(get_world(world), tuple(f"{world}-{i}" for i in range(prompts)), made)


def moved(world="transforms", seed=0):
    """A policy away from the reference, and its practice prompts."""
    practice = practice_prompts(world, 4)
    policy = Policy(get_world(world), practice)
    rng = np.random.default_rng(seed)
    for prompt in practice:
        for choice in policy.world.choices(prompt):
            policy.shift.setdefault(kind_of(choice), rng.normal(size=len(choice.options)))
    return policy, practice


def log_prob(policy, prompt, picks):
    """Of a whole set of picks, from nothing but the definition."""
    total = 0.0
    for choice in policy.world.choices(prompt):
        raised = [
            p * math.exp(s) for p, s in zip(choice.probs, policy.shift.get(kind_of(choice), [0] * 9), strict=False)
        ]
        total += math.log(raised[choice.options.index(picks[choice.name])] / sum(raised))
    return total


def test_kl_equals_the_sum_over_every_joint_choice():
    policy, practice = moved()
    expected = []
    for prompt in practice:
        choices = policy.world.choices(prompt)[:5]  # 3^4 * 2 joint choices; those beyond are independent of them
        rest = policy.world.choices(prompt)[5:]
        kl = 0.0
        for joint in itertools.product(*(range(len(c.options)) for c in choices)):
            p = math.prod(policy.probs(kind_of(c), c.probs)[i] for c, i in zip(choices, joint, strict=True))
            q = math.prod(c.probs[i] for c, i in zip(choices, joint, strict=True))
            kl += p * math.log(p / q)
        for c in rest:
            p = policy.probs(kind_of(c), c.probs)
            kl += float(p @ np.log(p / np.array(c.probs)))
        expected.append(kl)
    assert policy.kl() == pytest.approx(np.mean(expected), rel=1e-12)


def test_kl_agrees_with_samples():
    policy, practice = moved()
    rng = Random(1)
    ratios = []
    for _ in range(4000):
        prompt = rng.choice(practice)
        picks = {c.name: policy.pick(c, rng.random()) for c in policy.world.choices(prompt)}
        reference = sum(math.log(c.probs[c.options.index(picks[c.name])]) for c in policy.world.choices(prompt))
        ratios.append(log_prob(policy, prompt, picks) - reference)
    assert np.mean(ratios) == pytest.approx(policy.kl(), abs=4 * np.std(ratios) / math.sqrt(len(ratios)))


def test_a_step_follows_the_gradient_of_the_log_probability():
    policy, practice = moved()
    draw = Draw.of(policy, practice[0], Random(2))
    before = {kind: shift.copy() for kind, shift in policy.shift.items()}
    slopes = {}
    for kind, shift in policy.shift.items():
        slopes[kind] = np.zeros_like(shift)
        for i in range(shift.size):
            ends = []
            for h in (1e-5, -1e-5):
                policy.shift[kind] = before[kind].copy()
                policy.shift[kind][i] += h
                ends.append(log_prob(policy, draw.prompt, draw.picks))
            slopes[kind][i] = (ends[0] - ends[1]) / 2e-5
        policy.shift[kind] = before[kind].copy()
    policy.learn([draw], np.array([2.0]), rate=0.1, kl_penalty=0.0)
    for kind, slope in slopes.items():
        assert policy.shift[kind] - before[kind] == pytest.approx(0.2 * slope, abs=1e-8)


def test_the_penalty_follows_the_gradient_of_the_kl():
    policy, practice = moved()
    draw = Draw.of(policy, practice[0], Random(2))
    kind = next(iter(policy.shift))
    before, slope = policy.shift[kind].copy(), np.zeros(policy.shift[kind].size)
    for i in range(slope.size):
        ends = []
        for h in (1e-5, -1e-5):
            policy.shift[kind] = before.copy()
            policy.shift[kind][i] += h
            ends.append(policy.kl())
        slope[i] = (ends[0] - ends[1]) / 2e-5
    policy.shift[kind] = before.copy()
    policy.learn([draw], np.array([0.0]), rate=1.0, kl_penalty=0.5)
    assert policy.shift[kind] - before == pytest.approx(-0.5 * slope, abs=1e-8)


@pytest.mark.parametrize("world", sorted(worlds()))
def test_an_unmoved_policy_is_the_reference(world):
    ground = arena(world)
    policy = Policy(ground.world, practice_prompts(world, 4))
    assert policy.kl() == 0.0
    rng, other = Random(5), Random(5)
    for prompt in ground.prompts:
        picks = {c.name: policy.pick(c, rng.random()) for c in ground.world.choices(prompt)}
        assert picks == ground.world.sample(prompt, other)


def test_advantages_by_a_plain_loop():
    rewards = np.array([[1.0, 2.0, 6.0], [4.0, np.nan, 0.0], [np.nan, np.nan, 5.0]])
    plain = np.zeros_like(rewards)
    for i, row in enumerate(rewards):
        for j, r in enumerate(row):
            others = [x for k, x in enumerate(row) if k != j and not np.isnan(x)]
            plain[i, j] = r - np.mean(others) if others and not np.isnan(r) else 0.0
    used = [plain[0, 0], plain[0, 1], plain[0, 2], plain[1, 0], plain[1, 2]]
    assert leave_one_out(rewards) == pytest.approx(plain / np.std(used))


@settings(max_examples=50, deadline=None)
@given(arrays(float, (3, 4), elements=st.floats(-100, 100, width=32)), st.floats(0.125, 50), st.floats(-50, 50))
def test_advantages_do_not_know_the_scale(rewards, scale, offset):
    if np.ptp(rewards) < 1e-3:
        return
    plain = leave_one_out(rewards)
    if np.abs(plain).max() > 0 and np.ptp(rewards, axis=1).max() > 1e-3:
        assert leave_one_out(scale * rewards + offset) == pytest.approx(plain, abs=1e-5)


def test_rounding_teaches_nothing():
    """Equal rewards to a prompt leave differences of 1e-17, which must not be blown up to full advantages."""
    rng = np.random.default_rng(0)
    assert not leave_one_out(np.repeat(rng.normal(size=(16, 1)), 8, axis=1)).any()
    failing = np.full((16, 8), 0.7)
    failing[1, 2] = np.nan
    assert not leave_one_out(failing).any()


def test_rewards_as_large_as_floats_go_are_rewards():
    huge = leave_one_out(np.array([[1e308, -1e308, 1e308, 0.0]]))
    assert huge == pytest.approx(leave_one_out(np.array([[1.0, -1.0, 1.0, 0.0]])))


def course(world, score, queries=64, *, seed=0, optimizer=SMALL, prompts=3):
    reward = Reward(score)
    return list(optimizer.steps(arena(world, prompts), reward, queries, seed)), reward


def by_length(conversations):
    return [float(len(c[-1]["content"])) for c in conversations]


@pytest.mark.parametrize("world", sorted(worlds()))
def test_a_constant_moves_nothing(world):
    steps, _ = course(world, lambda c: [3.0] * len(c))
    assert all(s.golds == steps[0].golds and s.kl == 0.0 for s in steps)


def test_a_reward_that_knows_the_prompt_alone_moves_nothing():
    steps, _ = course("transforms", lambda c: [len(x[0]["content"]) / 7 for x in c], 320)
    assert steps[-1].golds == steps[0].golds
    assert steps[-1].kl == 0.0


def test_a_constant_that_fails_now_and_then_moves_nothing():
    def score(conversations):
        return [Failure("busy") if x % 20 == 0 else 0.7 for x in by_length(conversations)]

    steps, _ = course("transforms", score, 640)
    assert steps[-1].failed > 0
    assert steps[-1].golds == steps[0].golds


def test_a_mean_that_no_float_can_hold_is_none():
    steps, _ = course("transforms", lambda c: [1.7e308 if i % 2 else math.inf for i, _ in enumerate(c)])
    assert all(s.proxy is None or math.isfinite(s.proxy) for s in steps)


def test_counts_are_exact_and_duplicates_are_told_apart():
    asked = []

    def score(conversations):
        asked.extend(conversations)
        return by_length(conversations)

    steps, reward = course("transforms", score, queries=1000)
    assert [s.queries for s in steps] == [16 * i for i in range(63)]  # 1,000 buy 62 whole steps
    assert (
        steps[-1].cached
        == reward.queries - len(asked)
        == reward.queries - len({c[-1]["content"] + c[0]["content"] for c in asked})
    )
    assert steps[-1].failed == 0


def test_the_same_seed_is_the_same_course_and_a_longer_one_only_goes_on():
    short, long = course("records", by_length)[0], course("records", by_length, queries=128)[0]
    assert short == course("records", by_length)[0] == long[: len(short)]
    assert course("records", by_length, seed=1)[0] != short


def test_what_is_measured_at_a_prompt_hangs_on_no_other_prompt():
    few, many = course("records", by_length)[0], course("records", by_length, prompts=6)[0]
    assert [s.golds for s in few] == [s.golds[:3] for s in many]
    assert [s.kl for s in few] == [s.kl for s in many]


def test_length_grows_and_the_scale_of_a_reward_changes_nothing():
    plain = course("records", by_length, 320)[0]
    scaled = course("records", lambda c: [3 * x + 7 for x in by_length(c)], 320)[0]
    assert plain[-1].proxy > plain[1].proxy
    assert [s.golds for s in scaled] == [s.golds for s in plain]
    assert [s.kl for s in scaled] == pytest.approx([s.kl for s in plain], abs=1e-9)


def test_the_penalty_holds_the_policy_back():
    held = PolicyGradient(prompts=4, responses=4, practice=8, answers=2, kl_penalty=0.5)
    assert course("records", by_length, 960, optimizer=held)[0][-1].kl < course("records", by_length, 960)[0][-1].kl / 2


def test_a_model_that_fails_now_and_then_is_optimised_by_what_it_answers():
    def score(conversations):
        return [
            Failure("no") if len(c[-1]["content"]) % 20 == 0 else x
            for c, x in zip(conversations, by_length(conversations), strict=True)
        ]

    steps, reward = course("records", score, 640)
    assert 0 < steps[-1].failed == reward.failed < 0.15 * steps[-1].queries
    assert steps[-1].kl > 0.1
    assert math.isfinite(steps[-1].proxy)


def test_a_model_that_never_answers_moves_nothing():
    steps, _ = course("records", lambda c: [Failure("no")] * len(c))
    assert steps[-1].failed == steps[-1].queries == 64
    assert steps[-1].proxy is None
    assert steps[-1].golds == steps[0].golds


def test_measured_gold_is_the_mean_over_answers():
    ground = arena("records", 2)
    policy = Policy(ground.world, practice_prompts("records", 4))
    measured = Measured(ground, 2000, seed=0)(policy)
    rng = Random(7)
    for prompt, gold in zip(ground.prompts, measured, strict=True):
        drawn = [
            ground.gold(prompt, ground.world.render(prompt, ground.world.sample(prompt, rng), i)) for i in range(1000)
        ]
        assert gold == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / math.sqrt(600))


ATTACKED = [name for name in sorted(discover()) if load_task(name).card.budgets.queries]


@pytest.mark.parametrize("name", ATTACKED)
def test_the_headroom_is_real(name):
    """The gold itself, optimised by policy gradient, reaches a mean gold of 0.9: the run is kept with the task."""
    reference = read_reference(load_task(name))["policy_gradient"]
    assert reference.queries == 16_384
    assert np.mean(reference.steps[-1].golds) >= 0.9
    assert np.mean(reference.steps[0].golds) < 0.7


def test_there_are_tasks_to_attack():
    assert len(ATTACKED) >= 4
