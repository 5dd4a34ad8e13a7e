"""Single sign-on from the set-up to the sign-in, in Chromium, against identity providers run beside it.

The providers are another site than the tenant's host, so cookies travel as they do with Microsoft Entra ID.
"""

import pytest

from tests.support import identity
from tests.support.identity import CLIENT_ID, CLIENT_SECRET
from tests.support.server import DEMO
from tests.support.signing_in import sign_in
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser

ADMIN = f"admin@{DEMO}.example"
PASSWORD = "a password that only the admin knows"


@pytest.fixture(scope="module")
def provider():
    with identity.running() as running:
        yield running


@pytest.fixture
def page(server, open_page):
    """A window in which the demo tenant's admin is signed in by password."""
    given = server.manage("set_password", DEMO, ADMIN, given=PASSWORD)
    assert given.returncode == 0, given.stderr
    page = open_page()
    violations = []
    page.on("console", lambda message: violations.append(message.text))
    sign_in(page, server.url(DEMO), ADMIN, PASSWORD)
    yield page
    assert violations == []


def set_up_oidc(page, provider):
    page.get_by_role("link", name="Set up OpenID Connect").click()
    page.get_by_label("OpenID Connect metadata document").fill(provider.document_url)
    page.get_by_label("Application (client) ID").fill(CLIENT_ID)
    page.get_by_label("Client secret", exact=True).fill(CLIENT_SECRET)


def set_up_saml(page, provider):
    page.get_by_role("link", name="Set up SAML").click()
    file = {"name": "metadata.xml", "mimeType": "text/xml", "buffer": provider.metadata.encode()}
    page.get_by_label("Federation Metadata XML").set_input_files(file)


def sign_in_there(page):
    page.get_by_role("button", name="Sign in as Tara").click()


def can_be_tested(page):
    page.reload()
    return page.get_by_role("link", name="Test", exact=True).count() == 1


@pytest.mark.parametrize(
    ("set_up", "protocol"), [(set_up_oidc, "OpenID Connect"), (set_up_saml, "SAML")]
)
def test_an_admin_sets_it_up_tests_it_links_and_signs_in(page, server, provider, set_up, protocol):
    page.get_by_role("link", name="Single sign-on").first.click()
    set_up(page, provider)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Single sign-on:").wait_for()
    # The worker reads the provider's documents within seconds.
    wait_until(lambda: can_be_tested(page), "the documents were read")

    page.get_by_role("link", name="Test", exact=True).click()
    sign_in_there(page)
    page.get_by_role("heading", name="The test succeeded").wait_for()
    page.get_by_text("No account yet").wait_for()
    page.get_by_role("link", name="Go to single sign-on").click()

    page.get_by_role("link", name="Enable", exact=True).click()
    page.get_by_role("button", name="Enable single sign-on").click()
    page.get_by_role("link", name="Link my account").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Continue to the identity provider").click()
    sign_in_there(page)
    page.get_by_text("can sign in by single sign-on from now on").wait_for()

    page.context.clear_cookies()
    page.goto(server.url(DEMO, "/admin/setup/"))
    page.get_by_role("link", name="Sign in with Microsoft Entra ID").first.click()
    sign_in_there(page)
    page.get_by_role("heading", name="Set up Entra").wait_for()

    page.get_by_role("link", name="Single sign-on").first.click()
    page.get_by_role("link", name=protocol, exact=True).click()
    page.get_by_role("link", name="Disable", exact=True).click()
    page.get_by_role("button", name="Disable single sign-on").click()
    page.get_by_text("Single sign-on is disabled.").wait_for()
