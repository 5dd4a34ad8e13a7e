"""As it was: a resource made of the changes that history tells."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import urns
from scim.protocol.definitions import GROUP, USER
from scim.protocol.differences import Change, changes, replay
from tests.support.strategies import users

CREATION = (
    Change("userName", None, "bjensen"),
    Change("name.familyName", None, "Jensen"),
    Change("active", None, True),
    Change('emails[type eq "work"].value', None, "bjensen@example.com"),
    Change('emails[type eq "work"].primary', None, True),
    Change(f"{urns.ENTERPRISE_USER}:manager.value", None, "26118915"),
)
BJENSEN: dict[str, Any] = {
    "userName": "bjensen",
    "name": {"familyName": "Jensen"},
    "active": True,
    "emails": [{"type": "work", "value": "bjensen@example.com", "primary": True}],
    urns.ENTERPRISE_USER: {"manager": {"value": "26118915"}},
}


def test_the_changes_of_a_creation_make_the_user():
    assert replay(USER, CREATION) == BJENSEN


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change("active", True, False), {"active": False}),
        (Change("name.givenName", None, "B"), {"name": {"familyName": "Jensen", "givenName": "B"}}),
        (
            Change('emails[type eq "home"].value', None, "babs@jensen.org"),
            {"emails": [*BJENSEN["emails"], {"type": "home", "value": "babs@jensen.org"}]},
        ),
        (
            Change('emails[type eq "work"].type', "work", "Work"),
            {"emails": [{"type": "Work", "value": "bjensen@example.com", "primary": True}]},
        ),
        (
            Change("emails", BJENSEN["emails"], [{"value": "a"}, {"value": "b"}]),
            {"emails": [{"value": "a"}, {"value": "b"}]},
        ),
    ],
)
def test_a_change_sets_its_attribute_and_leaves_the_others(change, expected):
    assert replay(USER, (*CREATION, change)) == BJENSEN | expected


@pytest.mark.parametrize(
    ("gone", "name"),
    [
        ((Change("name.familyName", "Jensen", None),), "name"),
        (
            (
                Change('emails[type eq "work"].value', "bjensen@example.com", None),
                Change('emails[type eq "work"].primary', True, None),
            ),
            "emails",
        ),
        (
            (Change(f"{urns.ENTERPRISE_USER}:manager.value", "26118915", None),),
            urns.ENTERPRISE_USER,
        ),
    ],
)
def test_an_attribute_without_its_last_part_is_gone(gone, name):
    expected = {key: value for key, value in BJENSEN.items() if key != name}

    assert replay(USER, (*CREATION, *gone)) == expected


def test_members_and_attributes_that_the_schema_does_not_have_are_passed_over():
    told = (
        Change("displayName", None, "Guides"),
        Change('members[value eq "26118915"]', None, "26118915"),
        Change("shoeSize", None, 42),
        Change("not a path", None, 42),
        Change('title[value eq "x"]', None, "x"),
    )

    assert replay(GROUP, told) == {"displayName": "Guides"}


def test_replaying_history_does_not_change_it():
    told = Change("emails", None, [{"type": "work", "value": "a"}])

    replay(USER, (told, Change('emails[type eq "work"].value', "a", "b")))

    assert told == Change("emails", None, [{"type": "work", "value": "a"}])


@given(st.lists(users(), min_size=1, max_size=6))
def test_replaying_the_changes_until_a_version_gives_the_user_of_that_version(versions):
    told = ()
    for before, after in pairwise(({}, *versions)):
        told = (*told, *changes(USER, before, after))

        assert changes(USER, replay(USER, told), after) == ()
