"""PATCH /Users/{id}: some attributes are changed, all operations or none (RFC 7644 §3.5.2).

The effect of each operation on a resource is tested in tests/protocol/test_patch*.py; these tests
follow a request to its stored change.
"""

import pytest

from scim.protocol.urns import BULK_REQUEST
from tests.support.payloads import BJENSEN, CORE, ENTERPRISE, error, patch, replace

REQUIRED = "myPolicies always requires userName, email and externalId."
WORK_EMAIL = 'emails[type eq "work"].value'


@pytest.fixture
def path(bjensen):
    return f"/Users/{bjensen['id']}"


def add(path, value):
    return {"op": "add", "path": path, "value": value}


def test_the_answer_is_the_changed_user(path, at_acme, clock, bjensen):
    clock.shift(60)

    answer = at_acme.patch(path, patch(add("displayName", "Babs"), add("title", "Guide")))

    meta = {**bjensen["meta"], "lastModified": "2026-11-25T10:01:00.000Z", "version": 'W/"2"'}
    assert (answer.status, answer.json) == (
        200,
        {**bjensen, "displayName": "Babs", "title": "Guide", "meta": meta},
    )
    assert (answer.headers["ETag"], answer.headers["Location"]) == ('W/"2"', meta["location"])
    assert at_acme.get(path).json == answer.json


@pytest.mark.quirk("E1")
@pytest.mark.quirk("E2")
@pytest.mark.quirk("E3")
@pytest.mark.quirk("E4")
@pytest.mark.quirk("E7")
def test_the_older_connector_sends_one_operation_for_each_attribute(path, at_acme, bjensen):
    message = patch(
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "b@acme.example"},
        {"op": "Add", "path": 'addresses[type eq "work"].country', "value": "Belize"},
        {"op": "Replace", "path": "name.familyName", "value": "Smith"},
        {"op": "Add", "path": f"{ENTERPRISE}.manager", "value": "26118915"},
        {"op": "Remove", "path": "name.formatted"},
    )

    answer = at_acme.patch(path, message)

    assert answer.json == {
        **bjensen,
        "schemas": [CORE, ENTERPRISE],
        "active": False,
        "name": {"familyName": "Smith", "givenName": "Barbara"},
        "emails": [{"value": "b@acme.example", "type": "work", "primary": True}],
        "addresses": [{"country": "Belize", "type": "work"}],
        ENTERPRISE: {"manager": {"value": "26118915"}},
        "meta": {**bjensen["meta"], "version": 'W/"2"'},
    }


@pytest.mark.quirk("E6")
def test_the_newer_connector_sends_one_value_for_most_attributes(path, at_acme, bjensen):
    message = patch(
        {
            "op": "replace",
            "value": {
                "displayName": "Babs",
                "name.givenName": "Babs",
                f"{ENTERPRISE}:department": "Tours",
            },
        },
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "b@acme.example"},
        {"op": "replace", "path": "active", "value": False},
        {"op": "add", "path": f"{ENTERPRISE}:manager", "value": {"value": "26118915"}},
    )

    answer = at_acme.patch(path, message)

    assert answer.json == {
        **bjensen,
        "schemas": [CORE, ENTERPRISE],
        "displayName": "Babs",
        "name": {**bjensen["name"], "givenName": "Babs"},
        "active": False,
        "emails": [{"value": "b@acme.example", "type": "work", "primary": True}],
        ENTERPRISE: {"department": "Tours", "manager": {"value": "26118915"}},
        "meta": {**bjensen["meta"], "version": 'W/"2"'},
    }


def test_the_answer_shows_the_attributes_that_are_asked_for(path, at_acme, bjensen):
    answer = at_acme.patch(f"{path}?attributes=title", patch(add("title", "Guide")))

    assert answer.json == {"schemas": [CORE], "id": bjensen["id"], "title": "Guide"}


# --- what changes nothing ---------------------------------------------------------------------


@pytest.mark.quirk("E15")
@pytest.mark.parametrize(
    "message",
    [
        replace("userName", "bjensen@acme.example"),
        replace("active", "True"),
        replace('emails[type eq "work"].value', "Barbara.Jensen@acme.example"),
        patch({"op": "Remove", "path": "title"}),
        patch({"op": "add", "value": {"name.givenName": "Barbara", "title": ""}}),
        patch(add("title", "Guide"), {"op": "remove", "path": "title"}),
    ],
)
def test_a_change_to_what_is_there_keeps_version_and_last_modified(
    message, path, at_acme, acme, clock, bjensen, stored
):
    before = stored(acme)
    clock.shift(60)

    answer = at_acme.patch(path, message)

    assert (answer.status, answer.json) == (200, bjensen)
    assert stored(acme) == before


