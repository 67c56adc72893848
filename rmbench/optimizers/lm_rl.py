"""A real language model as the policy, trained against the reward by TRL's GRPOTrainer (Shao 2024, 2402.03300).

GRPO divides the advantages within each group of answers by their standard deviation, so that the scale of a reward
changes nothing. A missing reward has no advantage and takes part in no mean (TRL reads None so from 1.16 on).

The trainer is asked for its rewards and stopped for measurement in lockstep with the consumer; nothing is written to
disk. The same seed, rewards, machine and number of threads give the same course on a CPU.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np

from rmbench.errors import ModelError, RmbenchError, UsageError
from rmbench.models.base import Tokens
from rmbench.models.hf import quiet
from rmbench.optimizers.interactive import Arena, Reward, mean_of
from rmbench.optimizers.lm_policy import LmPolicy, answer, digests, estimate_kl, load_policy
from rmbench.optimizers.lockstep import Give, in_lockstep, undisturbed_luck
from rmbench.types import Floats, Step
from rmbench.worlds import PRACTICE, PRACTICE_SEED, worlds
from rmbench.worlds.base import Prompt, World

INSTALL = "pip install 'rmbench[rl]'"


@dataclass(frozen=True, slots=True)
class LmRl:
    """`prompts` x `responses` answers a step; gold and KL are measured at every `measure_every`-th step and the last.

    `policy` is a folder, a Hub id or `smollm2`. `beta` is the KL coefficient of GRPO (0 = no penalty), `temperature`
    that of the policy, which is the model at that temperature over its whole vocabulary. `threads`: of torch, on CPU;
    None = as many as the process has.
    """

    name: ClassVar[str] = "lm_rl"
    per_prompt: ClassVar[bool] = False
    free_text: ClassVar[bool] = True
    policy: str
    version: int = 1
    prompts: int = 4
    responses: int = 4
    learning_rate: float = 1e-5
    beta: float = 0.0
    temperature: float = 0.7
    max_new_tokens: int = 64
    practice: int = PRACTICE
    measure_every: int = 4
    threads: int | None = None

    def __post_init__(self) -> None:
        least = {"prompts": 1, "responses": 2, "max_new_tokens": 1, "practice": self.prompts, "measure_every": 1}
        for field, low in least.items():
            if getattr(self, field) < low:
                raise UsageError(f"lm-rl: {field} must be at least {low}, not {getattr(self, field)}")
        for field in ("learning_rate", "temperature"):
            if not 0 < getattr(self, field) < math.inf:
                raise UsageError(f"lm-rl: {field} must be above 0, not {getattr(self, field)}")
        if not 0 <= self.beta < math.inf:
            raise UsageError(f"lm-rl: beta must be 0 or more, not {self.beta}")

    @property
    def settings(self) -> dict[str, Any]:
        """All of the above, and the digests of the policy's files. Raises ModelError if there is no such policy."""
        import torch

        return {**asdict(self), "threads": self.threads or torch.get_num_threads(), **digests(self.policy)}

    def least(self, prompts: int) -> int:  # noqa: ARG002 - its own prompts, not the task's
        """One step of the trainer."""
        return self.prompts * self.responses

    def steps(self, arena: Arena, reward: Reward, queries: int, seed: int) -> Iterator[Step]:
        """Step 0 is the untouched policy; then every measured step, until the queries buy no further whole step.

        The golds are those of one fresh answer per prompt, drawn with the same luck at every step and for every reward.
        Raises UsageError if the queries do not pay for a step or the world cannot read free text, ModelError if TRL or
        the policy is missing or unfit.
        """
        import torch

        _require_free_reading(arena.world)
        total = queries // (self.prompts * self.responses)
        if total < 1:
            raise UsageError(
                f"lm-rl: {queries} reward queries buy no step; one takes {self.prompts * self.responses} "
                f"({self.prompts} prompts x {self.responses} responses)"
            )
        _require_trl()
        threads = self.threads or torch.get_num_threads()
        course = _Course(self, arena, practice_prompts(arena, self.practice), total, seed, threads)
        proxy: float | None = None
        with closing(in_lockstep(course.run)) as talk:
            got = next(talk, None)
            while got is not None:
                rewards: Floats | None = None
                if isinstance(got, _Look):
                    golds = tuple(
                        arena.world.gold_of_free_text(prompt, text).score
                        for prompt, text in zip(arena.prompts, got.texts, strict=True)
                    )
                    count = (reward.queries, reward.cached, reward.failed)
                    yield Step(got.step, *count, got.kl, proxy, golds, estimate=True)
                else:
                    rewards = reward(got)
                    proxy = mean_of(rewards)
                try:
                    got = talk.send(rewards)
                except StopIteration:
                    return


def practice_prompts(arena: Arena, count: int) -> tuple[Prompt, ...]:
    """The prompts that every policy is trained on, as far as they are not among those that are measured."""
    measured = {prompt.text for prompt in arena.prompts}
    out: list[Prompt] = []
    seed = PRACTICE_SEED
    while len(out) < count:
        prompt = arena.world.prompt(seed)
        seed += 1
        if prompt.text not in measured:
            out.append(prompt)
    return tuple(out)


@dataclass(frozen=True, slots=True)
class _Look:
    """The policy after a step: one answer to every measured prompt, and the KL estimated on them."""

    step: int
    texts: tuple[str, ...]
    kl: float


