"""The attribute history: one row a changed attribute, with its values before and after."""

import json

import pytest
from django.db import ProgrammingError, connection, transaction

from scim.models import AttributeChange, ProvisioningEvent
from scim.protocol import urns
from tenants.backend.base import execute
from tenants.current import in_tenant
from tests.support.payloads import BJENSEN, ENTERPRISE, JSMITH, patch, replace


def told(changes):
    return [(change.path, change.before, change.after) for change in changes]


def test_a_create_tells_every_attribute(at_acme, acme, bjensen, history):
    assert told(history(acme)) == [
        ("externalId", None, "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"),
        ("userName", None, "bjensen@acme.example"),
        ("name.formatted", None, "Barbara Jensen"),
        ("name.familyName", None, "Jensen"),
        ("name.givenName", None, "Barbara"),
        ("active", None, True),
        ('emails[type eq "work"].value', None, "Barbara.Jensen@acme.example"),
        ('emails[type eq "work"].primary', None, True),
    ]


def test_a_create_is_one_row(at_acme, acme, bjensen):
    with in_tenant(acme):
        created = AttributeChange.objects.get()
        told_apart = created.each

    assert (created.path, created.before) == ("", None)
    assert [each.path for each in told_apart][:2] == ["externalId", "userName"]
    assert {(each.pk, each.event_id, each.version, each.at) for each in told_apart} == {
        (created.pk, created.event_id, 1, created.at)
    }


def test_a_creation_that_was_kept_as_pairs_tells_the_same(at_acme, acme, bjensen):
    """As they were before decision 0106."""
    with in_tenant(acme):
        row = AttributeChange.objects.get(resource_id=bjensen["id"])
        told = [each.value for each in row.each]
        row.after = [[each.path, each.after] for each in told]

    assert [each.value for each in row.each] == told


KEPT = """
SELECT event.sent, change.after FROM scim_attributechange AS change
JOIN scim_provisioningevent AS event ON event.id = change.event_id
"""


def test_a_request_and_its_creation_are_kept_without_what_all_have_and_read_in_full(at_acme, acme):
    body = {
        "schemas": [urns.USER, ENTERPRISE],
        "userName": "bjensen@acme.example",
        "externalId": "6f1c40a4-0001",
        "active": True,
        "name": {"givenName": "Barbara", "familyName": "Jensen"},
        "emails": [{"type": "work", "value": "bjensen@acme.example"}],
        "displayName": "Barbara Jensen",
        "meta": {"resourceType": "User"},
        "roles": [],
        ENTERPRISE: {"department": "Tours"},
    }
    assert at_acme.post("/Users", body).status == 201

    with in_tenant(acme):
        ((sent, after),) = execute(KEPT, [])
        event, change = ProvisioningEvent.objects.get(), AttributeChange.objects.get()

    assert sorted(json.loads(sent)) == [
        ":eumra",
        *("displayName", "emails", "externalId", "name", "userName"),
    ]
    assert json.loads(after)[-2:] == [":department", "Tours"]
    assert event.sent == body
    assert change.each[-1].path == f"{ENTERPRISE}:department"
    assert change.after_in_full[-2:] == [f"{ENTERPRISE}:department", "Tours"]


def test_members_that_a_group_is_created_with_are_rows_of_their_own(at_acme, acme, bjensen):
    """SQL asks for each of them."""
    members = [{"value": bjensen["id"]}]
    group = at_acme.post("/Groups", {"displayName": "Guides", "members": members}).json

    with in_tenant(acme):
        rows = list(AttributeChange.objects.filter(resource_id=group["id"]).order_by("id"))

    assert [row.path for row in rows] == ["", f'members[value eq "{bjensen["id"]}"]']
    assert told(rows[0].each) == [("displayName", None, "Guides")]


