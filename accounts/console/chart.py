"""Charts drawn on the server: an SVG without a single style attribute, and a table with its numbers.

Presentation is by class only, so that the Content-Security-Policy needs no exception and a chart
follows light and dark. The drawing is for the eye; title, description and table say the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.console.page import State

# Geometry, in the units of the drawing.
WIDTH: Final = 960
HEIGHT: Final = 200
_LEFT: Final = 56  # of the numbers at the axis
_TOP: Final = 12
_BOTTOM: Final = 22  # of the labels below the bars
_PLOT: Final = HEIGHT - _TOP - _BOTTOM
_MOST_LABELS: Final = 8
_GRID_LINES: Final = 4
_GAP: Final = 0.25  # of a bar's step


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers of one kind, one a label, none negative; `state` gives color and pattern."""

    name: str
    values: tuple[int, ...]
    state: State = "ok"


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars side by side, one a label, in each the series on top of one another.

    `name` is unique on the page, of letters and hyphens. `summary` says in a sentence what is to be
    seen; without one it is made of the sums.
    """

    name: str
    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    summary: str = ""

    def __post_init__(self) -> None:
        if any(len(series.values) != len(self.labels) for series in self.series):
            raise ValueError("Each series needs one value a label.")
        if any(value < 0 for series in self.series for value in series.values):
            raise ValueError("A bar has no negative height.")


def bar_chart(chart: Chart) -> SafeString:
    """The figure with drawing, legend and table; text from outside is escaped."""
    return format_html(
        '<figure class="chart"><figcaption>{}</figcaption>'
        '<div class="wide" tabindex="0" role="region" aria-label="{}, drawn">{}</div>{}{}</figure>',
        chart.title,
        chart.title,
        _drawing(chart),
        _legend(chart),
        _table(chart),
    )


def axis_top(highest: int) -> int:
    """The number at the top of the axis: 4, 8, 20, 40, 80, 200 … and not below `highest`."""
    power = 1
    while True:
        for digit in (4, 8, 20):
            if digit * power >= highest:
                return digit * power
        power *= 10


def _drawing(chart: Chart) -> SafeString:
    top = axis_top(max(_totals(chart), default=0))
    summary = chart.summary or _sums(chart)
    return format_html(
        '<svg viewBox="0 0 {} {}" role="img" aria-labelledby="{}-title {}-desc">'
        '<title id="{}-title">{}</title><desc id="{}-desc">{}</desc>{}{}{}{}</svg>',
        WIDTH,
        HEIGHT,
        chart.name,
        chart.name,
        chart.name,
        chart.title,
        chart.name,
        summary,
        _hatching(chart.name),
        _grid(top),
        format_html_join("", "{}", ((bar,) for bar in _bars(chart, top))),
        _labels(chart.labels),
    )


def _hatching(name: str) -> SafeString:
    """Stripes over failures, so that they differ from the rest without color."""
    return format_html(
        '<defs><pattern id="{}-hatch" width="6" height="6" patternUnits="userSpaceOnUse"'
        ' patternTransform="rotate(45)"><path class="hatch" d="M0 0V6"/></pattern></defs>',
        name,
    )


def _grid(top: int) -> SafeString:
    steps = range(_GRID_LINES + 1)
    lines = ((step, _TOP + _PLOT - _PLOT * step / _GRID_LINES) for step in steps)
    return format_html_join(
        "",
        '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<text x="{}" y="{}" text-anchor="end">{}</text>',
        (
            (_LEFT, WIDTH, _short(y), _short(y), _LEFT - 8, _short(y + 4), _number(top * step // 4))
            for step, y in lines
        ),
    )


def _bars(chart: Chart, top: int) -> Iterator[SafeString]:
    step = (WIDTH - _LEFT) / max(len(chart.labels), 1)
    for place, label in enumerate(chart.labels):
        x, y = _LEFT + step * (place + _GAP / 2), float(_TOP + _PLOT)
        for series in chart.series:
            height = _PLOT * series.values[place] / top
            if not height:
                continue
            y -= height
            box = (_short(x), _short(y), _short(step * (1 - _GAP)), _short(height))
            said = f"{label}: {_number(series.values[place])} {series.name}"
            yield _bar(box, series.state, said)
            if series.state == "failing":
                yield _hatched(box, chart.name)


def _bar(box: tuple[str, str, str, str], state: State, said: str) -> SafeString:
    return format_html(
        '<rect class="bar" data-state="{}" x="{}" y="{}" width="{}" height="{}">'
        "<title>{}</title></rect>",
        state,
        *box,
        said,
    )


def _hatched(box: tuple[str, str, str, str], name: str) -> SafeString:
    return format_html(
        '<rect x="{}" y="{}" width="{}" height="{}" fill="url(#{}-hatch)" pointer-events="none"/>',
        *box,
        name,
    )


def _labels(labels: tuple[str, ...]) -> SafeString:
    """The first label and some at equal distances: all would lie on one another."""
    step = (WIDTH - _LEFT) / max(len(labels), 1)
    every = -(-len(labels) // _MOST_LABELS) or 1
    return format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="middle">{}</text>',
        (
            (_short(_LEFT + step * (place + 0.5)), HEIGHT - 6, label)
            for place, label in enumerate(labels)
            if place % every == 0
        ),
    )


def _legend(chart: Chart) -> SafeString:
    items = ((series.state, series.name) for series in chart.series)
    return format_html(
        '<ul class="legend" aria-hidden="true">{}</ul>',
        format_html_join("", '<li data-state="{}">{}</li>', items),
    )


def _table(chart: Chart) -> SafeString:
    names = ((series.name,) for series in chart.series)
    rows = (
        (
            label,
            format_html_join(
                "", "<td>{}</td>", ((_number(s.values[place]),) for s in chart.series)
            ),
        )
        for place, label in enumerate(chart.labels)
    )
    return format_html(
        '<details><summary>Show as table<span class="visually-hidden">: {}</span></summary>'
        '<div class="wide" tabindex="0" role="region" aria-label="{}, in numbers"><table>'
        '<thead><tr><th scope="col">When</th>{}</tr></thead><tbody>{}</tbody></table></div></details>',
        chart.title,
        chart.title,
        format_html_join("", '<th scope="col">{}</th>', names),
        format_html_join("", '<tr><th scope="row">{}</th>{}</tr>', rows),
    )


def _totals(chart: Chart) -> list[int]:
    columns = (series.values for series in chart.series)
    return [sum(values) for values in zip(*columns, strict=True)]


def _sums(chart: Chart) -> str:
    counted = (f"{series.name}: {_number(sum(series.values))}" for series in chart.series)
    return f"{', '.join(counted)}, in {len(chart.labels)} bars."


def _number(value: int) -> str:
    return number_format(value, use_l10n=True, force_grouping=True)


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
