"""A model on many workers, as one model: the engine asks it, and each batch goes to whoever is free.

The workers load the model themselves, so this process needs neither the weights nor a GPU.
"""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any, Self, TypeVar

from rmbench.engine.pool import WorkerPool
from rmbench.engine.workers import Load, Worker
from rmbench.errors import UsageError
from rmbench.models import adapters, load_model
from rmbench.models.answers import Score
from rmbench.models.base import LABEL, Batch, ModelOptions, Tokens
from rmbench.types import Conversation, Failure, RewardModel

__all__ = ["ClusterOptions", "connect"]

T = TypeVar("T")
# what the workers must see as this process does. No secrets: Ray shows these to everybody who may look at the cluster
ENVIRONMENT = (
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_ENDPOINT",
    "TOKENIZERS_PARALLELISM",
    "CUBLAS_WORKSPACE_CONFIG",
)


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """How many workers, on which Ray, and what each is given.

    `address`: None starts Ray on this machine and ends it afterwards; "auto" or HOST:PORT joins one. A worker holds one
    copy of the model: on one GPU, a part of one, or none. It computes with `cpus_per_worker` threads. `patience` is how
    many seconds to wait until the cluster has room, and until a warning says which models are still loading.
    """

    address: str | None = None
    workers: int = 1
    gpus_per_worker: float = 0
    cpus_per_worker: float = 1
    patience: float = 60

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise UsageError(f"workers must be at least 1, not {self.workers}")
        if not 0 <= self.gpus_per_worker <= 1:
            raise UsageError(
                f"gpus_per_worker must be from 0 to 1, as a model lies on one, not {self.gpus_per_worker:g}"
            )
        if not 0 < self.cpus_per_worker < math.inf:
            raise UsageError(f"cpus_per_worker must be above 0, not {self.cpus_per_worker:g}")
        if self.cpus_per_worker > 1 and self.cpus_per_worker % 1:
            raise UsageError(f"cpus_per_worker above 1 must be a whole number, not {self.cpus_per_worker:g}")

    @property
    def threads(self) -> int:
        """Threads that a worker computes with."""
        return max(1, int(self.cpus_per_worker))

    @property
    def resources(self) -> dict[str, float]:
        """What one worker takes, by Ray's names."""
        return {"CPU": self.cpus_per_worker} | ({"GPU": self.gpus_per_worker} if self.gpus_per_worker else {})


class RemoteModel:
    """A model that turns conversations into rewards, on many workers. `versions`: the packages on all of them."""

    def __init__(self, pool: WorkerPool, workers: int) -> None:
        self._pool = pool
        self._workers = workers
        self.settings: Mapping[str, Any] = pool.facts.settings
        self.identity: str | None = pool.facts.identity
        self.versions: Mapping[str, str] = pool.facts.versions

    def score(self, conversations: Sequence[Conversation]) -> list[Score]:
        """In order; each worker is given an equal part."""
        if not conversations:
            return []
        size = math.ceil(len(conversations) / self._workers)
        parts = [(conversations[start : start + size],) for start in range(0, len(conversations), size)]
        found = dict(self._pool.map("score", parts))
        return [score for number in range(len(parts)) for score in found[number]]

    def look(self, function: Callable[[Any], T]) -> T:
        """`function(model)`, computed by a worker that holds the model."""
        answer: T = self._pool.call("look", function)
        return answer


class RemoteTokenModel(RemoteModel):
    """As `RemoteModel`, for a model that reads tokens: a ParallelModel."""

    def __init__(self, pool: WorkerPool, workers: int) -> None:
        super().__init__(pool, workers)
        self.measures_budget: bool = pool.facts.measures_budget
        self._lenient = False
        self._seen: dict[str, Any] = {}

    @property
    def max_batch_tokens(self) -> int:
        """Asked of one worker when it is first needed: it may be measured, which takes a while."""
        return int(self._one("max_batch_tokens"))

    @property
    def shares_prefixes(self) -> bool:
        """As `max_batch_tokens`."""
        return bool(self._one("shares_prefixes"))

    @property
    def sharing_reach(self) -> int | None:
        """As `max_batch_tokens`."""
        reach: int | None = self._one("sharing_reach")
        return reach

    def _one(self, name: str) -> Any:
        """An attribute of one worker's model, the same one from then on: two workers may have measured differently."""
        if name not in self._seen:
            self._seen[name] = self.look(attrgetter(name))
        return self._seen[name]

    def lenient(self) -> Self:
        """The same workers; a text beyond the window is missing and stops nothing."""
        other = copy(self)
        other._lenient = self._pool.facts.is_lenient  # noqa: SLF001 - of its own kind
        return other

    def encode(self, conversations: Sequence[Conversation]) -> list[Tokens | Failure]:
        """All by one worker, so that what is too long is counted together."""
        found: list[Tokens | Failure] = self._pool.call("encode", conversations, self._lenient)
        return found

    def score_tokens(self, batch: Sequence[Tokens], shared: Sequence[int] | None = None) -> list[Score]:
        """One batch by one worker."""
        found: list[Score] = self._pool.call("score_tokens", batch, shared)
        return found

    def score_batches(self, batches: Sequence[Batch]) -> Iterator[tuple[int, list[Score]]]:
        """(number of the batch, its scores) as they get done, each number once; begun in the given order."""
        return self._pool.map("score_batch", [(batch,) for batch in batches])


