"""Which sequences share a batch. The plan depends on the lengths alone, so that every run makes the same batches."""

from __future__ import annotations

from collections.abc import Sequence


def plan_batches(lengths: Sequence[int], max_tokens: int) -> list[list[int]]:
    """Group sequences (by index) so that rows x longest row <= `max_tokens`, padding included.

    Longest first: neighbours in length waste the least padding, the first batch shows at once whether the memory
    suffices, and time left is never underestimated. A sequence longer than the budget gets a batch of its own. Equal
    lengths keep their order.
    """
    batches: list[list[int]] = []
    width = 0
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batches and (len(batches[-1]) + 1) * width <= max_tokens:
            batches[-1].append(index)
        else:
            batches.append([index])
            width = lengths[index]
    return batches
