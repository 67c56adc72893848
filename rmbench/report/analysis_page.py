"""`rmbench analyze --html`: one self-contained page about a person's own scores, by the means of the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rmbench.analysis.pairs import PairAnalysis
from rmbench.analysis.pool import PoolAnalysis, gap
from rmbench.report import charts as draw
from rmbench.report.analysis_words import PAIR_NAMES, pair_sentences, pool_figures
from rmbench.report.charts import CONFIG
from rmbench.report.html import write_page
from rmbench.report.labels import place
from rmbench.report.panels import POOL_HEADS, bin_rows, point, pool_row
from rmbench.report.words import GLOSSARY, interval, number, one_line, percent, visible
from rmbench.scores import VERSION
from rmbench.types import ScoredItem

TEMPLATE = "analysis.html.j2"
POOL_TERMS = ("Best of n", "Tilt", "KL, nats", "Recovery", "Overoptimization gap", "Saturated", "Pool-limited")
PAIR_TERMS = ("Calibration skill", "T", "ECE")


def write_pool(found: PoolAnalysis, out: Path, *, title: str) -> Path:
    """Write the page about pools to `out`. Raises RunError if it cannot be written, UsageError if it is a folder."""
    counts = [f"{found.prompts} prompts", f"{found.candidates} candidates", f"{found.missing} missing"]
    figures = pool_figures(found)
    figures.insert(1, ("Overoptimization gap", gap(found.recovery), "1 minus recovery: 0 is as good as the gold."))
    charts: dict[str, Any] = {}
    panels = [_pool_panel(found, charts)] if found.points else []
    facts = [*counts, f"{found.ties} tied"]
    page = _page(title, facts, figures, found.notes, panels) | _charts(charts)
    lead = "What is left of the gold when the candidates are chosen by their proxy."
    return write_page(page | {"lead": lead, "glossary": _glossary(POOL_TERMS)}, out, TEMPLATE)


def write_pairs(found: PairAnalysis, items: Sequence[ScoredItem], out: Path, *, title: str) -> Path:
    """Write the page about pairs to `out`, with the same errors; `items` are the pairs."""
    counts = [f"{found.n} pairs", f"{found.groups} groups", f"{found.missing} missing"]
    figures = [(name, found.metrics[key], meaning) for key, (name, meaning) in PAIR_NAMES.items()]
    charts: dict[str, Any] = {}
    panels = [panel for panel in (_reliability_panel(items, charts), _parts_panel(found)) if panel]
    facts = [*counts, f"{found.ties} with equal scores"]
    page = _page(title, facts, figures, found.notes, panels) | _charts(charts)
    return write_page(
        page | {"lead": " ".join(pair_sentences(found)), "glossary": _glossary(PAIR_TERMS)}, out, TEMPLATE
    )


def _page(
    title: str,
    facts: Sequence[str],
    figures: Sequence[tuple[str, Any, str]],
    notes: Sequence[str],
    panels: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    return {
        "title": one_line(title),
        "version": VERSION,
        "facts": list(facts),
        "figures": figures,
        "notes": [one_line(note) for note in notes],
        "panels": panels,
    }


def _glossary(terms: Sequence[str]) -> list[tuple[str, str]]:
    """The report's words that the page uses, and the two that mean another thing on a person's own table."""
    own = [
        ("Interval", "95 % percentile bootstrap over prompts or groups."),
        ("Missing", "Rows without a finite score. They are counted, never turned into a number."),
    ]
    return [*((term, meaning) for term, meaning in GLOSSARY if term in terms), *own]


def _charts(charts: dict[str, Any]) -> dict[str, Any]:
    return {"charts": {"config": CONFIG, "charts": charts}}


def _pool_panel(found: PoolAnalysis, charts: dict[str, Any]) -> dict[str, Any]:
    """Gold and proxy against sqrt(KL)."""
    points = place([point(one, budgeted=one.budget > (one.optimizer == "best_of_n")) for one in found.points])
    floor = next(one.gold for one in found.points)  # the tilt by 0 nats
    charts["gold"], charts["proxy"] = draw.gold_chart(points, floor), draw.proxy_chart(points)
    last = [max((p for p in points if p["optimizer"] == name), key=lambda p: p["budget"]) for name in _methods(points)]
    said = "; ".join(f"{p['label']} {number(p['gold'])} of {number(p['oracle'])}" for p in last)
    label = f"Mean gold against the square root of KL. Without optimisation {number(floor)}; at the end: {said}"
    return {
        "title": "Gold along the budget",
        "lead": "Mean gold (top) and mean proxy (bottom) as candidates are chosen harder by the proxy. A gold line that"
        " turns down while the proxy still rises is overoptimization.",
        "legend": True,
        "charts": [
            ("mean gold", "gold", label),
            ("proxy, in standard deviations within a prompt", "proxy", "Standardised proxy against the same axis"),
        ],
        "table": {"label": "gold along the budget", "heads": POOL_HEADS, "rows": [pool_row(p) for p in points]},
    }


def _methods(points: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(p["optimizer"] for p in points))


def _reliability_panel(items: Sequence[ScoredItem], charts: dict[str, Any]) -> dict[str, Any] | None:
    from rmbench.metrics.calibration import reliability

    bins, rows = bin_rows(reliability(items))
    if not bins:
        return None
    charts["reliability"] = draw.reliability_chart(bins)
    worst = max(bins, key=lambda b: abs(b["observed"] - b["p_mean"]))
    label = (
        f"Reliability diagram. Furthest from the diagonal: predicted {percent(worst['p_mean'])},"
        f" preferred {percent(worst['observed'])}"
    )
    return {
        "title": "Reliability",
        "lead": "How often a side is really the better one, against how often the margins say so, after fitting one"
        " temperature on other groups. Both orders of each pair are drawn, so the picture is symmetric.",
        "legend": False,
        "charts": [("share preferred", "reliability", label)],
        "table": {"label": "reliability", "heads": ["Predicted", "Preferred", "95 % interval", "Pairs"], "rows": rows},
    }


def _parts_panel(found: PairAnalysis) -> dict[str, Any] | None:
    if not found.by:
        return None
    heads = ["Part", "Pairs", *(name for name, _ in PAIR_NAMES.values())]
    rows = []
    for value, part in found.by.items():
        cells = [f"{number(e.value, 3)} {interval(e, 3)}" for e in (part.metrics[key] for key in PAIR_NAMES)]
        rows.append((visible(value), part.n, *cells))
    table = {"label": "parts", "heads": heads, "rows": rows}
    return {"title": "Parts", "lead": "The same numbers for each part.", "legend": False, "charts": [], "table": table}
