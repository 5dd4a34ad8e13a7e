"""Pages by cursor over HTTP (RFC 9865); tests/repository/test_paging.py proves what they hold."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from scim.models import ProvisioningEvent
from scim.protocol import urns
from tenants import clock
from tenants.current import in_tenant
from tests.support import clients

UNRESERVED = re.compile(r"[A-Za-z0-9._~-]+")  # RFC 3986 §2.3
NAMES = ("adams", "bjensen", "carter", "jsmith", "zeta")


def provision(client) -> list[str]:
    """The ids of five users in the order of their names."""
    return [
        client.post(
            "/Users",
            {
                "schemas": [urns.USER],
                "userName": name,
                "externalId": name,
                "emails": [{"type": "work", "value": f"{name}@acme.example"}],
            },
        ).json["id"]
        for name in NAMES
    ]


@pytest.fixture
def acme_scim(acme, scim):
    return scim(acme)


@pytest.fixture
def users(acme_scim):
    return provision(acme_scim)


def refusal(answer) -> tuple[int, Any]:
    return answer.status, answer.json.get("scimType")


def test_an_empty_cursor_asks_for_the_first_page(acme_scim, users):
    query = {"count": 2, "attributes": "userName", "sortBy": "userName"}

    first = acme_scim.get("/Users", cursor="", **query).json
    second = acme_scim.get("/Users", cursor=first["nextCursor"], **query).json
    third = acme_scim.get("/Users", cursor=second["nextCursor"], **query).json

    shown = [
        {"schemas": [urns.USER], "id": identifier, "userName": name}
        for identifier, name in zip(users, NAMES, strict=True)
    ]
    page = {"schemas": [urns.LIST_RESPONSE], "totalResults": 5}
    assert first == page | {
        "itemsPerPage": 2,
        "nextCursor": first["nextCursor"],
        "Resources": shown[:2],
    }
    assert second == page | {
        "itemsPerPage": 2,
        "previousCursor": second["previousCursor"],
        "nextCursor": second["nextCursor"],
        "Resources": shown[2:4],
    }
    assert third == page | {
        "itemsPerPage": 1,
        "previousCursor": third["previousCursor"],
        "Resources": shown[4:],
    }
    back = acme_scim.get("/Users", cursor=second["previousCursor"], **query).json
    assert (back["Resources"], "previousCursor" in back) == (shown[:2], False)


def test_a_cursor_goes_on_while_the_former_secret_key_is_known(acme_scim, users, settings):
    first = acme_scim.get("/Users", cursor="", count=3).json
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another one, which signs from now on"

    second = acme_scim.get("/Users", cursor=first["nextCursor"], count=3)
    settings.SECRET_KEY_FALLBACKS = []
    without = acme_scim.get("/Users", cursor=first["nextCursor"], count=3)

    assert [each["id"] for each in first["Resources"] + second.json["Resources"]] == sorted(users)
    assert refusal(without) == (400, "invalidCursor")


def test_a_search_takes_the_cursor_in_its_body(acme_scim, users):
    body = {"schemas": [urns.SEARCH_REQUEST], "count": 3, "cursor": ""}

    first = acme_scim.post("/Users/.search", body).json
    second = acme_scim.post("/Users/.search", body | {"cursor": first["nextCursor"]}).json

    assert [each["id"] for each in first["Resources"] + second["Resources"]] == sorted(users)
    assert "nextCursor" not in second


def test_a_cursor_at_the_root_goes_through_all_types(acme_scim, users):
    group = acme_scim.post("/Groups", {"schemas": [urns.GROUP], "displayName": "Guides"}).json["id"]

    first = acme_scim.get("/", cursor="", count=4).json
    body = {"schemas": [urns.SEARCH_REQUEST], "cursor": first["nextCursor"], "count": 4}
    second = acme_scim.post("/.search", body).json

    assert [each["id"] for each in first["Resources"] + second["Resources"]] == sorted(
        [*users, group]
    )


def test_a_cursor_is_made_of_unreserved_characters(acme_scim, users):
    """RFC 9865 table 1, whatever the key that the list is sorted by."""
    acme_scim.put(
        f"/Users/{users[0]}",
        {
            "schemas": [urns.USER],
            "userName": "Stra\N{LATIN SMALL LETTER SHARP S}e 1/2 + \N{GRINNING FACE}",
            "externalId": "1",
            "emails": [{"type": "work", "value": "a@acme.example"}],
        },
    )

    first = acme_scim.get("/Users", cursor="", count=1, sortBy="userName", sortOrder="descending")
    cursor = first.json["nextCursor"]
    both = acme_scim.get("/Users", cursor="", count=4, sortBy="userName")

    assert UNRESERVED.fullmatch(cursor)
    assert UNRESERVED.fullmatch(both.json["nextCursor"])


def test_without_a_cursor_pages_are_found_by_index(acme_scim, users):
    answer = acme_scim.get("/Users", count=2)

    assert answer.json["startIndex"] == 1
    assert not {"nextCursor", "previousCursor"} & answer.json.keys()


def test_the_configuration_announces_both_ways_and_what_holds_for_them(acme_scim):
    assert acme_scim.get("/ServiceProviderConfig").json["pagination"] == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 200,
        "cursorTimeout": 3600,
    }


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_of_nothing_tells_the_total_alone(acme_scim, users, count):
    assert acme_scim.get("/Users", cursor="", count=count).json == {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": 5,
        "itemsPerPage": 0,
        "Resources": [],
    }


@pytest.mark.parametrize("count", [201, "many"])
def test_a_count_beyond_the_announced_size_is_refused(acme_scim, count):
    assert refusal(acme_scim.get("/Users", cursor="", count=count)) == (400, "invalidCount")


def test_the_count_stays_that_of_the_first_page(acme_scim, users):
    cursor = acme_scim.get("/Users", cursor="", count=2).json["nextCursor"]

    assert refusal(acme_scim.get("/Users", cursor=cursor, count=3)) == (400, "invalidCount")
    assert refusal(acme_scim.get("/Users", cursor=cursor)) == (400, "invalidCount")


def test_a_cursor_and_an_index_exclude_each_other(acme_scim):
    answer = acme_scim.get("/Users", cursor="", startIndex=1)

    assert refusal(answer) == (400, "invalidValue")


@pytest.mark.parametrize(
    "parameters",
    [
        {"filter": 'userName sw "b"'},
        {"sortBy": "title"},
        {"sortBy": "userName", "sortOrder": "descending"},
    ],
)
def test_a_cursor_belongs_to_its_query(acme_scim, users, parameters):
    query = {"count": 2, "sortBy": "userName", "filter": "userName pr"}
    cursor = acme_scim.get("/Users", cursor="", **query).json["nextCursor"]

    answer = acme_scim.get("/Users", cursor=cursor, **(query | parameters))

    assert refusal(answer) == (400, "invalidCursor")


def test_the_projection_may_change_from_page_to_page(acme_scim, users):
    cursor = acme_scim.get("/Users", cursor="", count=4).json["nextCursor"]

    answer = acme_scim.get("/Users", cursor=cursor, count=4, attributes="id")

    assert answer.json["Resources"] == [{"schemas": [urns.USER], "id": max(users)}]


def test_a_cursor_belongs_to_its_endpoint(acme_scim, users):
    cursor = acme_scim.get("/Users", cursor="", count=2).json["nextCursor"]

    for path in ("/", "/Groups"):
        assert refusal(acme_scim.get(path, cursor=cursor, count=2)) == (400, "invalidCursor")


def test_a_cursor_of_acme_is_as_invalid_at_globex_as_one_that_was_made_up(
    acme_scim, users, globex, scim
):
    """RFC 9865 §5.2: identical messages, which do not tell why."""
    globex_scim = scim(globex)
    provision(globex_scim)
    cursor = acme_scim.get("/Users", cursor="", count=2).json["nextCursor"]

    stolen = globex_scim.get("/Users", cursor=cursor, count=2)
    made_up = globex_scim.get("/Users", cursor="VZUTiyhEQJ94IR", count=2)

    assert refusal(stolen) == (400, "invalidCursor")
    assert stolen.json == made_up.json


def test_a_cursor_belongs_to_its_secret_token(acme, acme_scim, users):
    other = clients.ScimClient(acme, clients.mint(acme))
    cursor = acme_scim.get("/Users", cursor="", count=2).json["nextCursor"]

    assert refusal(other.get("/Users", cursor=cursor, count=2)) == (400, "invalidCursor")


@pytest.mark.parametrize(
    "change",
    [
        lambda cursor: cursor[:-1] + ("A" if cursor[-1] != "A" else "B"),
        lambda cursor: ("A" if cursor[0] != "A" else "B") + cursor[1:],
        lambda cursor: cursor + " ",
        lambda _: "\N{LATIN SMALL LETTER SHARP S}",
        lambda _: "~",
        lambda _: "a" * 9_000,
    ],
)
def test_a_cursor_that_was_changed_is_refused(acme_scim, users, change):
    cursor = acme_scim.get("/Users", cursor="", count=2).json["nextCursor"]
    body = {"schemas": [urns.SEARCH_REQUEST], "cursor": change(cursor), "count": 2}

    assert refusal(acme_scim.post("/Users/.search", body)) == (400, "invalidCursor")


@pytest.mark.parametrize("cursor", [0, False, ["x"], {}])
def test_a_cursor_is_a_string(acme_scim, cursor):
    body = {"schemas": [urns.SEARCH_REQUEST], "cursor": cursor}

    assert refusal(acme_scim.post("/.search", body)) == (400, "invalidSyntax")


def test_a_cursor_expires_after_the_announced_time(acme_scim, users):
    begun = clock.now()
    with time_machine.travel(begun, tick=False):
        cursor = acme_scim.get("/Users", cursor="", count=2).json["nextCursor"]

    with time_machine.travel(begun + timedelta(seconds=3_599), tick=False):
        in_time = acme_scim.get("/Users", cursor=cursor, count=2)
    with time_machine.travel(begun + timedelta(seconds=3_602), tick=False):
        too_late = acme_scim.get("/Users", cursor=cursor, count=2)

    assert in_time.status == 200
    assert refusal(too_late) == (400, "expiredCursor")


def test_a_page_is_one_statement_beside_the_token(acme_scim, users, statements):
    cursor = acme_scim.get("/Users", cursor="", count=2).json["nextCursor"]
    acme_scim.get("/Users", cursor=cursor, count=2)  # reads of a kind are noted once a minute

    with statements() as executed:
        acme_scim.get("/Users", cursor=cursor, count=2)

    assert len(executed) == 2
    assert "count(*)" not in executed[1]


def test_the_log_holds_no_cursor_and_counts_the_pages_of_a_walk_together(acme, acme_scim, users):
    cursor = acme_scim.get("/Users", cursor="", count=1, sortBy="externalId").json["nextCursor"]
    while cursor:
        answer = acme_scim.get("/Users", cursor=cursor, count=1, sortBy="externalId").json
        cursor = answer.get("nextCursor")

    with in_tenant(acme):
        sent = list(ProvisioningEvent.objects.filter(operation="query").values_list("sent"))
    walk = {"count": "1", "sortBy": "externalId"}
    assert sorted(sent, key=str) == [({"cursor": "", **walk},), ({"cursor": "…", **walk},)]
