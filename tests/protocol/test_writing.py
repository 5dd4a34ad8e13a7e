"""JSON as it is stored and answered: the same text, whoever writes it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.text import Real
from scim.protocol.writing import from_json, to_json, to_json_bytes

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)


def as_the_library_writes(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@given(VALUES)
def test_a_value_is_written_as_the_standard_library_writes_it(value):
    assert to_json(value) == as_the_library_writes(value)
    assert to_json_bytes(value).decode() == to_json(value)


@pytest.mark.parametrize(
    "value",
    [10**30, Real.read("1.50"), "a\ud800b", {"deep": [[[10**30]]]}, ("a", 1)],
    ids=["large number", "number with its spelling", "lone surrogate", "inside", "tuple"],
)
def test_values_that_orjson_does_not_write_are_written_all_the_same(value):
    assert to_json(value) == as_the_library_writes(value)


def test_a_value_without_a_form_in_json_is_refused():
    with pytest.raises(TypeError):
        to_json({"object": object()})


def test_something_else_may_stand_for_a_value():
    assert to_json_bytes([1, object()], lambda _: "x") == b'[1,"x"]'


def test_stored_json_is_read():
    assert from_json('{"a":[1,2.5,"Ä",null,true]}') == {"a": [1, 2.5, "Ä", None, True]}
