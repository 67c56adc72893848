"""A person's own pairs: two rewards and which side was better, one pair a row. Every metric is the benchmark's own.

The label decides every number but one: `calibration_skill` compares with the known probability, or the raters' votes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from rmbench.analysis.plain import plain
from rmbench.analysis.tables import Table, read_table
from rmbench.errors import UsageError
from rmbench.metrics.base import estimate
from rmbench.metrics.calibration import ECE, NLL, Brier, CalibrationSkill, Temperature
from rmbench.metrics.preference import Accuracy
from rmbench.metrics.selective import AURC
from rmbench.metrics.temperature import Pairs, pairs, vote_share
from rmbench.stats import resample
from rmbench.types import Estimate, Floats, ScoredItem

PLAIN = {
    "accuracy": Accuracy(),
    "nll": NLL(fitted=False, shifted=False),
    "brier": Brier(fitted=False, shifted=False),
    "ece": ECE(fitted=False, shifted=False),
    "ece_equal_mass": ECE(fitted=False, by="mass", shifted=False),
    "temperature": Temperature(shifted=False),
    "nll_cross_fitted": NLL(shifted=False),
    "ece_cross_fitted": ECE(shifted=False),
}
NO_TARGET = "it needs known probabilities (--p) or votes (--votes-a, --votes-b)"


@dataclass(frozen=True, slots=True)
class PairTable:
    """Pairs as items whose gold is (label, 1 - label). `target` is the chance that the first is preferred, and `noise`
    its variance where it is a share of votes; None where the table has neither.

    `why` tells why there is no target; `by` holds the value of the column that splits the table.
    """

    items: tuple[ScoredItem, ...]
    target: Floats | None = None
    noise: Floats | None = None
    why: str = NO_TARGET
    by: tuple[str, ...] = ()

    def part(self, value: str) -> PairTable:
        """The pairs with one value of the splitting column."""
        kept = [k for k, one in enumerate(self.by) if one == value]
        target, noise = (None if x is None else x[kept] for x in (self.target, self.noise))
        return replace(self, items=tuple(self.items[k] for k in kept), target=target, noise=noise, by=())


@dataclass(frozen=True, slots=True)
class PairAnalysis:
    """How far margins can be trusted. `metrics` has the keys of docs/analyze.md, `by` the same for parts."""

    n: int
    groups: int
    missing: int
    ties: int
    metrics: Mapping[str, Estimate]
    notes: tuple[str, ...]
    by: Mapping[str, PairAnalysis] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the columns. `votes` are those for a, for b, and (or None) for neither."""

    score_a: str
    score_b: str
    label: str
    p: str | None = None
    votes: tuple[str, str, str | None] | None = None
    group: str | None = None
    by: str | None = None


def read_pairs(path: Path, columns: Columns) -> PairTable:
    """Read pairs from a table. Raises DataError for what cannot be read, with its row."""
    own = columns
    if own.p and own.votes:
        raise UsageError("--p and --votes-a exclude each other; give one of them")
    names = [name for name in (own.group, own.by) if name]
    votes = [name for name in own.votes or () if name]
    numbers = [own.score_a, own.score_b, own.label, *([own.p] if own.p else []), *votes]
    table = read_table(path, [*numbers, *names], names=names)
    label = table.numbers(own.label)
    table.check(own.label, label, np.isin(label, (0.0, 0.5, 1.0)), "a label is 1 (a better), 0 (b better) or 0.5 (tie)")
    target, noise, why = _target(table, own)
    scores = np.stack([table.numbers(own.score_a), table.numbers(own.score_b)], axis=1)
    scores[~np.isfinite(scores)] = np.nan
    gold = np.stack([label, 1 - label], axis=1)
    groups = _values(table, own.group) or [str(row) for row in range(table.rows)]
    items = tuple(ScoredItem(str(k), group, scores[k], gold[k]) for k, group in enumerate(groups))
    return PairTable(items, target, noise, why, tuple(_values(table, own.by)))


