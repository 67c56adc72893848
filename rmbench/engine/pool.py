"""A pool of workers on a Ray cluster that hold the same model; what a lost one was doing is given to another."""

from __future__ import annotations

import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rmbench.engine.workers import Facts, agreed
from rmbench.errors import ModelError, UsageError

REPLACEMENTS = 3  # per worker that was asked for, all together
MAX_LOSSES = 3  # workers that one call may cost before it is blamed
IN_FLIGHT = 2  # calls that a worker has at a time: it begins the second while the first one's answer travels


@dataclass(eq=False, slots=True)
class _Handle:
    """A worker as the pool sees it: the actor, and what tells that it has a place and that it has the model."""

    actor: Any
    placed: Any
    loaded: Any


class _LostError(Exception):
    """A worker is gone: killed, crashed, or with its whole node."""


class WorkerPool:
    """So many workers, all with the same model. Not for use by several threads."""

    def __init__(self, start_actor: Callable[[], Any], size: int, load: tuple[Any, ...], patience: float) -> None:
        """`load` are the arguments of an actor's `load`. `patience`: seconds to wait for a place, and until it is said
        that a model is still loading.
        """
        self._start_actor = start_actor
        self._size = size
        self._load = load
        self._patience = patience
        self._left = REPLACEMENTS * size
        self._ready: list[_Handle] = []
        self._loading: dict[Any, _Handle] = {}
        self._facts: Facts | None = None

    @property
    def facts(self) -> Facts:
        """What all workers agree on."""
        assert self._facts is not None, "the pool was not started"
        return self._facts

    def start(self, short: Callable[[int], str]) -> None:
        """Place all workers and load their models. `short(placed)` is the sentence for too few places.

        Raises UsageError if they cannot be placed, ModelError if they do not hold the same model, and what loading
        raises.
        """
        import ray

        first = [self._add() for _ in range(self._size)]
        placed, _ = ray.wait([h.placed for h in first], num_returns=self._size, timeout=self._patience)
        if len(placed) < self._size:
            raise UsageError(short(len(placed)))
        # a replacement may have no place; those that were placed are waited for, however long they load
        while not self._ready or any(handle.loaded in self._loading for handle in first):
            self._await_worker()

    def stop(self) -> None:
        """End all workers, whatever they are doing."""
        for handle in [*self._ready, *self._loading.values()]:
            _kill(handle)
        self._ready, self._loading = [], {}

    def call(self, method: str, *arguments: Any) -> Any:
        """The answer of any one worker."""
        ((_, answer),) = self.map(method, [arguments])
        return answer

    def map(self, method: str, calls: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """(index, answer) as they come, each index once. The calls are begun in their order.

        A call whose worker was lost goes to another one. What the worker itself raises is raised here.
        """
        waiting, losses, busy = deque(range(len(calls))), Counter[int](), Counter[_Handle]()
        running: dict[Any, tuple[_Handle, int]] = {}

        def submit() -> None:
            for depth in range(1, IN_FLIGHT + 1):
                for handle in self._ready:
                    # near the end nobody is given more than one: another may be free for it sooner
                    if waiting and busy[handle] < depth and (depth == 1 or len(waiting) > len(self._ready)):
                        index = waiting.popleft()
                        running[getattr(handle.actor, method).remote(*calls[index])] = (handle, index)
                        busy[handle] += 1

        while waiting or running:
            submit()
            if not running:
                self._await_worker()
                continue
            done = _first([*running, *self._loading])
            if done in self._loading:
                self._on_loaded(done)
                continue
            handle, index = running[done]
            at_work = next(i for other, i in running.values() if other is handle)  # the one that it was given first
            del running[done]
            busy[handle] -= 1
            try:
                answer = _fetched(done)
            except _LostError as lost:
                waiting.appendleft(index)
                if handle in self._ready:  # else it was lost with another call, which is counted
                    losses[at_work] += 1
                    self._replace(handle, lost, losses[at_work])
                continue
            submit()  # before the answer is looked at, so that nobody stands idle meanwhile
            yield index, answer

    def _add(self) -> _Handle:
        actor = self._start_actor()
        handle = _Handle(actor, actor.node.remote(), actor.load.remote(*self._load))
        self._loading[handle.loaded] = handle
        return handle

    def _await_worker(self) -> None:
        """Until one of those that are loading is done. That may take hours, so it has no end; but it is said."""
        import ray

        self._await_place()
        waited, step = 0.0, max(1.0, self._patience)
        while not (done := ray.wait([*self._loading], num_returns=1, timeout=step)[0]):
            waited += step
            step = waited  # said again after twice the time
            self._say_loading(waited)
        self._on_loaded(done[0])

    def _say_loading(self, waited: float) -> None:
        import ray

        handles = [*self._loading.values()]
        placed, _ = ray.wait([h.placed for h in handles], num_returns=len(handles), timeout=0)
        nodes = []
        for reference in placed:
            with suppress(_LostError):  # that is noticed where it is loaded
                nodes.append(_fetched(reference))
        warnings.warn(
            f"still waiting for {len(nodes)} of {self._size} workers to load the model, after {waited:g} s, on "
            f"{', '.join(sorted(set(nodes)))}; a large download takes its time; if nothing moves there, stop the run "
            "(Ctrl-C) and start it again: what is scored is kept",
            stacklevel=2,
        )

    def _on_loaded(self, loaded: Any) -> None:
        """A worker has loaded its model, or was lost over it."""
        handle = self._loading[loaded]
        try:
            facts: Facts = _fetched(loaded)
        except _LostError as lost:
            self._replace(handle, lost)
            return
        self._facts = agreed(self._facts, facts)
        del self._loading[loaded]
        self._ready.append(handle)

    def _replace(self, handle: _Handle, lost: _LostError, times: int = 0) -> None:
        _kill(handle)
        self._ready = [other for other in self._ready if other is not handle]
        self._loading.pop(handle.loaded, None)
        if times == MAX_LOSSES:
            raise ModelError(
                f"{times} workers were lost over the same batch, the last one so: {lost}; often the memory is full: "
                "try a smaller --max-batch-tokens"
            )
        if self._left == 0:
            raise ModelError(
                f"{REPLACEMENTS * self._size + 1} workers were lost, the last one so: {lost}; "
                "see the logs of Ray on that node (often the memory is full), and run it again: what is scored is kept"
            )
        self._left -= 1
        self._add()

    def _await_place(self) -> None:
        """Nobody works: a new worker must find a place, or nothing will ever happen."""
        import ray

        placed, _ = ray.wait([h.placed for h in self._loading.values()], num_returns=1, timeout=self._patience)
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


def _kill(handle: _Handle) -> None:
    import ray
    from ray.exceptions import RayError

    with suppress(RayError, ValueError):  # it may be gone already
        ray.kill(handle.actor)
