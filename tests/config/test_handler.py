"""The way of a request: past what only pages need below /scim, with the headers of every answer."""

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.middleware.security import SecurityMiddleware
from django.test import Client
from django.urls import get_urlconf, set_urlconf
from django.utils.module_loading import import_string

from accounts import tokens
from config.edge.handler import by_target, without_charset, without_nul
from config.edge.headers import HeadersMiddleware, SameHeadersMiddleware
from tenants import lifecycle
from tenants.middleware import TenantMiddleware
from tests.support import clients, payloads
from tests.support.clients import ScimClient

FOR_PAGES = settings.MIDDLEWARE[4:6] + settings.MIDDLEWARE[7:]
EVERYWHERE = {
    "Cache-Control",
    "Content-Security-Policy",
    "Content-Type",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Permissions-Policy",
    "Referrer-Policy",
    "Request-Id",
    "X-Content-Type-Options",
}
OF_VIEWS = {*EVERYWHERE, "Content-Length", "X-Frame-Options"}


@pytest.fixture
def passed(monkeypatch):
    """The middlewares for pages that requests pass, whatever way they have of acting."""
    names = []
    for name in FOR_PAGES:
        module, _, middleware = name.rpartition(".")

        def call(self, request, name=name):
            names.append(name)
            return self.get_response(request)

        monkeypatch.setattr(f"{module}.{middleware}.__call__", call)
    return names


@pytest.mark.parametrize(
    "path",
    [
        "/scim",
        "/scim/",
        "/scim/Users",
        "/SCIM/v2/Users",
        "///Scim//Users",
        "/Scim",
        "/scim/x",
    ],
)
def test_no_request_below_scim_passes_what_only_pages_need(path, acme, client_for, passed):
    response = client_for(acme).get("/", PATH_INFO=path)

    assert (response.status_code, response["Content-Type"]) == (401, "application/scim+json")
    assert passed == []


@pytest.mark.parametrize("path", ["/scimitar", "/", "/.well-known/oauth-authorization-server/scim"])
def test_every_other_request_passes_all_of_them(path, acme, client_for, passed):
    client_for(acme).get(path)

    assert passed == FOR_PAGES


def test_the_short_chain_has_the_order_of_the_long_one(acme):
    client, same_headers, outermost, flood, token, _ = settings.SCIM_MIDDLEWARE

    assert same_headers.endswith(".SameHeadersMiddleware")
    assert flood.endswith(".FloodMiddleware")
    assert issubclass(import_string(token), TenantMiddleware)
    assert [
        client,
        "django.middleware.security.SecurityMiddleware",
        "config.edge.headers.HeadersMiddleware",
        outermost,
        *FOR_PAGES[:2],
        "tenants.middleware.TenantMiddleware",
        *FOR_PAGES[2:],
    ] == settings.MIDDLEWARE
    assert len(FOR_PAGES) == 10


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_headers_that_are_set_at_once_are_those_that_are_set_one_by_one(scheme, settings, rf):
    settings.PUBLIC_SCHEME, settings.SECURE_HSTS_SECONDS = scheme, 3600
    request = rf.get("/scim", secure=scheme == "https")
    one_by_one = SecurityMiddleware(HeadersMiddleware(answer))(request)
    at_once = SameHeadersMiddleware(answer)(request)

    assert at_once.headers == one_by_one.headers
    assert at_once.has_header("Strict-Transport-Security") == (scheme == "https")


def answer(_request):
    return HttpResponse("x", content_type="application/scim+json")


def headers(answer, status):
    """The names of an answer's headers."""
    assert status == (answer.status_code if hasattr(answer, "status_code") else answer.status)
    return set(answer.headers.keys())


def test_answers_with_a_resource_have_these_headers(acme, scim):
    at_acme = scim(acme)
    created = at_acme.post("/Users", payloads.BJENSEN)
    path, tag = f"/Users/{created.json['id']}", created.headers["ETag"]
    known = at_acme.get(path, headers={"If-None-Match": tag})

    assert headers(created, 201) == {*OF_VIEWS, "ETag", "Location"}
    assert headers(at_acme.get(path), 200) == {*OF_VIEWS, "ETag", "Location"}
    assert headers(known, 304) == {*OF_VIEWS, "ETag"}
    assert known.headers["Content-Length"] == "0"
    assert created.headers["X-Frame-Options"] == "DENY"


def test_other_answers_of_an_endpoint_have_these_headers(acme, scim):
    at_acme = scim(acme)
    path = f"/Users/{at_acme.post('/Users', payloads.BJENSEN).json['id']}"

    assert headers(at_acme.get("/Users"), 200) == OF_VIEWS
    assert headers(at_acme.send("HEAD", "/Users"), 200) == OF_VIEWS
    assert headers(at_acme.get("/ServiceProviderConfig"), 200) == OF_VIEWS
    assert headers(at_acme.post("/Users", "{"), 400) == OF_VIEWS
    assert headers(at_acme.get("/Users/nobody"), 404) == OF_VIEWS
    assert headers(at_acme.get("/Nowhere"), 404) == OF_VIEWS
    assert headers(at_acme.post(path, {}), 405) == {*OF_VIEWS, "Allow"}
    assert headers(at_acme.send("OPTIONS", "/Users"), 405) == {*OF_VIEWS, "Allow"}
    assert headers(at_acme.delete(path), 204) == OF_VIEWS


