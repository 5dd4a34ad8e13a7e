"""Escaped errors are answered in the language of the path, with a request id and no internals."""

import json
import logging

import psycopg
import pytest
from django.db import IntegrityError, InterfaceError, InternalError, OperationalError
from django.http import (
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseForbidden,
    HttpResponseNotAllowed,
    HttpResponseNotFound,
)
from django.test import Client, RequestFactory

from accounts.models import SecretToken
from config.edge.outermost import OutermostMiddleware
from tenants.current import in_tenant

SECRET = "duplicate key: tara@acme.example"


def answer_to(path, outcome):
    def get_response(request):
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return OutermostMiddleware(get_response)(RequestFactory().get(path))


def test_an_answer_gets_a_new_request_id_each_time():
    first, second = (answer_to("/scim/Users", HttpResponse("x")) for _ in range(2))

    assert first.content == b"x"
    assert len(first["Request-Id"]) == 22
    assert first["Request-Id"] != second["Request-Id"]


def internal(code):
    """The error that Django raises for one that psycopg files under InternalError."""
    error = InternalError(SECRET)
    error.__cause__ = psycopg.errors.lookup(code)(SECRET)
    return error


AWAY = [OperationalError(SECRET), InterfaceError(SECRET), internal("25P03")]


@pytest.mark.parametrize("error", AWAY)
def test_a_database_that_is_away_is_a_503_with_the_time_to_wait(error):
    response = answer_to("/scim/Users", error)

    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert response["Content-Type"] == "application/scim+json"
    assert json.loads(response.content) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "503",
        "detail": (
            "The service cannot reach its database; repeat the request later. "
            f"If it lasts, tell support the request id {response['Request-Id']}."
        ),
    }


@pytest.mark.parametrize("error", AWAY)
def test_on_a_page_it_is_a_503_that_a_person_can_read(error):
    response = answer_to("/admin/", error)

    page = response.content.decode()
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert "<h1>Service Unavailable</h1>" in page
    assert "The service cannot reach its database; repeat the request later." in page
    assert response["Request-Id"] in page
    assert SECRET not in page


@pytest.mark.parametrize(
    "error",
    [IntegrityError(SECRET), psycopg.Error(SECRET), KeyError(SECRET), internal("XX001")],
)
@pytest.mark.parametrize("path", ["/scim", "/scim/Users", "/SCIM/v2/Users"])
def test_any_other_exception_below_scim_is_a_500_that_tells_the_request_id_only(path, error):
    response = answer_to(path, error)

    assert response.status_code == 500
    assert json.loads(response.content) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "500",
        "detail": (
            f"An unexpected error occurred. Tell support the request id {response['Request-Id']}."
        ),
    }


def test_elsewhere_it_is_a_short_page():
    response = answer_to("/admin/", KeyError(SECRET))

    assert (response.status_code, response["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert response["Request-Id"] in response.content.decode()
    assert SECRET not in response.content.decode()


@pytest.mark.parametrize(
    ("page", "detail"),
    [
        (HttpResponseBadRequest("<p>"), "The request could not be understood."),
        (HttpResponseForbidden("<p>"), "The request is not allowed here."),
        (
            HttpResponseNotFound("<p>"),
            "There is no SCIM endpoint at this address: check the Tenant URL.",
        ),
        (HttpResponseNotAllowed(["GET"], "<p>"), "The method is not supported here."),
    ],
)
def test_an_error_page_of_djangos_below_scim_becomes_a_scim_error(page, detail):
    response = answer_to("/scim/Users", page)

    assert response["Content-Type"] == "application/scim+json"
    assert response["Content-Length"] == str(len(response.content))
    assert json.loads(response.content) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": str(page.status_code),
        "detail": detail,
    }


def test_headers_of_the_page_stay():
    response = answer_to("/scim/Users", HttpResponseNotAllowed(["GET"], "<p>"))

    assert response["Allow"] == "GET"


def test_a_page_of_djangos_that_says_500_tells_the_request_id():
    response = answer_to("/scim/Users", HttpResponse("<p>", status=500))

    assert response["Request-Id"] in json.loads(response.content)["detail"]


@pytest.mark.django_db
def test_the_staff_host_has_no_scim_endpoint(operator):
    response = Client(headers={"Host": operator.host}).get("/scim/Users")

    assert (response.status_code, response["Content-Type"]) == (404, "application/scim+json")
    assert json.loads(response.content)["detail"] == (
        "There is no SCIM endpoint at this address: check the Tenant URL."
    )


def test_the_log_line_tells_what_happened_and_no_query(caplog):
    caplog.set_level(logging.INFO)

    response = answer_to("/scim/Users?filter=tara", HttpResponse("x", status=201))

    [record] = [each for each in caplog.records if each.name == "mypolicies.requests"]
    assert (record.method, record.path, record.status) == ("GET", "/scim/Users", 201)
    assert record.request_id == response["Request-Id"]
    assert record.tenant is None
    assert "tara" not in str(vars(record))


def test_probes_are_not_logged_while_all_is_well(caplog):
    caplog.set_level(logging.INFO)

    answer_to("/livez", HttpResponse("alive"))
    answer_to("/readyz", HttpResponse("not ready", status=503))

    logged = [each.path for each in caplog.records if each.name == "mypolicies.requests"]
    assert logged == ["/readyz"]


@pytest.mark.django_db
def test_an_exception_of_a_middleware_inside_arrives_here(acme, monkeypatch):
    def fail(host):
        raise OperationalError(SECRET)

    monkeypatch.setattr("tenants.resolution.find_tenant", fail)
    client = Client(headers={"Host": acme.host}, raise_request_exception=False)

    assert client.get("/scim/Users").status_code == 503
    assert client.get("/admin/").status_code == 503


@pytest.mark.django_db
def test_the_log_line_names_the_tenant_and_the_public_id_of_the_token(acme, scim, caplog):
    client = scim(acme)
    caplog.set_level(logging.INFO)

    client.get("/Users")

    [record] = [each for each in caplog.records if each.name == "mypolicies.requests"]
    with in_tenant(acme):
        assert (record.tenant, record.token) == ("acme", SecretToken.objects.get().public_id)
    assert client.token not in str(vars(record))


@pytest.mark.parametrize(
    ("method", "path", "host", "reason"),
    [
        ("GET", "/scim/Users", "acme", "token.missing"),
        ("GET", "/scim/oauth/token", "acme", "request.method"),
        ("GET", "/scim/Users", "nobody", "host.not-served"),
    ],
)
def test_the_log_line_says_why_a_request_was_refused(method, path, host, reason, acme, caplog):
    caplog.set_level(logging.INFO)
    headers = {"Host": acme.host.replace("acme", host, 1)}

    answer = Client(headers=headers).generic(method, path)

    [record] = [each for each in caplog.records if each.name == "mypolicies.requests"]
    assert answer.status_code >= 400
    assert record.refused == reason
