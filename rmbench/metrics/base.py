"""What every metric has in common, and how a metric becomes an estimate."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmbench.errors import TaskError
from rmbench.stats import Resamples, interval, widened
from rmbench.types import Estimate, Floats, ScoredItem

Bools = NDArray[np.bool_]
TOO_MANY = "undefined on too many resamples"


class Measure:
    """The base of every metric: a frozen dataclass that writes `rows` and `combine` (see `rmbench.types.Metric`).

    Items that a metric does not speak of get a row of zeros; `concerns` says which ones it counts. `tested`: it is one
    of a family of tests against 0, whose p-values are corrected together (Benjamini-Hochberg).
    """

    tested: ClassVar[bool] = False

    def rows(self, items: Sequence[ScoredItem]) -> Floats:
        raise NotImplementedError

    def combine(self, sums: Floats) -> Floats:
        raise NotImplementedError

    def concerns(self, items: Sequence[ScoredItem]) -> Bools:
        """Which items the metric counts, shape (items,)."""
        return np.ones(len(items), dtype=bool)

    def value(self, items: Sequence[ScoredItem]) -> float:
        """The metric on these items."""
        return float(self.combine(self.rows(items).sum(axis=0)))

    def replicates(self, items: Sequence[ScoredItem], sample: Resamples, kept: Bools) -> Floats:
        """The metric on every resample, shape (draws,). `kept` says which of the sample's items these are.

        A metric that is not made of sums (a rank statistic, one with a fit in it) writes this and `value` itself, from
        `sample.item_weights(kept)`.
        """
        return sample.replicates(self.rows(items), self.combine, kept)

    def unbiased(self, value: float, replicates: Floats) -> Floats:  # noqa: ARG002
        """The replicates for an interval: moved, where the metric is biased in a way that they show."""
        return replicates

    def complete(self, item: ScoredItem) -> bool:
        """Whether an item has all that the metric needs: as a rule a score for every response."""
        return item.complete

    def scored(self, items: Sequence[ScoredItem]) -> Bools:
        """Which items have all that the metric needs, shape (items,); one that joins items looks at their partners."""
        return np.array([self.complete(item) for item in items], dtype=bool)

    def why(self, items: Sequence[ScoredItem]) -> str:  # noqa: ARG002
        """Why there is no value on these items, for where `combine` gave NaN."""
        return "the value is undefined on these items"

    def __repr__(self) -> str:
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        told = [f for f in fields if f.repr and getattr(self, f.name) != f.default]
        shown = [f"{f.name}={getattr(self, f.name)!r}" for f in told]
        return type(self).__name__ + (f"({', '.join(shown)})" if shown else "")


class Estimated(NamedTuple):
    """An estimate, and the replicates behind it, shape (draws,), from which differences and means are made."""

    estimate: Estimate
    replicates: Floats


def ratio(above: Floats, below: Floats) -> Floats:
    """Sums above over sums below; NaN where nothing is below."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / below, np.nan)


def estimate(metric: Measure, items: Sequence[ScoredItem], sample: Resamples) -> Estimated:
    """The metric on the complete items, with an interval from `sample`, which was made from all the items.

    The interval is the percentile interval of the replicates, `widened` for the number of groups.

    Groups of incomplete items take part in the resampling, so that two models stay paired where one of them failed.
    """
    complete = metric.scored(items)
    counted = metric.concerns(items)
    n, missing = int((counted & complete).sum()), int((counted & ~complete).sum())
    nothing = np.full(len(sample.weights), np.nan)
    if n == 0:
        reason = "no item has all its scores" if missing else "the task has no item of this kind"
        return Estimated(Estimate(None, None, None, 0, missing, reason), nothing)
    whole = [item for item, ready in zip(items, complete, strict=True) if ready]
    value = metric.value(whole)
    if not np.isfinite(value):
        return Estimated(Estimate(None, None, None, n, missing, metric.why(whole)), nothing)
    if sample.weights.shape[1] < 2:
        return Estimated(Estimate(value, None, None, n, missing, "a single group: no interval"), nothing)
    groups = np.unique(sample.codes[complete & counted]).size
    replicates = metric.unbiased(value, metric.replicates(whole, sample, complete))
    replicates = widened(replicates, value, groups)
    bounds = interval(replicates)
    if bounds is None:
        return Estimated(Estimate(value, None, None, n, missing, TOO_MANY), replicates)
    return Estimated(Estimate(value, *bounds, n, missing), replicates)


def items_from(
    predictions: Sequence[Sequence[float]],
    references: Sequence[Sequence[float]],
    groups: Sequence[str],
    probabilities: Sequence[float] | None = None,
) -> list[ScoredItem]:
    """Items from plain columns, one entry per item; a reward that is not finite is a missing score.

    Raises TaskError where rewards and gold differ in number or the gold is not finite.
    """
    out = []
    for index, (rewards, gold, group) in enumerate(zip(predictions, references, groups, strict=True)):
        scores, values = np.array(rewards, dtype=np.float64), np.array(gold, dtype=np.float64)
        if scores.shape != values.shape or not scores.size:
            raise TaskError(f"item {index} has {scores.size} predictions and {values.size} references; give one each")
        if not np.isfinite(values).all():
            raise TaskError(f"item {index} has a reference that is not a finite number; remove the item or mend it")
        scores[~np.isfinite(scores)] = np.nan
        chance = None if probabilities is None else probabilities[index]
        out.append(ScoredItem(str(index), group, scores, values, chance))
    return out
