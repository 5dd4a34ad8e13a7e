"""The keys that values are compared by."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import urns
from scim.protocol.comparison import comparable, comparable_value, date_time_key, key
from scim.protocol.definitions import USER
from scim.protocol.schema import Attribute, Type
from tests.support.strategies import users


def test_a_comparable_document_is_the_resource_with_keys_for_values():
    resource = {
        "userName": "BJensen",
        "externalId": "A1b2",
        "active": True,
        "name": {"familyName": "O'Malley"},
        "emails": [{"value": "BJensen@Example.com", "type": "Work", "primary": True}],
        urns.ENTERPRISE_USER: {"department": "Tour Operations", "manager": {"value": "26118915-A"}},
    }

    assert comparable(USER, resource) == {
        "userName": "bjensen",
        "externalId": "A1b2",
        "active": True,
        "name": {"familyName": "o'malley"},
        "emails": [{"value": "bjensen@example.com", "type": "work", "primary": True}],
        urns.ENTERPRISE_USER: {"department": "tour operations", "manager": {"value": "26118915-A"}},
    }


@given(users())
def test_a_comparable_document_is_comparable_to_itself(resource):
    document = comparable(USER, resource)

    assert comparable(USER, document) == document


def test_names_that_no_schema_knows_stay_in_a_document_but_not_in_a_value():
    assert comparable(USER, {"shoeSize": "Big"}) == {"shoeSize": "Big"}
    assert comparable(USER, {urns.ENTERPRISE_USER: {"shoeSize": "Big"}}) == {
        urns.ENTERPRISE_USER: {}
    }
    assert comparable_value(USER.schema.attributes[1], {"shoeSize": "Big"}) == {}


def test_strings_fold_unless_case_exact_and_other_types_are_their_own_keys():
    assert key(Attribute("userName"), "BJensen") == "bjensen"
    assert key(Attribute("externalId", case_exact=True), "BJensen") == "BJensen"
    assert key(Attribute("active", Type.BOOLEAN), value=True) is True
    assert key(Attribute("weight", Type.DECIMAL), 1.5) == 1.5


def test_date_times_become_utc_text_of_one_width():
    created = Attribute("created", Type.DATE_TIME)

    assert key(created, "2010-01-23T04:56:22Z") == "2010-01-23T04:56:22.000000Z"
    assert key(created, "2010-01-23T04:56:22.5+02:00") == "2010-01-23T02:56:22.500000Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2010-01-23T04:56:22", "2010-01-23T04:56:22.000000Z"),
        ("2010-01-23T04:56:22.1234567Z", "2010-01-23T04:56:22.123456Z"),
        ("2010-12-31T24:00:00Z", "2011-01-01T00:00:00.000000Z"),
        ("2010-12-31T24:00:00.000+14:00", "2010-12-31T10:00:00.000000Z"),
        ("2010-01-01T00:00:00-14:00", "2010-01-01T14:00:00.000000Z"),
        ("0999-12-31T23:59:59Z", "0999-12-31T23:59:59.000000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_every_xsd_date_time_of_years_with_four_digits_has_a_key(text, expected):
    assert date_time_key(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2010-01-23",
        "2010-01-23 04:56:22Z",
        "2010-01-23T04:56Z",
        "20100123T045622Z",
        "2010-W03-6T04:56:22Z",
        "2010-02-30T04:56:22Z",
        "2010-01-23T04:56:60Z",
        "2010-01-23T24:00:01Z",
        "2010-01-23T24:00:00.1Z",
        "2010-01-23T04:56:22+14:01",
        "2010-01-23T04:56:22+02",
        "2010-01-23T04:56:22z",
        "2010-01-23T04:56:22.Z",
        "2010-01-23T04:56:22Z\n",
        "\N{ARABIC-INDIC DIGIT TWO}010-01-23T04:56:22Z",
        "0000-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T24:00:00Z",
    ],
)
def test_an_invalid_or_unrepresentable_date_time_has_no_key(text):
    with pytest.raises(
        ValueError, match=r"xsd:dateTime|range|month|second|9999|minute|day|hour|year"
    ):
        date_time_key(text)


MOMENTS = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001  # Hypothesis adds the offset
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
)


@given(st.lists(MOMENTS))
def test_keys_sort_like_the_moments(moments):
    keys = [date_time_key(moment.isoformat()) for moment in sorted(moments)]

    assert keys == sorted(keys)
    assert {len(each) for each in keys} <= {27}


@given(MOMENTS)
def test_a_key_is_the_same_moment(moment):
    assert datetime.fromisoformat(date_time_key(moment.isoformat())) == moment.astimezone(UTC)