@contextmanager
def connect(
    spec: str, options: ModelOptions, settings: ClusterOptions, load: Load = load_model
) -> Iterator[RewardModel]:
    """The model that `spec` names, held by workers; they end with the context, and so does a Ray that was started here.

    `load(spec, options)` is called by each worker. Raises UsageError for a cluster that cannot be had or has no room,
    ModelError for workers that do not hold the same model or are lost too often, and what loading raises.
    """
    options = _placed(options, settings)
    spec, path = _absolute(spec)
    with _joined(settings):
        import ray

        actor = ray.remote(Worker).options(
            num_cpus=settings.cpus_per_worker,
            num_gpus=settings.gpus_per_worker,
            max_restarts=0,  # the pool replaces what is lost itself: it must know, to check the new one's model
            max_task_retries=0,
            scheduling_strategy="SPREAD",
            runtime_env={"env_vars": _environment(settings)},
        )
        arguments = (load, spec, ray.put(options), path, settings.threads)
        pool = WorkerPool(actor.remote, settings.workers, arguments, settings.patience)
        try:
            pool.start(lambda placed: _short(settings, f"{placed} found a place in {settings.patience:g} s"))
            kind = RemoteTokenModel if pool.facts.reads_tokens else RemoteModel
            yield kind(pool, settings.workers)
        finally:
            pool.stop()


def _environment(settings: ClusterOptions) -> dict[str, str]:
    """Of the workers, from their first moment on: libraries look when they are imported."""
    found = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    return {**found, "OMP_NUM_THREADS": str(settings.threads)}


def _placed(options: ModelOptions, settings: ClusterOptions) -> ModelOptions:
    """The options as a worker needs them: it sees its own GPU alone, or has none."""
    device = options.device
    if settings.gpus_per_worker:
        if device not in ("auto", "cuda"):
            raise UsageError(
                f"a worker sees its own GPU alone, so device {device!r} cannot be chosen; use auto or cuda"
            )
        return replace(options, device="cuda")
    if device.startswith("cuda"):
        raise UsageError(f"device {device!r} needs a GPU, but the workers have none; pass --gpus-per-worker 1")
    return replace(options, device="cpu") if device == "auto" else options


def _absolute(spec: str) -> tuple[str, str | None]:
    """The spec with its path made absolute, as workers start elsewhere; and that path, None if it names none."""
    name, colon, argument = spec.partition(":")
    named = name in adapters()
    source, mark, label = (argument if named else spec).partition(LABEL)
    path = Path(source).expanduser()
    if not source or not (path.exists() or source.startswith((".", "/", "~"))):
        return spec, None
    absolute = str(path.absolute())
    return f"{name + colon if named else ''}{absolute}{mark}{label}", absolute


@contextmanager
def _joined(settings: ClusterOptions) -> Iterator[None]:
    """Connected to Ray. A connection that was there before is used and left as it is."""
    try:
        import ray
    except ImportError as error:
        raise UsageError("--engine ray needs the package ray: pip install 'rmbench[ray]'") from error

    if ray.is_initialized():
        yield
        return
    quiet = {"log_to_driver": False, "logging_level": "error"}
    if settings.address is None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # "local": an address in the environment is not joined unless the user says so
        ray.init(address="local", include_dashboard=False, **quiet)
    else:
        _answers(settings.address)
        try:
            ray.init(address=settings.address, **quiet)
        except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise UsageError(f"no Ray cluster can be joined at {settings.address}: {_why(error)}") from error
    try:
        if settings.address is None:
            _has_room(settings)
        yield
    finally:
        ray.shutdown()


def _answers(address: str) -> None:
    """Raise UsageError for a HOST:PORT where nobody listens: Ray would try for minutes and then end the process."""
    host, _, port = address.rpartition(":")
    if address == "auto":
        return
    if not host or not port.isdecimal() or "/" in host:
        raise UsageError(
            f"{address!r} is not the address of a Ray cluster; write auto, or HOST:PORT such as 10.0.0.1:6379"
        )
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise UsageError(f"no Ray cluster answers at {address}: {error}; start one with `ray start --head`") from error


def _why(error: BaseException) -> str:
    """What Ray means, with the way out; it tells of a missing token only at the end of a chain of errors."""
    said, cause = str(error).strip().partition("\n")[0], error.__cause__
    while cause is not None:
        error, cause = cause, cause.__cause__
    if "authentication token" in f"{said} {error}".lower():
        return "it wants a token; set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN as they are on its first node"
    return f"{said.rstrip('.')}; run this on a node that was started with `ray start`, and see `ray status`"


def _has_room(settings: ClusterOptions) -> None:
    """Raise UsageError if this machine can never hold the workers. (A cluster may still grow.)"""
    import ray

    has = ray.cluster_resources()
    if any(has.get(name, 0) < each * settings.workers for name, each in settings.resources.items()):
        raise UsageError(_short(settings, "this machine is too small"))


def _short(settings: ClusterOptions, what: str) -> str:
    import ray

    has, free = ray.cluster_resources(), ray.available_resources()
    nodes = sum(node["Alive"] for node in ray.nodes())

    def listed(amounts: Mapping[str, float]) -> str:
        return " and ".join(f"{amounts.get(name, 0):g} {name}" for name in ("GPU", "CPU"))

    return (
        f"asked for {settings.workers} workers with {listed(settings.resources)} each, but {what}: there are "
        f"{listed(has)} on {nodes} node{'s' if nodes > 1 else ''}, of which {listed(free)} are free; ask for fewer "
        "workers or less for each (--workers, --gpus-per-worker, --cpus-per-worker)"
    )
