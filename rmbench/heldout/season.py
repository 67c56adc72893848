"""A season as the maintainers hold it: its salt and its tasks, and the leaves that they are committed to with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rmbench.errors import HeldOutError, RmbenchError
from rmbench.heldout.merkle import leaf_hash
from rmbench.heldout.secret import derived, seal, unseal
from rmbench.items import check_item, check_unique, content_hash
from rmbench.rows import canonical
from rmbench.task import REFERENCE
from rmbench.trajectory import rows_digest, write_rows
from rmbench.types import Card, Item, Message, Task

PRIVATE = "private.enc"
SEASON = r"^[a-z0-9][a-z0-9_]{0,29}$"  # it ends the names of tasks


@dataclass(frozen=True, slots=True)
class HeldTask:
    """A task: card, items, and the rows of the gold's own courses (none where its card asks for no queries)."""

    card: Card
    items: tuple[Item, ...]
    reference: tuple[Mapping[str, Any], ...] = ()

    def with_courses(self, folder: Path) -> Task:
        """The task as `run` takes it: the gold's own courses are read from a folder, so they are written there. They
        hold no text.
        """
        if not self.reference:
            return Task(self.card, self.items)
        folder.mkdir()
        write_rows(folder / REFERENCE, self.reference)
        return Task(self.card, self.items, folder)


@dataclass(frozen=True, slots=True)
class Season:
    """All of a season's secrets. `canary` is that of its files; each task has one of its own besides."""

    name: str
    salt: bytes
    canary: str
    tasks: tuple[HeldTask, ...]

    def leaves(self) -> list[bytes]:
        """The hashes under the root: of each task its card, then its items, in order."""
        return [leaf for task in self.tasks for leaf in task_leaves(self.salt, task.card, task.items)]


def task_leaves(salt: bytes, card: Card, items: Sequence[Item]) -> Iterator[bytes]:
    """The leaves of a task. Each has a salt of its own, so that one can be shown and no other one guessed."""
    yield _leaf(salt, f"{card.name}/card", card.model_dump(mode="json"))
    for item in items:
        yield _leaf(salt, f"{card.name}/item/{item.id}", plain_item(item))


def plain_item(item: Item) -> dict[str, Any]:
    """An item as plain JSON values, those that `content_hash` is made of."""
    fields = asdict(item)
    return {name: value for name, value in fields.items() if value is not None or name in ("probability", "votes")}


def head_of(season: str, canary: str, kind: str, **more: object) -> dict[str, object]:
    """What stays readable of an encrypted file."""
    return {"canary": canary, "season": season, "kind": kind, **more}


def write_private(root: Path, season: Season, key: str) -> Path:
    """Write a season's secrets, encrypted. Raises HeldOutError."""
    path = root / season.name / PRIVATE
    tasks = [
        {
            "card": task.card.model_dump(mode="json"),
            "items": [plain_item(item) for item in task.items],
            "reference": list(task.reference),
        }
        for task in season.tasks
    ]
    content = {"salt": season.salt.hex(), "canary": season.canary, "tasks": tasks}
    seal(path, head_of(season.name, season.canary, "season"), content, key)
    return path


def read_private(root: Path, name: str, key: str) -> Season:
    """The secrets of a season. Raises HeldOutError for a file that is missing, changed, or of another key or season."""
    path = root / name / PRIVATE
    content = unseal(path, {"season": name, "kind": "season"}, key)
    try:
        tasks = tuple(_task(raw, str(path)) for raw in content["tasks"])
        return Season(name, bytes.fromhex(content["salt"]), content["canary"], tasks)
    except (KeyError, TypeError, ValueError, ValidationError, RmbenchError) as error:
        told = " ".join(str(error).split())[:200]
        raise HeldOutError(f"{path} opens, but does not hold a season ({told}); make it again") from None


def _task(raw: Mapping[str, Any], where: str) -> HeldTask:
    card = Card.model_validate(raw["card"])
    items = tuple(_item(row, f"{where}, {card.name}") for row in raw["items"])
    check_unique(items, Path(card.name))
    if content_hash(items) != card.sha256:
        raise ValueError(f"the items of {card.name} do not have the hash that its card states")
    reference = tuple(raw["reference"])
    if card.reference is not None and rows_digest(reference, card.sha256) != card.reference:
        raise ValueError(f"the gold's own courses of {card.name} do not have the digest that its card states")
    return HeldTask(card, items, reference)


def _item(row: Mapping[str, Any], where: str) -> Item:
    votes, logprobs, contexts = row["votes"], row.get("logprobs"), row.get("contexts")
    item = Item(
        id=row["id"],
        prompt=_messages(row["prompt"]),
        responses=tuple(row["responses"]),
        gold=tuple(row["gold"]),
        group=row["group"],
        probability=row["probability"],
        votes=None if votes is None else (votes[0], votes[1]),
        tags=row["tags"],
        logprobs=None if logprobs is None else tuple(logprobs),
        contexts=None if contexts is None else tuple(map(_messages, contexts)),
    )
    check_item(item, where)
    return item


def _messages(rows: Sequence[Mapping[str, str]]) -> tuple[Message, ...]:
    return tuple(Message(role=row["role"], content=row["content"]) for row in rows)


def _leaf(salt: bytes, name: str, content: object) -> bytes:
    head = canonical(["rmbench/heldout/1/leaf", name]).encode()
    return leaf_hash(head + b"\n" + derived(salt, "leaf", name) + canonical(content).encode())
