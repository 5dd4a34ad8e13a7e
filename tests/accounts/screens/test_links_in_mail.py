"""Each message that the product sends leads to a page which its reader can open, on their own host."""

import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from accounts.actions import TokenRequest, single_sign_on
from accounts.actions.approvals import request_credential, require_approval
from accounts.actions.single_sign_on import OidcRequest
from accounts.models import Account
from accounts.permissions import STAFF_ROLES, Role
from tenants import clock
from tenants.current import in_tenant
from tenants.models import Tenant
from tests.support import clients, identity, mailing, people
from tests.support.installed import is_installed, needs
from tests.support.pages import nonce_in
from tests.support.payloads import replace, user
from tests.support.people import PASSWORD

ACCOUNTS = "/admin/accounts/account/"
TENANTS = "/admin/tenants/tenant/"
NORA = "nora@acme.example"
# Template -> title of the pages that its links lead to.
TITLES = {
    "invitation.txt": "Choose your password",
    "approval.txt": "Credential requests",
    "certificate.txt": "Single sign-on",
    "sign_on_secret.txt": "Single sign-on",
    "expiry.txt": "Secret tokens",
    "reset.txt": "Choose your password",
    **({"alarm.txt": "Mass deactivations"} if is_installed("guard") else {}),
}


def send(browser, path, **form):
    return browser.post(path, form | {"nonce": nonce_in(browser.get(path))}, follow=True)


def sent():
    """Recipient and links of each message since the last look."""
    messages = mailing.sent()
    return [(message.to, re.findall(r"http://\S+[^\s.]", message.body)) for message in messages]


def follow(url, account=None):
    """Follow a link as the reader of a message, signed in if they have a password."""
    parts = urlsplit(url)
    browser = Client(HTTP_HOST=parts.netloc)
    if account is not None:
        home = "admin" if account.role in STAFF_ROLES else "acme"
        with transaction.atomic(), in_tenant(Tenant.objects.get(custom_domain=home)):
            browser.force_login(account)
    return browser, browser.get(parts.path, follow=True)


def title(page):
    return re.search(r"<h1[^>]*>(.*?)</h1>", page.text, re.DOTALL)[1].strip()


def from_the_tenants_own_site(acme, own_host, alice, olaf):
    send(own_host, f"{ACCOUNTS}invite/", email=NORA, name="")


def from_the_staff_site(acme, own_host, alice, olaf):
    send(alice, f"/t/acme{ACCOUNTS}invite/", email=NORA, name="")


def again_from_the_staff_site(acme, own_host, alice, olaf):
    send(olaf, f"/t/acme{ACCOUNTS}add/", email=NORA, name="", role="admin")
    with in_tenant(acme):
        nora = Account.objects.get(email=NORA)
    send(alice, f"/t/acme{ACCOUNTS}{nora.pk}/invite/")


def again_by_command(acme, own_host, alice, olaf):
    call_command("account", "create", "acme", NORA, role="admin", stderr=StringIO())
    call_command("account", "invite", "acme", NORA, stderr=StringIO())


@pytest.mark.parametrize(
    "inviting",
    [
        from_the_tenants_own_site,
        from_the_staff_site,
        again_from_the_staff_site,
        again_by_command,
    ],
)
def test_an_invitation_leads_to_the_password_and_then_to_the_sign_in(
    inviting, acme, own_host, alice, olaf
):
    inviting(acme, own_host, alice, olaf)

    [(recipients, [invitation, sign_in])] = sent()
    assert recipients == [NORA]
    assert_invited(invitation, sign_in, "http://acme.mypolicies.localhost:8000", NORA)


def test_the_first_admin_of_a_new_tenant_is_invited(olaf):
    bill = "bill@initech.example"
    form = {"custom_domain": "initech", "name": "Initech", "admin_email": bill, "invites": "on"}
    page = send(olaf, f"{TENANTS}add/", **form)

    [(recipients, [invitation, sign_in])] = sent()
    assert recipients == [bill]
    assert f"The invitation to {bill} is queued" in page.text
    assert_invited(invitation, sign_in, "http://initech.mypolicies.localhost:8000", bill)


def test_staff_are_invited_to_the_staff_site(olaf, operator):
    new = "new@mypolicies.example"
    page = send(olaf, f"{ACCOUNTS}add/", email=new, name="", role="auditor")
    path = re.search(r'href="(/admin/accounts/account/[^"]+/invite/)"', page.text)[1]
    send(olaf, path)

    [(recipients, [invitation, sign_in])] = sent()
    assert recipients == [new]
    assert_invited(invitation, sign_in, "http://admin.mypolicies.localhost:8000", new)


