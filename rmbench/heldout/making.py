"""Make a season: cards that exist get a secret seed, and so items that nobody has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import ValidationError

from rmbench.errors import HeldOutError
from rmbench.heldout.public import check_season
from rmbench.heldout.season import PRIVATE, HeldTask, Season, write_private
from rmbench.heldout.secret import new_salt, seed_of
from rmbench.items import check_item, check_unique, content_hash
from rmbench.recipes import build_items
from rmbench.task import check_fit, read_raw_card, tasks_root
from rmbench.trajectory import rows_digest, step_rows
from rmbench.types import AXES, Card, Task

# All prompts of the core suite: every axis then has a standard error below 0.02, which is the step of the scores. Fewer
# candidates and policy steps, since they cost the most and tell the least.
CANDIDATES = 128
QUERIES = {"policy_gradient": 4096}
FILLED = ("items", "sha256", "reference", "resolves")  # what belongs to the items of a card


def make_season(
    root: Path,
    name: str,
    key: str,
    *,
    templates: Path | None = None,
    shipped: bool = True,
    salt: bytes | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Season:
    """Build the tasks of a season and write them, encrypted, to `root/name/private.enc`; nothing else is written.

    Taken are the shipped cards that a recipe builds from the worlds with a seed (unless not `shipped`), and those of
    the folder `templates`. The salt is drawn; only tests give one. `tell` hears a line per task. Raises HeldOutError
    where the season exists or an axis has no task, and TaskError for a card that cannot be built.
    """
    check_season(name)
    path = root / name / PRIVATE
    if path.exists() or path.is_symlink():
        raise HeldOutError(f"{path} exists; a season is made once: choose another name")
    raw: dict[str, dict[str, Any]] = {}
    for found, card in _templates(templates, shipped=shipped):
        if raw.setdefault(found, card) is not card:
            raise HeldOutError(f"two cards are called {found!r}; rename the template")
    axes = {card.get("axis") for card in raw.values()}
    if lacking := [axis for axis in AXES if axis not in axes]:
        raise HeldOutError(f"no card is of the axis {lacking[0]}; without it there is no overall skill: add a template")
    salt = salt or new_salt()
    tasks = []
    for found, card in raw.items():
        tasks.append(build_task(card, f"{found}_{name}", salt))
        tell(f"{found}: {len(tasks[-1].items)} items")
    season = Season(name, salt, new_canary(), tuple(tasks))
    write_private(root, season, key)
    return season


def new_canary() -> str:
    """A canary of its own."""
    return f"rmbench:{uuid4()}"


def build_task(raw: Mapping[str, Any], name: str, salt: bytes) -> HeldTask:
    """The task that a raw card describes, under another name, with the seed that follows from the salt.

    Raises TaskError for a card that cannot be built.
    """
    seeded = {**raw["build"], "seed": seed_of(salt, name)}
    items = tuple(build_items(seeded, f"the template of {name}"))
    for item in items:
        check_item(item, name)
    check_unique(items, Path(name))
    filled = {key: value for key, value in raw.items() if key not in FILLED}
    filled |= {"name": name, "version": 1, "canary": new_canary(), "build": seeded}
    filled |= {"items": len(items), "sha256": content_hash(items)}
    try:
        card = Card.model_validate(filled)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise HeldOutError(f"the template of {name}: the key {field!r}: {first['msg'].lower()}") from None
    check_fit(card, items, Path(name))
    if not card.budgets.queries or card.axis != "overoptimization":
        return HeldTask(card, items)
    from rmbench.engine.pursuit import gold_runs

    rows = tuple(step_rows(gold_runs(Task(card, items))))
    return HeldTask(card.model_copy(update={"reference": rows_digest(rows, card.sha256)}), items, rows)


def _templates(folder: Path | None, *, shipped: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name -> raw card. Raises HeldOutError for a folder without cards, and a card without a recipe and a seed."""
    if shipped:
        for path in sorted(tasks_root().rglob("card.yaml"), key=lambda path: path.parent.name):
            raw = read_raw_card(path)
            if "seed" in (raw.get("build") or {}):
                yield raw["name"], cheaper(raw)
    if folder is None:
        return
    paths = sorted(folder.rglob("card.yaml"))
    if not paths:
        raise HeldOutError(f"--templates {folder}: there is no card.yaml below it")
    for path in paths:
        raw = read_raw_card(path)
        if not isinstance(raw.get("build"), dict) or "seed" not in raw["build"] or not isinstance(raw.get("name"), str):
            raise HeldOutError(f"{path}: a template needs a name, and a build block with a recipe and a seed")
        yield raw["name"], raw


def cheaper(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A shipped card with as many prompts, and less to score at each."""
    out = dict(raw)
    if "candidates" in raw["build"]:
        out["build"] = {**raw["build"], "candidates": CANDIDATES}
    if queries := (raw.get("budgets") or {}).get("queries"):
        fewer = {name: min(count, QUERIES.get(name, count)) for name, count in queries.items()}
        out["budgets"] = {**raw["budgets"], "queries": fewer}
    return out
