"""What one worker of a cluster does: it holds a copy of the model, says what it holds, and scores."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rmbench.engine.asking import ask_batch
from rmbench.errors import ModelError
from rmbench.models.answers import Score, checked
from rmbench.models.base import Batch, ModelOptions, Tokens, reads_tokens
from rmbench.types import Conversation, Failure, RewardModel

Load = Callable[[str, ModelOptions], RewardModel]
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
            torch.set_num_threads(threads)  # before the model is asked for its identity, which counts them
        return Facts(
            dict(model.settings),
            getattr(model, "identity", None),
            reads_tokens(model),
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


def agreed(first: Facts | None, other: Facts) -> Facts:
    """The facts of the first worker. Raises ModelError if another one's differ."""
    if first is None:
        return other
    here, there = _compared(first), _compared(other)
    differing = [key for key in here | there if here.get(key) != there.get(key)]
    if differing:
        _, name = key = differing[0]
        mine, its = (str(side.get(key))[:24] for side in (here, there))
        raise ModelError(
            f"the workers do not hold the same model: {name} is {mine} on node {first.node} and {its} on "
            f"node {other.node}; use nodes with the same files, the same packages and the same kind of processor"
        )
    return first


def _compared(facts: Facts) -> dict[tuple[str, str], Any]:
    """The settings first: they say what differs, where the identity only says that something does."""
    found = {("settings", name): value for name, value in facts.settings.items()}
    found |= {("versions", name): value for name, value in facts.versions.items()}
    names = ("identity", "reads_tokens", "is_lenient", "measures_budget")
    return found | {("model", name): getattr(facts, name) for name in names}


def _versions() -> dict[str, str]:
    found = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
