"""Task cards and items: discover, read, check, hash, cut, write.

A task is a folder with `card.yaml` and `items.parquet` (or `items.jsonl`). A suite is a YAML file that names tasks and
says how much of each to use. The tasks that ship with rmbench lie in `tasks/` of the repository and inside the wheel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from rmbench.errors import RunError, TaskError, UsageError
from rmbench.items import check_item, check_unique, content_hash, did_you_mean, parquet_bytes, read_items, replace_file
from rmbench.trajectory import Trajectory, read_rows, rows_digest, step_rows, trajectories_from, write_rows
from rmbench.types import AXES, Card, Item, Strict, Task

M = TypeVar("M", bound=BaseModel)

MAX_CARD_BYTES = 1_000_000
REFERENCE = "reference.parquet"


class SuiteCard(Strict):
    """A suite file: which tasks, how many groups and candidates of each (None = all), and fewer reward queries.

    `groups` is by axis, or by task where a task's groups are larger than others.
    """

    name: str
    version: int = Field(ge=1)
    title: str
    tasks: tuple[str, ...]
    groups: Mapping[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    candidates: int | None = Field(default=None, ge=2)
    queries: Mapping[str, int] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> Self:
        """A misspelt name would silently keep all groups."""
        if unknown := [name for name in self.groups if name not in AXES and name not in self.tasks]:
            raise ValueError(f"groups names {unknown[0]!r}, which is neither an axis nor a task of the suite")
        return self


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite and where its tasks are looked up."""

    card: SuiteCard
    extra_dir: Path | None = None

    @property
    def name(self) -> str:
        """Such as "quick"."""
        return self.card.name

    @property
    def version(self) -> int:
        """Raised whenever a score could change."""
        return self.card.version

    def tasks(self) -> list[Task]:
        """Its tasks, cut to the suite's sizes, in the order of the file."""
        loaded = (load_task(name, self.extra_dir) for name in self.card.tasks)
        of = self.card.groups
        cut = (cut_task(t, of.get(t.card.name, of.get(t.card.axis)), self.card.candidates) for t in loaded)
        return [with_queries(task, self.card.queries) for task in cut]


def tasks_root() -> Path:
    """The folder of the tasks that ship with rmbench: inside the wheel, or at the top of a checkout."""
    packaged = Path(__file__).parent / "_tasks"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "tasks"


def discover(extra_dir: Path | None = None) -> dict[str, Path]:
    """Task name -> folder, for every card.yaml below the shipped tasks and `extra_dir`.

    Raises TaskError when two folders claim one name, UsageError when `extra_dir` is not a folder.
    """
    if extra_dir is not None and not extra_dir.is_dir():
        raise UsageError(f"--tasks {extra_dir}: there is no such folder")
    found: dict[str, Path] = {}
    for root in filter(None, (tasks_root(), extra_dir)):
        for path in sorted(root.rglob("card.yaml")):
            folder = path.parent
            other = found.setdefault(folder.name, folder)
            if other.resolve() != folder.resolve():
                raise TaskError(f"two tasks are called {folder.name!r}: {other} and {folder}; rename one folder")
    return found


def find_task(name: str, extra_dir: Path | None = None) -> Path:
    """The folder of a task. Raises UsageError with close matches."""
    found = discover(extra_dir)
    if name not in found:
        raise UsageError(f"there is no task {name!r}{did_you_mean(name, found)}; `rmbench tasks list` shows all")
    return found[name]


def load_task(name: str, extra_dir: Path | None = None) -> Task:
    """A task by name, checked against its card. Raises UsageError or TaskError."""
    return read_task(find_task(name, extra_dir))


def read_task(folder: Path) -> Task:
    """A task from its folder; the items must have the hash that the card states."""
    card = read_card(folder / "card.yaml")
    if card.name != folder.name:
        raise TaskError(
            f"{folder / 'card.yaml'}: name is {card.name!r} but the folder is {folder.name!r}; make them equal"
        )
    items = read_items(folder)
    check_fit(card, items, folder)
    actual = content_hash(items)
    if actual != card.sha256:
        raise TaskError(
            f"{folder / 'card.yaml'}: sha256 is {card.sha256[:12]}… but the items hash to {actual[:12]}…; the items"
            f" were changed after the card was written: restore them, or raise the version and rebuild"
        )
    if card.items != len(items):
        raise TaskError(f"{folder / 'card.yaml'}: items is {card.items}, but {len(items)} are there; rebuild the task")
    return Task(card, items, folder)


@cache
def _suite_files() -> dict[str, Path]:
    return {p.stem: p for p in sorted((tasks_root() / "suites").glob("*.yaml"))}


def suite_names() -> list[str]:
    """The suites that ship with rmbench."""
    return [*_suite_files()]


def load_suite(name: str, extra_dir: Path | None = None) -> Suite:
    """A suite by name. Raises UsageError naming the known ones."""
    files = _suite_files()
    if name not in files:
        known = ", ".join(files)
        raise UsageError(f"there is no suite {name!r}{did_you_mean(name, files)}; known suites: {known}")
    return Suite(_validated(SuiteCard, _read_yaml(files[name]), files[name]), extra_dir)


def limit_task(task: Task, groups: int) -> Task:
    """The first `groups` groups of a task. Raises UsageError below 1."""
    if groups < 1:
        raise UsageError(f"--limit {groups}: at least one group of items is needed")
    return cut_task(task, groups, None)


def cut_task(task: Task, groups: int | None, candidates: int | None) -> Task:
    """The first `groups` groups, and of pools the first `candidates` responses (an i.i.d. pool stays i.i.d.)."""
    kept = list(dict.fromkeys(item.group for item in task.items))[:groups]
    chosen = set(kept)
    items = (i for i in task.items if i.group in chosen)
    if task.card.axis == "overoptimization" and candidates is not None:
        items = (_first_candidates(item, candidates) for item in items)
    return replace(task, items=tuple(items))


