"""A language model as the policy: a tiny random one for every promise, SmolLM2 (slow) for the real thing."""

import importlib.util
import logging
import random
import tempfile
import threading
import warnings
from dataclasses import replace

import numpy as np
import pytest
import tiny_models

from rmbench.errors import ModelError, TooLongError, UsageError
from rmbench.models import load_model, smollm2
from rmbench.models.base import Tokens
from rmbench.optimizers import lm_rl
from rmbench.optimizers.interactive import Arena, Reward
from rmbench.optimizers.lm_policy import answer, estimate_kl, load_policy
from rmbench.optimizers.lm_rl import LmRl, practice_prompts
from rmbench.optimizers.lockstep import in_lockstep, undisturbed_luck
from rmbench.types import Failure
from rmbench.worlds import PRACTICE_SEED, get_world
from rmbench.worlds.base import Gold, World

needs_trl = pytest.mark.skipif(importlib.util.find_spec("trl") is None, reason=f"needs {lm_rl.INSTALL}")


class Vowels(World):
    """Prompts of a few words; the gold of a text is its share of vowels."""

    name = "vowels"
    version = 1
    summary = "a stand-in"
    reads_free_text = True

    def make(self, rng, *_):
        return f"Say {rng.randrange(10**6)}.", {}

    def gold_of_free_text(self, _prompt, text):
        return Gold(sum(ch in "aeiou" for ch in text) / max(1, len(text)), {})

    asked = body = expect_substance = read = substance = None


class Blind(Vowels):
    reads_free_text = False


def arena(world=None, count=3):
    world = world or Vowels()
    return Arena(world, tuple(f"i{n}" for n in range(count)), tuple(world.prompt(n) for n in range(count)))


def length(conversations):
    return [float(len(c[-1]["content"])) for c in conversations]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_models.save(tmp_path_factory.mktemp("policy"), auto="AutoModelForCausalLM", window=128)


@pytest.fixture(scope="module")
def how(folder):
    return LmRl(
        str(folder),
        prompts=2,
        responses=3,
        max_new_tokens=8,
        practice=8,
        learning_rate=1e-2,
        temperature=1.0,
        measure_every=1,
        threads=1,
    )


def course(how, queries=18, score=length, seed=0, **more):
    reward = Reward(score)
    return list(how.steps(arena(**more), reward, queries, seed)), reward


@pytest.fixture(scope="module")
def plain(how):
    return course(how)


@needs_trl
def test_a_course_has_the_fields_of_a_trajectory(plain):
    steps, reward = plain
    assert [s.step for s in steps] == [0, 1, 2, 3]
    assert [s.queries for s in steps] == [0, 6, 12, 18]
    assert reward.queries == 18
    assert all(len(s.golds) == 3 and all(0 <= g <= 1 for g in s.golds) for s in steps)
    assert all(s.estimate for s in steps)
    assert steps[0].kl == 0.0
    assert all(np.isfinite(s.kl) and s.kl > 0 for s in steps[1:])
    assert steps[0].proxy is None
    assert all(0 <= s.proxy <= 8 * 8 for s in steps[1:])


@needs_trl
def test_same_seed_same_course_and_another_seed_another(how, plain):
    assert course(how)[0] == plain[0]
    assert course(how, seed=1)[0] != plain[0]


@needs_trl
def test_a_reward_that_draws_random_numbers_does_not_disturb_the_policy(how, plain):
    """A killed run goes on with kept rewards: then the model, and whatever it draws, is not asked at all."""
    import torch

    def restless(conversations):
        torch.rand(3), np.random.rand(3), random.random()  # noqa: NPY002
        return length(conversations)

    assert course(how, score=restless)[0] == plain[0]


@needs_trl
def test_a_longer_budget_goes_on_where_a_shorter_one_stops(how, plain):
    """The budget of 16 pays for two steps of 6: the rest is not spent."""
    steps, reward = course(how, queries=16)
    assert steps == plain[0][:3]
    assert reward.queries == 12


@needs_trl
def test_measuring_less_often_changes_nothing_but_what_is_seen(how, plain):
    steps, _ = course(replace(how, measure_every=2))
    assert steps == [plain[0][0], plain[0][2], plain[0][3]]  # the last step is always measured


@needs_trl
def test_what_is_measured_at_a_prompt_does_not_depend_on_the_others(how, plain):
    steps, _ = course(how, count=1)
    assert [s.golds[0] for s in steps] == [s.golds[0] for s in plain[0]]


