"""POST /Users: a user is provisioned (RFC 7644 §3.3)."""

import pytest

from tests.support.payloads import BJENSEN, CORE, ENTERPRISE, JSMITH, error, user

REQUIRED = "myPolicies always requires userName, email and externalId."
WORK_EMAIL = 'emails[type eq "work"].value'
TAKEN = (
    "Another User already has this userName; it must be unique within the tenant,"
    " in any letter case."
)


def test_the_answer_is_the_user_with_its_id_and_location(at_acme, acme):
    answer = at_acme.post("/Users", BJENSEN)

    location = f"{acme.tenant_url}/Users/{answer.json['id']}"
    assert (answer.status, answer.headers["Location"], answer.headers["ETag"]) == (
        201,
        location,
        'W/"1"',
    )
    assert answer.json == {
        "schemas": [CORE],
        "id": answer.json["id"],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": "bjensen@acme.example",
        "name": {
            "formatted": "Barbara Jensen",
            "familyName": "Jensen",
            "givenName": "Barbara",
        },
        "active": True,
        "emails": [{"value": "Barbara.Jensen@acme.example", "type": "work", "primary": True}],
        "meta": {
            "resourceType": "User",
            "created": "2026-11-25T10:00:00.000Z",
            "lastModified": "2026-11-25T10:00:00.000Z",
            "location": location,
            "version": 'W/"1"',
        },
    }


def test_a_created_user_is_read_as_it_was_answered(at_acme):
    created = at_acme.post("/Users", BJENSEN)

    assert at_acme.get(f"/Users/{created.json['id']}").json == created.json


def test_every_attribute_of_the_user_schema_is_kept(at_acme):
    """RFC 7643 §8.3, the full enterprise user, less what only the server writes."""
    sent = {
        "schemas": [CORE, ENTERPRISE],
        "externalId": "701984",
        "userName": "bjensen@example.com",
        "name": {
            "formatted": "Ms. Barbara J Jensen, III",
            "familyName": "Jensen",
            "givenName": "Barbara",
            "middleName": "Jane",
            "honorificPrefix": "Ms.",
            "honorificSuffix": "III",
        },
        "displayName": "Babs Jensen",
        "nickName": "Babs",
        "profileUrl": "https://login.example.com/bjensen",
        "title": "Tour Guide",
        "userType": "Employee",
        "preferredLanguage": "en-US",
        "locale": "en-US",
        "timezone": "America/Los_Angeles",
        "active": True,
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": True},
            {"value": "babs@jensen.org", "type": "home"},
        ],
        "phoneNumbers": [{"value": "555-555-5555", "type": "work"}],
        "ims": [{"value": "someaimhandle", "type": "aim"}],
        "photos": [{"value": "https://photos.example.com/72930000F.jpg", "type": "photo"}],
        "addresses": [
            {
                "formatted": "100 Universal City Plaza\nHollywood, CA 91608 USA",
                "streetAddress": "100 Universal City Plaza",
                "locality": "Hollywood",
                "region": "CA",
                "postalCode": "91608",
                "country": "USA",
                "type": "work",
                "primary": True,
            }
        ],
        "entitlements": [{"value": "tours", "display": "Tours"}],
        "roles": [{"value": "guide"}],
        "x509Certificates": [{"value": "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjEL"}],
        ENTERPRISE: {
            "employeeNumber": "701984",
            "costCenter": "4130",
            "organization": "Universal Studios",
            "division": "Theme Park",
            "department": "Tour Operations",
            "manager": {"value": "26118915", "$ref": "../Users/26118915"},
        },
    }

    answer = at_acme.post("/Users", sent)

    assert list(answer.json) == ["schemas", "id", *list(sent)[1:], "meta"]
    assert {name: answer.json[name] for name in sent} == sent


def test_a_user_without_active_is_active(at_acme):
    assert at_acme.post("/Users", user("minimal")).json["active"] is True


def test_a_disabled_user_can_be_created(at_acme):
    assert at_acme.post("/Users", {**BJENSEN, "active": False}).json["active"] is False


@pytest.mark.quirk("E13")
def test_an_id_that_the_client_sends_is_ignored(at_acme):
    answer = at_acme.post("/Users", {**BJENSEN, "id": "1"})

    assert answer.status == 201
    assert len(answer.json["id"]) == 36


@pytest.mark.quirk("E19")
def test_unknown_and_read_only_attributes_are_ignored(at_acme):
    """Nothing can be assigned that the schema does not offer."""
    extra = {"is_superuser": True, "unique_key": "x", "groups": [{"value": "1"}], "version": 7}

    answer = at_acme.post("/Users", {**user("mass"), **extra})

    assert list(answer.json) == [
        "schemas",
        "id",
        "externalId",
        "userName",
        "active",
        "emails",
        "meta",
    ]


def test_a_password_is_accepted_and_never_kept(at_acme, acme, stored):
    answer = at_acme.post("/Users", {**BJENSEN, "password": "t1meMa$heen"})

    assert answer.status == 201
    assert "t1meMa$heen" not in answer.text
    assert "t1meMa$heen" not in str(stored(acme))


