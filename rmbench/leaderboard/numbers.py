"""From a verified submission to the numbers of its row: skills with their replicates, also without known overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from rmbench.contamination import overlapping, without
from rmbench.evaluation import headlines, skills
from rmbench.leaderboard.standard import Standard
from rmbench.leaderboard.types import SKILLS, Contamination, Submission
from rmbench.leaderboard.verify import Checked
from rmbench.ledger import OWN
from rmbench.scores import Run
from rmbench.stats import Resamples
from rmbench.trajectory import paths_by_item
from rmbench.types import Card, Estimate, Floats, ScoredItem


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is computed of a submission. `draws` has shape (4, draws): the replicates of the skills, in their order."""

    skills: Mapping[str, Estimate]
    tasks: Mapping[str, Estimate]
    draws: Floats
    items: int
    missing: int
    contamination: Contamination


def numbers_of(checked: Checked, *, bootstrap: int, seed: int) -> Numbers:
    """The numbers of a submission without errors. All submissions share the resamples of `bootstrap` and `seed`."""
    standard, manifest = checked.standard, checked.manifest
    assert standard is not None
    assert manifest is not None
    items, cards = _items(checked, standard), standard.spent_by(manifest.cards)
    found = headlines(cards, items, lambda name: standard.resamples(name, draws=bootstrap, seed=seed))
    skill = skills(cards, found)
    whole = [item for part in items.values() for item in part]
    return Numbers(
        skills={name: skill[name].estimate for name in SKILLS},
        tasks={name: one.estimate for name, one in found.items()},
        draws=np.stack([_long(skill[name].replicates, bootstrap) for name in SKILLS]),
        items=len(whole),
        missing=sum(not item.complete for item in whole),
        contamination=_contamination(checked, items, cards, (bootstrap, seed)),
    )


def _items(checked: Checked, standard: Standard) -> dict[str, list[ScoredItem]]:
    """The items with their scores, and the courses of optimisers at each."""
    paths = paths_by_item(checked.courses)
    items = standard.scored(checked.frame["score"].cast(float).fill_null(float("nan")).to_numpy())
    tasks = {task for task, _ in paths}
    return {
        name: [replace(item, paths=paths.get((name, item.id), {})) for item in part] if name in tasks else part
        for name, part in items.items()
    }


def _long(replicates: Floats, draws: int) -> Floats:
    """As many replicates as there are draws: a skill without a value has a single NaN."""
    return replicates if replicates.size == draws else np.full(draws, np.nan)


def _contamination(
    checked: Checked, items: Mapping[str, Sequence[ScoredItem]], cards: Mapping[str, Card], draws: tuple[int, int]
) -> Contamination:
    total = sum(len(part) for part in items.values())
    submission, report, standard = checked.submission, checked.report, checked.standard
    assert submission is not None
    assert standard is not None
    named = {} if report is None else overlapping(report, standard.cards)
    # a suite may hold a part of a task, the report speaks of all of it
    out = {name: named.get(name, frozenset()) & {item.id for item in part} for name, part in items.items()}
    if count := sum(map(len, out.values())):
        told = f"{count:,} of {total:,} items stand in its training data, by the submitter's own scan"
        return Contamination("overlap", told, count, total, _without(checked, out, items, cards, draws))
    if report is not None and report.canaries:
        return Contamination("overlap", "a canary of rmbench stands in its training data", 0, total)
    if submission.training_data == ():
        # of our own rules (constant, length, random) we know; of a stranger's model nothing was scanned
        known: Literal["clean", "unknown"] = "clean" if submission.organisation == OWN else "unknown"
        return Contamination(known, "declared as trained on no data", 0, total)
    if report is None or submission.training_data is None:
        lacking = "no training data are declared" if submission.training_data is None else "no scan is enclosed"
        return Contamination("unknown", lacking, 0, total)
    return _scanned(submission, {file.sha256 for file in report.files}, total)


def _scanned(submission: Submission, files: set[str], total: int) -> Contamination:
    declared = submission.training_data or ()
    seen = sum(one.sha256 in files for one in declared)
    told = f"{seen} of {len(declared)} declared training sets were scanned by the submitter, and no item was found"
    return Contamination("clean" if seen == len(declared) else "unknown", told, 0, total)


def _without(
    checked: Checked,
    out: Mapping[str, frozenset[str]],
    items: Mapping[str, Sequence[ScoredItem]],
    cards: Mapping[str, Card],
    draws: tuple[int, int],
) -> dict[str, Estimate]:
    """The skills without the overlapping items (and their twins), over the resamples of all groups."""
    assert checked.manifest is not None
    standard = checked.standard
    assert standard is not None
    left = without(Run(checked.manifest, {name: tuple(part) for name, part in items.items()}, {}), out).tasks
    kept = {name: {item.id for item in part} for name, part in left.items()}

    def resamples(name: str) -> Resamples:
        whole = standard.resamples(name, draws=draws[0], seed=draws[1])
        return Resamples(whole.weights, whole.codes[np.array([item.id in kept[name] for item in items[name]])])

    return {name: one.estimate for name, one in skills(cards, headlines(cards, left, resamples)).items()}
