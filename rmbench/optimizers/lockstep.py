"""A generator made from a loop that somebody else runs.

A trainer calls us back; an optimiser must be asked for its next step. So the trainer works in a thread, and whenever it
hands something out it stands still until the consumer comes back: the two never run at the same time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any

import numpy as np

Give = Callable[[Any], Any]


class Stopped(BaseException):
    """Raised in the thread when nobody waits for it any more. Not an Exception: no handler may swallow it."""


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class _Sent:
    value: Any = None
    stop: bool = False


def in_lockstep(work: Callable[[Give], None]) -> Generator[Any, Any, None]:
    """Yield what `work` passes to its argument; what is sent back is what that call returns.

    An error in `work` is raised here. Closing the generator ends the thread at its next call.
    """
    out: SimpleQueue[Any] = SimpleQueue()
    back: SimpleQueue[_Sent] = SimpleQueue()

    def give(value: Any) -> Any:
        with undisturbed_luck():
            out.put(value)
            sent = back.get()
        if sent.stop:
            raise Stopped
        return sent.value

    def run() -> None:
        error: BaseException | None = None
        try:
            work(give)
        except BaseException as raised:  # noqa: BLE001 - it is raised again where the generator is used
            error = raised
        out.put(_End(error))

    thread = Thread(target=run, name="lockstep", daemon=True)
    thread.start()
    try:
        while not isinstance(got := out.get(), _End):
            back.put(_Sent((yield got)))
    finally:
        back.put(_Sent(stop=True))
        thread.join()
    if got.error is not None:
        raise got.error


@contextmanager
def undisturbed_luck() -> Iterator[None]:
    """Whatever draws random numbers inside, the process-wide generators go on as if it had not."""
    import torch

    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the state that others use
    with torch.random.fork_rng(devices=devices):
        yield
    random.setstate(python)
    np.random.set_state(numpy)  # noqa: NPY002