def with_queries(task: Task, queries: Mapping[str, int]) -> Task:
    """The task with other budgets of reward queries, for those optimisers that its card names."""
    own = task.card.budgets.queries
    if not own.keys() & queries.keys():
        return task
    budgets = task.card.budgets.model_copy(update={"queries": {name: queries.get(name, n) for name, n in own.items()}})
    return replace(task, card=task.card.model_copy(update={"budgets": budgets}))


def _first_candidates(item: Item, count: int) -> Item:
    kept = None if item.logprobs is None else item.logprobs[:count]
    return replace(item, responses=item.responses[:count], gold=item.gold[:count], logprobs=kept)


def read_card(path: Path) -> Card:
    """A card.yaml. Raises TaskError naming the file and the field."""
    return _validated(Card, _read_yaml(path), path)


def write_task(folder: Path, raw_card: Mapping[str, Any], items: Sequence[Item]) -> Card:
    """Write items and card, with the count and hash filled in. Each file replaces the old one in one step."""
    for n, item in enumerate(items, start=1):
        check_item(item, f"{folder}, item {n}")
    check_unique(items, folder)
    filled = _filled(raw_card, items)
    card = _validated(Card, filled, folder / "card.yaml")
    check_fit(card, items, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / "items.parquet", parquet_bytes(items, card.canary))
        _write_card(folder, filled)
    except OSError as error:
        raise TaskError(f"{folder} cannot be written: {error.strerror}; choose another folder") from error
    return card


def write_reference(folder: Path, trajectories: Sequence[Trajectory]) -> Card:
    """Write the gold's own runs beside the items, and their digest into the card."""
    rows = step_rows(trajectories)
    write_rows(folder / REFERENCE, rows)
    return update_card(folder, reference=rows_digest(rows, read_raw_card(folder / "card.yaml")["sha256"]))


def update_card(folder: Path, **fields: Any) -> Card:
    """Set some fields of the card that is there."""
    raw = {**read_raw_card(folder / "card.yaml"), **fields}
    card = _validated(Card, raw, folder / "card.yaml")
    _write_card(folder, raw)
    return card


def read_reference(task: Task) -> dict[str, Trajectory]:
    """The gold's own runs by optimiser, none where the task keeps none. Raises TaskError if they were changed."""
    if task.card.reference is None or task.folder is None:
        return {}
    path = task.folder / REFERENCE
    try:
        rows = read_rows(path)
        if rows_digest(rows, task.card.sha256) != task.card.reference:
            raise TaskError(
                f"{path} does not match the digest in the card: it or the items were changed; restore them, or rebuild:"
                f" rmbench tasks build {task.card.name}"
            )
        return {found.optimizer: found for found in trajectories_from(path, rows)}
    except RunError as error:
        raise TaskError(str(error)) from error


def stamp_card(folder: Path, raw_card: Mapping[str, Any]) -> Card:
    """Fill in the count and hash of items that are already there: how a person's own items.jsonl gets its card."""
    items = read_items(folder)
    filled = _filled(raw_card, items)
    card = _validated(Card, filled, folder / "card.yaml")
    check_fit(card, items, folder)
    try:
        _write_card(folder, filled)
    except OSError as error:
        raise TaskError(f"{folder} cannot be written: {error.strerror}") from error
    return card


def _filled(raw_card: Mapping[str, Any], items: Sequence[Item]) -> dict[str, Any]:
    """The card with the items' count and hash; a reference run over other items is no longer one."""
    filled = {**raw_card, "items": len(items), "sha256": content_hash(items)}
    if filled["sha256"] != raw_card.get("sha256"):
        filled.pop("reference", None)
    return filled


def _write_card(folder: Path, content: Mapping[str, Any]) -> None:
    text = yaml.safe_dump(dict(content), sort_keys=False, width=110, allow_unicode=True)
    replace_file(folder / "card.yaml", text.encode())


def check_fit(card: Card, items: Sequence[Item], folder: Path) -> None:
    """What the axis needs of its items, told before hours of scoring and not after. Raises TaskError."""
    if not items:
        raise TaskError(f"{folder}: the task has no items; add some")
    for item in items:
        if card.axis == "calibration" and len(item.responses) != 2:
            raise TaskError(f"{folder}: item {item.id!r} has {len(item.responses)} responses; calibration needs pairs")
        if card.axis == "overoptimization" and len(item.responses) < max(card.budgets.best_of_n, default=2):
            raise TaskError(
                f"{folder}: item {item.id!r} has {len(item.responses)} responses, fewer than the card's best_of_n"
                f" {max(card.budgets.best_of_n)}; add candidates or state smaller budgets"
            )


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases: a few bytes of them can unfold into gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not allowed")
        return super().compose_node(parent, index)


def read_raw_card(path: Path) -> dict[str, Any]:
    """The plain mapping of a card.yaml, unchecked: what `tasks build` starts from."""
    return _read_yaml(path)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_CARD_BYTES:
            raise TaskError(f"{path}: larger than {MAX_CARD_BYTES} bytes, which no card is")
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_PlainLoader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise TaskError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: not UTF-8, or a date such as 2024-13-45
        raise TaskError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict):
        raise TaskError(f"{path}: expected `key: value` lines")
    return content


def _validated(model: type[M], content: Mapping[str, Any], path: Path) -> M:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            hint = did_you_mean(field, model.model_fields)
            raise TaskError(f"{path}: unknown key {field!r}{hint}; keys are {', '.join(model.model_fields)}") from None
        raise TaskError(f"{path}: the key {field!r}: {first['msg'].lower()}") from None
