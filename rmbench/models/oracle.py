"""The gold reward itself: the ceiling of every plot, and the one of every skill score. For reference, not a model."""

from __future__ import annotations

from rmbench.models.base import Adapter, ModelOptions, Rule
from rmbench.types import Conversation, Failure


def load(_argument: str, options: ModelOptions) -> Rule:
    """Look up the gold of the tasks in `options` by the digest of the conversation.

    A conversation that no task holds is a Failure, and so is one whose gold differs between items: there is no one
    right answer to give.
    """
    from rmbench.scores import digest

    gold: dict[str, float | Failure] = {}
    for task in options.tasks:
        for item in task.items:
            for index, value in enumerate(item.gold):
                key = digest(item.conversation(index))
                if gold.setdefault(key, value) != value:
                    gold[key] = Failure("its gold differs between items")

    def rule(conversation: Conversation) -> float | Failure:
        return gold.get(digest(conversation), Failure("not in the tasks of this run"))

    return Rule(rule, {"name": "oracle"})


ADAPTER = Adapter("oracle", "the gold of the tasks themselves (reference and tests only)", load)