def test_a_change_tells_who_when_and_by_which_request(at_acme, acme, clock, bjensen, history):
    clock.shift(60)
    answer = at_acme.patch(f"/Users/{bjensen['id']}", replace("active", "False"))

    change = history(acme)[-1]

    with in_tenant(acme):
        event = ProvisioningEvent.objects.get(pk=change.event_id)
    assert told([change]) == [("active", True, False)]
    assert (str(change.resource_id), change.resource_type) == (bjensen["id"], "User")
    assert change.version == 2
    assert change.at.isoformat() == "2026-11-25T10:01:00+00:00"
    assert change.request_id == event.request_id == answer.headers["Request-Id"]
    assert change.token_id == event.token_id is not None


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (replace("name.familyName", "Smith"), [("name.familyName", "Jensen", "Smith")]),
        (
            replace("userName", "BJensen@acme.example"),
            [
                ("userName", "bjensen@acme.example", "BJensen@acme.example"),
            ],
        ),
        (
            patch({"op": "Remove", "path": "name"}),
            [
                ("name.formatted", "Barbara Jensen", None),
                ("name.familyName", "Jensen", None),
                ("name.givenName", "Barbara", None),
            ],
        ),
        (
            replace('emails[type eq "work"].value', "b@x.org"),
            [
                ('emails[type eq "work"].value', "Barbara.Jensen@acme.example", "b@x.org"),
            ],
        ),
        (
            patch({"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "26118915"}),
            [
                (f"{ENTERPRISE}:manager.value", None, "26118915"),
            ],
        ),
        (
            patch({"op": "add", "value": {"title": "a", "name.givenName": "Babs"}}),
            [
                ("name.givenName", "Barbara", "Babs"),
                ("title", None, "a"),
            ],
        ),
        (
            patch(
                {"op": "add", "path": "title", "value": "a"},
                {"op": "replace", "path": "title", "value": "b"},
            ),
            [("title", None, "b")],
        ),
    ],
)
def test_a_patch_tells_what_it_changed(message, expected, at_acme, acme, bjensen, history):
    before = len(history(acme))

    at_acme.patch(f"/Users/{bjensen['id']}", message)

    assert told(history(acme)[before:]) == expected


def test_a_put_tells_what_differs(at_acme, acme, bjensen, history):
    before = len(history(acme))

    at_acme.put(
        f"/Users/{bjensen['id']}",
        {**BJENSEN, "name": {"familyName": "Jensen", "middleName": "Jane"}, "active": False},
    )

    assert told(history(acme)[before:]) == [
        ("name.formatted", "Barbara Jensen", None),
        ("name.givenName", "Barbara", None),
        ("name.middleName", None, "Jane"),
        ("active", True, False),
    ]


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("PATCH", replace("active", "True"), 200),
        ("PUT", BJENSEN, 200),
        ("PATCH", replace("userName", ""), 400),
        ("PUT", {**JSMITH, "userName": "taken@acme.example"}, 409),
        ("GET", None, 200),
        ("DELETE", None, 204),
    ],
)
def test_a_request_that_changes_no_attribute_leaves_no_history(
    method, body, status, at_acme, acme, bjensen, history
):
    at_acme.post("/Users", {**JSMITH, "userName": "taken@acme.example"})
    before = history(acme)

    answer = at_acme.send(method, f"/Users/{bjensen['id']}", body)

    assert answer.status == status
    assert history(acme) == before


def test_a_password_leaves_no_trace(at_acme, acme, bjensen, history):
    before = history(acme)

    at_acme.patch(f"/Users/{bjensen['id']}", replace("password", "t1meMa$heen"))

    assert history(acme) == before


@pytest.mark.parametrize("table", ["scim_attributechange", "scim_provisioningevent"])
@pytest.mark.parametrize(
    "attack",
    ["UPDATE {} SET path = 'x'", "DELETE FROM {}", "TRUNCATE {}"],
)
def test_both_logs_can_be_added_to_and_nothing_else(attack, table, acme, bjensen, history):
    """The role that serves has no such privilege: code cannot forget it, nor an attacker undo it."""
    before = history(acme)

    with (
        in_tenant(acme),
        connection.cursor() as cursor,
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
    ):
        cursor.execute(attack.format(table))

    assert history(acme) == before != []
