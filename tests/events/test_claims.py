"""The events of a change, as the pure part makes them; whole tokens are in tests/api."""

import pytest

from scim.events.claims import EVENT_URIS, Kind, kinds
from scim.protocol.differences import Change

PREFIX = "urn:ietf:params:scim:event:prov:"


def test_the_event_uris_are_those_of_the_registry():
    assert [uri.removeprefix(PREFIX) for uri in EVENT_URIS] == [
        "create:notice",
        "create:full",
        "patch:notice",
        "patch:full",
        "put:notice",
        "put:full",
        "delete",
        "activate",
        "deactivate",
    ]


@pytest.mark.parametrize("change", [Kind.PATCH, Kind.PUT])
@pytest.mark.parametrize(
    ("before", "after", "switched"),
    [
        (True, False, (Kind.DEACTIVATE,)),
        (None, False, (Kind.DEACTIVATE,)),
        (False, True, (Kind.ACTIVATE,)),
        (False, None, (Kind.ACTIVATE,)),
        (None, True, ()),
        (True, None, ()),
    ],
)
def test_only_active_false_is_off(change, before, after, switched):
    """RFC 7643 §4.1.1: who has no `active` is not disabled."""
    assert kinds(change, [Change("active", before, after)]) == (change, *switched)


@pytest.mark.parametrize("change", [Kind.CREATE, Kind.DELETE])
def test_creations_and_deletions_switch_nothing(change):
    assert kinds(change, [Change("active", None, False)]) == (change,)


def test_another_attribute_switches_nothing():
    changes = [Change("title", None, "active"), Change("active.x", True, False)]

    assert kinds(Kind.PATCH, changes) == (Kind.PATCH,)