@needs_trl
def test_the_policy_learns_what_is_rewarded(how):
    """Rewarded for the letter e, it writes more of them; with a strong penalty it stays nearer to the reference."""

    def e_share(conversations):
        return [c[-1]["content"].count("e") / 8 for c in conversations]

    eager = replace(how, prompts=4, responses=8, measure_every=40)
    free, _ = course(eager, queries=32 * 10, score=e_share)
    early, _ = course(eager, queries=32, score=e_share)
    held, _ = course(replace(eager, beta=5.0), queries=32 * 10, score=e_share)
    assert free[-1].proxy > early[-1].proxy + 0.1
    assert np.mean(free[-1].golds) > np.mean(free[0].golds)  # e is a vowel
    assert held[-1].kl < free[-1].kl / 2


@needs_trl
def test_equal_or_missing_rewards_teach_nothing(how):
    """All failed: nothing to learn, no proxy, all counted. All equal: no advantage. The policy stays where it is."""
    for score, proxy, failed in (
        (lambda cs: [Failure("down")] * len(cs), None, 18),
        (lambda cs: [7.0] * len(cs), 7.0, 0),
    ):
        steps, reward = course(how, score=score)
        assert [s.kl for s in steps] == [0.0] * 4
        assert {s.golds for s in steps} == {steps[0].golds}
        assert steps[-1].proxy == proxy
        assert (reward.failed, steps[-1].failed) == (failed, failed)


@needs_trl
def test_a_missing_reward_is_not_a_zero(how):
    """Rewards of 7 with holes are still all equal; were a hole read as 0, the policy would move."""
    calls = []

    def holes(conversations):
        calls.extend(conversations)
        return [Failure("down") if i % 3 == 0 else 7.0 for i in range(len(conversations))]

    steps, reward = course(how, score=holes)
    assert [s.kl for s in steps] == [0.0] * 4
    assert reward.failed == steps[-1].failed > 0
    assert steps[-1].proxy == 7.0


