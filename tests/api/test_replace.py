"""PUT /Users/{id}: a user becomes what is sent (RFC 7644 §3.5.1)."""

import pytest

from tests.support.payloads import BJENSEN, CORE, ENTERPRISE, JSMITH, error

REQUIRED = "myPolicies always requires userName, email and externalId."
WORK_EMAIL = 'emails[type eq "work"].value'


def test_attributes_that_are_not_sent_are_removed(at_acme, clock, jsmith):
    clock.shift(60)
    sent = {
        "schemas": [CORE],
        "externalId": jsmith["externalId"],
        "userName": "john@acme.example",
        "emails": [{"type": "work", "value": "john@acme.example"}],
        "active": True,
    }

    answer = at_acme.put(f"/Users/{jsmith['id']}", sent)

    meta = {
        **jsmith["meta"],
        "lastModified": "2026-11-25T10:01:01.000Z",
        "version": 'W/"2"',
    }
    assert (answer.status, answer.json) == (200, {**sent, "id": jsmith["id"], "meta": meta})
    assert answer.headers["ETag"] == 'W/"2"'
    assert answer.headers["Location"] == jsmith["meta"]["location"]
    assert at_acme.get(f"/Users/{jsmith['id']}").json == answer.json


def test_the_same_again_changes_nothing(at_acme, clock, jsmith):
    clock.shift(60)

    answer = at_acme.put(f"/Users/{jsmith['id']}", JSMITH)

    assert (answer.status, answer.json) == (200, jsmith)


@pytest.mark.quirk("E13")
def test_the_answer_of_a_read_can_be_sent_back(at_acme, jsmith):
    answer = at_acme.put(f"/Users/{jsmith['id']}", {**jsmith, "id": "another", "meta": {}})

    assert (answer.status, answer.json) == (200, jsmith)


def test_a_disabled_user_is_not_enabled_by_a_body_without_active(at_acme, bjensen):
    """RFC 7644 §3.5.1 leaves it to the server; silence must not open an account."""
    path = f"/Users/{bjensen['id']}"
    at_acme.put(path, {**BJENSEN, "active": False})

    without = {name: value for name, value in BJENSEN.items() if name != "active"}

    assert at_acme.put(path, without).json["active"] is False
    assert at_acme.put(path, {**BJENSEN, "active": True}).json["active"] is True


def test_the_extension_is_removed_with_its_last_attribute(at_acme, jsmith):
    answer = at_acme.put(f"/Users/{jsmith['id']}", {**JSMITH, ENTERPRISE: {"department": ""}})

    assert answer.json["schemas"] == [CORE]
    assert ENTERPRISE not in answer.json


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("userName", "userName"),
        ("externalId", "externalId"),
        ("emails", WORK_EMAIL),
    ],
)
def test_required_attributes_cannot_be_left_out(name, named, at_acme, acme, bjensen, stored):
    before = stored(acme)

    answer = at_acme.put(
        f"/Users/{bjensen['id']}", {key: BJENSEN[key] for key in BJENSEN if key != name}
    )

    assert answer.json == error(400, f"{named} is missing. {REQUIRED}", "invalidValue")
    assert stored(acme) == before


def test_a_user_name_that_is_taken_is_refused(at_acme, acme, bjensen, jsmith, stored):
    before = stored(acme)

    answer = at_acme.put(
        f"/Users/{jsmith['id']}", {**JSMITH, "userName": "BJENSEN@ACME.EXAMPLE", "title": "x"}
    )

    assert (answer.status, answer.json["scimType"]) == (409, "uniqueness")
    assert stored(acme) == before


def test_a_user_may_change_the_letter_case_of_its_own_name(at_acme, bjensen):
    answer = at_acme.put(f"/Users/{bjensen['id']}", {**BJENSEN, "userName": "BJensen@acme.example"})

    assert (answer.status, answer.json["userName"]) == (200, "BJensen@acme.example")


def test_an_unknown_user_is_not_made_by_put(at_acme, acme, stored):
    identifier = "019ab8c4-0000-7000-8000-000000000001"

    answer = at_acme.put(f"/Users/{identifier}", BJENSEN)

    assert answer.json == error(404, f"There is no User with the id '{identifier}'.")
    assert stored(acme) == []


def test_a_user_of_another_tenant_is_not_found(at_globex, acme, bjensen, stored):
    before = stored(acme)

    answer = at_globex.put(f"/Users/{bjensen['id']}", {**BJENSEN, "title": "Thief"})

    assert answer.status == 404
    assert stored(acme) == before


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-Match": 'W/"1"'}, 200),
        ({"If-Match": '"1"'}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": 'W/"2"'}, 412),
        ({"If-Match": "nonsense"}, 412),
        ({"If-None-Match": "*"}, 412),
        ({"If-None-Match": 'W/"2"'}, 200),
    ],
)
def test_preconditions_are_checked(headers, status, at_acme, bjensen):
    path = f"/Users/{bjensen['id']}"

    answer = at_acme.put(path, {**BJENSEN, "title": "Tour Guide"}, headers=headers)

    assert answer.status == status
    assert at_acme.get(path).json.get("title") == ("Tour Guide" if status == 200 else None)
