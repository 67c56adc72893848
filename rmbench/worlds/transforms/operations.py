"""What can be asked: each operation draws its arguments, solves itself, and slips in a plausible way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from rmbench.worlds.transforms.slots import Slot

Topic = Literal["words", "numbers", "letters", "calendar", "units"]
Args = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The lists that a prompt shows. Either may be empty."""

    words: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()


def no_args(_rng: Random, _inputs: Inputs) -> Args | None:
    """For operations that speak of a whole list."""
    return ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of job.

    `draw` gives arguments, or None where the question would be ambiguous for these inputs (two longest words).
    `solve` gives the canonical answer, or None where there is none (the ninth of five words).
    `slip` gives a plausible wrong answer, of about the same length as the right one, so that length tells nothing.
    """

    topic: Topic
    value: Slot
    solve: Callable[[Inputs, Args], str | None]
    slip: Callable[[Random, Inputs, Args, str], str]
    args: Mapping[str, Slot] = field(default_factory=dict)
    draw: Callable[[Random, Inputs], Args | None] = no_args


def nearby(rng: Random, _inputs: Inputs, _args: Args, truth: str) -> str:
    """Off by one, up or down (never below 1)."""
    return str(int(truth) + rng.choice((-1, 1) if int(truth) > 1 else (1,)))


def swap(rng: Random, parts: list[str]) -> list[str]:
    """Two neighbouring, different elements change places. There must be two such elements."""
    where = rng.choice([i for i in range(len(parts) - 1) if parts[i] != parts[i + 1]])
    return [*parts[:where], parts[where + 1], parts[where], *parts[where + 2 :]]


def swap_elements(rng: Random, _inputs: Inputs, _args: Args, truth: str) -> str:
    """A list in which two neighbours changed places."""
    return ", ".join(swap(rng, truth.split(", ")))


def swap_letters(rng: Random, _inputs: Inputs, _args: Args, truth: str) -> str:
    """A word in which two neighbouring letters changed places."""
    return "".join(swap(rng, list(truth)))