def test_refusals_of_credentials_have_these_headers(acme):
    nobody, stranger = ScimClient(acme, None), ScimClient(acme, tokens.generate())
    with_cookies = nobody.get("/Users", headers={"Cookie": "sessionid=x; csrftoken=y; messages=z"})

    assert headers(nobody.get("/Users"), 401) == {*OF_VIEWS, "WWW-Authenticate"}
    assert headers(stranger.get("/Users"), 401) == {*OF_VIEWS, "WWW-Authenticate"}
    assert headers(with_cookies, 401) == {*OF_VIEWS, "WWW-Authenticate"}
    assert headers(nobody.post("/oauth/token", {}), 400) == {*OF_VIEWS, "Pragma"}
    assert headers(nobody.get("/oauth/token"), 405) == {*OF_VIEWS, "Pragma", "Allow"}


def test_the_thread_forgets_the_staff_hosts_urls_after_a_path_of_scim(operator, rf):
    """The next request of the thread may be a tenant's."""
    handler = clients.Handler()
    handler.load_middleware()
    set_urlconf(None)

    answer = handler.get_response(rf.get("/scim/Users", HTTP_HOST=operator.host))

    assert (answer.status_code, get_urlconf()) == (404, None)


def test_answers_that_no_endpoint_gives_have_these_headers(acme, operator, monkeypatch):
    nobody = ScimClient(acme, None)
    staff = ScimClient(operator, None).get("/Users")
    unserved = Client(HTTP_HOST="nobody.example").get("/scim/Users")
    lifecycle.suspend(acme)
    suspended = nobody.get("/Users")
    nobody.http.raise_request_exception = False
    monkeypatch.setattr("tenants.resolution.find_tenant", lambda _: 1 // 0)

    assert headers(staff, 404) == {*EVERYWHERE, "X-Frame-Options", "Content-Length"}
    assert headers(unserved, 404) == EVERYWHERE
    assert headers(suspended, 403) == EVERYWHERE
    assert headers(nobody.get("/Users"), 500) == EVERYWHERE


@pytest.mark.parametrize(
    ("named", "seen"),
    [
        ("application/scim+json", "application/scim+json"),
        ("application/scim+json; charset=utf-8", "application/scim+json"),
        ("application/scim+json;CharSet=bz2", "application/scim+json"),
        ("text/html; charset*=utf-8''bz2; x=y", "text/html; x=y"),
        ("multipart/form-data; boundary=b; charset=x", "multipart/form-data; boundary=b"),
        ("", ""),
    ],
)
def test_a_charset_is_taken_out_of_the_content_type_and_nothing_else_is(named, seen):
    environ = {"CONTENT_TYPE": named, "PATH_INFO": "/scim"}

    assert without_charset(environ) == {"CONTENT_TYPE": seen, "PATH_INFO": "/scim"}
    assert environ["CONTENT_TYPE"] == named


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("/scim/Users", "acme.example"),
        ("http://globex.example/scim/Users", "globex.example"),
        ("HTTPS://globex.example:8443?x", "globex.example:8443"),
        ("ftp://globex.example/scim/Users", "globex.example"),
        ("http:///scim/Users", ""),
        ("//globex.example/scim/Users", "acme.example"),
        ("*", "acme.example"),
    ],
)
def test_an_absolute_url_names_the_host_whatever_the_header_says(target, host):
    """RFC 9112 §3.2.2."""
    environ = {"RAW_URI": target, "HTTP_HOST": "acme.example"}

    assert by_target(environ) == {"RAW_URI": target, "HTTP_HOST": host}


@pytest.mark.parametrize(
    ("path", "query", "read"),
    [
        ("/admin/", "q=a%00b&%00=%00", "q=ab&="),
        ("/admin/", "q=a%2500b", "q=a%2500b"),
        ("/admin/", "q=a%0%0%0000b", "q=ab"),
        ("/SCIM/Users", "filter=%00", "filter=%00"),
    ],
)
def test_the_query_of_a_page_holds_no_nul(path, query, read):
    environ = {"PATH_INFO": path, "QUERY_STRING": query}

    assert without_nul(environ) == {"PATH_INFO": path, "QUERY_STRING": read}


def test_a_request_for_another_tenants_absolute_url_is_refused_the_token(acme, globex, scim):
    at_acme = scim(acme)

    answer = at_acme.http.get("/scim/Users", RAW_URI=f"http://{globex.host}/scim/Users")

    assert answer.status_code == 401
    assert at_acme.get("/Users").status == 200
