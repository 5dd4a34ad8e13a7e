"""JSON on pages: each line with its number, and a text that is the JSON."""

import json
import re

from django.utils.html import strip_tags

from accounts.console.document import marked

DOCUMENT = {
    "userName": "bjensen",
    "emails": [{"type": "work", "value": "bjensen@acme.example"}, {"type": "home", "value": "b@b"}],
    "active": True,
}


def numbers(markup):
    return [int(number) for number in re.findall(r'data-line="(\d+)"', markup)]


def test_lines_are_numbered_from_one_in_their_order_folds_included():
    shown = marked(DOCUMENT)

    assert numbers(shown) == list(range(1, 15))
    assert '<details open><summary data-line="3">' in shown
    assert '<span class="line" data-line="14">}' in shown


def test_the_text_of_the_lines_is_the_json_without_numbers():
    text = strip_tags(marked(DOCUMENT)).replace("&quot;", '"')

    assert text == json.dumps(DOCUMENT, indent=2) + "\n"


def test_a_value_of_one_line_has_one_number():
    assert numbers(marked("bjensen")) == [1]
    assert numbers(marked([])) == [1]


def test_a_very_long_document_is_plain_and_has_no_numbers():
    assert numbers(marked(list(range(2_001)))) == []
