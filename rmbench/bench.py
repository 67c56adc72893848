"""How fast a model is scored here: three ways to make batches on the same texts, beside what the hardware allows.

Tokens per second count the real tokens of the plain path: every conversation whole, no padding. Reading a shared prompt
once therefore shows as more tokens per second.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import harmonic_mean, median
from typing import Any, NamedTuple

from rmbench.engine import plan_batches
from rmbench.engine.asking import ask_batch
from rmbench.models.base import Batch, Tokens
from rmbench.models.tokens import TokenScorer

# Lengths in tokens of SmolLM2, chat template included: (what the six responses to a prompt share, the rest of each).
# The first four prompts of RM-Bench's chat part (Liu et al. 2024, 2410.16184): concise, detailed, in markdown, twice.
PAIRS = (
    (41, (38, 426, 526, 40, 441, 521)),
    (80, (50, 493, 500, 48, 424, 505)),
    (42, (32, 271, 290, 32, 482, 511)),
    (42, (49, 432, 483, 49, 439, 497)),
)
POOL = ((300, (40,) * 64),)
WORKLOADS: Mapping[str, Sequence[tuple[int, Sequence[int]]]] = {"pairs": PAIRS, "pool": POOL}
NAIVE = "dataset order, batches of 8"
SORTED = "sorted, token budget"
SHARED = "shared prompts read once"
CEILING = "matrix products alone"
CEILINGS = 4  # measured so often during each pass over the batches, and once before


@dataclass(frozen=True, slots=True)
class Speed:
    """One way to score one workload. `tokens_per_second` is the median of all rounds, `ratio` that to the naive way.

    `share` is the part of the ceiling that is reached: the matrix products of every token alone.
    """

    workload: str
    way: str
    tokens: int
    tokens_per_second: float
    ratio: float
    share: float


def sequences(workload: str, vocabulary: int, window: int, seed: int = 0) -> list[tuple[int, Tokens]]:
    """(number of the prompt, made-up tokens) with the lengths of the workload, shortened to fit the window."""
    luck = random.Random(seed)
    lengths = WORKLOADS[workload]
    longest = max(shared + max(rests) for shared, rests in lengths)
    scale = min(1.0, window / longest)

    def made(count: int) -> tuple[int, ...]:
        return tuple(luck.randrange(vocabulary // 2, vocabulary) for _ in range(max(1, int(count * scale))))

    found = []
    for number, (shared, rests) in enumerate(lengths):
        prompt = made(shared)
        found += [(number, Tokens((*prompt, *made(rest)), len(prompt))) for rest in rests]
    return found


def ways(model: TokenScorer, asked: Sequence[tuple[int, Tokens]]) -> dict[str, list[Batch]]:
    """The batches of each way; no third one where the model cannot share prompts."""
    rows = [tokens for _, tokens in asked]
    budget = model.max_batch_tokens
    found = {
        NAIVE: [Batch(tuple(rows[i : i + 8])) for i in range(0, len(rows), 8)],
        SORTED: plan_batches(rows, budget),
    }
    if model.shares_prefixes:
        found[SHARED] = plan_batches(rows, budget, [number for number, _ in asked], model.sharing_reach)
    return found


def measure(
    model: TokenScorer,
    workloads: Sequence[str] = (*WORKLOADS,),
    rounds: int = 1,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Speed]:
    """Every way on every workload, `rounds` times by turns.

    The ceiling is measured between the batches of each way: a machine that changes its pace wrongs none.
    """
    found = []
    for workload in workloads:
        asked = sequences(workload, model.vocabulary, model.window)
        plans, products = ways(model, asked), Products(model, asked)
        timings: dict[str, list[_Timing]] = {way: [] for way in plans}
        for way, plan in plans.items():  # the first pass of each is slower
            tell(f"{workload}: {way}, to begin with")
            ask_batch(model, plan[-1])
        for number in range(rounds):
            for way, plan in plans.items():
                tell(f"{workload}: {way}, round {number + 1} of {rounds}")
                timings[way].append(_timed(model, plan, products))
        found += _speeds(workload, sum(len(row.ids) for _, row in asked), timings)
    return found


class _Timing(NamedTuple):
    seconds: float
    ceiling: float  # tokens per second at that time


def _timed(model: TokenScorer, plan: Sequence[Batch], products: Products) -> _Timing:
    ceilings, seconds = [products.tokens_per_second()], 0.0
    step = max(1, len(plan) // CEILINGS)
    for number, batch in enumerate(plan, 1):
        seconds += _seconds(lambda batch=batch: ask_batch(model, batch))  # type: ignore[misc]
        if number % step == 0:
            ceilings.append(products.tokens_per_second())
    return _Timing(seconds, harmonic_mean(ceilings))


def _speeds(workload: str, tokens: int, timings: Mapping[str, Sequence[_Timing]]) -> list[Speed]:
    naive = timings[NAIVE]
    found = [
        Speed(
            workload,
            way,
            tokens,
            tokens / median(one.seconds for one in each),
            median(first.seconds / one.seconds for first, one in zip(naive, each, strict=True)),
            median(tokens / one.seconds / one.ceiling for one in each),
        )
        for way, each in timings.items()
    ]
    top = median(one.ceiling for each in timings.values() for one in each)
    ratio = median(one.ceiling * one.seconds / tokens for one in naive)
    return [*found, Speed(workload, CEILING, tokens, top, ratio, 1.0)]


class Products:
    """The matrix products of the plain path alone, a full batch of tokens at a time.

    The output of a language model over its vocabulary is counted for the responses alone: nothing else needs it.
    """

    def __init__(self, model: TokenScorer, asked: Sequence[tuple[int, Tokens]]) -> None:
        import torch

        self._rows = model.max_batch_tokens
        answers = sum(len(row.ids) - row.start for _, row in asked) / sum(len(row.ids) for _, row in asked)
        body = {id(module) for module in model.model.base_model.modules()}
        self._products: list[tuple[Callable[[], object], float]] = []
        given: dict[int, Any] = {}  # one input for all matrices of a width: they are not read from cold memory
        for module in model.model.modules():
            if (width := _inputs(module)) is not None:
                weight = module.weight
                if width not in given:
                    given[width] = torch.randn(self._rows, width, device=weight.device, dtype=weight.dtype)
                over_words = id(module) not in body and max(weight.shape) == model.vocabulary
                self._products.append((_product(module, given[width]), answers if over_words else 1.0))

    def tokens_per_second(self) -> float:
        """Measured now."""
        import torch

        with torch.inference_mode():
            return self._rows / sum(share * _seconds(product) for product, share in self._products)


def _inputs(module: Any) -> int | None:
    """How many numbers a matrix takes; None for a module that is none."""
    import torch
    from transformers.pytorch_utils import Conv1D

    if isinstance(module, torch.nn.Linear):
        return module.in_features
    return int(module.weight.shape[0]) if isinstance(module, Conv1D) else None


def _product(module: Any, given: Any) -> Callable[[], object]:
    """The product, awaited: a GPU answers before it is done."""

    def product() -> float:
        return float(module.forward(given)[0, 0])

    return product


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