@needs_trl
def test_nothing_is_printed_or_left_behind(how, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    level = logging.getLogger("trl").level
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        course(how, queries=6, score=lambda cs: [Failure("down")] * len(cs))
    out = capfd.readouterr()
    assert out.out == out.err == ""
    assert list(tmp_path.iterdir()) == []
    assert logging.getLogger("trl").level == level
    assert not [w for w in caught if "trl" in str(w.filename)]
    assert not [t for t in threading.enumerate() if t.name == "lockstep"]


@needs_trl
def test_an_error_of_the_reward_ends_the_training_and_comes_through(how):
    def broken(conversations):
        raise ModelError("the reward broke")

    with pytest.raises(ModelError, match="the reward broke"):
        course(how, score=broken)
    assert not [t for t in threading.enumerate() if t.name == "lockstep"]


@needs_trl
def test_whoever_stops_asking_ends_the_training(how):
    steps = how.steps(arena(), Reward(length), 600, 0)
    assert next(steps).step == 0
    steps.close()
    assert not [t for t in threading.enumerate() if t.name == "lockstep"]


def test_without_trl(how, monkeypatch):
    monkeypatch.setattr(lm_rl, "find_spec", lambda _name: None)
    with pytest.raises(ModelError, match=r"pip install 'rmbench\[rl\]'"):
        next(how.steps(arena(), Reward(length), 18, 0))


def test_too_few_queries(how):
    with pytest.raises(UsageError, match="5 reward queries buy no step; one takes 6"):
        next(how.steps(arena(), Reward(length), 5, 0))


def test_a_world_that_cannot_read_free_text(how):
    with pytest.raises(UsageError, match=r"reads free text: .*; vowels reads its own sentences only"):
        next(how.steps(arena(Blind()), Reward(length), 18, 0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"responses": 1},
        {"prompts": 0},
        {"practice": 1},
        {"measure_every": 0},
        {"max_new_tokens": 0},
        {"temperature": 0.0},
        {"learning_rate": float("nan")},
        {"beta": -0.1},
    ],
)
def test_settings_that_mean_nothing(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        LmRl("x", **{"prompts": 2, **wrong})


def test_settings_say_which_policy(how, folder):
    settings = how.settings
    assert settings["policy"] == str(folder)
    assert settings["learning_rate"] == 1e-2
    assert settings["threads"] == 1
    assert len(settings["policy_sha256"]) == len(settings["tokenizer_sha256"]) == 64


def test_a_policy_that_is_not_there(tmp_path):
    with pytest.raises(ModelError, match="there is no model folder"):
        _ = LmRl(str(tmp_path / "none")).settings


@needs_trl
def test_a_policy_that_is_not_there_is_found_out_before_any_query(tmp_path):
    reward = Reward(length)
    with pytest.raises(ModelError, match="there is no model folder"):
        next(LmRl(str(tmp_path / "none")).steps(arena(), reward, 64, 0))
    assert reward.queries == 0


def test_a_classifier_is_no_policy(tmp_path):
    """With tied embeddings it would load as a language model without a complaint."""
    path = tiny_models.save(tmp_path / "rm")
    tiny_models.edit_json(path / "config.json", tie_word_embeddings=True)
    with pytest.raises(ModelError, match=r"not a causal language model .*LlamaForSequenceClassification"):
        load_policy(str(path))


def test_a_policy_without_a_template_or_an_end(tmp_path):
    bare = tiny_models.save(tmp_path / "bare", auto="AutoModelForCausalLM", template=None)
    with pytest.raises(ModelError, match="no chat template"):
        load_policy(str(bare))
    endless = tiny_models.save(tmp_path / "endless", auto="AutoModelForCausalLM", template=tiny_models.BARE)
    tiny_models.edit_json(endless / "tokenizer_config.json", eos_token=None)
    with pytest.raises(ModelError, match="no token that ends an answer"):
        load_policy(str(endless))


@needs_trl
def test_prompts_that_do_not_fit_the_window(how):
    with pytest.raises(TooLongError, match="window of 128 tokens"):
        next(replace(how, max_new_tokens=120).steps(arena(), Reward(length), 18, 0))


def test_practice_leaves_out_what_is_measured():
    world = Vowels()
    taken = world.prompt(PRACTICE_SEED + 1)
    texts = [p.text for p in practice_prompts(Arena(world, ("a",), (taken,)), 4)]
    assert len(texts) == 4
    assert taken.text not in texts
    assert world.prompt(PRACTICE_SEED).text == texts[0]


@needs_trl
def test_kl_is_what_trl_logs(how, monkeypatch):
    """TRL logs the mean per token of the answers it trains on; ours, on the same answers, is the sum per answer."""
    from trl import GRPOTrainer

    ours, logs = [], []
    rewards, log, arguments = GRPOTrainer._calculate_rewards, GRPOTrainer.log, lm_rl._Course._arguments

    def calculate(self, inputs, prompts, completions, ids):
        texts = [self.processing_class.apply_chat_template(p, add_generation_prompt=True)["input_ids"] for p in prompts]
        written = [Tokens((*p, *c), start=len(p)) for p, c in zip(texts, ids, strict=True)]
        ours.append((estimate_kl(self.model, self.ref_model, written, 1.0), np.mean([len(c) for c in ids])))
        return rewards(self, inputs, prompts, completions, ids)

    monkeypatch.setattr(GRPOTrainer, "_calculate_rewards", calculate)
    monkeypatch.setattr(GRPOTrainer, "log", lambda self, found, *a: (log(self, found, *a), logs.append(found)))
    chatty = {"logging_strategy": "steps", "logging_steps": 1}
    monkeypatch.setattr(lm_rl._Course, "_arguments", lambda self, policy: arguments(self, policy) | chatty)
    course(replace(how, prompts=1, responses=8, beta=0.01), queries=24)
    theirs = [found["kl"] for found in logs if "kl" in found]
    assert [kl / tokens for kl, tokens in ours] == pytest.approx(theirs, rel=1e-3, abs=1e-9)
    assert theirs[-1] > 0.01


def first_token_logps(model, prompt, temperature):
    import torch

    with torch.no_grad():
        return (model(torch.tensor([prompt])).logits[0, -1].double() / temperature).log_softmax(-1).numpy()


def test_answers_follow_the_policy_and_not_their_neighbours(folder):
    """A uniform number picks the token that it falls on in the model's cumulative distribution."""
    policy = load_policy(str(folder))
    prompts = [policy.prompt_tokens(p.messages) for p in arena(count=2).prompts]
    uniforms = np.random.default_rng(0).random((2, 6))
    both = answer(policy, prompts, uniforms, 0.7)
    assert both == [answer(policy, [p], u[None], 0.7)[0] for p, u in zip(prompts, uniforms, strict=True)]
    even = (np.arange(40) + 0.5) / 40
    found = [a[0] for a in answer(policy, prompts[:1] * 40, even[:, None], 0.7)]
    mass = np.exp(first_token_logps(policy.model, prompts[0], 0.7)).cumsum()
    assert found == np.searchsorted(mass, even).tolist()
    assert len(set(found)) > 10


def test_an_answer_stops_at_its_end_mark(folder):
    policy = load_policy(str(folder))
    assert set(policy.ends) == {policy.tokenizer.eos_token_id}
    policy = replace(policy, ends=tuple(range(40, 60)))  # a random model would seldom end
    prompts = [policy.prompt_tokens(p.messages) for p in arena(count=8).prompts]
    found = answer(policy, prompts, np.random.default_rng(1).random((8, 20)), 3.0)
    assert len({len(a) for a in found}) > 3
    assert all(token not in policy.ends for a in found for token in a[:-1])
    assert all(len(a) == 20 or a[-1] in policy.ends for a in found)


def test_kl_estimate_is_unbiased_and_a_sum_over_tokens(folder):
    import torch

    policy, other = load_policy(str(folder)), load_policy(str(folder)).model
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(0.8)
    prompt = policy.prompt_tokens(arena(count=1).prompts[0].messages)
    p, q = (first_token_logps(m, prompt, 0.2) for m in (policy.model, other))
    exact = float(np.exp(p) @ (p - q))

    def estimate(*answers):
        written = [Tokens((*prompt, *a), start=len(prompt)) for a in answers]
        return estimate_kl(policy.model, other, written, 0.2)

    k3 = np.exp(q - p) - (q - p) - 1
    assert exact > 0.05
    assert float(np.exp(p) @ k3) == pytest.approx(exact)  # so its mean over answers of the policy is the KL
    tokens = np.argsort(p)[[-1, -2, -9]].tolist()
    single = [estimate((token,)) for token in tokens]
    assert single == pytest.approx(k3[tokens].tolist(), rel=1e-3)
    assert estimate(*[(token,) for token in tokens]) == pytest.approx(np.mean(single))
    assert estimate((tokens[0], tokens[1])) > single[0]
    assert estimate_kl(policy.model, policy.model, [Tokens((*prompt, 40), start=len(prompt))], 0.2) == 0.0


def test_lockstep_is_a_generator():
    def work(give):
        assert give("a") == 1
        assert give("b") == 2

    talk = in_lockstep(work)
    assert next(talk) == "a"
    assert talk.send(1) == "b"
    with pytest.raises(StopIteration):
        talk.send(2)


def test_lockstep_passes_errors_on_and_can_be_closed():
    ended = []

    def work(give):
        try:
            give("a")
        finally:
            ended.append(True)
        raise ValueError("late")

    talk = in_lockstep(work)
    next(talk)
    with pytest.raises(ValueError, match="late"):
        next(talk)
    talk = in_lockstep(work)
    next(talk)
    talk.close()
    assert ended == [True, True]


def test_luck_is_left_undisturbed():
    import torch

    def draw():
        return torch.rand(1).item(), np.random.rand(), random.random()  # noqa: NPY002

    def start():
        torch.manual_seed(5), np.random.seed(5), random.seed(5)  # noqa: NPY002

    start()
    first = draw()
    start()
    with undisturbed_luck():
        draw()
    assert draw() == first


@needs_trl
@pytest.mark.slow
@pytest.mark.parametrize(("world", "model"), [("records", "length"), ("instructions", "tiny")])
def test_smollm2_for_real(world, model):
    """A few steps of the real policy on a real world; then again with the rewards kept, as a killed run is resumed."""
    if not all(map(importlib.util.find_spec, smollm2.NEEDS)):
        pytest.skip(f"needs {smollm2.INSTALL}")
    how = LmRl("smollm2", prompts=2, responses=3, max_new_tokens=24, practice=8, learning_rate=2e-5, measure_every=1)
    place, judge, kept = arena(get_world(world), count=2), load_model(model), {}

    def asked(conversations):
        found = judge.score(conversations)
        kept.update((c[0]["content"] + c[1]["content"], r) for c, r in zip(conversations, found, strict=True))
        return found

    reward = Reward(asked)
    steps = list(how.steps(place, reward, 12, 0))
    assert [(s.step, s.queries) for s in steps] == [(0, 0), (1, 6), (2, 12)]
    assert len(kept) == 12 - reward.cached
    assert steps[0].kl == 0.0
    assert all(np.isfinite(s.kl) and 0 < s.kl < 50 and np.isfinite(s.proxy) for s in steps[1:])
    assert all(len(s.golds) == 2 and all(0 <= g <= 1 for g in s.golds) for s in steps)
    again = Reward(lambda conversations: [kept[c[0]["content"] + c[1]["content"]] for c in conversations])
    assert list(how.steps(place, again, 12, 0)) == steps
