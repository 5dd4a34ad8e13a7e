"""Changes as SCIM paths, in the schema's order: the source of the history of attributes."""

from typing import Any

import pytest

from scim.protocol import urns
from scim.protocol.definitions import USER
from scim.protocol.differences import Change, changes
from scim.protocol.schema import Attribute, ResourceType, Schema, Type

WORK = {"type": "work", "value": "bjensen@example.com", "primary": True}
HOME = {"type": "home", "value": "babs@jensen.org"}

BJENSEN: dict[str, Any] = {
    "userName": "bjensen",
    "externalId": "701984",
    "emails": [WORK],
    "name": {"familyName": "Jensen", "givenName": "Barbara"},
    "active": True,
    urns.ENTERPRISE_USER: {"manager": {"value": "26118915"}, "department": "Tours"},
}


def changed(**members: Any) -> tuple[Change, ...]:
    """The changes when the members are set in the user."""
    return changes(USER, BJENSEN, {**BJENSEN, **members})


def test_a_creation_changes_every_attribute_from_none():
    assert changes(USER, {}, BJENSEN) == (
        Change("externalId", None, "701984"),
        Change("userName", None, "bjensen"),
        Change("name.familyName", None, "Jensen"),
        Change("name.givenName", None, "Barbara"),
        Change("active", None, True),
        Change('emails[type eq "work"].value', None, "bjensen@example.com"),
        Change('emails[type eq "work"].primary', None, True),
        Change(f"{urns.ENTERPRISE_USER}:department", None, "Tours"),
        Change(f"{urns.ENTERPRISE_USER}:manager.value", None, "26118915"),
    )


def test_a_deletion_changes_every_attribute_to_none():
    created = changes(USER, {}, BJENSEN)

    assert changes(USER, BJENSEN, {}) == tuple(Change(c.path, c.after, None) for c in created)


def test_equal_resources_have_no_changes():
    assert changed() == ()


def test_only_the_changed_parts_are_told():
    assert changed(
        active=False,
        name={"familyName": "Smith", "givenName": "Barbara", "formatted": "Barbara Smith"},
        emails=[{**WORK, "value": "bsmith@example.com"}],
        **{urns.ENTERPRISE_USER: {"department": "Tours"}},
    ) == (
        Change("name.formatted", None, "Barbara Smith"),
        Change("name.familyName", "Jensen", "Smith"),
        Change("active", True, False),
        Change('emails[type eq "work"].value', "bjensen@example.com", "bsmith@example.com"),
        Change(f"{urns.ENTERPRISE_USER}:manager.value", "26118915", None),
    )


def test_the_letter_case_of_a_value_is_a_change():
    assert changed(userName="BJensen") == (Change("userName", "bjensen", "BJensen"),)


def test_values_are_told_apart_by_their_types():
    assert changed(emails=[HOME, {**WORK, "type": "Work", "primary": False}]) == (
        Change('emails[type eq "work"].type', "work", "Work"),
        Change('emails[type eq "work"].primary', True, False),
        Change('emails[type eq "home"].value', None, "babs@jensen.org"),
    )


def test_the_order_of_values_with_types_is_no_change():
    assert changes(USER, {"emails": [WORK, HOME]}, {"emails": [HOME, WORK]}) == ()


def test_a_type_is_quoted_as_in_a_filter():
    [change] = changes(USER, {}, {"roles": [{"type": 'the "best"', "value": "x"}]})

    assert change == Change('roles[type eq "the \\"best\\""].value', None, "x")


@pytest.mark.parametrize(
    "emails",
    [
        [WORK, {"type": "Work", "value": "babs@example.com"}],
        [WORK, {"value": "babs@example.com"}],
    ],
)
def test_values_that_types_do_not_tell_apart_change_as_a_whole(emails):
    assert changed(emails=emails) == (Change("emails", [WORK], emails),)
    assert changes(USER, {"emails": emails}, {}) == (Change("emails", emails, None),)


def test_arrays_without_types_change_as_a_whole():
    wheels = Attribute(
        "wheels",
        Type.COMPLEX,
        multi_valued=True,
        sub_attributes=(Attribute("value"),),
    )
    tags = Attribute("tags", multi_valued=True)
    car = ResourceType("Car", "/Cars", "", Schema("urn:example:Car", "Car", "", (wheels, tags)))

    assert changes(
        car, {"tags": ["red"]}, {"tags": ["red", "old"], "wheels": [{"value": "1"}]}
    ) == (
        Change("wheels", None, [{"value": "1"}]),
        Change("tags", ["red"], ["red", "old"]),
    )
