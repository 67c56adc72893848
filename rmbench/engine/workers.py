"""Workers of a Ray cluster that each hold a copy of the model; what a lost one was doing is given to another."""

from __future__ import annotations

import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rmbench.engine.asking import ask_batch
from rmbench.errors import ModelError, UsageError
from rmbench.models.answers import Score, checked
from rmbench.models.base import Batch, ModelOptions, Tokens
from rmbench.types import Conversation, Failure, RewardModel

Load = Callable[[str, ModelOptions], RewardModel]
REPLACEMENTS = 3  # per worker that was asked for, all together
LOSSES = 3  # workers that one question may cost before it is blamed
AHEAD = 2  # questions that a worker has at a time: it begins the second while the first one's answer travels
PACKAGES = ("rmbench", "numpy", "torch", "transformers", "tokenizers", "scikit-learn")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a worker says of its model. `node` is for people; in all the rest the workers must agree."""

    settings: Mapping[str, Any]
    identity: str | None
    reads_tokens: bool
    is_lenient: bool
    measures_budget: bool
    versions: Mapping[str, str]
    node: str


class Worker:
    """The process that holds a model. It becomes a Ray actor; nothing in it knows of the others."""

    model: Any

    def node(self) -> str:
        """Host and address of the machine, for people."""
        import socket

        import ray

        return f"{socket.gethostname()} ({ray.util.get_node_ip_address()})"

    def load(self, load: Load, spec: str, options: ModelOptions, path: str | None, threads: int) -> Facts:
        """Load the model; `path` is what must lie on this machine for it. Raises what loading raises."""
        if path is not None and not Path(path).exists():
            raise ModelError(
                f"{path} is not on node {self.node()}; put it at the same place on every node, or on a shared disk",
                problem="no-such-model",
            )
        self.model = model = load(spec, options)
        if torch := sys.modules.get("torch"):  # a model without it is not made to wait for it
            torch.set_num_threads(threads)
        # not isinstance(…, TokenModel): that looks at every property, and some are measured when they are looked at
        reads_tokens = callable(getattr(model, "score_tokens", None))
        return Facts(
            dict(model.settings),
            getattr(model, "identity", None),
            reads_tokens,
            callable(getattr(model, "lenient", None)),
            bool(getattr(model, "measures_budget", False)),
            _versions(),
            self.node(),
        )

    def look(self, function: Callable[[Any], Any]) -> Any:
        """`function(model)`, computed here."""
        return function(self.model)

    def encode(self, conversations: Sequence[Conversation], lenient: bool) -> list[Tokens | Failure]:
        """As the model's own; `lenient` as its `lenient()`."""
        return list((self.model.lenient() if lenient else self.model).encode(conversations))

    def score_tokens(self, batch: Sequence[Tokens], shared: Sequence[int] | None) -> list[Score]:
        """As the model's own, unchecked."""
        return list(self.model.score_tokens(batch, shared))

    def score_batch(self, batch: Batch) -> list[Score]:
        """As the engine asks a model of its own process: checked, and halved where memory is short."""
        return ask_batch(self.model, batch)

    def score(self, conversations: Sequence[Conversation]) -> list[Score]:
        """As the model's own, checked: what one worker has too many must not make up for another's too few."""
        return checked(self.model, self.model.score, conversations)


@dataclass(eq=False, slots=True)
class _Hand:
    """A worker as the crew sees it: the actor, and what tells that it has a place and that it has the model."""

    actor: Any
    placed: Any
    loaded: Any


class _LostError(Exception):
    """A worker is gone: killed, crashed, or with its whole node."""