def assert_invited(invitation, sign_in, host, email):
    """Both links are on the host, and with the password chosen behind the first the other lets in."""
    assert (sign_in, invitation.startswith(f"{host}/admin/invitation/")) == (f"{host}/admin/", True)
    browser, page = follow(invitation)
    assert (page.status_code, title(page)) == (200, TITLES["invitation.txt"])
    path = urlsplit(invitation).path
    browser.post(path, {"new_password1": PASSWORD, "new_password2": PASSWORD})
    form = {"username": email, "password": PASSWORD}
    answer = browser.post("/admin/login/?next=/admin/", form, follow=True)
    staff_set_up_a_factor = ([("/admin/you/", 302)], "Your account")
    expected = staff_set_up_a_factor if "//admin." in host else ([("/admin/", 302)], "Overview")
    assert (answer.redirect_chain, title(answer)) == expected


def test_a_warning_of_expiry_leads_each_reader_to_the_tokens(acme, tara, staff, minted):
    with time_machine.travel(clock.now() + timedelta(days=340)):
        call_command("warn_of_expiry", stderr=StringIO())

        assert_read(sent(), [tara, *(staff[role] for role in readers())], "expiry.txt")


def test_a_request_for_a_token_leads_those_who_may_approve_it_to_it(acme, tara, staff, command):
    require_approval(command, acme)
    request_credential(command, acme, TokenRequest("Entra", tara.pk, days=30))

    assert_read(sent(), [staff[role] for role in readers()], "approval.txt")


def test_the_end_of_a_signing_certificate_leads_each_reader_to_single_sign_on(
    acme, tara, staff, command
):
    text = identity.metadata("https://login.microsoftonline.com/acme/saml2")
    single_sign_on.set_up_saml(command, acme, text)
    single_sign_on.note_test(command, acme, "saml")
    single_sign_on.enable(command, acme, "saml")
    with time_machine.travel(datetime(2089, 12, 20, tzinfo=UTC)):
        call_command("warn_of_expiry", stderr=StringIO())

        assert_read(sent(), [tara, *(staff[role] for role in readers())], "certificate.txt")


def test_the_end_of_a_sign_on_secret_leads_each_reader_to_single_sign_on(
    acme, tara, staff, command
):
    day = clock.now().date() + timedelta(days=10)
    url = "https://login.microsoftonline.com/acme/v2.0/.well-known/openid-configuration"
    request = OidcRequest(url, identity.CLIENT_ID, identity.CLIENT_SECRET, day)
    single_sign_on.set_up_oidc(command, acme, request)
    single_sign_on.note_test(command, acme, "oidc")
    single_sign_on.enable(command, acme, "oidc")
    call_command("warn_of_expiry", stderr=StringIO())

    assert_read(sent(), [tara, *(staff[role] for role in readers())], "sign_on_secret.txt")


@needs("guard")
def test_an_alarm_leads_each_reader_to_the_deactivations(
    acme, tara, staff, scim, guarded, django_capture_on_commit_callbacks
):
    guarded(acme)
    client = scim(acme)
    person = client.post("/Users", user("bjensen@acme.example")).json
    with django_capture_on_commit_callbacks(execute=True):
        client.patch(f"/Users/{person['id']}", replace("active", "False"))

    messages = sent()
    who = [tara, staff[Role.AUDITOR], *(staff[role] for role in readers())]
    assert_read(messages, who, "alarm.txt")


def readers():
    return (Role.SUPPORT, Role.SUPPORT_LEAD, Role.OPERATOR)


def assert_read(messages, accounts, template):
    """Each account got one message, whose links all lead it to the page."""
    assert sorted(to for [to], _ in messages) == sorted(account.email for account in accounts)
    for [to], links in messages:
        [account] = (account for account in accounts if account.email == to)
        for link in links:
            _, page = follow(link, account)
            assert (page.status_code, title(page)) == (200, TITLES[template]), link


def test_the_link_for_a_forgotten_password_leads_to_a_new_one(acme, operator):
    for tenant, account in (
        (acme, people.tenant_admin(acme)),
        (operator, people.support_staff(operator)),
    ):
        clients.client_for(tenant).post("/admin/forgot/", {"email": account.email})

        [(_, [_, link])] = sent()
        page = follow(link)[1]
        assert link.startswith(f"{tenant.base_url}/admin/reset/")
        assert (page.status_code, title(page)) == (200, TITLES["reset.txt"])


def test_every_message_of_the_product_is_followed_here():
    base = Path(settings.BASE_DIR)

    found = [*base.glob("templates/emails/*"), *base.glob("scim/*/templates/emails/*")]

    assert sorted(path.name for path in found) == sorted(TITLES)
