"""A stored resource as clients see it, its entity tag and preconditions (RFC 7643 §3.1, 7644 §3.14)."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from scim.protocol import urns
from scim.protocol.definitions import USER
from scim.protocol.errors import PreconditionFailed
from scim.protocol.representation import Precondition, Stored, date_time, entity_tag, represent

BJENSEN = UUID("01937b6e-0000-7000-8000-000000000001")
CREATED = datetime(2026, 11, 25, 10, 53, 26, 123000, tzinfo=UTC)


def test_a_user_is_shown_with_schemas_id_and_meta():
    stored = Stored(
        BJENSEN,
        {"userName": "bjensen", urns.ENTERPRISE_USER: {"department": "Tours"}},
        version=2,
        created=CREATED,
        last_modified=CREATED + timedelta(seconds=1),
    )

    shown = represent(USER, stored, "https://acme.mypolicies.com/scim")

    assert shown == {
        "schemas": [urns.USER, urns.ENTERPRISE_USER],
        "id": str(BJENSEN),
        "userName": "bjensen",
        urns.ENTERPRISE_USER: {"department": "Tours"},
        "meta": {
            "resourceType": "User",
            "created": "2026-11-25T10:53:26.123Z",
            "lastModified": "2026-11-25T10:53:27.123Z",
            "location": f"https://acme.mypolicies.com/scim/Users/{BJENSEN}",
            "version": 'W/"2"',
        },
    }


def test_schemas_names_an_extension_only_when_the_user_has_values_of_it():
    stored = Stored(BJENSEN, {"userName": "bjensen"}, 1, CREATED, CREATED)

    assert represent(USER, stored, "https://acme.mypolicies.com/scim")["schemas"] == [urns.USER]


def test_times_are_shown_in_utc_whatever_the_database_session_uses():
    moment = datetime(2026, 11, 25, 12, 0, tzinfo=timezone(timedelta(hours=2)))

    assert date_time(moment) == "2026-11-25T10:00:00.000Z"


def test_the_entity_tag_is_weak_and_quotes_the_version():
    assert entity_tag(3) == 'W/"3"'


@pytest.mark.parametrize("header", ['W/"3"', '"3"', '"1", W/"3"', "*", " * "])
def test_if_match_lets_the_named_version_pass(header):
    Precondition(if_match=header).check(3)


@pytest.mark.parametrize("header", ['W/"2"', '"33"', "3", "", '""', "garbage"])
def test_if_match_refuses_any_other_version(header):
    with pytest.raises(PreconditionFailed) as refusal:
        Precondition(if_match=header).check(3)

    assert refusal.value.detail == (
        'The resource is at version W/"3", which is not what If-Match asks for.'
        " Read it again and repeat the change."
    )


@pytest.mark.parametrize("header", ['W/"3"', "*"])
def test_if_none_match_refuses_to_change_the_version_it_names(header):
    with pytest.raises(PreconditionFailed):
        Precondition(if_none_match=header).check(3)


def test_if_none_match_tells_that_a_read_brings_nothing_new():
    assert Precondition(if_none_match='W/"3"').is_not_modified(3)
    assert not Precondition(if_none_match='W/"2"').is_not_modified(3)
    assert not Precondition().is_not_modified(3)
