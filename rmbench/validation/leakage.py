"""What a model may have read of the task in its training data.

Prompts from one template share its sentences, and that is no leak. So a prompt is compared by what is its own: its
13-word sequences that hardly any other document has. A copy has them in one document, a template spreads over many.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rmbench.findings import Finding
from rmbench.types import Item, Task
from rmbench.validation.overlap import Match, Text
from rmbench.validation.record import Context, conclude

NAME = "leakage"
RESPONSES = 4  # of each item that are looked up: pools have hundreds
NEARLY_ALL = 0.75  # of a prompt's own sequences in one document: no two prompts of a template come so close
CHANCE = 0.01  # share of prompts that may be half alike by chance: few words, few templates


def prompts_of(task: Task) -> list[Text]:
    """Every prompt of the task once, as texts to look up."""
    found = {_said(prompt): item.group for item in task.items for prompt in item.contexts or (item.prompt,)}
    return [Text(text, group, task.card.name) for text, group in found.items()]


def responses_of(task: Task) -> list[Text]:
    """The first responses of each item."""
    found = dict.fromkeys(text for item in task.items for text in item.responses[:RESPONSES])
    return [Text(text, None, task.card.name) for text in found]


def check(task: Task, context: Context) -> Finding:
    """No prompt of the training data, whole or in large part."""
    pairs = list(zip(prompts_of(task), context.prompts, strict=True))
    ids = dict(_ids(task.items))
    same = [
        f"the prompt of item {ids[text.text]} is also that of training example {match.same}"
        for text, match in pairs
        if match.same is not None
    ]
    copied = sorted(
        ((match.held / match.own, ids[text.text], match.holder) for text, match in pairs if match.copied), reverse=True
    )
    alike = [
        f"training example {holder} holds {share:.0%} of what is the own text of the prompt of item {name}"
        for share, name, holder in copied
    ]
    grave = len(copied) > CHANCE * len(pairs) or (copied and copied[0][0] >= NEARLY_ALL)
    fine = f"13-grams seen: {_share(context.prompts)} of prompts', {_share(context.responses)} of responses'"
    return conclude(NAME, fine, same + (alike if grave else []), [] if grave else alike)


def _said(prompt: Sequence[object]) -> str:
    return "\n".join(message["content"] for message in prompt)  # type: ignore[index]


def _ids(items: Sequence[Item]) -> Iterator[tuple[str, str]]:
    """Each prompt's text with the first item that has it."""
    for item in reversed(items):
        for prompt in item.contexts or (item.prompt,):
            yield _said(prompt), item.id


def _share(matches: Sequence[Match]) -> str:
    total = sum(match.grams for match in matches)
    return f"{sum(match.seen for match in matches) / total:.0%}" if total else "0%"
