"""The words that the rest of the house speaks. Frozen, small, and free of heavy imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Protocol, Self, TypedDict, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

Floats = NDArray[np.float64]
Axis = Literal["generalisation", "calibration", "overoptimization"]
AXES: tuple[Axis, ...] = ("generalisation", "calibration", "overoptimization")


class Message(TypedDict):
    """One chat turn, in the shape that chat templates take."""

    role: str
    content: str


Conversation = Sequence[Message]


@dataclass(frozen=True, slots=True)
class Item:
    """One question with its candidate answers: a pair, a best-of-k, a tie or a pool.

    `gold` holds one value per response (higher is better). `probability` is the known chance that the first response
    of a pair is preferred, `votes` the raters' counts for (first, second). `group` names what is resampled together.
    """

    id: str
    prompt: tuple[Message, ...]
    responses: tuple[str, ...]
    gold: tuple[float, ...]
    group: str
    probability: float | None = None
    votes: tuple[int, int] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def conversation(self, index: int) -> tuple[Message, ...]:
        """The prompt followed by response `index` as the assistant's turn."""
        return (*self.prompt, Message(role="assistant", content=self.responses[index]))


class Strict(BaseModel):
    """A frozen record that refuses misspelt keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Budgets(Strict):
    """How far a task lets the reward be optimised: KL in nats, and the n of best-of-n."""

    tilt: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] = (1.0, 2.0, 4.0)
    best_of_n: tuple[Annotated[int, Field(gt=1)], ...] = (4, 16, 64)

    @model_validator(mode="after")
    def _some_once(self) -> Self:
        """Recovery is a mean over the budgets: there must be one, and none may count twice."""
        if not self.tilt and not self.best_of_n:
            raise ValueError("give at least one budget, tilt or best_of_n")
        if len({*self.tilt}) < len(self.tilt) or len({*self.best_of_n}) < len(self.best_of_n):
            raise ValueError("a budget is given twice")
        return self


class Card(Strict):
    """What a task is, as written in its card.yaml. `tasks/README.md` explains each field."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    axis: Axis
    version: int = Field(ge=1)
    title: str = Field(min_length=1)
    asks: str = Field(min_length=1, description="what the task asks and why a user should care")
    limits: str = Field(min_length=1, description="what the task cannot tell")
    licence: str
    source: str
    citation: str = ""
    canary: str = Field(pattern=r"rmbench:[0-9a-f-]{36}$")
    chance: float = Field(ge=0, le=1, description="raw score of a constant reward, before it is turned into skill")
    budgets: Budgets = Budgets()
    tau: float | None = Field(default=None, gt=0, allow_inf_nan=False, description="scale of the known probabilities")
    build: Mapping[str, Any] = Field(default_factory=dict, description="recipe and settings; empty = not built by us")
    items: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class Task:
    """A card and its items."""

    card: Card
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """What an adapter returns in place of a score that it could not get. Never a number."""

    reason: str


@runtime_checkable
class RewardModel(Protocol):
    """Anything that turns conversations into rewards.

    `settings` is all that decides the scores (name, revision, digests, dtype, template …) and goes into the manifest.
    `score` returns one entry per conversation: a float, or a `Failure` with its reason.
    """

    @property
    def settings(self) -> Mapping[str, Any]: ...

    def score(self, conversations: Sequence[Conversation]) -> Sequence[float | Failure]: ...


@dataclass(frozen=True, slots=True)
class ScoredItem:
    """An item as `evaluate` sees it: no text, only numbers. `scores` is NaN where the model gave none."""

    id: str
    group: str
    scores: Floats
    gold: Floats
    probability: float | None = None
    votes: tuple[int, int] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every response has a finite score."""
        return bool(np.isfinite(self.scores).all())


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval. `value` is None, with a `reason`, where no honest number can be given.

    `n` counts the items behind it, `missing` the items left out because a score was missing.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    missing: int
    reason: str | None = None


@runtime_checkable
class Metric(Protocol):
    """A value object: its repr (non-default settings only) is its name in every table and file.

    `rows` turns items into additive statistics, one row per item, shape (items, k); `combine` turns sums of rows,
    shape (..., k), into values, shape (...). Since the bootstrap only re-weights rows, one resampling serves every
    metric. `rows` is called on complete items only. `combine` returns NaN where the value is undefined.
    """

    def rows(self, items: Sequence[ScoredItem]) -> Floats: ...

    def combine(self, sums: Floats) -> Floats: ...


@dataclass(frozen=True, slots=True)
class TaskResult:
    """All metrics of one task. `headline` names the metric that is the task's skill score."""

    card: Card
    headline: str
    metrics: Mapping[str, Estimate]

    @property
    def skill(self) -> Estimate:
        """The headline: 0 = a constant reward, 1 = the gold itself, negative = harmful."""
        return self.metrics[self.headline]


@dataclass(frozen=True, slots=True)
class Result:
    """What `evaluate` returns: skills per axis and overall, every task's metrics, and what made them.

    `skills` has the keys generalisation, calibration, overoptimization and overall.
    """

    model: str
    signature: str
    skills: Mapping[str, Estimate]
    tasks: Mapping[str, TaskResult]
    settings: Mapping[str, Any]
