"""Every answer says what a browser may do with it; no page has an exception."""

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from accounts.screens.accounts import AccountAdmin
from config.edge.headers import PERMISSIONS_POLICY, HeadersMiddleware

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
}
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS_POLICY,
}


def check(response, status):
    assert response.status_code == status
    assert set(response["Content-Security-Policy"].split("; ")) == POLICY
    assert {name: response.get(name) for name in ALWAYS} == ALWAYS


@pytest.mark.parametrize("path", ["/admin/login/", "/static/screens/theme.css"])
def test_pages_and_files_of_both_hosts_have_them(path, acme, operator, client_for):
    for tenant in (acme, operator):
        check(client_for(tenant).head(path), 200)


def test_pages_of_the_signed_in_and_of_a_visit_have_them(acme, staff_client, admin_client):
    check(staff_client.get("/admin/tenants/tenant/"), 200)
    check(staff_client.get("/t/acme/admin/scim/user/"), 200)
    check(admin_client(acme).get("/admin/scim/user/"), 200)


def test_redirects_and_refusals_have_them(acme, operator, client_for, admin_client):
    check(client_for(operator).get("/admin/"), 302)
    check(admin_client(acme).get("/admin/accounts/secrettoken/add/"), 403)
    check(client_for(acme).get("/admin/scim/user/nobody/change/"), 302)
    check(client_for(acme).get("/nowhere/"), 404)


@pytest.mark.parametrize("path", ["/nowhere/", "/scim/nowhere", "/admin/login/", "/admin/"])
def test_no_cache_keeps_a_page_or_a_refusal(path, acme, client_for, admin_client):
    for client in (client_for(acme), admin_client(acme), Client(HTTP_HOST="nobody.example")):
        assert "no-store" in client.get(path)["Cache-Control"]


def test_a_form_without_its_cookie_has_them(operator):
    strict = Client(HTTP_HOST=operator.host, enforce_csrf_checks=True)

    check(strict.post("/admin/login/", {"username": "alice@mypolicies.example"}), 403)


def test_a_request_that_is_too_large_has_them(operator, client_for):
    check(client_for(operator).post("/admin/login/", {"username": "x" * 1_100_000}), 400)


def test_a_page_that_fails_has_them(staff_client, monkeypatch):
    def fail(*_args):
        raise RuntimeError("on purpose")

    monkeypatch.setattr(AccountAdmin, "get_queryset", fail)
    staff_client.raise_request_exception = False

    response = staff_client.get("/admin/accounts/account/")

    check(response, 500)
    assert "Tell support the request id" in response.text
    assert "on purpose" not in response.text


@pytest.mark.parametrize("path", ["/livez", "/scim/Users", "/SCIM/v2/Nothing"])
def test_answers_that_are_no_page_have_them_too(path, acme, client_for):
    response = client_for(acme).get(path)

    check(response, response.status_code)
    assert not response["Content-Type"].startswith("text/html")


def test_a_host_that_is_not_served_has_them(db):
    check(Client(HTTP_HOST="nobody.mypolicies.localhost").get("/admin/"), 404)


def test_the_clipboard_is_for_our_own_pages_and_devices_are_for_nobody():
    response = HeadersMiddleware(lambda _request: HttpResponse())(RequestFactory().get("/"))

    features = response["Permissions-Policy"].split(", ")
    assert "clipboard-write=(self)" in features
    assert {"camera=()", "microphone=()", "geolocation=()"} <= set(features)
