"""The cookies of the pages: where they go along, and what stands against requests of other sites."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, get_resolver

from tests.support import clients, people

API = ("scim.api.", "scim.events.polling")
# An identity provider posts its signed response there, which answers a request of ours (accounts.sso.saml).
ANSWERS = "accounts.screens.signing_on"


def views(patterns) -> Iterator[Any]:
    """The view of every URL."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.callback
        else:
            yield from views(pattern.url_patterns)


def module(view):
    """The module of the view, or of the class that makes it."""
    return getattr(view, "cls", getattr(view, "view_class", view)).__module__


@pytest.mark.parametrize("urlconf", [settings.ROOT_URLCONF, settings.STAFF_URLCONF])
def test_every_page_asks_for_the_token_of_its_form(urlconf):
    """But for the API, whose requests carry a token of their own, and the answers of identity providers."""
    found = list(views(get_resolver(urlconf).url_patterns))
    exempt = {module(view) for view in found if getattr(view, "csrf_exempt", False)}

    assert len(found) > 20
    assert {each for each in exempt if not each.startswith(API)} <= {ANSWERS}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/accounts/account/invite/", "/admin/logout/", "/admin/scim/user/"]
)
def test_a_session_alone_sends_nothing(method, path, acme):
    strict = Client(headers={"Host": acme.host}, enforce_csrf_checks=True)
    strict.cookies = clients.signed_in(acme, people.tenant_admin(acme)).cookies

    assert strict.generic(method, path).status_code == 403


def test_a_form_that_another_site_sends_is_refused_though_it_knows_a_token(acme):
    strict = Client(headers={"Host": acme.host}, enforce_csrf_checks=True)
    strict.cookies = clients.signed_in(acme, people.tenant_admin(acme)).cookies
    page = strict.get("/admin/accounts/account/invite/")
    token = str(page.context["csrf_token"])

    answer = strict.post(
        "/admin/logout/", {"csrfmiddlewaretoken": token}, headers={"Origin": "http://mail.example"}
    )

    assert answer.status_code == 403


def test_the_cookies_go_along_with_links_and_no_script_reads_them(acme):
    browser = clients.client_for(acme)
    people.tenant_admin(acme)
    browser.get("/admin/login/")

    browser.post("/admin/login/", {"username": "tara@acme.example", "password": people.PASSWORD})

    assert {
        name: (cookie["samesite"], bool(cookie["httponly"]))
        for name, cookie in browser.cookies.items()
    } == {"csrftoken": ("Lax", True), "sessionid": ("Lax", True)}
