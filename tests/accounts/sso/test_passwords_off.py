"""Without passwords: all sign in by single sign-on, but for one account that is kept for bad days."""

import pytest

from accounts import actions
from accounts.actions import ActionRefused, single_sign_on
from accounts.models import AuditEntry
from accounts.permissions import Role
from tenants.current import in_tenant
from tests.support.authenticators import Authenticator, add, options_on
from tests.support.pages import nonce_in
from tests.support.people import PASSWORD

LIST = "/admin/accounts/identityprovider/"


@pytest.fixture
def gwen(acme, add, command):
    """The break-glass account of acme."""
    account = add(acme, "glass@acme.example", Role.ADMIN)
    actions.set_password(command, acme, account.email, PASSWORD)
    return account


@pytest.fixture
def with_passwords(acme, tara, command, set_up, link):
    """Tara has a password and is linked."""
    set_up(acme, "oidc")
    actions.set_password(command, acme, tara.email, PASSWORD)
    link(acme, tara, "oidc")
    with in_tenant(acme):
        tara.refresh_from_db()
    return tara


@pytest.fixture
def off(acme, with_passwords, gwen, command):
    single_sign_on.require(command, acme, "oidc", gwen.email)


def sign_in(browser, email):
    return browser.post("/admin/login/", {"username": email, "password": PASSWORD})


def test_an_admin_switches_passwords_off_and_on_again(acme, with_passwords, gwen, open_browser):
    browser = open_browser(acme, with_passwords)
    with in_tenant(acme):
        path = f"{LIST}{single_sign_on.IdentityProvider.objects.get().pk}"

    nonce = nonce_in(browser.get(f"{path}/require/"))
    browser.post(f"{path}/require/", {"nonce": nonce, "break_glass": gwen.email})
    refused = sign_in(open_browser(acme), with_passwords.email)
    page = open_browser(acme).get("/admin/login/").text
    nonce = nonce_in(browser.get(f"{path}/allow-passwords/"))
    browser.post(f"{path}/allow-passwords/", {"nonce": nonce})

    assert (refused.status_code, "Sign-in failed." in refused.text) == (200, True)
    assert "Passwords are switched off here" in page
    assert sign_in(open_browser(acme), with_passwords.email).status_code == 302
    with in_tenant(acme):
        acts = AuditEntry.objects.filter(act__startswith="passwords").order_by("id")
        assert list(acts.values_list("act", "details")) == [
            ("passwords switched off", {"break-glass": gwen.email}),
            ("passwords switched on", {}),
        ]


def test_the_break_glass_account_signs_in_by_password(acme, off, gwen, open_browser):
    assert sign_in(open_browser(acme), gwen.email).status_code == 302


def test_single_sign_on_goes_on(acme, off, open_browser, visit, come_back):
    browser = open_browser(acme)

    assert come_back(browser, visit(browser, "/admin/sso/oidc/start/")).status_code == 302


def test_staff_and_other_tenants_are_unaffected(
    acme, globex, gus, operator, staff, off, command, open_browser
):
    actions.set_password(command, globex, gus.email, PASSWORD)
    olaf = staff[Role.OPERATOR]
    actions.set_password(command, operator, olaf.email, PASSWORD)

    assert sign_in(open_browser(globex), gus.email).status_code == 302
    assert sign_in(open_browser(operator), olaf.email).status_code == 302


@pytest.mark.parametrize("action", ["disable", "remove"])
def test_the_only_way_in_is_not_closed(acme, off, command, action):
    with pytest.raises(ActionRefused) as caught:
        getattr(single_sign_on, action)(command, acme, "oidc")

    assert caught.value.reason == "sso.required"


def test_another_directory_waits_until_passwords_work_again(acme, off, provider, command):
    url = f"{provider.base}/other/v2.0/.well-known/openid-configuration"
    request = single_sign_on.OidcRequest(url, "a client", "a secret")

    with pytest.raises(ActionRefused) as caught:
        single_sign_on.set_up_oidc(command, acme, request)

    assert caught.value.reason == "sso.required"


def test_the_break_glass_account_stays(acme, off, gwen, command):
    for refused in (
        lambda: actions.deactivate_account(command, acme, gwen.email),
        lambda: actions.remove_admin(command, acme, gwen.email),
        lambda: actions.change_role(command, acme, gwen.email, Role.MEMBER),
    ):
        with pytest.raises(ActionRefused) as caught:
            refused()
        assert caught.value.reason == "sso.break-glass"


def test_it_is_an_active_admin_with_a_password(acme, with_passwords, add, command):
    add(acme, "without@acme.example", Role.ADMIN)
    add(acme, "member@acme.example", Role.MEMBER)

    reasons = []
    for email in ("without@acme.example", "member@acme.example", "nobody@acme.example"):
        with pytest.raises(ActionRefused) as caught:
            single_sign_on.require(command, acme, "oidc", email)
        reasons.append(caught.value.reason)

    assert reasons == ["sso.break-glass", "account.not-admin", "action.not-found"]


def test_nobody_locks_themselves_out(acme, with_passwords, gwen, command):
    """Gwen is not linked: she could not sign in again once it is somebody else's turn."""
    with pytest.raises(ActionRefused) as caught:
        single_sign_on.require(command, acme, "oidc", with_passwords.email, own=gwen)

    assert caught.value.reason == "sso.not-linked"


def test_a_passkey_is_refused_like_a_password_but_for_the_break_glass_account(
    acme, with_passwords, gwen, command, open_browser
):
    keys = [Authenticator(acme), Authenticator(acme)]
    keys[1].id = b"the other one"
    with in_tenant(acme):
        gwen.refresh_from_db()
    for key, account in zip(keys, (with_passwords, gwen), strict=True):
        add(open_browser(acme, account), key)
    single_sign_on.require(command, acme, "oidc", gwen.email)

    answers = []
    for key in keys:
        browser = open_browser(acme)
        options = options_on(browser.get("/admin/login/passkey/"))
        answers.append(browser.post("/admin/login/passkey/", {"credential": key.signed(options)}))

    assert [answer.status_code for answer in answers] == [200, 302]
    assert "Sign-in failed. The passkey has to be" in answers[0].text
