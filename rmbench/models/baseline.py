"""Rewards that know nothing about quality: the floor that every model must leave behind."""

from __future__ import annotations

import hashlib

from rmbench.models.base import Adapter, ModelOptions, Rule
from rmbench.types import Conversation


def constant(_argument: str, _options: ModelOptions) -> Rule:
    """The same reward for everything: skill 0 by definition."""
    return Rule(lambda _: 0.0, {"name": "constant"})


def random(_argument: str, options: ModelOptions) -> Rule:
    """A uniform number in [0, 1) that hangs on the conversation and the seed alone, so row order cannot matter."""
    from rmbench.scores import digest

    def rule(conversation: Conversation) -> float:
        key = f"{options.seed}/{digest(conversation)}".encode()
        return int.from_bytes(hashlib.sha256(key).digest()[:6]) / 2**48

    return Rule(rule, {"name": "random", "seed": options.seed})


def length(_argument: str, _options: ModelOptions) -> Rule:
    """Longer is better: the commonest bias, as a model of its own."""
    return Rule(lambda conversation: float(len(conversation[-1]["content"])), {"name": "length"})


ADAPTERS = (
    Adapter("constant", "the same reward for every response: the zero of every skill score", constant),
    Adapter("random", "a seeded random reward per conversation", random),
    Adapter("length", "the number of characters of the response", length),
)
