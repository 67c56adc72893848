"""Vega-Lite specifications of the page's charts.

Colours are CSS variables of the page (`var(--tilt)` …), so one SVG serves light mode, dark mode and print. Widths
follow the container. Legends and titles are HTML, where text wraps and never collides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rmbench.report.labels import reach

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
_MARGIN: Any = {"minExtent": 36, "maxExtent": 36}
_QUARTERS = [0, 0.25, 0.5, 0.75, 1]


def gold_chart(points: Sequence[Row], floor: float) -> Spec:
    """Mean gold against sqrt(KL) of one pool task, with its band, the oracle as ceiling and the n = 1 mean as floor.

    Each point holds: optimizer, label, tag, d (sqrt of KL in nats), kl, gold, gold_low, gold_high, oracle, proxy, note,
    hollow (whether it is drawn as not fully spent), budgeted (whether the card asks for this budget) and above (where
    its label goes).
    """
    import altair as alt

    x = _distance(points, None)
    axis = alt.Axis(tickCount=5, format=".2~f", title=None, **_MARGIN)
    low = alt.Y("gold_low:Q", axis=axis, scale=alt.Scale(zero=False, nice=True))
    band = alt.Chart().mark_area(opacity=0.13).encode(x=x, y=low, y2="gold_high:Q", color=_series(alt.Color))
    # The tilt is the best use of a KL budget, so its optimum of the gold is the ceiling for every method.
    first = points[0]["optimizer"]
    ceiling = alt.Chart().transform_filter(f"datum.optimizer === '{first}'").mark_line(strokeDash=[5, 4])
    ceiling = ceiling.encode(x=x, y="oracle:Q", order="d:Q", color=alt.value("var(--oracle)"), strokeWidth=alt.value(1))
    ground = alt.Chart(alt.InlineData(values=[{"floor": floor}])).mark_rule(strokeDash=[1, 3], strokeWidth=1.25)
    tooltip = [
        alt.Tooltip("label:N", title="budget"),
        alt.Tooltip("kl:Q", title="KL, nats", format=".2f"),
        alt.Tooltip("gold:Q", title="gold", format=".3f"),
        alt.Tooltip("oracle:Q", title="gold itself", format=".3f"),
        alt.Tooltip("note:N", title="note"),
    ]
    layers = [band, ceiling, ground.encode(y="floor:Q", color=alt.value("var(--muted)"))]
    return _finish(alt.layer(*layers, *_marks("gold", x, tooltip), *_budget_labels(x), data=_data(points)), 230)


def proxy_chart(points: Sequence[Row]) -> Spec:
    """The standardised proxy (within-prompt standard deviations) on the same x axis as `gold_chart`."""
    import altair as alt

    tooltip = [alt.Tooltip("label:N", title="budget"), alt.Tooltip("proxy:Q", title="proxy, sd", format=".2f")]
    x = _distance(points, "distance from the reference policy, √KL")
    line, *dots = _marks("proxy", x, tooltip)
    axis = alt.Axis(tickCount=3, format=".1~f", title=None, **_MARGIN)
    line = line.encode(y=alt.Y("proxy:Q", axis=axis, scale=alt.Scale(zero=True)))
    return _finish(alt.layer(line, *dots, data=_data(points)), 90)


def reliability_chart(bins: Sequence[Row]) -> Spec:
    """Observed frequency against predicted probability, with intervals; the diagonal is perfect calibration.

    Each bin holds p_mean, observed, low, high and n.
    """
    import altair as alt

    unit = alt.Scale(domain=[0, 1], nice=False)
    x_axis = alt.Axis(values=_QUARTERS, format=".2~f", title="predicted probability")
    y_axis = alt.Axis(values=_QUARTERS, format=".2~f", title=None, **_MARGIN)
    x = alt.X("p_mean:Q", scale=unit, axis=x_axis)
    diagonal = alt.Chart(alt.InlineData(values=[{"p": 0}, {"p": 1}])).mark_line(strokeDash=[5, 4], strokeWidth=1)
    diagonal = diagonal.encode(
        x=alt.X("p:Q", scale=unit, axis=x_axis),
        y=alt.Y("p:Q", scale=unit, axis=y_axis),
        color=alt.value("var(--oracle)"),
    )
    data = alt.Chart(_data(bins)).encode(x=x, color=alt.value("var(--tilt)"))
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
    return _finish(alt.layer(diagonal, whisker, dots), 250)


def shift_chart(rows: Sequence[Row]) -> Spec:
    """Accuracy per split (base and shift, or all) as bars with intervals, and a rule at chance.

    Each row holds split, value, low and high.
    """
    import altair as alt

    x_axis = alt.Axis(values=_QUARTERS, format=".2~f", title="accuracy")
    x = alt.X("value:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=x_axis)
    y = alt.Y("split:N", sort=None, axis=alt.Axis(title=None, domain=False, ticks=False, **_MARGIN))
    colours = alt.Scale(domain=["base", "shift", "all"], range=["var(--soft)", "var(--mid)", "var(--mid)"])
    data = alt.Chart(_data(rows))
    bars = data.mark_bar(height=16, cornerRadiusEnd=2).encode(
        x=x,
        y=y,
        color=alt.Color("split:N", legend=None, scale=colours),
        tooltip=[alt.Tooltip("split:N"), alt.Tooltip("value:Q", title="accuracy", format=".3f")],
    )
    whisker = data.mark_rule(strokeWidth=1.5).encode(x="low:Q", x2="high:Q", y=y, color=alt.value("var(--text)"))
    chance = alt.Chart(alt.InlineData(values=[{"chance": 0.5}])).mark_rule(strokeDash=[1, 3], strokeWidth=1.25)
    return _finish(alt.layer(bars, chance.encode(x="chance:Q", color=alt.value("var(--text)")), whisker), 64)


def _data(rows: Sequence[Row]) -> Any:
    """Inline rows, with no more digits than a screen can show."""
    import altair as alt

    return alt.InlineData(
        values=[{k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()} for row in rows]
    )


def _finish(chart: Any, height: int) -> Spec:
    spec: Spec = chart.properties(width="container", height=height).to_dict()
    # Colours and sizes come from CONFIG, once for all; the page's own Vega-Lite reads the rest, whatever its version.
    return {key: value for key, value in spec.items() if key not in {"config", "$schema"}}


def _distance(points: Sequence[Row], title: str | None) -> Any:
    """The x axis: sqrt(KL)."""
    import altair as alt

    top = reach(points)
    axis = alt.Axis(title=title, values=[v / 2 for v in range(int(2 * top) + 1)], format=".1~f")
    return alt.X("d:Q", axis=axis, scale=alt.Scale(domain=[0, top], nice=False))


def _series(channel: Any) -> Any:
    """The two optimizers' colours, for the channel class given (Color, Stroke)."""
    import altair as alt

    scale = alt.Scale(domain=["tilt", "best_of_n"], range=["var(--tilt)", "var(--bon)"])
    return channel("optimizer:N", scale=scale, legend=None)


