"""Vega-Lite specifications of the page's charts.

Colours are CSS variables of the page (`var(--tilt)` …), so one SVG serves light mode, dark mode and print. Widths
follow the container. Legends and titles are HTML, where text wraps and never collides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rmbench.report.labels import LEAN, Ends, reach

Spec = dict[str, Any]
Row = Mapping[str, Any]

CONFIG: Spec = {
    "background": None,
    "font": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    "padding": {"left": 2, "right": 12, "top": 6, "bottom": 2},
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "ticks": False,
        "gridColor": "var(--grid)",
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "labelPadding": 6,
        "titlePadding": 8,
    },
    "axisX": {"grid": False, "domain": True, "domainColor": "var(--axis)", "ticks": True, "tickColor": "var(--axis)"},
    "text": {"fontSize": 10.5},
}
# One left margin for gold and proxy, so that the two x axes of a pool line up.
MARGIN: Any = {"minExtent": 36, "maxExtent": 36}
_QUARTERS = [0, 0.25, 0.5, 0.75, 1]
# The series: methods on the pool, and `push`, any optimiser that asks the reward again and again.
_SERIES = {"tilt": "circle", "best_of_n": "diamond", "push": "square"}
_COLOURS = {"tilt": "var(--tilt)", "best_of_n": "var(--bon)", "push": "var(--push)"}


@dataclass(frozen=True, slots=True)
class Axis:
    """What runs along a pair of charts: sqrt(KL), or reward queries. The title stands under the lower one."""

    title: str = "distance from the reference policy, √KL"
    nats: bool = True


NATS, QUERIES = Axis(), Axis(nats=False)


def gold_chart(points: Sequence[Row], floor: float, along: Axis = NATS, ends: Ends | None = None) -> Spec:
    """Mean gold along the budget, with its band, the oracle as ceiling and the untouched reference as floor.

    Each point holds: optimizer (a series), label, tag, d (its place: sqrt of KL in nats, or queries), kl, gold,
    gold_low, gold_high, oracle, proxy, note, hollow (whether it is drawn as not fully spent), budgeted (whether it is
    marked) and above (where its label goes); step, where the line goes by that and not by d. `ends` are those of the
    gold axis, None where the values decide them.
    """
    import altair as alt

    x = _across(points, None, nats=along.nats)
    axis = alt.Axis(tickCount=5, format=".2~f", title=None, **MARGIN)
    scale = alt.Scale(zero=False, nice=True) if ends is None else alt.Scale(domain=list(ends), nice=False)
    ground = alt.Chart(alt.InlineData(values=[{"floor": floor}])).mark_rule(strokeDash=[1, 3], strokeWidth=1.25)
    layers = [ground.encode(y=alt.Y("floor:Q", axis=axis, scale=scale), color=alt.value("var(--muted)"))]
    # The tilt is the best use of a KL budget, so its optimum of the gold is the ceiling for every method.
    first = points[0]["optimizer"]
    if any(p["oracle"] is not None for p in points):
        ceiling = alt.Chart().transform_filter(f"datum.optimizer === '{first}'").mark_line(strokeDash=[5, 4])
        ceiling = ceiling.encode(x=x, y="oracle:Q", order=_order(points), strokeWidth=alt.value(1))
        layers.insert(0, ceiling.encode(color=alt.value("var(--oracle)")))
    if any(p["gold_low"] is not None for p in points):
        band = alt.Chart().mark_area(opacity=0.13).encode(x=x, y="gold_low:Q", y2="gold_high:Q")
        layers.insert(0, band.encode(color=_series(alt.Color)))
    tooltip = [
        alt.Tooltip("label:N", title="budget"),
        *([alt.Tooltip("kl:Q", title="KL, nats", format=".2f")] if along.nats else []),
        alt.Tooltip("gold:Q", title="gold", format=".3f"),
        alt.Tooltip("oracle:Q", title="gold itself", format=".3f"),
        alt.Tooltip("note:N", title="note"),
    ]
    marks = [*_marks("gold", x, tooltip, points), *_budget_labels(x, points)]
    return finish(alt.layer(*layers, *marks, data=inline(points, without=("proxy", "budget"))), 230)


def proxy_chart(points: Sequence[Row], along: Axis = NATS) -> Spec:
    """The proxy, standardised or risen in within-prompt standard deviations, on the same x axis as `gold_chart`."""
    import altair as alt

    tooltip = [alt.Tooltip("label:N", title="budget"), alt.Tooltip("proxy:Q", title="proxy", format=".3~g")]
    x = _across(points, along.title, nats=along.nats)
    line, *dots = _marks("proxy", x, tooltip, points)
    large = max((abs(p["proxy"]) for p in points if p["proxy"] is not None), default=0) >= 1000
    axis = alt.Axis(tickCount=3, format=".2~s" if large else ".3~g", title=None, **MARGIN)
    line = line.encode(y=alt.Y("proxy:Q", axis=axis, scale=alt.Scale(zero=True)))
    without = ("gold", "gold_low", "gold_high", "oracle", "note", "tag", "kl", "budget", "queries")
    return finish(alt.layer(line, *dots, data=inline(points, without=without)), 90)


def reliability_chart(bins: Sequence[Row]) -> Spec:
    """Observed frequency against predicted probability, with intervals; the diagonal is perfect calibration.

    Each bin holds p_mean, observed, low, high and n.
    """
    import altair as alt

    unit = alt.Scale(domain=[0, 1], nice=False)
    x_axis = alt.Axis(values=_QUARTERS, format=".2~f", title="predicted probability")
    y_axis = alt.Axis(values=_QUARTERS, format=".2~f", title=None, **MARGIN)
    x = alt.X("p_mean:Q", scale=unit, axis=x_axis)
    diagonal = alt.Chart(alt.InlineData(values=[{"p": 0}, {"p": 1}])).mark_line(strokeDash=[5, 4], strokeWidth=1)
    diagonal = diagonal.encode(
        x=alt.X("p:Q", scale=unit, axis=x_axis),
        y=alt.Y("p:Q", scale=unit, axis=y_axis),
        color=alt.value("var(--oracle)"),
    )
    data = alt.Chart(inline(bins)).encode(x=x, color=alt.value("var(--tilt)"))
    whisker = data.mark_rule(strokeWidth=1.5, opacity=0.55).encode(y=alt.Y("low:Q", scale=unit, axis=y_axis), y2="high")
    dots = data.mark_point(filled=True, opacity=1).encode(
        y=alt.Y("observed:Q", scale=unit, axis=y_axis),
        size=alt.Size("n:Q", scale=alt.Scale(range=[20, 150], domainMin=0), legend=None),
        tooltip=[
            alt.Tooltip("p_mean:Q", title="predicted", format=".3f"),
            alt.Tooltip("observed:Q", title="preferred", format=".3f"),
            alt.Tooltip("n:Q", title="pairs"),
        ],
    )
    return finish(alt.layer(diagonal, whisker, dots), 250)


def shift_chart(rows: Sequence[Row]) -> Spec:
    """Accuracy per split (base and shift, or all) as bars with intervals, and a mark at the chance of each.

    Each row holds split, value, low, high and chance.
    """
    import altair as alt

    x_axis = alt.Axis(values=_QUARTERS, format=".2~f", title="accuracy")
    x = alt.X("value:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=x_axis)
    y = alt.Y("split:N", sort=None, axis=alt.Axis(title=None, domain=False, ticks=False, **MARGIN))
    colours = alt.Scale(domain=["base", "shift", "all"], range=["var(--soft)", "var(--mid)", "var(--mid)"])
    data = alt.Chart(inline(rows))
    bars = data.mark_bar(height=16, cornerRadiusEnd=2).encode(
        x=x,
        y=y,
        color=alt.Color("split:N", legend=None, scale=colours),
        tooltip=[alt.Tooltip("split:N"), alt.Tooltip("value:Q", title="accuracy", format=".3f")],
    )
    whisker = data.mark_rule(strokeWidth=1.5).encode(x="low:Q", x2="high:Q", y=y, color=alt.value("var(--text)"))
    chance = data.mark_tick(thickness=1.5, size=26, strokeDash=[2, 2]).encode(
        x="chance:Q", y=y, color=alt.value("var(--text)")
    )
    return finish(alt.layer(bars, chance, whisker), 64)


def inline(rows: Sequence[Row], without: Sequence[str] = ()) -> Any:
    """Inline rows, with no more digits than a screen can show."""
    import altair as alt

    shown = [{k: v for k, v in row.items() if k not in without} for row in rows]
    return alt.InlineData(
        values=[{k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()} for row in shown]
    )


def finish(chart: Any, height: int) -> Spec:
    spec: Spec = chart.properties(width="container", height=height).to_dict()
    # Colours and sizes come from CONFIG, once for all; the page's own Vega-Lite reads the rest, whatever its version.
    return {key: value for key, value in spec.items() if key not in {"config", "$schema"}}


def _across(points: Sequence[Row], title: str | None, *, nats: bool) -> Any:
    """The x axis: sqrt(KL), or reward queries."""
    import altair as alt

    if not nats:
        axis = alt.Axis(title=title, tickCount=4, format=",d")
        return alt.X("d:Q", axis=axis, scale=alt.Scale(domain=[0, max(p["d"] for p in points)], nice=False))
    top = reach(points)
    step = 0.5 if top <= 3 else 1 if top <= 8 else 5
    values = [step * k for k in range(int(top / step) + 1)]
    axis = alt.Axis(title=title, values=values, format=".1~f") if top <= 50 else alt.Axis(title=title, tickCount=5)
    return alt.X("d:Q", axis=axis, scale=alt.Scale(domain=[0, top], nice=False))


def _order(points: Sequence[Row]) -> str:
    """What a line goes by: steps, as the KL of a course may fall again, or else the place."""
    return "step:Q" if "step" in points[0] else "d:Q"


def _series(channel: Any) -> Any:
    """The colours of the series, for the channel class given (Color, Stroke)."""
    import altair as alt

    scale = alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values()))
    return channel("optimizer:N", scale=scale, legend=None)


def _marks(measure: str, x: Any, tooltip: list[Any], points: Sequence[Row]) -> list[Any]:
    """Lines, and points at the budgets; a hollow point is one whose budget could not be spent in full."""
    import altair as alt

    shapes = alt.Scale(domain=list(_SERIES), range=list(_SERIES.values()))
    line = alt.Chart().mark_line(strokeWidth=1.75)
    line = line.encode(x=x, y=f"{measure}:Q", order=_order(points), color=_series(alt.Color))
    dots = alt.Chart().mark_point(filled=True, size=62, opacity=1, strokeWidth=1.75)
    dots = dots.encode(x=x, y=f"{measure}:Q", shape=alt.Shape("optimizer:N", scale=shapes, legend=None))
    dots = dots.encode(tooltip=tooltip)
    solid = dots.encode(color=_series(alt.Color))
    hollow = dots.encode(fill=alt.value("var(--card)"), stroke=_series(alt.Stroke))
    return [line, *_only(points, (solid, "!datum.hollow", False), (hollow, "datum.hollow", True), by="hollow")]


def _budget_labels(x: Any, points: Sequence[Row]) -> list[Any]:
    """The budget of each point, on the side that the point asks for."""
    import altair as alt

    labels = alt.Chart().encode(x=x, y="gold:Q", text="tag:N", color=_series(alt.Color))
    above, below = labels.mark_text(dy=-12, fontWeight=600), labels.mark_text(dy=14, fontWeight=600)
    if "lean" in points[0]:
        right = labels.mark_text(dy=14, dx=LEAN, align="left", fontWeight=600)
        left = labels.mark_text(dy=14, dx=-LEAN, align="right", fontWeight=600)
        sides = ((right, "datum.lean == 1", 1), (left, "datum.lean == -1", -1), (above, "datum.lean == 0", 0))
        return _only(points, *sides, by="lean")
    return _only(points, (above, "datum.above", True), (below, "!datum.above", False), by="above")


def _only(points: Sequence[Row], *layers: tuple[Any, str, int], by: str) -> list[Any]:
    """Each layer with its own budgets; none that would be empty, which Vega warns of."""
    found = {point[by] for point in points if point["budgeted"]}
    return [chart.transform_filter(f"datum.budgeted && {test}") for chart, test, side in layers if side in found]
