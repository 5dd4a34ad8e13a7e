"""Refusals that do not depend on what is asked (RFC 7644 §3.12): always a SCIM Error, nothing else."""

import pytest
from django.db import connection

from scim.models import ProvisioningEvent
from scim.provider.catalog import CAPABILITIES
from tenants.current import in_tenant
from tests.support import database
from tests.support.clients import MEDIA_TYPE
from tests.support.payloads import BJENSEN, error, listed, replace

TOO_LARGE = f"The body is larger than {CAPABILITIES.max_body} bytes."
FAIL = """
CREATE FUNCTION {schema}.fail() RETURNS boolean LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$
"""


@pytest.fixture
def without_users(acme):
    """Remove the table of acme's resources, so that any request for them fails."""
    with in_tenant(acme), database.owned(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE scim_resource RENAME TO hidden")


@pytest.fixture
def break_users(acme, without_users):
    """`break_users(code)`: whoever reads acme's resources meets that error of PostgreSQL."""

    def break_with(code):
        with in_tenant(acme), database.owned(), connection.cursor() as cursor:
            cursor.execute(FAIL.format(schema=acme.schema_name, code=code))
            cursor.execute(
                "CREATE VIEW scim_resource AS SELECT hidden.* FROM fail() LEFT JOIN hidden ON fail"
            )
            cursor.execute("GRANT SELECT ON scim_resource TO PUBLIC")

    return break_with


# --- 405 --------------------------------------------------------------------------------------

COLLECTION, MEMBER, READ_ONLY = "GET, HEAD, POST", "GET, HEAD, PUT, PATCH, DELETE", "GET, HEAD"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/Users", COLLECTION),
        ("/Users/019ab8c4-0000-7000-8000-000000000001", MEMBER),
        ("/Users/.search", "POST"),
        ("/.search", "POST"),
        ("/Schemas", READ_ONLY),
        ("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", READ_ONLY),
        ("/ResourceTypes", READ_ONLY),
        ("/ResourceTypes/User", READ_ONLY),
        ("/ServiceProviderConfig", READ_ONLY),
    ],
)
def test_a_method_that_an_endpoint_does_not_have_is_refused(path, allowed, at_acme):
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
        if method in allowed:
            continue

        answer = at_acme.send(method, path, BJENSEN)

        assert (answer.status, answer.headers["Allow"]) == (405, allowed)
        assert answer.json == error(405, f"{method} is not supported here.")


def test_the_methods_name_is_not_repeated_at_length(at_acme):
    answer = at_acme.send("X" * 2000, "/Users")

    assert answer.status == 405
    assert len(answer.json["detail"]) < 100


def test_head_answers_as_get_without_a_body(at_acme, bjensen):
    answer = at_acme.send("HEAD", f"/Users/{bjensen['id']}")

    assert (answer.status, answer.text, answer.headers["ETag"]) == (200, "", 'W/"1"')


# --- 404 ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/Devices", "/v3/Users", "/users/x/y"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_endpoint_is_not_found(path, method, at_acme):
    answer = at_acme.send(method, path, {})

    detail = f"There is no SCIM endpoint at '/scim{path}'."
    assert (answer.status, answer.json) == (404, error(404, detail))


# --- bodies -----------------------------------------------------------------------------------


def test_a_body_that_is_too_large_is_refused(at_acme, acme, stored):
    body = '{"displayName": "' + "x" * CAPABILITIES.max_body + '"}'

    answer = at_acme.post("/Users", body)

    assert (answer.status, answer.json) == (413, error(413, TOO_LARGE))
    assert stored(acme) == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("body", [b"", b" ", b"{", b"\xff", b'{"a": 1, "a": 2}', b"[" * 100])
def test_a_body_that_is_no_json_is_refused(method, body, at_acme, acme, bjensen, stored):
    before = stored(acme)

    answer = at_acme.send(method, "/Users" if method == "POST" else f"/Users/{bjensen['id']}", body)

    assert answer.status == 400
    assert answer.json == error(400, answer.json["detail"], "invalidSyntax")
    assert stored(acme) == before


# --- failures of the server -------------------------------------------------------------------


REQUESTS = [
    ("GET", "/Users", None),
    ("GET", "/Users/019ab8c4-0000-7000-8000-000000000001", None),
    ("POST", "/Users", BJENSEN),
    ("PUT", "/Users/019ab8c4-0000-7000-8000-000000000001", BJENSEN),
    ("PATCH", "/Users/019ab8c4-0000-7000-8000-000000000001", replace("title", "x")),
    ("DELETE", "/Users/019ab8c4-0000-7000-8000-000000000001", None),
]


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_an_unexpected_failure_tells_its_request_id_and_nothing_else(
    method, path, body, at_acme, acme, without_users, caplog
):
    answer = at_acme.send(method, path, body)

    request_id = answer.headers["Request-Id"]
    detail = f"An unexpected error occurred. Tell support the request id {request_id}."
    assert (answer.status, answer.json) == (500, error(500, detail))
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert 'relation "scim_resource" does not exist' in caplog.text
    with in_tenant(acme):
        event = ProvisioningEvent.objects.get(request_id=request_id)
    assert (event.status, event.detail, event.method) == (500, detail, method)


@pytest.mark.parametrize(
    "code",
    [
        "57P01",  # the server is shut down
        "57014",  # the statement took too long
        "55P03",  # a lock was not to be had in time
        "40P01",  # a deadlock
        "53300",  # too many connections
        "53100",  # the disk is full
        "25P03",  # idle in the transaction for too long; no OperationalError, unlike the others
        "25006",  # a standby, which another server takes over from
        "58030",  # the disk fails
    ],
)
def test_a_database_that_does_not_answer_is_told_as_temporary(code, at_acme, break_users):
    """Entra repeats the request in its next cycle."""
    break_users(code)

    answer = at_acme.get("/Users")

    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
    assert answer.json == error(503, "The service is busy; repeat the request later.")


def test_the_other_tenant_does_not_notice(at_globex, without_users):
    assert at_globex.get("/Users").json == listed()


def test_every_answer_has_a_request_id_of_its_own(at_acme, bjensen):
    answers = [
        at_acme.get("/Users"),
        at_acme.get("/Users/1"),
        at_acme.post("/Users", b"{"),
        at_acme.delete(f"/Users/{bjensen['id']}"),
        at_acme.get("/NoSuchEndpoint", headers={"Request-Id": "mine"}),
    ]

    ids = {answer.headers["Request-Id"] for answer in answers}
    assert len(ids) == 5
    assert all(len(each) >= 16 for each in ids)