def _marks(measure: str, x: Any, tooltip: list[Any]) -> list[Any]:
    """Lines, and points at the card's budgets; a hollow point is one whose budget could not be spent in full."""
    import altair as alt

    shapes = alt.Scale(domain=["tilt", "best_of_n"], range=["circle", "diamond"])
    line = alt.Chart().mark_line(strokeWidth=1.75)
    line = line.encode(x=x, y=f"{measure}:Q", order="d:Q", color=_series(alt.Color))
    dots = alt.Chart().transform_filter("datum.budgeted").mark_point(filled=True, size=62, opacity=1, strokeWidth=1.75)
    dots = dots.encode(x=x, y=f"{measure}:Q", shape=alt.Shape("optimizer:N", scale=shapes, legend=None))
    dots = dots.encode(tooltip=tooltip)
    solid = dots.transform_filter("!datum.hollow").encode(color=_series(alt.Color))
    hollow = dots.transform_filter("datum.hollow").encode(fill=alt.value("var(--card)"), stroke=_series(alt.Stroke))
    return [line, solid, hollow]


def _budget_labels(x: Any) -> list[Any]:
    """The budget of each point, on the side that the point asks for."""
    import altair as alt

    labels = alt.Chart().transform_filter("datum.budgeted")
    labels = labels.encode(x=x, y="gold:Q", text="tag:N", color=_series(alt.Color))
    above = labels.transform_filter("datum.above").mark_text(dy=-12, fontWeight=600)
    below = labels.transform_filter("!datum.above").mark_text(dy=14, fontWeight=600)
    return [above, below]