@dataclass(slots=True)
class _Course:
    """One training from start to end. It hands out lists of (prompt, answer) to be rewarded, and `_Look`s."""

    how: LmRl
    arena: Arena
    practice: Sequence[Prompt]
    total: int
    seed: int
    threads: int

    def run(self, give: Give) -> None:
        """Train. Every error but our own becomes a ModelError, since a library of many parts may raise anything."""
        import torch

        torch.set_num_threads(self.threads)  # a thread of its own has a setting of its own
        try:
            with quiet(), _silent(), TemporaryDirectory(prefix="rmbench-lm-rl-") as folder:
                self._train(give, folder)
        except RmbenchError:
            raise
        except Exception as error:
            why = " ".join(str(error).split())[:300]
            raise ModelError(f"TRL cannot train the policy {self.how.policy}: {type(error).__name__}: {why}") from error

    def _train(self, give: Give, folder: str) -> None:
        from datasets import Dataset
        from transformers import PrinterCallback
        from trl import GRPOConfig, GRPOTrainer

        policy = load_policy(self.how.policy)
        policy.check_fits([p.messages for p in (*self.practice, *self.arena.prompts)], self.how.max_new_tokens)
        rows = [{"prompt": [dict(m) for m in p.messages], "number": i} for i, p in enumerate(self.practice)]
        looker = _Looker(self, policy, None if self.how.beta else deepcopy(policy.model).requires_grad_(False), give)

        def rewards(completions: Sequence[Any], number: Sequence[int], **_: Any) -> list[float | None]:
            texts = [completion[0]["content"] for completion in completions]
            assert len(texts) == self.how.prompts * self.how.responses, "TRL asks for another batch than was set"
            found = give([(self.practice[i], text) for i, text in zip(number, texts, strict=True)])
            return [float(r) if np.isfinite(r) else None for r in found]

        trainer = GRPOTrainer(
            model=policy.model,
            processing_class=policy.tokenizer,
            reward_funcs=rewards,
            args=GRPOConfig(output_dir=folder, **self._arguments(policy)),
            train_dataset=Dataset.from_list(rows),
            callbacks=[looker.callback()],
        )
        looker.reference = looker.reference or trainer.ref_model  # the same weights: TRL loads them where it needs them
        trainer.remove_callback(PrinterCallback)
        trainer.train()

    def _arguments(self, policy: LmPolicy) -> dict[str, Any]:
        """What is set for TRL. The rate is constant, so that a longer budget only goes on where a shorter one stops."""
        how = self.how
        return {
            "per_device_train_batch_size": how.responses,  # one group at a time is held in memory …
            "gradient_accumulation_steps": how.prompts,  # … and a step takes them all
            "num_generations": how.responses,
            "max_steps": self.total,
            "max_completion_length": how.max_new_tokens,
            "temperature": how.temperature,
            "learning_rate": how.learning_rate,
            "lr_scheduler_type": "constant",
            "beta": how.beta,
            "scale_rewards": "group",
            "loss_type": "dapo",
            "disable_dropout": True,
            "gradient_checkpointing": False,
            "bf16": False,
            "use_cpu": policy.model.device.type == "cpu",
            "dataloader_pin_memory": False,
            "seed": self.seed,
            "report_to": "none",
            "save_strategy": "no",
            "logging_strategy": "no",
            "disable_tqdm": True,
        }


class _Looker:
    """Measures the policy between the trainer's steps, without moving its random numbers."""

    def __init__(self, course: _Course, policy: LmPolicy, reference: Any, give: Give) -> None:
        self.course, self.policy, self.reference, self.give = course, policy, reference, give
        self.prompts = [policy.prompt_tokens(prompt.messages) for prompt in course.arena.prompts]
        most = course.how.max_new_tokens
        luck = [Random(f"lm_rl/measure/{course.seed}/{item}") for item in course.arena.items]
        self.uniforms: Floats = np.array([[rng.random() for _ in range(most)] for rng in luck])

    def look(self, step: int) -> None:
        """Hand out the state after a step, if it is one to be measured."""
        if step % self.course.how.measure_every and step < self.course.total:
            return
        temperature = self.course.how.temperature
        with undisturbed_luck():
            found = answer(self.policy, self.prompts, self.uniforms, temperature)
            pairs = zip(self.prompts, found, strict=True)
            written = [Tokens((*prompt, *tokens), start=len(prompt)) for prompt, tokens in pairs]
            kl = estimate_kl(self.policy.model, self.reference, written, temperature)
        texts = self.policy.tokenizer.batch_decode([list(tokens) for tokens in found], skip_special_tokens=True)
        self.give(_Look(step, tuple(texts), kl))

    def callback(self) -> Any:
        """The looker, as the trainer calls it."""
        from transformers import TrainerCallback

        looker = self

        class Between(TrainerCallback):  # type: ignore[misc]
            def on_train_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
                looker.look(state.global_step)

            def on_step_end(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
                looker.look(state.global_step)

        return Between()


def _require_free_reading(world: World) -> None:
    if not world.reads_free_text:
        able = ", ".join(name for name, other in worlds().items() if other.reads_free_text)
        raise UsageError(f"lm-rl needs a world that reads free text: {able}; {world.name} reads its own sentences only")


def _require_trl() -> None:
    if find_spec("trl") is None:
        raise ModelError(f"lm-rl trains with TRL, which is not installed; get it with: {INSTALL}")


@contextmanager
def _silent() -> Iterator[None]:
    """No warnings of the libraries on the user's terminal: a missing reward is counted and shown by us."""
    logger = logging.getLogger("trl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"(trl|transformers)\b")
            yield
    finally:
        logger.setLevel(level)


OPTIMIZER = LmRl
