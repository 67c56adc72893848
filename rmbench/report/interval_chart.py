"""Values with intervals, one line each, under one another: categories of a shift, bias probes, curves by kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rmbench.report.charts import MARGIN, Row, Spec, finish, inline

LINE = 24  # pixels per value


def interval_chart(rows: Sequence[Row], title: str, *, rule: float, domain: tuple[float, float] | None = None) -> Spec:
    """A dot and its interval per row, and a dotted rule at what a reward without the property would get.

    Each row holds name, value, low and high. Without a `domain` the values decide it.
    """
    import altair as alt

    scale = alt.Scale(domain=list(domain), nice=False) if domain else alt.Scale(zero=True, padding=8)
    x_axis = alt.Axis(title=title, format=".2~f", tickCount=5)
    y = alt.Y("name:N", sort=None, axis=alt.Axis(title=None, domain=False, ticks=False, labelLimit=150, **MARGIN))
    data = alt.Chart(inline(rows))
    at = alt.Chart(alt.InlineData(values=[{"rule": rule}])).mark_rule(strokeDash=[1, 3], strokeWidth=1.25)
    whisker = data.mark_rule(strokeWidth=2, opacity=0.55).encode(
        x=alt.X("low:Q", scale=scale, axis=x_axis), x2="high:Q", y=y, color=alt.value("var(--tilt)")
    )
    dots = data.mark_point(filled=True, opacity=1, size=60).encode(
        x=alt.X("value:Q", scale=scale, axis=x_axis),
        y=y,
        color=alt.value("var(--tilt)"),
        tooltip=[alt.Tooltip("name:N", title="kind"), alt.Tooltip("value:Q", title=title, format=".3f")],
    )
    ruled = at.encode(x=alt.X("rule:Q", scale=scale, axis=x_axis), color=alt.value("var(--text)"))
    return finish(alt.layer(ruled, whisker, dots), max(48, LINE * len(rows)))


def curve_chart(points: Sequence[Row], x_title: str, y_title: str) -> Spec:
    """A step line per kind, with the kinds told apart by their dashes. Each point holds kind, x and y."""
    import altair as alt

    kinds = list(dict.fromkeys(str(point["kind"]) for point in points))
    dashes = alt.Scale(domain=kinds, range=[[1, 0], [6, 4], [1, 3]][: len(kinds)])
    shades = alt.Scale(domain=kinds, range=["var(--tilt)", "var(--bon)", "var(--text)"][: len(kinds)])
    legend = alt.Legend(title=None, orient="top", symbolType="stroke") if len(kinds) > 1 else None
    line: Any = alt.Chart(inline(points)).mark_line(strokeWidth=2, interpolate="step-after")
    line = line.encode(
        x=alt.X("x:Q", axis=alt.Axis(title=x_title, format=".2~f", tickCount=5), scale=alt.Scale(nice=False)),
        y=alt.Y("y:Q", axis=alt.Axis(title=None, format=".2~f", tickCount=4, **MARGIN), scale=alt.Scale(zero=True)),
        color=alt.Color("kind:N", scale=shades, legend=legend),
        strokeDash=alt.StrokeDash("kind:N", scale=dashes, legend=legend),
        tooltip=[
            alt.Tooltip("kind:N", title=""),
            alt.Tooltip("x:Q", title=x_title, format=".3f"),
            alt.Tooltip("y:Q", title=y_title, format=".3f"),
        ],
    )
    return finish(line, 200)
