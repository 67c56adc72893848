"""The words that the rest of the house speaks. Frozen, small, and free of heavy imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal, Protocol, Self, TypedDict, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

Floats = NDArray[np.float64]
Axis = Literal["generalisation", "calibration", "overoptimization"]
AXES: tuple[Axis, ...] = ("generalisation", "calibration", "overoptimization")
Track = Literal["closed", "open"]  # closed: trained on the training split of rmbench's worlds and nothing else


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
    `logprobs`, one per response, are what the sampling policy gave each (nats), where it is a language model.
    `contexts`, one per response, are the prompts where the responses answer different ones; `prompt` is then the first.
    """

    id: str
    prompt: tuple[Message, ...]
    responses: tuple[str, ...]
    gold: tuple[float, ...]
    group: str
    probability: float | None = None
    votes: tuple[int, int] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    logprobs: tuple[float, ...] | None = None
    contexts: tuple[tuple[Message, ...], ...] | None = None

    def conversation(self, index: int) -> tuple[Message, ...]:
        """The prompt (of this response) followed by response `index` as the assistant's turn."""
        prompt = self.prompt if self.contexts is None else self.contexts[index]
        return (*prompt, Message(role="assistant", content=self.responses[index]))


class Strict(BaseModel):
    """A frozen record that refuses misspelt keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Budgets(Strict):
    """How far a task lets the reward be optimised: KL in nats, the n of best-of-n, and reward queries by optimiser."""

    tilt: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] = (1.0, 2.0, 4.0)
    best_of_n: tuple[Annotated[int, Field(gt=1)], ...] = (4, 16, 64)
    queries: Mapping[str, Annotated[int, Field(gt=0)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _some_once(self) -> Self:
        """Recovery is a mean over the budgets: there must be one, and none may count twice."""
        if not self.tilt and not self.best_of_n and not self.queries:
            raise ValueError("give at least one budget: tilt, best_of_n or queries")
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
    headline: str | None = Field(default=None, description="the metric that is the skill, where not the axis's own")
    shift: Literal["near", "far"] | None = Field(
        default=None, description="how far the shifted items lie from the closed track's training data"
    )
    resolves: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="smallest difference in skill found at 80 % power"
    )
    build: Mapping[str, Any] = Field(default_factory=dict, description="recipe and settings; empty = not built by us")
    items: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    reference: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="digest of the gold's own runs, where budgets has queries"
    )


@dataclass(frozen=True, slots=True)
class Task:
    """A card, its items, and the folder that it was read from (where the gold's own runs lie)."""

    card: Card
    items: tuple[Item, ...]
    folder: FilePath | None = None


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
class Attempt:
    """One reward query of a search: what was changed in a prompt's best text so far, and what that did.

    `operator` names the change. The `before` values are those of the text that was changed. `kept`: it became the new
    best. `text` is stored for what was kept (and for the start, whose operator is "start"). NaN = no score.
    """

    item: str
    query: int
    operator: str
    proxy_before: float
    proxy: float
    gold_before: float
    gold: float
    kept: bool
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The state of an interactive optimiser after a step; step 0 is the untouched reference. Not every step is noted.

    `queries` counts every answer that was put to the reward so far; `cached` those among them that had been asked
    before (served without the model), `failed` those without a score. `kl` from the reference policy in nats: exact, or
    an estimate if `estimate`; None for a method that has no policy. `proxy` is the mean reward at this step (None at
    a step that asked nothing). `golds` holds the expected gold of each of the task's prompts, in their order;
    `proxies` their rewards, where the method has one per prompt.
    """

    step: int
    queries: int
    cached: int
    failed: int
    kl: float | None
    proxy: float | None
    golds: tuple[float, ...]
    proxies: tuple[float, ...] = ()
    estimate: bool = False
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """How one prompt fared while a reward was optimised: arrays of shape (steps,), the first entry the reference.

    `queries` and `kl` (nats; NaN where the method has none) are those of the whole run. `proxy` is NaN where nothing
    was asked. `failed` is the share of all queries that got no score. `oracle` is the path of the same prompt when the
    gold itself was optimised with the same settings and seed; None where no such run is kept with the task.
    """

    queries: Floats
    kl: Floats
    proxy: Floats
    gold: Floats
    failed: float = 0.0
    estimate: bool = False
    oracle: Path | None = None


@dataclass(frozen=True, slots=True)
class ScoredItem:
    """An item as `evaluate` sees it: no text, only numbers. `scores` is NaN where the model gave none.

    `paths` holds, by optimiser, how the prompt fared under interactive optimisation. A run of such optimisers alone has
    items without responses. `complete`: every response has a finite score; `decided`: the gold prefers some answers to
    others. Every metric asks for these two, so they are worked out once.
    """

    id: str
    group: str
    scores: Floats
    gold: Floats
    probability: float | None = None
    votes: tuple[int, int] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, Path] = field(default_factory=dict)
    complete: bool = field(init=False, repr=False, compare=False)
    decided: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "complete", bool(np.isfinite(self.scores).all()))
        object.__setattr__(self, "decided", self.gold.size > 0 and bool(self.gold.max() > self.gold.min()))


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
    """All metrics of one task. `headline` names the metric that is the task's skill score.

    `p_values` holds, for metrics that are a family of tests against 0 (bias probes), their p-values after correction.
    """

    card: Card
    headline: str
    metrics: Mapping[str, Estimate]
    p_values: Mapping[str, float] = field(default_factory=dict)

    @property
    def skill(self) -> Estimate:
        """The headline: 0 = a constant reward, 1 = the gold itself, negative = harmful."""
        return self.metrics[self.headline]


@dataclass(frozen=True, slots=True)
class Result:
    """What `evaluate` returns: skills per axis and overall, every task's metrics, and what made them.

    `skills` has the keys generalisation, calibration, overoptimization and overall. `track` is empty for a run on the
    open track; on the closed one it has the keys in_distribution, near_shift and far_shift.
    """

    model: str
    signature: str
    skills: Mapping[str, Estimate]
    tasks: Mapping[str, TaskResult]
    settings: Mapping[str, Any]
    track: Mapping[str, Estimate] = field(default_factory=dict)
