"""What every way of being a reward model shares: the adapter record, the options, and the protocol for tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeGuard

from rmbench.errors import UsageError
from rmbench.types import Conversation, Failure, RewardModel, Task, Track

TooLong = Literal["stop", "null"]
LABEL = "::label="  # PATH::label=NAME picks one output of a classifier that has several


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """What a user may set about any model; an adapter ignores what does not concern it.

    `tasks` is what will be scored, `free_text` whether a language model will write the answers (only `oracle` looks at
    these two). `too_long` says what happens to a conversation beyond the window: "stop" raises TooLongError before
    anything is scored, "null" makes it a missing score (always so for texts that an optimiser makes up). Nothing is
    ever truncated. `dtype` and `device` "auto" mean fp32 on CPU and bf16 on CUDA. `max_batch_tokens` counts padding.
    """

    tasks: Sequence[Task] = ()
    free_text: bool = False
    seed: int = 0
    trust_remote_code: bool = False
    revision: str | None = None
    too_long: TooLong = "stop"
    dtype: str = "auto"
    device: str = "auto"
    max_batch_tokens: int | None = None

    def __post_init__(self) -> None:
        if self.too_long not in ("stop", "null"):
            raise UsageError(f"too_long must be stop or null, not {self.too_long!r}")
        if self.max_batch_tokens is not None and self.max_batch_tokens < 1:
            raise UsageError(f"max_batch_tokens must be at least 1, not {self.max_batch_tokens}")


@dataclass(frozen=True, slots=True)
class Adapter:
    """One name on the command line. `argument` is what follows the colon in `name:ARGUMENT`; empty = takes none.

    `track` is closed for a model that was trained on the training split of rmbench's worlds and nothing else.
    """

    name: str
    help: str
    load: Callable[[str, ModelOptions], RewardModel]
    argument: str = ""
    track: Track = "open"

    @property
    def usage(self) -> str:
        """How the model is written on the command line."""
        return f"{self.name}:{self.argument}" if self.argument else self.name


@dataclass(frozen=True, slots=True)
class Tokens:
    """A conversation as the model reads it. The score is about ids[start:] (all of it unless the adapter says so)."""

    ids: tuple[int, ...]
    start: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences that are scored in one go. `shared[i]` leading tokens of row i are read once for all that begin so."""

    rows: tuple[Tokens, ...]
    shared: tuple[int, ...] | None = None


class TokenModel(RewardModel, Protocol):
    """A reward model that reads tokens, so that the engine can batch by length and tell identical inputs apart.

    `encode` never truncates. `score_tokens` scores one batch, and its scores must not depend on the batch beyond
    rounding. `shared[i]` leading tokens of row i are worth reading once for all rows that begin with them; only a model
    with `shares_prefixes` is told so, where both parts are shorter than `sharing_reach` together (None = always).
    `identity` names all that decides the scores, as a digest: scores are kept under it; None = nothing is kept. (Any
    other model may have one, too.)
    """

    @property
    def max_batch_tokens(self) -> int: ...

    @property
    def shares_prefixes(self) -> bool: ...

    @property
    def sharing_reach(self) -> int | None: ...

    @property
    def identity(self) -> str | None: ...

    def encode(self, conversations: Sequence[Conversation]) -> Sequence[Tokens | Failure]: ...

    def score_tokens(
        self, batch: Sequence[Tokens], shared: Sequence[int] | None = None
    ) -> Sequence[float | Failure]: ...


class ParallelModel(TokenModel, Protocol):
    """A model of which there are several copies: it carries out many batches at a time.

    `score_batches` gives (number of the batch, its scores) as they get done, in any order, each number once.
    """

    def score_batches(self, batches: Sequence[Batch]) -> Iterator[tuple[int, list[float | Failure]]]: ...


def reads_tokens(model: RewardModel) -> TypeGuard[TokenModel]:
    """Whether the model is a TokenModel. (isinstance would ask for its properties, of which some are measured.)"""
    return all(callable(getattr(model, name, None)) for name in ("encode", "score_tokens"))


def is_parallel(model: RewardModel) -> TypeGuard[ParallelModel]:
    """Whether the model carries out many batches at a time."""
    return callable(getattr(model, "score_batches", None))


@dataclass(frozen=True, slots=True)
class Rule:
    """A reward model that is a plain function of one conversation."""

    rule: Callable[[Conversation], float | Failure]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def score(self, conversations: Sequence[Conversation]) -> list[float | Failure]:
        return [self.rule(conversation) for conversation in conversations]
