"""Contract checks on task folders, a person's own included: one file per check, one finding per check and task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rmbench.errors import RmbenchError
from rmbench.findings import Finding
from rmbench.task import read_card
from rmbench.types import Task
from rmbench.validation import canary, corpus, duplicates, files, leakage, power, shallow, twins
from rmbench.validation.overlap import Text, look_up
from rmbench.validation.record import Context

__all__ = ["Finding", "reference", "validate"]

LIGHT = (duplicates, twins, shallow, canary, power)  # checks that need nothing but the task


def validate(
    folders: Sequence[Path], *, others: Iterable[Path] = (), train: Path | None = None
) -> dict[str, list[Finding]]:
    """What every check says of every task, by folder name.

    `others` are the folders whose canaries must differ. The training data are those in `train` (a .jsonl or .parquet
    file in TRL's format), or a sample of the closed track's. Tasks are read one after the other, so memory holds one.
    Raises DataError for training data that cannot be read.
    """
    context = Context(canaries=_canaries({*folders, *others}))
    found: dict[str, list[Finding]] = {}
    kept: dict[str, tuple[Task, list[Text], list[Text]]] = {}
    for folder in folders:
        task, finding = files.read(folder)
        found[folder.name] = [finding]
        if task is not None:
            found[folder.name] += [check.check(task, context) for check in LIGHT]
            few = replace(task, items=tuple(replace(i, responses=i.responses[: leakage.RESPONSES]) for i in task.items))
            kept[folder.name] = (few, leakage.prompts_of(task), leakage.responses_of(task))
    texts = [text for _, prompts, responses in kept.values() for text in (*prompts, *responses)]
    matches = iter(look_up(texts, corpus.read_pairs(train) if train else corpus.training_sample()) if texts else ())
    for name, (task, prompts, responses) in kept.items():
        of_prompts, of_responses = ([next(matches) for _ in part] for part in (prompts, responses))
        seen = replace(context, prompts=of_prompts, responses=of_responses)
        found[name].append(leakage.check(task, seen))
    return found


def _canaries(folders: Iterable[Path]) -> Mapping[str, Sequence[str]]:
    """The names of the tasks with each canary; folders whose card cannot be read say so themselves."""
    out: dict[str, list[str]] = defaultdict(list)
    for folder in sorted(folders):
        try:
            out[read_card(folder / "card.yaml").canary].append(folder.name)
        except RmbenchError:
            continue
    return out


def reference(train: Path | None) -> str:
    """The training data that `validate` compares with, in words."""
    return f"{corpus.SAMPLE} pairs of the closed track" if train is None else train.name
