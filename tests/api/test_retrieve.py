"""GET /Users/{id}: one user is read (RFC 7644 §3.4.1)."""

import pytest

from tests.support.payloads import CORE, ENTERPRISE, error


def not_found(identifier):
    return error(404, f"There is no User with the id '{identifier}'.")


def test_a_user_is_read_by_its_id(at_acme, jsmith):
    answer = at_acme.get(f"/Users/{jsmith['id']}")

    assert (answer.status, answer.json) == (200, jsmith)
    assert answer.headers["Location"] == jsmith["meta"]["location"]
    assert answer.headers["ETag"] == jsmith["meta"]["version"] == 'W/"1"'


def test_the_attributes_stand_in_the_schemas_order(at_acme, jsmith):
    answer = at_acme.get(f"/Users/{jsmith['id']}")

    assert list(answer.json) == [
        "schemas",
        "id",
        "externalId",
        "userName",
        "name",
        "displayName",
        "active",
        "emails",
        "addresses",
        ENTERPRISE,
        "meta",
    ]


def test_a_disabled_user_is_read(at_acme, bjensen):
    at_acme.patch(
        f"/Users/{bjensen['id']}",
        {"Operations": [{"op": "Replace", "path": "active", "value": "False"}]},
    )

    assert at_acme.get(f"/Users/{bjensen['id']}").json["active"] is False


def test_nothing_personal_is_cached_on_the_way(at_acme, bjensen):
    """RFC 6750 §5.3."""
    assert at_acme.get(f"/Users/{bjensen['id']}").headers["Cache-Control"] == "no-store"


# --- entity tags (RFC 7644 §3.14) -------------------------------------------------------------


@pytest.mark.parametrize("tag", ['W/"1"', '"1"', "*", 'W/"7", W/"1"'])
def test_a_client_that_has_the_version_is_told_so(tag, at_acme, bjensen):
    answer = at_acme.get(f"/Users/{bjensen['id']}", headers={"If-None-Match": tag})

    assert (answer.status, answer.text, answer.headers["ETag"]) == (304, "", 'W/"1"')


@pytest.mark.parametrize("tag", ['W/"2"', '"11"', "nonsense", ""])
def test_a_client_that_has_another_version_gets_the_user(tag, at_acme, bjensen):
    answer = at_acme.get(f"/Users/{bjensen['id']}", headers={"If-None-Match": tag})

    assert (answer.status, answer.json) == (200, bjensen)


def test_the_tag_changes_with_the_user(at_acme, bjensen):
    path = f"/Users/{bjensen['id']}"
    at_acme.patch(path, {"Operations": [{"op": "add", "path": "title", "value": "Guide"}]})

    answer = at_acme.get(path, headers={"If-None-Match": 'W/"1"'})

    assert (answer.status, answer.headers["ETag"]) == (200, 'W/"2"')


# --- projection (RFC 7644 §3.9) ---------------------------------------------------------------


def test_attributes_name_what_is_shown_beside_id_and_schemas(at_acme, jsmith):
    answer = at_acme.get(f"/Users/{jsmith['id']}", attributes="userName,name.givenName")

    assert answer.json == {
        "schemas": [CORE, ENTERPRISE],
        "id": jsmith["id"],
        "userName": "jsmith@acme.example",
        "name": {"givenName": "John"},
    }


def test_excluded_attributes_are_left_out(at_acme, jsmith):
    excluded = f"meta,emails,name,addresses.primary,{ENTERPRISE}:department,id"

    answer = at_acme.get(f"/Users/{jsmith['id']}", excludedAttributes=excluded)

    assert answer.json == {
        "schemas": [CORE, ENTERPRISE],
        "id": jsmith["id"],
        "externalId": jsmith["externalId"],
        "userName": "jsmith@acme.example",
        "displayName": "John Smith",
        "active": True,
        "addresses": [{"type": "work", "country": "Belize"}],
    }


@pytest.mark.quirk("E27")
def test_names_that_the_schema_does_not_have_are_passed_over(at_acme, jsmith):
    answer = at_acme.get(f"/Users/{jsmith['id']}", attributes="shoeSize,password,!")

    assert answer.json == {"schemas": [CORE, ENTERPRISE], "id": jsmith["id"]}


def test_asking_for_attributes_and_leaving_some_out_at_once_is_refused(at_acme, bjensen):
    answer = at_acme.get(f"/Users/{bjensen['id']}", attributes="name", excludedAttributes="emails")

    assert answer.json == error(
        400, "attributes and excludedAttributes exclude each other; send one.", "invalidValue"
    )


# --- ids that name nothing --------------------------------------------------------------------


@pytest.mark.parametrize(
    "identifier",
    [
        "019ab8c4-0000-7000-8000-000000000001",
        "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",  # bjensen's externalId
        "bjensen@acme.example",
        "1",
    ],
)
def test_an_unknown_id_is_not_found(identifier, at_acme, bjensen):
    answer = at_acme.get(f"/Users/{identifier}")

    assert (answer.status, answer.json) == (404, not_found(identifier))


@pytest.mark.parametrize("spelled", [str.upper, lambda i: i.replace("-", ""), lambda i: f"{{{i}}}"])
def test_an_id_has_one_spelling(spelled, at_acme, bjensen):
    """`id` is caseExact (RFC 7643 §3.1)."""
    identifier = spelled(bjensen["id"])

    assert at_acme.get(f"/Users/{identifier}").json == not_found(identifier)


def test_a_user_of_another_tenant_is_not_found(at_globex, bjensen):
    answer = at_globex.get(f"/Users/{bjensen['id']}")

    assert (answer.status, answer.json) == (404, not_found(bjensen["id"]))


def test_a_long_id_is_not_repeated_whole(at_acme):
    assert at_acme.get(f"/Users/{'x' * 500}").json == not_found("x" * 64)
