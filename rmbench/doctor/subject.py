"""What the checks are given: the model, examples, and what it made of them, worked out once for all checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import takewhile
from typing import Any

import numpy as np

from rmbench.doctor.head import Reading, head_reading
from rmbench.errors import ModelError, RmbenchError
from rmbench.findings import Status
from rmbench.models.answers import checked
from rmbench.models.base import Tokens, reads_tokens
from rmbench.models.tokens import TokenScorer
from rmbench.types import Conversation, Failure, Floats, Item, RewardModel, Task

Verdict = tuple[Status, str]
TASK = "known_probability"
EXAMPLE: Conversation = (
    {"role": "user", "content": "Who wrote the first program?"},
    {"role": "assistant", "content": "Ada Lovelace did, in 1843."},
)


@dataclass(frozen=True)
class Subject:
    """A model under examination.

    `conversations` are short and distinct, of several prompts, with two answers to each one after the other. `tasks`
    are what the model is to score later; empty where nobody asked.
    """

    model: RewardModel
    conversations: Sequence[Conversation]
    tasks: Sequence[Task] = ()

    @cached_property
    def scorer(self) -> TokenScorer | None:
        """The model, if it has a tokenizer and a chat template to look at."""
        return self.model if isinstance(self.model, TokenScorer) else None

    @cached_property
    def example(self) -> Tokens | None:
        """The example's tokens; None for a model that shows none, or whose template refuses it."""
        found = encode(self.model, [EXAMPLE])
        return found[0] if found and isinstance(found[0], Tokens) else None

    @cached_property
    def rows(self) -> list[Tokens | Failure] | None:
        """The conversations as the model reads them; None for a model that shows no tokens."""
        return encode(self.model, self.conversations)

    @cached_property
    def scores(self) -> Floats:
        """The scores of all conversations asked for in one batch; NaN where there is none."""
        return numbers(self.answers)

    @cached_property
    def answers(self) -> list[float | Failure]:
        """What the model says to all conversations in one batch."""
        return self.ask(self.conversations)

    @cached_property
    def alone(self) -> Floats:
        """The scores of the first answer to each prompt, each asked for by itself."""
        return numbers([self.ask([conversation])[0] for conversation in self.conversations[::2]])

    @cached_property
    def drift(self) -> float | None:
        """How far a score moves when the same is asked for once more; None where nothing has a score alone.

        One conversation alone is enough for dropout and sampling, and costs a tenth of the whole batch.
        """
        known = np.flatnonzero(np.isfinite(self.alone))
        if not known.size:
            return None
        first = int(known[0])
        return largest(self.alone[first : first + 1], numbers(self.ask([self.conversations[2 * first]])))

    @cached_property
    def reading(self) -> Reading | None:
        """What the head of a decoder gives over the example; None for any other model."""
        return head_reading(self.scorer, self.example) if self.scorer and self.example else None

    @property
    def spread(self) -> float:
        """Standard deviation of the scores: the measure of every difference. 0 where fewer than two are finite."""
        finite = self.scores[np.isfinite(self.scores)]
        return float(finite.std()) if finite.size > 1 else 0.0

    @property
    def dtype(self) -> str:
        """The dtype that the model computes in; float32 for a model that does not say."""
        return str(self.model.settings.get("dtype", "float32"))

    def ask(self, conversations: Sequence[Conversation]) -> list[float | Failure]:
        """One answer per conversation, all in one batch. Raises ModelError for what is no answer."""
        rows = encode(self.model, conversations)
        if rows is None or not reads_tokens(self.model):
            return checked(self.model, self.model.score, conversations)
        batch = [row for row in rows if isinstance(row, Tokens)]
        found = iter(checked(self.model, self.model.score_tokens, batch) if batch else ())
        return [next(found) if isinstance(row, Tokens) else row for row in rows]

    def say(self, ids: Sequence[int]) -> str:
        """Tokens as text on one line, for a sentence."""
        tokenizer: Any = self.scorer.tokenizer if self.scorer else None
        return str(tokenizer.decode(list(ids))).replace("\n", "⏎") if tokenizer else str(list(ids))


def encode(model: RewardModel, conversations: Sequence[Conversation]) -> list[Tokens | Failure] | None:
    """The tokens of each conversation, a Failure beyond the window; None for a model that does not read tokens.

    Raises ModelError for a template that does not fail in the way in which a template refuses.
    """
    if not reads_tokens(model):
        return None
    patient = model.lenient() if isinstance(model, TokenScorer) else model
    try:
        return list(patient.encode(conversations))
    except RmbenchError:
        raise
    except Exception as error:  # a template is a program of anybody's
        why = " ".join(str(error).split())[:200]
        raise ModelError(f"the chat template fails with {type(error).__name__}: {why}", problem="template") from error


@np.errstate(invalid="ignore")  # infinity less infinity
def largest(a: Floats, b: Floats) -> float:
    """The largest difference. A score that is finite on one side alone is infinitely far away."""
    off = np.where(np.isfinite(a) | np.isfinite(b), np.abs(a - b), 0.0)
    return float(np.nan_to_num(off, nan=np.inf).max(initial=0.0))


def common(a: Sequence[object], b: Sequence[object]) -> int:
    """How many tokens or words both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


def numbers(answers: Sequence[float | Failure]) -> Floats:
    """The scores as an array; NaN for a Failure."""
    return np.array([np.nan if isinstance(answer, Failure) else float(answer) for answer in answers])


def examples(prompts: int, tasks: Sequence[Task] = ()) -> list[Conversation]:
    """Two answers to each of so many short prompts of the task known_probability, from short to longer ones.

    `tasks` may hold a task of that name to take them from.
    """
    own = [task.items for task in tasks if task.card.name == TASK]
    items = sorted((own[0] if own else _shipped())[:64], key=_length)[: 8 * prompts]
    step = max(len(items) // prompts, 1)
    return [item.conversation(j) for item in items[step // 2 :: step][:prompts] for j in range(2)]


@cache
def _shipped() -> tuple[Item, ...]:
    from rmbench.task import load_task

    return load_task(TASK).items


def _length(item: Item) -> int:
    return len(item.prompt[0]["content"]) + max(map(len, item.responses))
