"""The world of single sign-on: people, browsers, and an identity provider on this machine."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from accounts.actions import single_sign_on
from accounts.actions.single_sign_on import OidcRequest
from accounts.sso import documents
from tenants.current import in_tenant
from tests.support import identity
from tests.support.at_screens import *
from tests.support.identity import CLIENT_ID, CLIENT_SECRET


@pytest.fixture(scope="session")
def running_provider():
    with identity.running() as provider:
        yield provider


@pytest.fixture
def provider(running_provider):
    running_provider.answers, running_provider.keys = {}, ("signing",)
    running_provider.authenticated_at = None
    running_provider.asked.clear()
    return running_provider


@pytest.fixture
def set_up(provider, command):
    """Set OpenID Connect and SAML up for a tenant, tested and enabled."""

    def make(tenant, *kinds):
        for kind in kinds or ("oidc", "saml"):
            if kind == "oidc":
                request = OidcRequest(provider.document_url, CLIENT_ID, CLIENT_SECRET)
                single_sign_on.set_up_oidc(command, tenant, request)
                documents.advance(tenant)
            else:
                single_sign_on.set_up_saml(command, tenant, provider.metadata)
            single_sign_on.note_test(command, tenant, kind)
            single_sign_on.enable(command, tenant, kind)

    return make


@pytest.fixture
def link(command, provider):
    """Link an account with Tara's person at the provider."""

    def make(tenant, account, kind):
        issuer = provider.issuer if kind == "oidc" else identity.SAML_ISSUER
        subject = f"{identity.DIRECTORY}/{identity.OBJECT_ID}"
        person = single_sign_on.Identity(single_sign_on.Kind(kind), issuer, subject)
        with in_tenant(tenant):
            return single_sign_on.link_account(command, tenant, account, person)

    return make


@pytest.fixture
def visit(provider):
    """Have a browser sign in at the provider; the path and fields with which it comes back."""

    def go(browser, path):
        sent = browser.get(path)
        assert sent.status_code == 302, sent.text
        return sign_in_there(sent.headers["Location"])

    def sign_in_there(url):
        query = dict(parse_qsl(urlsplit(url).query))
        if "SAMLRequest" in query:
            form = provider.saml_form(query)
            return {"SAMLResponse": form.partition('value="')[2].partition('"')[0]}
        return {"code": provider.code_for(query), "state": query["state"]}

    go.of = sign_in_there
    return go


@pytest.fixture
def come_back():
    """Bring the provider's answer back; the last answer to the browser."""

    def back(browser, fields):
        if "SAMLResponse" not in fields:
            return browser.get("/admin/sso/oidc/", fields)
        taken = browser.post("/admin/sso/saml/", fields)
        if taken.status_code != 303:
            return taken
        return browser.get(taken.headers["Location"])

    return back
