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
HALF: Final = 460  # of two beside each other
HEIGHT: Final = 200
_LEFT: Final = 56  # of the numbers at the axis
_TOP: Final = 12
_BOTTOM: Final = 22  # of the labels below the bars
_PLOT: Final = HEIGHT - _TOP - _BOTTOM
_MOST_LABELS: Final = 8
_GRID_LINES: Final = 4
_GAP: Final = 0.25  # of a bar's step
_SPARK_HEIGHT: Final = 16
_SPARK_STEP: Final = 5


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers of one kind, one a label, none negative; `state` gives color and pattern.

    `paths` lead from each bar to what it stands for, such as the log of that day; none, one a label.
    """

    name: str
    values: tuple[float, ...]
    state: State = "ok"
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Another chart that can be shown in the place of this one, such as that of a longer period."""

    label: str
    path: str
    is_shown: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars side by side, one a label, in each the series on top of one another.

    Those of parts of one another, such as percentiles, are not stacked: each begins at zero, the first
    series behind. `name` is unique on the page, of letters and hyphens. `summary` says in a sentence
    what is to be seen; without one it is made of the sums. `empty` stands in the place of a drawing of
    nothing but zeros.
    """

    name: str
    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    summary: str = ""
    empty: str = ""
    choices: tuple[Choice, ...] = ()
    is_stacked: bool = True
    width: int = WIDTH

    def __post_init__(self) -> None:
        if any(len(series.values) != len(self.labels) for series in self.series):
            raise ValueError("Each series needs one value a label.")
        if any(value < 0 for series in self.series for value in series.values):
            raise ValueError("A bar has no negative height.")
        if any(series.paths and len(series.paths) != len(self.labels) for series in self.series):
            raise ValueError("Each series needs one path a label, or none.")

    @property
    def is_empty(self) -> bool:
        """True if there is a sentence for nothing, and nothing to draw."""
        return bool(self.empty) and not any(value for each in self.series for value in each.values)


def bar_chart(chart: Chart) -> SafeString:
    """The figure with drawing, legend and table, or its sentence; text from outside is escaped."""
    head = format_html("<figcaption>{}</figcaption>{}", chart.title, _choices(chart))
    if chart.is_empty:
        return format_html(
            '<figure class="chart">{}<p class="quiet">{}</p></figure>', head, chart.empty
        )
    return format_html(
        '<figure class="chart">{}'
        '<div class="wide" tabindex="0" role="region" aria-label="{}, drawn">{}</div>{}{}</figure>',
        head,
        chart.title,
        _drawing(chart),
        _legend(chart),
        _table(chart),
    )


def sparkline(values: tuple[float, ...], said: str) -> SafeString:
    """Bars as high as a line of text, for a cell of a list; `said` tells what they say."""
    highest = max(values, default=0) or 1
    heights = (max(_SPARK_HEIGHT * value / highest, 1.0) if value else 0 for value in values)
    drawn = (
        (_SPARK_STEP * place, _short(_SPARK_HEIGHT - height), _SPARK_STEP - 1, _short(height))
        for place, height in enumerate(heights)
        if height
    )
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>{}</svg>',
        _SPARK_STEP * max(len(values), 1),
        _SPARK_HEIGHT,
        said,
        said,
        format_html_join("", '<rect x="{}" y="{}" width="{}" height="{}"/>', drawn),
    )


def _choices(chart: Chart) -> SafeString | str:
    if not chart.choices:
        return ""
    items = format_html_join(
        "",
        '<li><a href="{}"{}>{}</a></li>',
        (
            (each.path, SafeString(' aria-current="true"' if each.is_shown else ""), each.label)
            for each in chart.choices
        ),
    )
    return format_html(
        '<nav class="ranges" aria-label="{}: period"><ul>{}</ul></nav>', chart.title, items
    )


def axis_top(highest: float) -> int:
    """The number at the top of the axis: 4, 8, 20, 40, 80, 200 … and not below `highest`."""
    power = 1
    while True:
        for digit in (4, 8, 20):
            if digit * power >= highest:
                return digit * power
        power *= 10


def _drawing(chart: Chart) -> SafeString:
    top = axis_top(max(_heights(chart), default=0))
    summary = chart.summary or _sums(chart)
    return format_html(
        '<svg viewBox="0 0 {} {}" role="{}" aria-labelledby="{}-title {}-desc">'
        '<title id="{}-title">{}</title><desc id="{}-desc">{}</desc>{}{}{}{}</svg>',
        chart.width,
        HEIGHT,
        "group" if any(series.paths for series in chart.series) else "img",
        chart.name,
        chart.name,
        chart.name,
        chart.title,
        chart.name,
        summary,
        _hatching(chart.name),
        _grid(chart.width, top),
        format_html_join("", "{}", ((bar,) for bar in _bars(chart, top))),
        _labels(chart),
    )


def _hatching(name: str) -> SafeString:
    """Stripes over failures, so that they differ from the rest without color."""
    return format_html(
        '<defs><pattern id="{}-hatch" width="6" height="6" patternUnits="userSpaceOnUse"'
        ' patternTransform="rotate(45)"><path class="hatch" d="M0 0V6"/></pattern></defs>',
        name,
    )


def _grid(width: int, top: int) -> SafeString:
    steps = range(_GRID_LINES + 1)
    lines = ((step, _TOP + _PLOT - _PLOT * step / _GRID_LINES) for step in steps)
    return format_html_join(
        "",
        '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<text x="{}" y="{}" text-anchor="end">{}</text>',
        (
            (_LEFT, width, _short(y), _short(y), _LEFT - 8, _short(y + 4), _number(top * step // 4))
            for step, y in lines
        ),
    )


def _bars(chart: Chart, top: int) -> Iterator[SafeString]:
    step = (chart.width - _LEFT) / max(len(chart.labels), 1)
    for place, label in enumerate(chart.labels):
        x, bottom = _LEFT + step * (place + _GAP / 2), float(_TOP + _PLOT)
        for series in chart.series:
            height = _PLOT * series.values[place] / top
            if not height:
                continue
            y = bottom - height
            if chart.is_stacked:
                bottom = y
            box = (_short(x), _short(y), _short(step * (1 - _GAP)), _short(height))
            said = f"{label}: {_number(series.values[place])} {series.name}"
            drawn = _bar(box, series.state, said)
            if series.state == "failing":
                drawn += _hatched(box, chart.name)
            yield _led(series.paths[place], said, drawn) if series.paths else drawn


def _led(path: str, said: str, drawn: SafeString) -> SafeString:
    """The bar as a link; the table behind the drawing has the same ones for the keyboard."""
    return format_html('<a href="{}" tabindex="-1" aria-label="{}">{}</a>', path, said, drawn)


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


def _labels(chart: Chart) -> SafeString:
    """The first label and some at equal distances: all would lie on one another."""
    labels = chart.labels
    step = (chart.width - _LEFT) / max(len(labels), 1)
    most = max(_MOST_LABELS * chart.width // WIDTH, 1)
    every = -(-len(labels) // most) or 1
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
                "", "<td>{}</td>", ((_cell(series, place),) for series in chart.series)
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


def _cell(series: Series, place: int) -> SafeString | str:
    number = _number(series.values[place])
    if not series.paths or not series.values[place]:
        return number
    return format_html('<a href="{}">{}</a>', series.paths[place], number)


def _heights(chart: Chart) -> list[float]:
    columns = (series.values for series in chart.series)
    joined = sum if chart.is_stacked else max
    return [joined(values) for values in zip(*columns, strict=True)]


def _sums(chart: Chart) -> str:
    counted = (f"{series.name}: {_number(sum(series.values))}" for series in chart.series)
    return f"{', '.join(counted)}, in {len(chart.labels)} bars."


def _number(value: float) -> str:
    digits = 0 if value == int(value) else 1
    return number_format(value, digits, use_l10n=True, force_grouping=True)


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
