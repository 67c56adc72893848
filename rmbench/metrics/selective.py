"""Selective prediction: how wrong are the pairs that the reward is surest about? Risk against coverage by |margin|.

A pair whose scores tie is half an error. Ranks are made anew in every resample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rmbench.metrics.base import Bools, Measure
from rmbench.metrics.preference import decided
from rmbench.metrics.temperature import pairs
from rmbench.metrics.weighted import RiskCoverage, risk_coverage
from rmbench.stats import Resamples
from rmbench.types import Floats, ScoredItem


class _Selective(Measure):
    """A number of the risk-coverage curve of the pairs whose gold prefers one side."""

    def concerns(self, items: Sequence[ScoredItem]) -> Bools:
        return np.array([decided(item) for item in items], dtype=bool)

    def value(self, items: Sequence[ScoredItem]) -> float:
        margins, errors, counted = _outcomes(items)
        return float(self.read(risk_coverage(np.abs(margins), errors, np.ones((1, counted.sum()))))[0])

    def replicates(self, items: Sequence[ScoredItem], sample: Resamples, kept: Bools) -> Floats:
        margins, errors, counted = _outcomes(items)

        def curves() -> Floats:
            found = risk_coverage(np.abs(margins), errors, sample.item_weights(kept)[:, counted])
            return np.stack([found.count, found.wrong])

        key = ("risk", margins.tobytes(), errors.tobytes(), counted.tobytes(), kept.tobytes())
        return self.read(RiskCoverage(*sample.shared(key, curves)))

    def read(self, curves: RiskCoverage) -> Floats:
        """The number of every curve, shape (draws,)."""
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class SelectiveSkill(_Selective):
    """1 - AURC / (1/2): 0 for a constant or random reward, 1 for one without errors."""

    def read(self, curves: RiskCoverage) -> Floats:
        return 1 - 2 * curves.area()


@dataclass(frozen=True, repr=False)
class AURC(_Selective):
    """Area under the risk-coverage curve (Geifman 2018, arXiv 1805.08206): the mean error among the k surest pairs.

    0 = no error; a reward whose margins say nothing about its errors gets its plain error rate.
    """

    def read(self, curves: RiskCoverage) -> Floats:
        return curves.area()


@dataclass(frozen=True, repr=False)
class EAURC(_Selective):
    """AURC minus the least that so many errors allow: what is lost because margins do not tell errors; 0 is best."""

    def read(self, curves: RiskCoverage) -> Floats:
        return curves.area() - curves.best()


@dataclass(frozen=True, repr=False)
class Risk(_Selective):
    """The error among the surest pairs, at a coverage: of the surer half, unless told otherwise."""

    coverage: float = 0.5

    def read(self, curves: RiskCoverage) -> Floats:
        return curves.risk(self.coverage)


SELECTIVE: tuple[_Selective, ...] = (SelectiveSkill(), AURC(), EAURC(), Risk())


def aurc(confidence: Floats, errors: Floats, counts: Floats | None = None) -> float:
    """AURC of `confidence` and `errors` (0..1), shape (n,); `counts` says how often each pair is there (default once).

    NaN for no pairs. Costs n log n.
    """
    if not errors.size:
        return float("nan")
    weights = np.ones(errors.size) if counts is None else counts
    return float(risk_coverage(confidence, errors, weights[None]).area()[0])


def _outcomes(items: Sequence[ScoredItem]) -> tuple[Floats, Floats, Bools]:
    """Margins and errors (a tie is one half) of the pairs with a better side, and which of the items these are."""
    margins = pairs(items).margins
    better = np.array([np.sign(item.gold[0] - item.gold[1]) for item in items], dtype=np.float64)
    counted = better != 0
    errors = (1 - np.sign(margins) * better) / 2
    return margins[counted], errors[counted], counted
