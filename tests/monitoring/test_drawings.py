"""The sketches of Entra on *Set up Entra*: described, numbered, and within their frames."""

import re
from xml.etree import ElementTree as ET

import pytest

from scim.monitoring.drawings import SKETCHES, drawn

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(params=[sketch.name for sketch in SKETCHES])
def figure(request):
    """The figure of one sketch, as XML."""
    text = drawn()[request.param].replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')
    return ET.fromstring(text)  # noqa: S314  # our own


def test_a_sketch_says_what_it_shows_and_where_to_click():
    figure = drawn()["credentials"]

    assert 'aria-labelledby="sketch-credentials-title"' in figure
    assert "Sketch of Entra: Provisioning, Admin Credentials</title>" in figure
    assert re.findall("<li>(.*?)</li>", figure) == [
        "Provisioning in the menu",
        "Provisioning Mode",
        "Tenant URL",
        "Secret Token",
        "Test Connection",
        "Save",
    ]


def test_each_number_in_the_drawing_has_its_name_below_it(figure):
    numbers = [text.text for text in figure.iter(f"{SVG}text") if text.get("class") == "number"]

    assert sorted(numbers) == [str(place + 1) for place, _ in enumerate(figure.iter("li"))]


def test_everything_lies_within_the_frame(figure):
    [svg] = figure.iter(f"{SVG}svg")
    _, _, width, height = map(float, svg.get("viewBox").split())

    for box in figure.iter(f"{SVG}rect"):
        at = {name: float(box.get(name)) for name in ("x", "y", "width", "height")}
        assert at["x"] + at["width"] <= width, box.attrib
        assert at["y"] + at["height"] <= height, box.attrib


def test_presentation_is_by_class_alone(figure):
    told = {name for element in figure.iter() for name in element.attrib}

    assert not told & {"style", "fill", "stroke", "color"}


def test_names_are_unique():
    assert len(drawn()) == len(SKETCHES) == len({sketch.caption for sketch in SKETCHES})
