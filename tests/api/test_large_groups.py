"""Groups with more members than fit into one part: what is answered, and what it takes of memory."""

import gc
import json
import tracemalloc

import pytest
from django.db import connection

from scim.models import Membership
from scim.repository import lists
from scim.repository.relations import PART
from tenants.current import in_tenant
from tests.support.payloads import patch

MEMBERS = 2 * PART + 3
MANY = 10 * PART
MEGABYTE = 2**20
_RESOURCES = """
INSERT INTO scim_resource
    (id, resource_type, document, comparable, unique_key, version, created, last_modified)
SELECT ('00000000-0000-7000-8000-' || lpad(number::text, 12, '0'))::uuid, 'User', named, named,
    named ->> 'userName', 1, now(), now()
FROM (
    SELECT number, jsonb_build_object('userName', 'u' || number) AS named
    FROM generate_series(1, %s) AS number
) AS numbered
"""
_MEMBERS = """
INSERT INTO scim_membership (group_id, member_id)
SELECT %s, id FROM scim_resource WHERE resource_type = 'User'
"""


@pytest.fixture
def group(at_acme, acme):
    """`group(number)`: the path of a group with that many members."""

    def made(number):
        path = f"/Groups/{at_acme.post('/Groups', {'displayName': 'All'}).json['id']}"
        with in_tenant(acme), connection.cursor() as cursor:
            cursor.execute(_RESOURCES, [number])
            cursor.execute(_MEMBERS, [path.rpartition("/")[2]])
        return path

    return made


def member(tenant, number):
    identifier = f"00000000-0000-7000-8000-{number:012}"
    ref = f"{tenant.tenant_url}/Users/{identifier}"
    return {"value": identifier, "$ref": ref, "type": "User"}


def test_all_members_are_answered_in_their_order_with_length_and_version(at_acme, acme, group):
    answer = at_acme.get(group(MEMBERS))

    assert answer.status == 200
    assert answer.json["members"] == [member(acme, n) for n in range(1, MEMBERS + 1)]
    assert list(answer.json) == ["schemas", "id", "displayName", "members", "meta"]
    assert answer.headers["Content-Length"] == str(len(answer.text.encode()))
    assert answer.headers["ETag"] == answer.json["meta"]["version"] == 'W/"1"'


def test_a_list_has_them_too_beside_groups_without_any(at_acme, acme, group):
    path = group(MEMBERS)
    at_acme.post("/Groups", {"displayName": "Zero"})

    for answer in (at_acme.get("/Groups", sortBy="displayName"), at_acme.get("/", sortBy="id")):
        found = [
            each for each in answer.json["Resources"] if "/Groups/" in each["meta"]["location"]
        ]
        assert [len(each.get("members", [])) for each in found] in ([MEMBERS, 0], [])
    by_name = at_acme.get("/Groups", sortBy="displayName", sortOrder="descending").json["Resources"]
    assert [each["displayName"] for each in by_name] == ["Zero", "All"]
    assert by_name[1] == at_acme.get(path).json


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [
        ("members.value", {"value"}),
        ("members.type,members.$ref", {"$ref", "type"}),
        ("members", {"value", "$ref", "type"}),
    ],
)
def test_only_the_sub_attributes_that_are_asked_for_are_answered(
    attributes, shown, at_acme, acme, group
):
    answer = at_acme.get(group(3), attributes=attributes)

    assert answer.json["members"] == [
        {name: value for name, value in member(acme, n).items() if name in shown} for n in (1, 2, 3)
    ]


def test_a_change_that_asks_for_the_members_is_answered_with_all_of_them(at_acme, acme, group):
    path = group(MEMBERS)
    last = member(acme, MEMBERS)["value"]
    leave = patch({"op": "remove", "path": f'members[value eq "{last}"]'})

    answer = at_acme.patch(f"{path}?attributes=members", leave)

    assert answer.json["members"] == [member(acme, n) for n in range(1, MEMBERS)]
    assert answer.headers["ETag"] == 'W/"2"'


def test_a_text_that_looks_like_what_stands_for_the_members_stays_a_text(at_acme, acme, group):
    path = group(1)
    name = 'a"b],"members":['
    at_acme.patch(path, patch({"op": "replace", "path": "displayName", "value": name}))

    answer = at_acme.get(path)

    assert (answer.json["displayName"], answer.json["members"]) == (name, [member(acme, 1)])


def test_a_page_whose_groups_have_too_many_members_is_refused(at_acme, group, monkeypatch):
    group(5 * PART)
    monkeypatch.setattr(lists, "MOST_PARTS", 2)

    assert at_acme.get("/Groups", count="0").status == 200
    refused = at_acme.get("/Groups", count="1")
    assert (refused.status, refused.json["scimType"]) == (400, "tooMany")
    assert "excludedAttributes=members" in refused.json["detail"]
    assert at_acme.get("/Groups", count="1", excludedAttributes="members").status == 200


def sent(client, path):
    """The length of the answer's body, which is sent piece by piece, as a server does."""
    return sum(len(piece) for piece in client.http.get(f"/scim{path}"))


def test_a_large_group_takes_no_more_memory_than_its_answer_and_leaves_none(at_acme, group):
    """As objects the members took ten times that, and stayed until the garbage collector came."""
    path = group(MANY)
    length = len(json.dumps(at_acme.get(path).json, separators=(",", ":")))
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        assert sent(at_acme, path) == length
        stays, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()

    assert length > MEGABYTE
    assert peak < length + MEGABYTE
    assert stays < MEGABYTE
    with in_tenant(at_acme.tenant):
        assert Membership.objects.count() == MANY


def test_a_group_that_the_client_has_is_answered_without_reading_its_members(
    at_acme, group, statements
):
    path = group(3)
    at_acme.get(path, headers={"If-None-Match": 'W/"1"'})  # the first of its kind is logged

    with statements() as executed:
        answer = at_acme.get(path, headers={"If-None-Match": 'W/"1"'})

    assert (answer.status, answer.text) == (304, "")
    assert not any("scim_membership" in each for each in executed)
    changed = at_acme.get(path, headers={"If-None-Match": 'W/"7"'})
    assert (changed.status, len(changed.json["members"])) == (200, 3)
