"""The report of a scan: which files were read, and which items of which tasks they hold."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from rmbench.bounded import read_json
from rmbench.errors import SubmissionError, UsageError
from rmbench.items import replace_file
from rmbench.types import Strict

LARGEST = 16_000_000  # bytes; every item of core@3 in two ways is 4 MB
HEX = r"^[0-9a-f]{64}$"
CANARY = r"rmbench:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
Canary = Annotated[str, StringConstraints(pattern=f"^{CANARY}$")]
# prompt: the whole prompt stands in a row; part: one row holds most of what is the prompt's own; response: a whole one
Kind = Literal["prompt", "part", "response"]


class ScannedFile(Strict):
    """A file that was read: its name without folders, its digest, and how many rows it has (passages, of a text)."""

    name: str = Field(min_length=1, max_length=255)
    sha256: str = Field(pattern=HEX)
    bytes: int = Field(ge=0)
    rows: int = Field(ge=0)


class Place(Strict):
    """Where something stands: the file (its place in `Report.files`) and the row (of a text, the line), both from 1.

    Row 0 stands for what a file says of itself, outside its rows.
    """

    file: int = Field(ge=1)
    row: int = Field(ge=0)


class Overlap(Strict):
    """An item that the files hold, in which way, and the first place. `share`: of the prompt's own word sequences."""

    item: str = Field(min_length=1, max_length=500)
    kind: Kind
    share: float = Field(default=1.0, gt=0, le=1, allow_inf_nan=False)
    at: Place


class ScannedTask(Strict):
    """A task that was looked for. Its `canary` in a file makes the whole task suspect, whichever items are found."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)
    version: int = Field(ge=1)
    sha256: str = Field(pattern=HEX)
    items: int = Field(ge=1)
    canary: Place | None = None
    overlaps: tuple[Overlap, ...] = ()

    @property
    def suspects(self) -> int:
        """How many items overlap: all of them where the canary was found."""
        return self.items if self.canary else len({found.item for found in self.overlaps})


class Report(Strict):
    """contamination.json. `canaries` are all that were found, those of tasks that were not looked for included.

    `suite` is "name@version" where the tasks are a suite's; their items are looked for whole, however it cuts them.
    """

    format: Literal[1] = 1
    rmbench: str = Field(max_length=40)
    suite: str | None = Field(default=None, max_length=60)
    files: tuple[ScannedFile, ...] = Field(min_length=1, max_length=100_000)
    tasks: tuple[ScannedTask, ...] = Field(min_length=1, max_length=1000)
    items: int = Field(ge=1)
    overlapping: int = Field(ge=0)
    canaries: tuple[Canary, ...] = Field(default=(), max_length=1000)

    @property
    def clean(self) -> bool:
        """Whether nothing was found: no item, and no canary of ours."""
        return not self.overlapping and not self.canaries

    @model_validator(mode="after")
    def _sound(self) -> Self:
        """Sorted, each once, with totals that are those of its lines, and places that exist."""
        _rising("files", [(file.name, file.sha256, n) for n, file in enumerate(self.files)])
        _rising("tasks", [task.name for task in self.tasks])
        _rising("canaries", list(self.canaries))
        for task in self.tasks:
            _rising(f"the overlaps of {task.name}", [(found.item, found.kind) for found in task.overlaps])
            if len({found.item for found in task.overlaps}) > task.items:
                raise ValueError(f"{task.name} has {task.items} items and more that overlap")
            for place in (*(found.at for found in task.overlaps), *filter(None, [task.canary])):
                if place.file > len(self.files):
                    raise ValueError(f"{task.name} speaks of file {place.file}, and {len(self.files)} were read")
        totals = (sum(task.items for task in self.tasks), sum(task.suspects for task in self.tasks))
        if totals != (self.items, self.overlapping):
            raise ValueError(f"items and overlapping must be the sums over the tasks, {totals[0]} and {totals[1]}")
        return self


def read_report(path: Path) -> Report:
    """A report that anybody wrote. Raises SubmissionError, naming the file and the field."""
    try:
        return Report.model_validate(read_json(path, LARGEST))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the whole"
        told = " ".join(first["msg"].split())[:200]
        raise SubmissionError(
            f"{path}: {field[:120]!r}: {told}; write it again with `rmbench contamination scan`"
        ) from None


def write_report(report: Report, path: Path) -> Path:
    """Write a report in one step; the same report gives the same bytes. Raises UsageError where that cannot be."""
    text = json.dumps(report.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, f"{text}\n".encode())
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}); choose another place with --out") from None
    return path


def _rising(what: str, keys: list[Any]) -> None:
    if any(a >= b for a, b in pairwise(keys)):
        raise ValueError(f"{what} must be sorted, and each there once")
