"""A comparison marks the characters that differ, and a JSON value keeps its text under its colors."""

import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.console.difference import Difference, sides
from accounts.console.document import marked

TAG = re.compile(r"<[^>]+>")


def plain(markup):
    """The text of the markup."""
    return html.unescape(TAG.sub("", markup))


@pytest.mark.parametrize(
    ("before", "after", "was", "became"),
    [
        ("Hamburg", "Homburg", "H<mark>a</mark>mburg", "H<mark>o</mark>mburg"),
        ("Utrecht", "Utrecht 2", "Utrecht", "Utrecht<mark> 2</mark>"),
        ("ab@acme.example", "ab@globex.example", "ab@<mark>acme</mark>.example", None),
        ("Sales", "Claims", "Sales", "Claims"),  # two words: nothing is marked
        ("<b>x", "<b>y", "&lt;b&gt;<mark>x</mark>", "&lt;b&gt;<mark>y</mark>"),
        ("x" * 300 + "1", "x" * 300 + "2", "x" * 300 + "<mark>1</mark>", None),
        ("x" * 300, "y" * 300, "x" * 300, "y" * 300),
    ],
)
def test_a_difference_is_marked_on_both_sides_when_the_values_are_alike(before, after, was, became):
    found = sides(before, after)

    assert found[0] == f"<del>{was}</del>"
    assert became is None or found[1] == f"<ins>{became}</ins>"


def test_a_side_without_a_value_has_no_markup():
    assert sides(None, "x") == (None, "<ins>x</ins>")
    assert Difference("title", "x", None).sides == ("<del>x</del>", None)


@given(st.text(max_size=260), st.text(max_size=260))
def test_the_marks_change_no_character_of_either_value(before, after):
    found = sides(before, after)

    assert [plain(side) for side in found] == [before, after]


def test_a_json_value_is_colored_by_kind_and_folds_where_it_is_long():
    value = {"name": {"a": 1, "b": None, "c": True, "d": "x"}, "tags": [], "id": "<i>"}

    shown = marked(value)

    assert shown.count("<details open>") == 1
    assert '<span class="key">&quot;tags&quot;</span>: <span class="other">[]</span>' in shown
    assert '<span class="text">&quot;&lt;i&gt;&quot;</span>' in shown
    assert "style=" not in shown


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=25,
)


@given(JSON)
def test_the_text_of_the_lines_is_the_json_itself(value):
    assert plain(marked(value)).rstrip("\n") == json.dumps(value, indent=2, ensure_ascii=False)


def test_a_very_long_value_has_no_colors():
    value = list(range(2_500))

    assert marked(value) == f'<span class="plain">{json.dumps(value, indent=2)}</span>'
