"""Links between accounts and people: by an invitation, removed by an admin, and used to prove anew."""

from datetime import timedelta

import pytest

from accounts import invitations
from accounts.actions import invite_admin
from accounts.models import Account, AuditEntry, IdentityLink
from accounts.permissions import Role
from tenants import clock
from tenants.current import in_tenant
from tests.support.pages import nonce_in

KINDS = ("oidc", "saml")


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def invited(acme, tara, command, provider, set_up, kind):
    """The path of the invitation of a new admin."""
    set_up(acme, kind)
    account = invite_admin(command, acme, "new@acme.example", "")
    with in_tenant(acme):
        return invitations.LINK.url(acme, account).removeprefix(acme.base_url)


def way_of(page, provider):
    """The URL of the provider on a page."""
    text = page.text.replace("&amp;", "&")
    return provider.base + text.partition(f'href="{provider.base}')[2].partition('"')[0]


def test_an_invited_admin_accepts_by_single_sign_on_and_has_no_password(
    acme, invited, kind, provider, open_browser, visit, come_back
):
    browser = open_browser(acme)
    page = browser.post(invited, {"sign_on": kind})

    answer = come_back(browser, visit.of(way_of(page, provider)))

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    assert browser.get("/admin/").status_code == 200
    with in_tenant(acme):
        account = Account.objects.get(email="new@acme.example")
        assert (account.has_usable_password(), account.identities.count()) == (False, 1)
        assert AuditEntry.objects.filter(act="invitation accepted").exists()
    assert open_browser(acme).get(invited).status_code == 410


def test_an_invitation_is_accepted_once_whoever_comes_back(
    acme, invited, kind, provider, open_browser, visit, come_back
):
    first, second = open_browser(acme), open_browser(acme)
    ways = [way_of(each.post(invited, {"sign_on": kind}), provider) for each in (first, second)]
    come_back(first, visit.of(ways[0]))

    late = come_back(second, visit.of(ways[1]))

    assert (late.status_code, "no longer works" in late.text) == (403, True)
    assert second.get("/admin/").status_code == 302


def test_an_invitation_of_another_tenant_links_nobody(
    globex, gus, invited, kind, provider, set_up, open_browser
):
    set_up(globex, kind)

    assert open_browser(globex).post(invited, {"sign_on": kind}).status_code == 410


def test_an_admin_unlinks_an_account_whose_sessions_end(
    acme, tara, add, set_up, link, kind, open_browser, visit, come_back
):
    set_up(acme, kind)
    link(acme, tara, kind)
    admin = open_browser(acme, add(acme, "second@acme.example", Role.ADMIN))
    browser = open_browser(acme)
    come_back(browser, visit(browser, f"/admin/sso/{kind}/start/"))
    path = f"/admin/accounts/account/{tara.pk}/unlink/"

    admin.post(path, {"nonce": nonce_in(admin.get(path))})

    assert browser.get("/admin/").status_code == 302
    assert come_back(browser, visit(browser, f"/admin/sso/{kind}/start/")).status_code == 403
    with in_tenant(acme):
        assert not IdentityLink.objects.exists()


def old(browser, tenant):
    """Make the browser's last proof an hour old."""
    with in_tenant(tenant):
        session = browser.session
        session["proof"] = {"at": (clock.now() - timedelta(hours=1)).isoformat(), "method": "x"}
        session.save()


def proved_by(browser, tenant):
    """The method of the browser's last proof."""
    with in_tenant(tenant):
        return browser.session["proof"]["method"]


def test_single_sign_on_proves_anew_who_is_signed_in(
    acme, tara, set_up, link, kind, own_host, provider, visit, come_back
):
    set_up(acme, kind)
    link(acme, tara, kind)
    old(own_host, acme)
    wanted = f"/admin/accounts/account/{tara.pk}/remove/"

    asked = own_host.get(wanted)
    page = own_host.get(asked.headers["Location"]).text
    answer = come_back(own_host, visit(own_host, f"/admin/sso/{kind}/renew/?next={wanted}"))

    assert f'href="/admin/sso/{kind}/renew/?next=' in page
    assert (answer.status_code, answer.headers["Location"]) == (302, wanted)
    assert own_host.get(wanted).status_code == 200
    assert proved_by(own_host, acme) == "single sign-on"


def test_an_old_sign_in_at_the_provider_proves_nothing_anew(
    acme, tara, set_up, link, kind, own_host, provider, visit, come_back
):
    set_up(acme, kind)
    link(acme, tara, kind)
    old(own_host, acme)
    provider.authenticated_at = clock.now() - timedelta(hours=3)
    back = visit(own_host, f"/admin/sso/{kind}/renew/")
    provider.answers = {"auth_time": int(provider.authenticated_at.timestamp())}

    answer = come_back(own_host, back)

    assert (answer.status_code, "sso.not-renewed" in answer.text) == (403, True)
    assert proved_by(own_host, acme) == "x"


def test_another_person_proves_nothing(
    acme, tara, add, set_up, link, kind, own_host, visit, come_back
):
    set_up(acme, kind)
    link(acme, add(acme, "second@acme.example", Role.ADMIN), kind)
    old(own_host, acme)

    answer = come_back(own_host, visit(own_host, f"/admin/sso/{kind}/renew/"))

    assert (answer.status_code, "sso.linked" in answer.text) == (403, True)
    assert proved_by(own_host, acme) == "x"


def test_settings_ask_for_a_recent_proof(acme, own_host):
    old(own_host, acme)

    answer = own_host.get("/admin/accounts/identityprovider/set-up-saml/")

    assert answer.headers["Location"].startswith("/admin/confirm/")