def analyze_pairs(table: PairTable, *, bootstrap: int = 1000, seed: int = 0) -> PairAnalysis:
    """All numbers of the pairs, with intervals over `bootstrap` resamples of groups; T is fitted within the part."""
    if bootstrap < 1:
        raise UsageError(f"bootstrap is {bootstrap}; an interval needs at least 1 resample")
    if seed < 0:
        raise UsageError(f"seed is {seed}; the seed of the resamples is 0 or more")
    items = table.items
    sample = resample([item.group for item in items], draws=bootstrap, seed=seed, name="pairs")
    found = {name: estimate(metric, items, sample).estimate for name, metric in PLAIN.items()}
    found["aurc"] = estimate(AURC(), items, sample).estimate
    whole = [item for item in items if item.complete]
    if table.target is None or table.noise is None:
        missing = len(items) - len(whole)
        found["calibration_skill"] = Estimate(None, None, None, len(whole), missing, table.why)
    else:
        known = {i.id: (t, n) for i, t, n in zip(items, table.target, table.noise, strict=True)}
        found["calibration_skill"] = estimate(_Skill(shifted=False, known=known), items, sample).estimate
    labels = np.array([item.gold[0] for item in items])
    if not whole:
        found = {name: replace(one, reason="no pair has both its scores") for name, one in found.items()}
    elif (labels == 0.5).all():
        tied = replace(found["accuracy"], reason="every label is a tie, so that no side is the better one")
        found |= {"accuracy": tied, "aurc": replace(found["aurc"], reason=tied.reason)}
    return PairAnalysis(
        n=len(whole),
        groups=len({item.group for item in whole}),
        missing=len(items) - len(whole),
        ties=sum(bool(item.scores[0] == item.scores[1]) for item in whole),
        metrics=found,
        notes=tuple(_notes(whole, labels)),
        by={value: analyze_pairs(table.part(value), bootstrap=bootstrap, seed=seed) for value in sorted(set(table.by))},
    )


def to_json(found: PairAnalysis) -> dict[str, Any]:
    """The analysis as plain values for strict JSON, with the keys of docs/analyze.md."""
    counts = {"n": found.n, "groups": found.groups, "missing": found.missing, "ties": found.ties}
    told = counts | {name: plain(one) for name, one in found.metrics.items()} | {"notes": list(found.notes)}
    return told | ({"by": {value: to_json(part) for value, part in found.by.items()}} if found.by else {})


@dataclass(frozen=True, repr=False)
class _Skill(CalibrationSkill):
    """Calibration skill against targets that are kept beside the items, whose gold is the label."""

    known: Mapping[str, tuple[float, float]] = field(default_factory=dict, kw_only=True, hash=False)

    def pairs(self, items: Sequence[ScoredItem]) -> Pairs:
        target, noise = np.array([self.known[item.id] for item in items]).reshape(-1, 2).T
        return Pairs(pairs(items).margins, target, noise, np.zeros(len(items), dtype=bool))


def _target(table: Table, columns: Columns) -> tuple[Floats | None, Floats | None, str]:
    """The probability aimed at, its noise variance, and why there is none."""
    if columns.p:
        p = table.complete(columns.p, "the probability that a is preferred")
        table.check(columns.p, p, (p >= 0) & (p <= 1), "a probability lies between 0 and 1")
        return p, np.zeros(table.rows), ""
    if not columns.votes:
        return None, None, NO_TARGET
    first, second, ties = (np.zeros(table.rows) if name is None else _count(table, name) for name in columns.votes)
    count = first + second + ties
    if few := int((count < 2).sum()):
        row = int(np.argmax(count < 2)) + 1
        return None, None, f"rows with fewer than two votes: {few} (row {row} is the first), so their noise is unknown"
    return *vote_share(first, second, ties), ""


def _count(table: Table, name: str) -> Floats:
    votes = table.complete(name, "the number of votes")
    table.check(name, votes, (votes >= 0) & (votes == np.floor(votes)), "votes are whole numbers, 0 or more")
    return votes


def _values(table: Table, name: str | None) -> list[str]:
    if name is None:
        return []
    codes, labels = table.names(name)
    return [labels[code] for code in codes]


def _notes(whole: Sequence[ScoredItem], labels: Floats) -> list[str]:
    """What a reader must know beside the numbers."""
    notes = []
    if whole and len(set(labels)) == 1 and labels[0] != 0.5:
        notes.append(f"every label is {labels[0]:g}, which changes nothing: no number depends on which side is a")
    if tied := int((labels == 0.5).sum()):
        notes.append(f"labels that are a tie, left out of accuracy and aurc: {tied}")
    if whole and all(item.scores[0] == item.scores[1] for item in whole):
        notes.append("both scores of every pair are equal: the reward says nothing about these pairs")
    return notes
