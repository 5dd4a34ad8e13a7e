"""Hostile requests: each gets a meaningful answer, in SCIM, and a refused one changes nothing."""

import json

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings

from tenants.current import in_tenant
from tests.support.attacks import FILTERS, HEADERS, ODD, PATHS, RAW_BODIES, Attack, attacks
from tests.support.clients import MEDIA_TYPE
from tests.support.payloads import BJENSEN, ERROR, replace

REFUSALS = (400, 403, 404, 405, 409, 412, 413, 415)
KINDS = {
    None,
    "invalidFilter",
    "invalidPath",
    "invalidSyntax",
    "invalidValue",
    "mutability",
    "noTarget",
    "uniqueness",
}


STATE = """
SELECT (SELECT md5(string_agg(r::text, '' ORDER BY id)) FROM scim_resource AS r),
    (SELECT count(*) FROM scim_attributechange)
"""


def state(tenant):
    """A digest of every column of every resource, and the length of the history."""
    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute(STATE)
        return cursor.fetchone()


@pytest.fixture
def attack(at_acme, acme, bjensen):
    """`attack(it)`: sends it and holds the answer against the rules; the status."""

    def send(it):
        before = state(acme)
        response = at_acme.http.generic(
            it.method,
            "/scim" + it.target.replace("{}", bjensen["id"]),
            it.body,
            headers={"Content-Type": MEDIA_TYPE, **dict(it.headers)},
        )
        assert response["Content-Type"] == MEDIA_TYPE
        assert response["Request-Id"]
        if response.status_code >= 400:
            check_error(response, it)
            assert state(acme) == before
        return response.status_code

    return send


def check_error(response, it):
    """Exactly the keys of RFC 7644 §3.12, and nothing of the server's inside."""
    assert response.status_code in REFUSALS or "/Me" in it.target
    if it.method == "HEAD":
        return
    body = json.loads(response.content)
    assert set(body) <= {"schemas", "status", "detail", "scimType"}
    assert (body["schemas"], body["status"]) == ([ERROR], str(response.status_code))
    assert body.get("scimType") in KINDS
    assert 0 < len(body["detail"]) < 600
    for inside in ("Traceback", "psycopg", "scim_resource", "SELECT", "/work", "site-packages"):
        assert inside not in body["detail"]


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(attacks)
def test_no_request_fails_and_no_refused_one_changes_anything(attack, it):
    attack(it)


@pytest.mark.parametrize("body", RAW_BODIES, ids=range(len(RAW_BODIES)))
def test_no_body_fails(body, attack):
    for method, target in [("POST", "/Users"), ("PUT", "/Users/{}"), ("PATCH", "/Users/{}")]:
        assert attack(Attack(method, target, (), body)) in (400, 413)


@pytest.mark.parametrize("odd", ODD)
def test_no_spelling_of_a_url_fails(odd, attack):
    for target in ("/Users/{0}", "/{0}", "/Schemas/{0}", "/Users?filter={0}", "/Users?{0}={0}"):
        for method in ("GET", "DELETE"):
            attack(Attack(method, target.replace("{0}", odd), (), b""))


@pytest.mark.parametrize("text", FILTERS, ids=range(len(FILTERS)))
def test_no_filter_fails(text, attack):
    assert attack(Attack("POST", "/.search", (), json.dumps({"filter": text}).encode())) in (
        200,
        400,
    )


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
def test_no_path_fails(path, attack):
    for op in ("add", "replace", "remove"):
        for value in ("x", None, [], {}, [{"value": "x"}], 7, True):
            operation = {"op": op, "path": path, "value": value}
            body = json.dumps({"Operations": [operation]}).encode()
            attack(Attack("PATCH", "/Users/{}", (), body))


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
def test_no_header_fails(header, attack):
    for method, body in [("GET", None), ("PUT", BJENSEN), ("PATCH", replace("title", "x"))]:
        raw = json.dumps(body).encode() if body else b""
        attack(Attack(method, "/Users/{}", (header,), raw))
