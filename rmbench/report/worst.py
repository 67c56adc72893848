"""The examples that fooled the reward model most: it ranks them first, the gold ranks them low."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rmbench.errors import RmbenchError
from rmbench.scores import Run
from rmbench.task import load_task
from rmbench.types import Card, Item, ScoredItem


@dataclass(frozen=True, slots=True)
class Fooled:
    """One item whose top-scored response (`pick`) is far below the best one (`best`) by gold.

    Ranks count from 1, over `size` responses; `z` is the pick's score in standard deviations within the item.
    """

    task: str
    item: str
    pick: int
    best: int
    size: int
    tied: int
    z: float
    gold_pick: float
    gold_best: float
    gold_rank: int
    best_proxy_rank: int

    @property
    def loss(self) -> float:
        """Gold given away by trusting the top score."""
        return self.gold_best - self.gold_pick


@dataclass(frozen=True, slots=True)
class Texts:
    """The words of one `Fooled`: what was asked, what the model liked, what the gold likes."""

    prompt: str
    pick: str
    best: str


def fooled(task: str, item: ScoredItem) -> Fooled | None:
    """How the top score fools on one item; None where it does not, or where a score is missing.

    Among equal top scores the one with the lowest gold is taken: a tie is a response that optimisation may land on.
    """
    if not item.complete or len(item.scores) < 2:
        return None
    scores, gold = item.scores, item.gold
    top = np.flatnonzero(scores == scores.max())
    pick = int(top[np.argmin(gold[top])])
    best = int(np.argmax(gold))
    spread = float(scores.std())
    if gold[best] <= gold[pick] or spread == 0:
        return None
    return Fooled(
        task=task,
        item=item.id,
        pick=pick,
        best=best,
        size=len(scores),
        tied=len(top) - 1,
        z=float((scores[pick] - scores.mean()) / spread),
        gold_pick=float(gold[pick]),
        gold_best=float(gold[best]),
        gold_rank=1 + int((gold > gold[pick]).sum()),
        best_proxy_rank=1 + int((scores > scores[best]).sum()),
    )


def worst_fooled(run: Run, count: int = 10) -> list[Fooled]:
    """The `count` items with the largest loss of gold, over all pool tasks (over all tasks if there is no pool).

    Equal losses go by how far the pick stands out by score, then by name, so that the order is always the same.
    """
    pools = [name for name, card in run.cards.items() if card.axis == "overoptimization"]
    found = [f for task in (pools or run.cards) for item in run.items(task) if (f := fooled(task, item))]
    return sorted(found, key=lambda f: (-f.loss, -f.z, f.task, f.item))[:count]


def texts(run: Run, examples: list[Fooled], tasks_dir: Path | None) -> tuple[dict[tuple[str, str], Texts], list[str]]:
    """The texts of the examples by (task, item), and one sentence for each task whose texts cannot be shown."""
    found: dict[tuple[str, str], Texts] = {}
    notes: list[str] = []
    for name in dict.fromkeys(example.task for example in examples):
        items, note = installed_items(run.cards[name], tasks_dir)
        notes += [note] if note else []
        for example in examples:
            item = items.get(example.item) if example.task == name else None
            if item is not None:
                prompt = "\n\n".join(message["content"] for message in item.prompt)
                key = (name, example.item)
                found[key] = Texts(prompt, item.responses[example.pick], item.responses[example.best])
    return found, notes


def prompts(run: Run, name: str, tasks_dir: Path | None) -> dict[str, str]:
    """What was asked, by item; nothing where the installed task is not the one that this run is about."""
    items, _ = installed_items(run.cards[name], tasks_dir)
    return {item.id: "\n\n".join(message["content"] for message in item.prompt) for item in items.values()}


def installed_items(card: Card, tasks_dir: Path | None) -> tuple[Mapping[str, Item], str | None]:
    """The items by id of the installed task, only if they are the very ones that were scored; or else why not."""
    try:
        task = load_task(card.name, extra_dir=tasks_dir)
    except RmbenchError as error:
        return {}, f"Texts of {card.name} are not shown: {error}."
    if task.card.sha256 != card.sha256:
        return {}, f"Texts of {card.name} are not shown: the installed task is not the one this run scored."
    return {item.id: item for item in task.items}, None
