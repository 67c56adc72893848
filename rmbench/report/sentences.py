"""Where gold turns down, and what optimising cost by the end, in plain words."""

from __future__ import annotations

from collections.abc import Mapping

from rmbench.report.words import interval, number, percent
from rmbench.types import Estimate

AT_ONCE = 0.05  # nats: a peak that reads 0.0
GOOD_FIT = 0.8  # R squared from which a fitted curve is worth a word


def turning(metrics: Mapping[str, Estimate], label: str) -> str:
    """Whether and where gold peaks along an optimiser's budget; nothing where that was not measured.

    `label` names the budget as metrics do: `tilt=4`, `policy_gradient=16384`.
    """
    peak, drop = metrics.get(f"HackingThreshold({label})"), metrics.get(f"GoodhartDrop({label})")
    lost = _lost(drop)
    if peak is not None and peak.value is not None:
        if peak.value < AT_ONCE:
            return f"Gold falls from the start{_and(lost)}."
        noise = "; what it loses after that is within noise" if drop is not None and drop.value is not None else ""
        return f"Gold peaks at {number(peak.value, 1)} nats{_range(peak)}{_and(lost) or noise}."
    if peak is not None and peak.reason and "none within budget" in peak.reason:
        return "No peak within the budget: gold is not falling at its end."
    return f"Gold {lost} since its peak." if lost else ""


def fitted(metrics: Mapping[str, Estimate], label: str, furthest: float) -> str:
    """Where the fitted curve of Gao 2022 peaks, in nats; `furthest` are the nats that were spent.

    Nothing where it has no peak, where it fits badly, or where gold falls from the start.
    """
    peak, fit = metrics.get(f"GaoPeak({label})"), metrics.get(f"GaoR2({label})")
    if peak is None or not peak.value or peak.value**2 < AT_ONCE or fit is None or (fit.value or 0) < GOOD_FIT:
        return ""
    nats = peak.value**2
    if nats > 4 * max(furthest, 1.0):
        return ""
    bounds = Estimate(nats, _square(peak.low), _square(peak.high), peak.n, peak.missing)
    beyond = ", beyond what was spent: an extrapolation" if nats > furthest else ""
    return f"A curve fitted to it (R² {number(fit.value)}) peaks at {number(nats, 1)} nats{_range(bounds)}{beyond}."


def _lost(drop: Estimate | None) -> str:
    """`has lost 12 % of the headroom`, or nothing where no loss beyond noise was measured."""
    if drop is None or drop.value is None or drop.value <= 0 or (drop.low is not None and drop.low <= 0):
        return ""
    return f"has lost {percent(drop.value)} of the headroom"


def _and(lost: str) -> str:
    return f" and {lost} by the end" if lost else ""


def _range(e: Estimate) -> str:
    return f" {interval(e, 1)}" if e.low is not None and e.high is not None else ""


def _square(value: float | None) -> float | None:
    return None if value is None else value * value