class Crew:
    """So many workers, all with the same model. Not for use by several threads."""

    def __init__(self, hire: Callable[[], Any], wanted: int, load: tuple[Any, ...], patience: float) -> None:
        """`hire` makes an actor, `load` are the arguments of its `load`. Waits `patience` seconds for a place."""
        self._hire = hire
        self._wanted = wanted
        self._load = load
        self._patience = patience
        self._left = REPLACEMENTS * wanted
        self._ready: list[_Hand] = []
        self._coming: dict[Any, _Hand] = {}
        self._facts: Facts | None = None

    @property
    def facts(self) -> Facts:
        """What all workers agree on."""
        assert self._facts is not None, "the crew was not started"
        return self._facts

    def start(self, short: Callable[[int], str]) -> None:
        """Place all workers and load their models. `short(placed)` is the sentence for too few places.

        Raises UsageError if they cannot be placed, ModelError if they do not hold the same model, and what loading
        raises.
        """
        import ray

        hands = [self._enlist() for _ in range(self._wanted)]
        placed, _ = ray.wait([h.placed for h in hands], num_returns=self._wanted, timeout=self._patience)
        if len(placed) < self._wanted:
            raise UsageError(short(len(placed)))
        # a replacement may have no place; those that were placed are waited for, however long they load
        while not self._ready or any(hand.loaded in self._coming for hand in hands):
            self._await_place()
            self._arrive(_first(self._coming))

    def dismiss(self) -> None:
        """End all workers, whatever they are doing."""
        for hand in [*self._ready, *self._coming.values()]:
            _end(hand)
        self._ready, self._coming = [], {}

    def ask(self, method: str, *arguments: Any) -> Any:
        """The answer of any one worker."""
        ((_, answer),) = self.map(method, [arguments])
        return answer

    def map(self, method: str, asked: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """(index, answer) as they come, each index once. The questions are given out in their order.

        A question whose worker was lost is given to another one. What the worker itself raises is raised here.
        """
        waiting, losses, busy = deque(range(len(asked))), Counter[int](), Counter[_Hand]()
        flying: dict[Any, tuple[_Hand, int]] = {}

        def give_out() -> None:
            for depth in (1, AHEAD):
                for hand in self._ready:
                    # near the end nobody is given more than one: another may be free for it sooner
                    if waiting and busy[hand] < depth and (depth == 1 or len(waiting) > len(self._ready)):
                        index = waiting.popleft()
                        flying[getattr(hand.actor, method).remote(*asked[index])] = (hand, index)
                        busy[hand] += 1

        while waiting or flying:
            give_out()
            if not flying:
                self._await_place()
            done = _first([*flying, *self._coming])
            if done in self._coming:
                self._arrive(done)
                continue
            hand, index = flying[done]
            at_work = next(i for other, i in flying.values() if other is hand)  # the one that it was given first
            del flying[done]
            busy[hand] -= 1
            try:
                answer = _fetched(done)
            except _LostError as lost:
                waiting.appendleft(index)
                if hand in self._ready:  # else it was lost with another question, which is counted
                    losses[at_work] += 1
                    self._replace(hand, lost, losses[at_work])
                continue
            give_out()  # before the answer is looked at, so that nobody stands idle meanwhile
            yield index, answer

    def _enlist(self) -> _Hand:
        actor = self._hire()
        hand = _Hand(actor, actor.node.remote(), actor.load.remote(*self._load))
        self._coming[hand.loaded] = hand
        return hand

    def _arrive(self, loaded: Any) -> None:
        """A worker has loaded its model, or was lost over it."""
        hand = self._coming[loaded]
        try:
            facts: Facts = _fetched(loaded)
        except _LostError as lost:
            self._replace(hand, lost)
            return
        self._facts = _agreed(self._facts, facts)
        del self._coming[loaded]
        self._ready.append(hand)

    def _replace(self, hand: _Hand, lost: _LostError, times: int = 0) -> None:
        _end(hand)
        self._ready = [other for other in self._ready if other is not hand]
        self._coming.pop(hand.loaded, None)
        if times == LOSSES:
            raise ModelError(
                f"{times} workers were lost over the same batch, the last one so: {lost}; often the memory is full: "
                "try a smaller --max-batch-tokens"
            )
        if self._left == 0:
            raise ModelError(
                f"{REPLACEMENTS * self._wanted + 1} workers were lost, the last one so: {lost}; "
                "see the logs of Ray on that node (often the memory is full), and run it again: what is scored is kept"
            )
        self._left -= 1
        self._enlist()

    def _await_place(self) -> None:
        """Nobody works: a new worker must find a place, or nothing will ever happen."""
        import ray

        placed, _ = ray.wait([h.placed for h in self._coming.values()], num_returns=1, timeout=self._patience)
        if not placed:
            raise ModelError(
                f"all workers were lost, and the cluster has had no place for new ones in {self._patience:g} s; "
                "see `ray status`, and run it again: what is scored is kept"
            )


def _first(references: Any) -> Any:
    import ray

    return ray.wait(list(references), num_returns=1)[0][0]


def _fetched(reference: Any) -> Any:
    """The value, or the error that the worker raised, as it was; _LostError if there is no worker any more."""
    import ray
    from ray import exceptions as of_ray

    gone = (
        of_ray.RayActorError,
        of_ray.WorkerCrashedError,
        of_ray.NodeDiedError,
        of_ray.ObjectLostError,
        of_ray.OutOfMemoryError,
    )
    try:
        return ray.get(reference)
    except of_ray.RayTaskError as error:
        if not isinstance(error.cause, of_ray.RayError):
            raise error.cause from error
        raise ModelError(f"a worker failed: {_reason(str(error.cause))}") from error  # its error could not be sent
    except gone as error:
        raise _LostError(_reason(str(error))) from error
    except of_ray.RayError as error:
        raise ModelError(f"a worker failed: {type(error).__name__}: {_reason(str(error))}") from error


def _reason(text: str) -> str:
    """The sentence that tells most in an error of Ray, which has many lines."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    found = next((line for line in lines if "is dead because" in line), lines[-1] if lines else "no reason was given")
    return found.partition(" Some common causes")[0][:300].rstrip(".")


def _end(hand: _Hand) -> None:
    import ray
    from ray.exceptions import RayError

    with suppress(RayError, ValueError):  # it may be gone already
        ray.kill(hand.actor)


def _agreed(first: Facts | None, other: Facts) -> Facts:
    """The facts of the first worker. Raises ModelError if another one's differ."""
    if first is None:
        return other
    sides = [{"model": f.identity, **f.versions, **f.settings} for f in (first, other)]
    # the settings first: they say what differs, where the identity only says that something does
    differing = [k for k in reversed([*sides[0] | sides[1]]) if sides[0].get(k) != sides[1].get(k)]
    if differing:
        here, there = (str(side.get(differing[0]))[:24] for side in sides)
        raise ModelError(
            f"the workers do not hold the same model: {differing[0]} is {here} on node {first.node} and {there} on "
            f"node {other.node}; use nodes with the same files, the same packages and the same kind of processor"
        )
    return first


def _versions() -> dict[str, str]:
    found = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
