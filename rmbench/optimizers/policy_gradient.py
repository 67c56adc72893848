"""Policy gradient on a world's choices: REINFORCE with a leave-one-out baseline (RLOO, Ahmadian 2024, 2402.14740).

The policy writes an answer by picking an option of every choice and rendering the picks. It starts as the reference and
learns one logit per option of every kind of choice ("fact", "padding" …), shared by all prompts. Its choices are
independent, so its KL from the reference is exact: a sum over choices. Independence loses nothing in the end, since
every fixed way to write (wrong, but hedged and in bullets) is such a policy.

Advantages are divided by their standard deviation over the step, so that the scale of a reward changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from random import Random
from typing import Any, ClassVar, NamedTuple

import numpy as np

from rmbench.optimizers.interactive import Arena, Reward, mean_of
from rmbench.types import Floats, Step
from rmbench.worlds import PRACTICE, practice_prompts
from rmbench.worlds.base import Choice, Prompt, World

Kind = tuple[str, tuple[str, ...]]
ROUNDING = 1e-12  # spread of rewards, as a part of the largest, that says nothing


@dataclass(frozen=True, slots=True)
class PolicyGradient:
    """`prompts` x `responses` answers a step; gold is measured on `answers` answers to every prompt of the task.

    `kl_penalty` is the weight of KL (in standard deviations of the reward per nat) that is taken off the objective.
    """

    name: ClassVar[str] = "policy_gradient"
    per_prompt: ClassVar[bool] = False
    free_text: ClassVar[bool] = False
    version: int = 1
    prompts: int = 16
    responses: int = 8
    learning_rate: float = 0.3
    kl_penalty: float = 0.0
    practice: int = PRACTICE
    answers: int = 4

    @property
    def settings(self) -> dict[str, Any]:
        return asdict(self)

    def least(self, prompts: int) -> int:  # noqa: ARG002 - its own prompts, not the task's
        """One step."""
        return self.prompts * self.responses

    def steps(self, arena: Arena, reward: Reward, queries: int, seed: int) -> Iterator[Step]:
        """One step per `prompts` x `responses` queries. KL is the mean over the practice prompts, exact."""
        practice = practice_prompts(arena.world.name, self.practice)
        policy = Policy(arena.world, practice)
        measure = Measured(arena, self.answers, seed)
        rng = Random(f"policy_gradient/{arena.world.name}/{seed}")
        yield Step(0, 0, 0, 0, 0.0, None, measure(policy))
        for number in range(1, queries // self.least(len(arena.prompts)) + 1):
            asked = [prompt for prompt in rng.sample(practice, self.prompts) for _ in range(self.responses)]
            batch = [Draw.of(policy, prompt, rng) for prompt in asked]
            rewards = reward([(draw.prompt, draw.text) for draw in batch])
            advantages = leave_one_out(rewards.reshape(self.prompts, self.responses)).ravel()
            policy.learn(batch, advantages, self.learning_rate, self.kl_penalty)
            mean = mean_of(rewards)
            count = (reward.queries, reward.cached, reward.failed)
            yield Step(number, *count, policy.kl(), mean, measure(policy))


class Policy:
    """Independent categorical choices, each the reference with its logits shifted by what was learned of its kind."""

    def __init__(self, world: World, practice: Sequence[Prompt]) -> None:
        self.world = world
        self.shift: dict[Kind, Floats] = {}
        self._cumulative: dict[tuple[Kind, tuple[float, ...]], list[float]] = {}
        self._common = Counter((kind_of(c), c.probs) for prompt in practice for c in world.choices(prompt))
        self._practice = len(practice)

    def probs(self, kind: Kind, reference: tuple[float, ...]) -> Floats:
        """The chance of every option, shape (options,)."""
        base = np.asarray(reference)
        shift = self.shift.get(kind)
        if shift is None:
            return base
        raised = base * np.exp(shift - shift.max())
        probs: Floats = raised / raised.sum()
        return probs

    def pick(self, choice: Choice, uniform: float) -> str:
        """The option that a number in [0, 1) falls on. A policy that was not moved picks what the reference picks."""
        key = (kind_of(choice), choice.probs)
        if key not in self._cumulative:
            self._cumulative[key] = list(accumulate(map(float, self.probs(*key))))
        steps = self._cumulative[key]
        return next((o for o, top in zip(choice.options, steps, strict=True) if uniform < top), choice.options[-1])

    def kl(self) -> float:
        """Exact KL from the reference in nats: the mean over the practice prompts."""
        return sum(n * self._kl(*key)[1] for key, n in self._common.items()) / self._practice

    def _kl(self, kind: Kind, reference: tuple[float, ...]) -> tuple[Floats, float]:
        """Log ratio of every option, and their mean under the policy."""
        now = self.probs(kind, reference)
        held = now > 0
        ratio = np.zeros_like(now)
        ratio[held] = np.log(now[held] / np.asarray(reference)[held])
        return ratio, max(0.0, float(now @ ratio))

    def learn(self, batch: Sequence[Draw], advantages: Floats, rate: float, kl_penalty: float) -> None:
        """One step up the gradient of mean advantage minus the penalty."""
        gradient: dict[Kind, Floats] = {}
        for draw, advantage in zip(batch, advantages, strict=True):
            for choice in draw.choices if advantage else ():
                kind = kind_of(choice)
                score = -self.probs(kind, choice.probs)
                score[choice.options.index(draw.picks[choice.name])] += 1
                gradient[kind] = gradient.get(kind, 0.0) + advantage / len(batch) * score
        for (kind, reference), n in self._common.items() if kl_penalty else ():
            now = self.probs(kind, reference)
            ratio, kl = self._kl(kind, reference)
            gradient[kind] = gradient.get(kind, 0.0) - kl_penalty * n / self._practice * now * (ratio - kl)
        for kind, slope in gradient.items():
            self.shift[kind] = self.shift.get(kind, 0.0) + rate * slope
        self._cumulative.clear()


class Draw(NamedTuple):
    """One answer of the policy."""

    prompt: Prompt
    choices: tuple[Choice, ...]
    picks: dict[str, str]
    text: str

    @classmethod
    def of(cls, policy: Policy, prompt: Prompt, rng: Random) -> Draw:
        """Pick, then render in a random wording."""
        choices = policy.world.choices(prompt)
        picks = {c.name: policy.pick(c, rng.random()) for c in choices}
        return cls(prompt, choices, picks, policy.world.render(prompt, picks, rng.randrange(2**31)))


class Measured:
    """The mean gold of a policy at every prompt of the task.

    The random numbers behind the answers are the same at every step and for every model, so that two policies differ by
    what they prefer and not by luck; a policy that was not moved has the gold of the reference exactly.
    """

    def __init__(self, arena: Arena, answers: int, seed: int) -> None:
        self.arena = arena
        self.luck = []
        for item, prompt in zip(arena.items, arena.prompts, strict=True):
            rng = Random(f"policy_gradient/measure/{seed}/{item}")
            choices = arena.world.choices(prompt)
            rolls = [([rng.random() for _ in choices], rng.randrange(2**31)) for _ in range(answers)]
            self.luck.append((prompt, choices, rolls))
        self._known: dict[tuple[int | str, ...], float] = {}

    def __call__(self, policy: Policy) -> tuple[float, ...]:
        return tuple(
            float(np.mean([self._gold(policy, i, number) for number in range(len(rolls))]))
            for i, (_, _, rolls) in enumerate(self.luck)
        )

    def _gold(self, policy: Policy, index: int, number: int) -> float:
        prompt, choices, rolls = self.luck[index]
        uniforms, wording = rolls[number]
        picks = {c.name: policy.pick(c, u) for c, u in zip(choices, uniforms, strict=True)}
        key: tuple[int | str, ...] = (index, number, *picks.values())
        if key not in self._known:
            self._known[key] = self.arena.gold(prompt, self.arena.world.render(prompt, picks, wording))
        return self._known[key]


def kind_of(choice: Choice) -> Kind:
    """What a choice shares its logits with: "fact_3" is a fact."""
    return choice.name.partition("_")[0], choice.options


def leave_one_out(rewards: Floats) -> Floats:
    """Advantages, shape (prompts, responses): reward minus the mean of the others to its prompt, over their spread.

    A reward that is missing (NaN) has advantage 0 and takes part in no mean; so has one without any other beside it.
    """
    known = np.isfinite(rewards)
    top = float(np.abs(rewards[known]).max()) if known.any() else 0.0
    filled = np.where(known, rewards, 0.0) / (top or 1.0)  # no sum of finite rewards overflows
    count = known.sum(axis=1, keepdims=True)
    usable = known & (count > 1)
    # where all rewards to a prompt are equal there is nothing to learn, and rounding must not teach instead
    highest = np.where(known, rewards, -np.inf).max(axis=1, keepdims=True)
    lowest = np.where(known, rewards, np.inf).min(axis=1, keepdims=True)
    others = (filled.sum(axis=1, keepdims=True) - filled) / np.maximum(count - 1, 1)
    advantages = np.where(usable & (highest > lowest), filled - others, 0.0)
    spread = float(advantages[usable].std()) if usable.any() else 0.0
    return advantages / spread if spread > ROUNDING else np.zeros_like(rewards)


OPTIMIZER = PolicyGradient()
