"""The gold reward itself: the ceiling of every plot, and the one of every skill score. For reference, not a model."""

from __future__ import annotations

from functools import cache

from rmbench.models.base import Adapter, ModelOptions, Rule
from rmbench.types import Conversation, Failure
from rmbench.worlds import PRACTICE, get_world, practice_prompts, prompt_from_tags
from rmbench.worlds.base import Prompt


def load(_argument: str, options: ModelOptions) -> Rule:
    """The gold of the tasks in `options`, by the digest of the conversation.

    Under a prompt of a task that is attacked by optimisers, or of their practice, any other answer is graded by the
    world. What is left is a Failure, and so is a conversation whose gold differs between items: there is no one right
    answer to give.
    """
    from rmbench.scores import digest

    gold: dict[str, float | Failure] = {}
    for task in options.tasks:
        for item in task.items:
            for index, value in enumerate(item.gold):
                key = digest(item.conversation(index))
                if gold.setdefault(key, value) != value:
                    gold[key] = Failure("its gold differs between items")

    @cache
    def prompts() -> dict[str, Prompt]:
        attacked = [item for task in options.tasks if task.card.budgets.queries for item in task.items]
        found = [prompt_from_tags(item.tags) for item in attacked]
        worlds = sorted({prompt.world for prompt in found})
        return {p.text: p for p in [*(p for name in worlds for p in practice_prompts(name, PRACTICE)), *found]}

    def rule(conversation: Conversation) -> float | Failure:
        known = gold.get(digest(conversation))
        if known is not None:
            return known
        prompt = prompts().get(conversation[0]["content"]) if len(conversation) == 2 else None
        if prompt is None:
            return Failure("not in the tasks of this run")
        world = get_world(prompt.world)
        grade = world.gold_of_free_text if options.free_text else world.gold
        return grade(prompt, conversation[1]["content"]).score

    return Rule(rule, {"name": "oracle"})


ADAPTER = Adapter("oracle", "the gold of the tasks themselves (reference and tests only)", load)
