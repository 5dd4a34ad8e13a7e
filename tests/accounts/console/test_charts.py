"""Charts: what is drawn is what the numbers say, for every reader, and nothing in it is styled."""

import re
from html import unescape
from xml.etree import ElementTree as ET

import pytest

from accounts.console.chart import Chart, Choice, Series, axis_top, bar_chart, sparkline

REQUESTS = Chart(
    name="requests",
    title="Requests a day",
    labels=("Mon", "Tue", "Wed"),
    series=(Series("Answered", (40, 20, 0)), Series("Refused", (0, 20, 1234), "failing")),
)


def parsed(chart):
    return ET.fromstring(bar_chart(chart))  # noqa: S314  # our own


def bars(figure):
    return figure.findall(".//rect[@class='bar']")


def test_a_bar_is_as_high_as_its_number_and_stands_on_the_one_below():
    chart = Chart("c", "C", ("Mon",), (Series("a", (4,)), Series("b", (4,), "failing")))
    [lower, upper] = bars(parsed(chart))

    assert float(lower.get("height")) == float(upper.get("height")) == 83
    assert float(upper.get("y")) + 83 == float(lower.get("y"))
    assert float(lower.get("y")) + 83 == 178  # the bottom of the plot


def test_numbers_of_zero_draw_no_bar():
    assert [bar.find("title").text for bar in bars(parsed(REQUESTS))] == [
        "Mon: 40 Answered",
        "Tue: 20 Answered",
        "Tue: 20 Refused",
        "Wed: 1,234 Refused",
    ]


def test_the_drawing_is_an_image_with_a_title_and_a_description():
    drawing = parsed(REQUESTS).find(".//svg")

    assert drawing.get("role") == "img"
    assert drawing.get("aria-labelledby") == "requests-title requests-desc"
    assert drawing.find("title[@id='requests-title']").text == "Requests a day"
    assert drawing.find("desc[@id='requests-desc']").text == (
        "Answered: 60, Refused: 1,254, in 3 bars."
    )


def test_a_summary_of_ones_own_is_the_description():
    chart = Chart("c", "C", ("Mon",), (Series("a", (1,)),), summary="A quiet week.")

    assert parsed(chart).find(".//desc").text == "A quiet week."


def test_the_table_behind_the_drawing_has_every_number():
    rows = [[cell.text for cell in row] for row in parsed(REQUESTS).findall(".//details//tr")]

    assert rows == [
        ["When", "Answered", "Refused"],
        ["Mon", "40", "0"],
        ["Tue", "20", "20"],
        ["Wed", "0", "1,234"],
    ]


def test_failures_differ_without_color():
    figure = parsed(REQUESTS)

    assert len(figure.findall(".//rect[@fill='url(#requests-hatch)']")) == 2


def test_nothing_in_a_chart_needs_an_exception_of_the_content_security_policy():
    markup = bar_chart(REQUESTS)

    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:|data:", markup)


def test_text_from_outside_is_escaped():
    chart = Chart("c", "<b>", ("<i>",), (Series("<u>", (1,)),), summary="<s>")
    markup = bar_chart(chart)

    assert not re.search(r"<(b|i|u|s)>", markup)
    assert "<i>: 1 <u>" in unescape(markup)


def test_a_chart_of_nothing_is_empty_and_whole():
    figure = parsed(Chart("c", "C", (), ()))

    assert bars(figure) == []
    assert figure.find(".//svg/title").text == "C"


def test_long_rows_of_bars_show_some_labels_only():
    labels = tuple(f"day {number}" for number in range(42))
    figure = parsed(Chart("c", "C", labels, (Series("a", tuple(range(42))),)))

    shown = [text.text for text in figure.findall(".//svg/text") if text.text.startswith("day")]
    assert shown == [f"day {number}" for number in range(0, 42, 6)]


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 4), (4, 4), (5, 8), (9, 20), (21, 40), (81, 200), (201, 400)]
)
def test_the_axis_ends_at_a_round_number_that_four_divides(highest, top):
    assert axis_top(highest) == top
    assert top % 4 == 0


def test_a_series_with_a_number_too_few_is_refused():
    with pytest.raises(ValueError, match="one value a label"):
        Chart("c", "C", ("Mon", "Tue"), (Series("a", (1,)),))


def test_negative_numbers_are_refused():
    with pytest.raises(ValueError, match="negative"):
        Chart("c", "C", ("Mon",), (Series("a", (-1,)),))


def test_a_bar_and_its_number_lead_to_the_same_place():
    paths = ("/mon", "/tue", "/wed")
    figure = parsed(Chart("c", "C", ("Mon", "Tue", "Wed"), (Series("a", (1, 0, 2), "ok", paths),)))

    led = [link.get("href") for link in figure.findall(".//svg/a")]
    assert led == [link.get("href") for link in figure.findall(".//td/a")] == ["/mon", "/wed"]
    assert figure.find(".//svg").get("role") == "group"


def test_bars_that_are_not_stacked_all_stand_on_the_axis():
    series = (Series("95 % within", (8.5,), "unknown"), Series("Half within", (2,)))
    found = bars(parsed(Chart("c", "C", ("Mon",), series, is_stacked=False)))

    assert [float(each.get("y")) + float(each.get("height")) for each in found] == [178, 178]
    assert [each.find("title").text for each in found] == [
        "Mon: 8.5 95 % within",
        "Mon: 2 Half within",
    ]


def test_nothing_to_draw_is_said_in_a_sentence_and_the_choice_of_others_stays():
    choices = (Choice("7 days", "?period=7d"), Choice("30 days", "?period=30d", is_shown=True))
    figure = parsed(
        Chart("c", "C", ("Mon",), (Series("a", (0,)),), empty="No requests.", choices=choices)
    )

    assert figure.find("p").text == "No requests."
    assert figure.find(".//svg") is None
    assert [link.get("aria-current") for link in figure.findall(".//nav//a")] == [None, "true"]


def test_a_sparkline_draws_each_number_and_says_what_it_shows():
    drawing = ET.fromstring(sparkline((4, 0, 2), "6 requests in 3 days"))  # noqa: S314  # our own

    assert [each.get("height") for each in drawing.findall("rect")] == ["16", "8"]
    assert drawing.get("aria-label") == "6 requests in 3 days"


def test_paths_that_are_too_few_are_refused():
    with pytest.raises(ValueError, match="one path a label"):
        Chart("c", "C", ("Mon", "Tue"), (Series("a", (1, 2), "ok", ("/mon",)),))