@pytest.mark.parametrize(
    ("last", "status", "kind"),
    [
        ({"op": "replace", "path": "active", "value": "maybe"}, 400, "invalidValue"),
        ({"op": "replace", "path": "shoeSize", "value": 7}, 400, "invalidPath"),
        ({"op": "replace", "path": "emails[", "value": "x"}, 400, "invalidPath"),
        ({"op": "replace", "path": "id", "value": "1"}, 400, "mutability"),
        ({"op": "replace", "path": "groups", "value": []}, 400, "mutability"),
        ({"op": "remove"}, 400, "noTarget"),
        ({"op": "replace", "path": 'emails[value co "zzz"].type', "value": "x"}, 400, "noTarget"),
        ({"op": "move", "path": "title", "value": "x"}, 400, "invalidSyntax"),
        ({"op": "replace", "path": "userName", "value": "JSMITH@acme.example"}, 409, "uniqueness"),
    ],
)
def test_a_last_operation_that_fails_undoes_those_before_it(
    last, status, kind, path, at_acme, acme, jsmith, stored, history
):
    before, told = stored(acme), history(acme)

    answer = at_acme.patch(path, patch(add("title", "Guide"), add("displayName", "B"), last))

    assert answer.status == status
    assert answer.json == error(status, answer.json["detail"], kind)
    assert (stored(acme), history(acme)) == (before, told)


# --- required attributes ----------------------------------------------------------------------


@pytest.mark.quirk("E8")
@pytest.mark.parametrize(
    ("operation", "named"),
    [
        ({"op": "Remove", "path": "userName"}, "userName"),
        ({"op": "Replace", "path": "userName", "value": ""}, "userName"),
        ({"op": "replace", "value": {"externalId": None}}, "externalId"),
        ({"op": "remove", "path": "emails"}, WORK_EMAIL),
        ({"op": "remove", "path": 'emails[type eq "work"]'}, WORK_EMAIL),
        ({"op": "replace", "path": "emails", "value": []}, WORK_EMAIL),
        ({"op": "Replace", "path": 'emails[type eq "work"].value', "value": ""}, WORK_EMAIL),
        (
            {"op": "Replace", "path": 'emails[type eq "work"].value', "value": " "},
            WORK_EMAIL,
        ),
    ],
)
def test_a_required_attribute_cannot_be_removed(operation, named, path, at_acme, acme, stored):
    before = stored(acme)

    answer = at_acme.patch(path, patch(operation))

    assert answer.json == error(400, f"{named} is missing. {REQUIRED}", "invalidValue")
    assert stored(acme) == before


def test_only_the_result_of_all_operations_must_have_what_is_required(path, at_acme, bjensen):
    answer = at_acme.patch(
        path,
        patch(
            {"op": "remove", "path": "emails"},
            add("emails", [{"type": "work", "value": "new@acme.example"}]),
        ),
    )

    assert answer.json["emails"] == [{"type": "work", "value": "new@acme.example"}]


# --- which user, which version ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-Match": 'W/"1"'}, 200),
        ({"If-Match": 'W/"9", W/"1"'}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": 'W/"2"'}, 412),
        ({"If-Match": ""}, 412),
        ({"If-None-Match": 'W/"1"'}, 412),
    ],
)
def test_preconditions_are_checked(headers, status, path, at_acme):
    answer = at_acme.patch(path, replace("title", "Guide"), headers=headers)

    assert answer.status == status
    assert at_acme.get(path).json.get("title") == ("Guide" if status == 200 else None)


def test_the_answer_to_a_stale_version_tells_the_present_one(path, at_acme):
    at_acme.patch(path, replace("title", "Guide"))

    answer = at_acme.patch(path, replace("title", "Chief"), headers={"If-Match": 'W/"1"'})

    detail = (
        'The resource is at version W/"2", which is not what If-Match asks for. Read it again and'
        " repeat the change."
    )
    assert (answer.status, answer.json) == (412, error(412, detail))


def test_a_user_of_another_tenant_is_not_found(path, at_globex, acme, bjensen, stored):
    before = stored(acme)

    answer = at_globex.patch(path, replace("title", "Thief"))

    assert answer.json == error(404, f"There is no User with the id '{bjensen['id']}'.")
    assert stored(acme) == before


def test_a_user_renamed_frees_its_name(path, at_acme):
    at_acme.patch(path, replace("userName", "barbara@acme.example"))

    again = {**BJENSEN, "externalId": "another-person"}

    assert at_acme.post("/Users", again).status == 201


# --- the message ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "status", "kind"),
    [
        ([], 400, "invalidSyntax"),
        ({}, 400, "invalidSyntax"),
        ({"Operations": []}, 400, "invalidSyntax"),
        ({"schemas": [BULK_REQUEST], "Operations": [add("title", "x")]}, 400, "invalidSyntax"),
        ({"Operations": ["add"]}, 400, "invalidSyntax"),
        ({"Operations": [{"path": "title", "value": "x"}]}, 400, "invalidSyntax"),
        ({"Operations": [{"op": "add", "path": 7, "value": "x"}]}, 400, "invalidSyntax"),
        ({"Operations": [{"op": "add", "path": "title"}]}, 400, "invalidValue"),
        ({"Operations": [{"op": "add", "value": "x"}]}, 400, "invalidValue"),
        ({"Operations": [add("title", "x")] * 1001}, 413, None),
    ],
)
def test_a_message_that_cannot_be_understood_is_refused(message, status, kind, path, at_acme):
    answer = at_acme.patch(path, message)

    assert answer.status == status
    assert answer.json == error(status, answer.json["detail"], kind)


def test_a_message_may_have_a_thousand_operations(path, at_acme):
    answer = at_acme.patch(path, patch(*[add("title", f"t{n}") for n in range(1000)]))

    assert (answer.status, answer.json["title"]) == (200, "t999")