@pytest.mark.quirk("E9")
def test_strings_are_kept_as_they_are_sent(at_acme):
    sent = user(
        "upd-1a2b3c4d",
        emails=[{"type": "work", "value": " not an address "}],
        addresses=[{"type": "work", "country": "upd-1a2b3c4d"}],
        displayName="Zoë  😀\n<b>O'Malley</b>",
    )

    answer = at_acme.post("/Users", sent)

    assert {name: answer.json[name] for name in sent} == sent


@pytest.mark.quirk("E21")
def test_only_the_user_name_is_unique(at_acme):
    at_acme.post("/Users", BJENSEN)

    answer = at_acme.post("/Users", {**BJENSEN, "userName": "another@acme.example"})

    assert answer.status == 201


@pytest.mark.parametrize(
    "taken", ["bjensen@acme.example", "BJensen@ACME.example", "BJENSEN@ACME.EXAMPLE"]
)
def test_a_user_name_that_is_taken_in_any_letter_case_is_refused(taken, at_acme, bjensen):
    answer = at_acme.post("/Users", {**JSMITH, "userName": taken})

    assert (answer.status, answer.json) == (409, error(409, TAKEN, "uniqueness"))
    assert at_acme.get("/Users").json["Resources"] == [bjensen]


def test_after_a_conflict_the_filter_finds_who_has_the_name(at_acme, bjensen):
    """Entra goes on from there; else it would meet 409 for ever (docs/security.md)."""
    at_acme.post("/Users", {**JSMITH, "userName": "BJENSEN@acme.example"})

    found = at_acme.get("/Users", filter='userName eq "BJENSEN@acme.example"')

    assert found.json["Resources"] == [bjensen]


def test_the_same_user_name_in_another_tenant_is_another_user(at_acme, at_globex, globex):
    here, there = at_acme.post("/Users", BJENSEN), at_globex.post("/Users", BJENSEN)

    assert there.status == 201
    assert there.json["id"] != here.json["id"]
    assert there.headers["Location"] == f"{globex.tenant_url}/Users/{there.json['id']}"


@pytest.mark.parametrize("blank", [None, "", "  "])
@pytest.mark.parametrize("name", ["userName", "externalId"])
def test_required_attributes_must_not_be_blank(name, blank, at_acme, acme, stored):
    answer = at_acme.post("/Users", {**BJENSEN, name: blank})

    assert answer.status == 400
    assert answer.json == error(400, f"{name} is missing. {REQUIRED}", "invalidValue")
    assert stored(acme) == []


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("userName", "userName"),
        ("externalId", "externalId"),
        ("emails", WORK_EMAIL),
    ],
)
def test_required_attributes_must_not_be_absent(name, named, at_acme):
    answer = at_acme.post("/Users", {key: BJENSEN[key] for key in BJENSEN if key != name})

    assert answer.json == error(400, f"{named} is missing. {REQUIRED}", "invalidValue")


@pytest.mark.parametrize(
    "emails",
    [
        [{"type": "work", "display": "Barbara"}],
        [{"type": "work", "value": " ", "primary": True}, {"type": "home", "value": "b@x.org"}],
        [{"type": "home", "value": "b@x.org"}, {"type": "other", "value": "c@x.org"}],
    ],
)
def test_the_work_email_must_have_a_value(emails, at_acme):
    answer = at_acme.post("/Users", {**BJENSEN, "emails": emails})

    detail = f"{WORK_EMAIL} is missing. {REQUIRED}"
    assert answer.json == error(400, detail, "invalidValue")


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"userName": True}, "userName must be a string; the request has a boolean."),
        ({"active": "maybe"}, "active must be true or false; the request has a string."),
        ({"name": "Barbara"}, "name must be an object; the request has a string."),
        ({"displayName": "x" * 1025}, "displayName is longer than 1024 characters."),
        ({ENTERPRISE: []}, None),
        ({ENTERPRISE: "x"}, f"{ENTERPRISE} must be an object."),
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_named(changes, detail, at_acme):
    answer = at_acme.post("/Users", {**BJENSEN, **changes})

    if detail is None:
        assert answer.status == 201
    else:
        assert answer.json == error(400, detail, "invalidValue")


@pytest.mark.parametrize("body", [[], "x", 7, None, [BJENSEN]])
def test_a_body_that_is_no_object_is_refused(body, at_acme):
    answer = at_acme.post("/Users", b"null" if body is None else body)

    assert (answer.status, answer.json["scimType"]) == (400, "invalidSyntax")


def test_a_body_of_another_resource_type_is_refused(at_acme):
    answer = at_acme.post("/Users", {**BJENSEN, "schemas": ["urn:example:Device"]})

    assert answer.json == error(400, f"schemas must name {CORE}.", "invalidSyntax")


def test_the_answer_shows_the_attributes_that_are_asked_for(at_acme):
    answer = at_acme.post("/Users?attributes=userName", BJENSEN)

    assert (answer.status, answer.json) == (
        201,
        {"schemas": [CORE], "id": answer.json["id"], "userName": "bjensen@acme.example"},
    )
