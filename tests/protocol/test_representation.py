"""A stored resource as clients see it (RFC 7643 §3.1)."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from scim.protocol import urns
from scim.protocol.definitions import USER
from scim.protocol.representation import Stored, date_time, represent

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
