"""Tenant admins invite and remove each other; an invitation is a link that sets a password once."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.db import transaction

from accounts.actions import deactivate_account, set_password
from accounts.models import Account, AuditEntry, SecretToken
from accounts.permissions import Role
from tenants import clock
from tenants.current import in_tenant
from tests.support import mailing
from tests.support.pages import nonce_in
from tests.support.people import PASSWORD

LIST = "/admin/accounts/account/"
NORA = "nora@acme.example"


@pytest.fixture
def at_home(acme, tara, open_browser, command):
    """Tara, acme's admin, at her browser."""
    set_password(command, acme, tara.email, PASSWORD)
    with in_tenant(acme):
        tara.refresh_from_db()
    return open_browser(acme, tara)


def send(browser, path, **form):
    return browser.post(path, form | {"nonce": nonce_in(browser.get(path))}, follow=True)


def invite(browser, email=NORA):
    """The path in the link of the message that is sent; None without one."""
    send(browser, f"{LIST}invite/", email=email, name="Nora")
    messages = mailing.sent()
    if not messages:
        return None
    [message] = messages
    assert message.to == [email]
    return re.findall(
        r"http://acme.mypolicies.localhost:8000(/admin/invitation/\S+)", message.body
    )[0]


def choose(browser, path, password=PASSWORD):
    return browser.post(path, {"new_password1": password, "new_password2": password})


def account(tenant, email):
    with transaction.atomic(), in_tenant(tenant):
        return Account.objects.filter(email=email).first()


def signs_in(browser):
    answer = browser.post("/admin/login/", {"username": NORA, "password": PASSWORD})
    return answer.status_code == 302


def test_an_invited_admin_chooses_a_password_and_signs_in(at_home, acme, open_browser):
    path = invite(at_home)
    browser = open_browser(acme)

    asked = browser.get(path).text
    answer = choose(browser, path)

    assert "For nora@acme.example at Acme Ltd." in asked
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/login/")
    assert account(acme, NORA).role == Role.ADMIN
    assert signs_in(browser)


def test_the_list_of_accounts_offers_the_invitation(at_home):
    assert f'href="{LIST}invite/" class="button">Invite an admin' in at_home.get(LIST).text


def test_a_link_works_once(at_home, acme, open_browser):
    path = invite(at_home)
    choose(open_browser(acme), path)

    again = choose(open_browser(acme), path, "another password of hers")

    assert again.status_code == 410
    assert "This link does not work" in again.text
    assert signs_in(open_browser(acme))


def test_a_link_works_for_three_days(at_home, acme, open_browser):
    path = invite(at_home)

    with time_machine.travel(clock.now() + timedelta(days=3, minutes=1)):
        assert open_browser(acme).get(path).status_code == 410


def test_another_invitation_ends_the_link_before(at_home, acme, open_browser):
    first, second = invite(at_home), invite(at_home)

    assert open_browser(acme).get(first).status_code == 410
    assert open_browser(acme).get(second).status_code == 200


def test_a_link_is_good_on_its_own_tenants_host_only(
    at_home, globex, operator, alice, open_browser
):
    path = invite(at_home)

    assert [open_browser(t).get(path).status_code for t in (globex, operator)] == [410, 410]
    assert alice.get(f"/t/acme{path}").status_code == 404


@pytest.mark.parametrize(
    "value", ["x", "mypscim_invitation_x", f"mypscim_invitation_{'0' * 32}_a_b"]
)
def test_a_made_up_link_is_refused(value, acme, open_browser):
    assert open_browser(acme).get(f"/admin/invitation/{value}/").status_code == 410


def test_a_changed_link_is_refused(at_home, acme, open_browser):
    path = invite(at_home)

    changed = path[:-2] + ("1" if path[-2] == "0" else "0") + "/"
    assert open_browser(acme).get(changed).status_code == 410
    assert choose(open_browser(acme), path[:-3] + "zz/").status_code == 410


def test_a_weak_password_is_refused_and_the_link_stays_good(at_home, acme, open_browser):
    path = invite(at_home)

    refused = choose(open_browser(acme), path, "short")

    assert "The password was not set." in refused.text
    assert open_browser(acme).get(path).status_code == 200


def test_no_log_line_has_the_link(at_home, acme, open_browser, caplog):
    caplog.set_level("DEBUG")
    path = invite(at_home)
    open_browser(acme).get(path)

    said = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    token = path.rstrip("/").rsplit("_", 1)[1]
    assert token not in said


def test_an_account_with_a_password_is_not_invited(at_home, acme):
    assert invite(at_home, "tara@acme.example") is None


def test_a_mail_server_that_fails_delays_the_invitation_and_not_the_act(at_home, acme, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    answer = send(at_home, f"{LIST}invite/", email=NORA, name="")

    assert (
        "The invitation to nora@acme.example is queued. It is sent within a minute." in answer.text
    )
    assert mailing.sent() == []
    assert account(acme, NORA).is_active


def test_the_page_says_that_e_mail_is_delayed_when_it_is(at_home, acme, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    send(at_home, f"{LIST}invite/", email=NORA, name="")
    mailing.sent()

    answer = send(at_home, f"{LIST}invite/", email="nick@acme.example", name="")

    assert "E-mail is delayed at the moment" in answer.text


def test_an_invitation_that_is_replaced_before_it_was_sent_is_not_sent(at_home, acme):
    send(at_home, f"{LIST}invite/", email=NORA, name="")
    send(at_home, f"{LIST}invite/", email=NORA, name="")

    assert [message.to for message in mailing.sent()] == [[NORA]]


def test_an_admin_who_is_removed_before_the_invitation_was_sent_gets_none(at_home, acme):
    send(at_home, f"{LIST}invite/", email=NORA, name="")
    send(at_home, f"{LIST}{account(acme, NORA).pk}/remove/")

    assert mailing.sent() == []


def test_an_admin_who_has_a_password_before_the_invitation_was_sent_gets_none(
    at_home, acme, command
):
    send(at_home, f"{LIST}invite/", email=NORA, name="")
    set_password(command, acme, NORA, PASSWORD)

    assert mailing.sent() == []


def test_an_admin_removes_another_who_can_no_longer_sign_in(at_home, acme, open_browser):
    path = invite(at_home)
    choose(open_browser(acme), path)
    nora = account(acme, NORA)

    send(at_home, f"{LIST}{nora.pk}/remove/")

    assert not account(acme, NORA).is_active
    assert not signs_in(open_browser(acme))


def test_a_removed_admin_is_invited_again(at_home, acme, open_browser):
    choose(open_browser(acme), invite(at_home))
    send(at_home, f"{LIST}{account(acme, NORA).pk}/remove/")

    path = invite(at_home)
    choose(open_browser(acme), path)

    assert signs_in(open_browser(acme))


def test_the_last_admin_is_never_removed(at_home, acme, tara):
    answer = send(at_home, f"{LIST}{tara.pk}/remove/")

    assert "is the last active tenant admin" in answer.text
    assert account(acme, tara.email).is_active


def test_a_tenant_admin_finds_no_account_of_another_tenant(at_home, globex, gus):
    assert at_home.get(f"{LIST}{gus.pk}/remove/").status_code == 404
    assert gus.email not in at_home.get(LIST).text


def test_nobody_is_invited_as_a_tenant_admin_to_the_staff_site(olaf):
    assert olaf.get("/admin/accounts/account/invite/").status_code == 404


def button(browser, path):
    """True if the page of an account offers to send an invitation."""
    return f'href="{path}invite/"' in browser.get(f"{path}change/").text


def test_an_invitation_is_offered_as_long_as_the_account_cannot_sign_in(
    at_home, acme, add, command
):
    path = f"{LIST}{add(acme, NORA, Role.ADMIN).pk}/"
    before = button(at_home, path)
    set_password(command, acme, NORA, PASSWORD)
    signing_in = button(at_home, path)
    deactivate_account(command, acme, NORA)

    assert (before, signing_in, button(at_home, path)) == (True, False, True)


def test_an_account_that_signs_in_is_not_invited_again(at_home, acme, tara):
    answer = send(at_home, f"{LIST}{tara.pk}/invite/")

    assert "has an account tara@acme.example already, which needs no invitation" in answer.text
    assert mailing.sent() == []


def test_a_member_is_not_invited(at_home, acme, add):
    path = f"{LIST}{add(acme, NORA, Role.MEMBER).pk}/"
    answer = send(at_home, f"{path}invite/")

    assert not button(at_home, path)
    assert "is a member: only admins sign in to these pages" in answer.text
    assert mailing.sent() == []


def test_staff_who_were_deactivated_are_reactivated_and_not_invited(olaf, staff, command, operator):
    deactivate_account(command, operator, staff[Role.AUDITOR].email)
    path = f"{LIST}{staff[Role.AUDITOR].pk}/"
    answer = send(olaf, f"{path}invite/")

    assert not button(olaf, path)
    assert "is deactivated: reactivate the account instead" in answer.text
    assert mailing.sent() == []


def test_an_invitation_to_staff_keeps_their_role(olaf, operator, add):
    auditor = add(operator, "new@mypolicies.example", Role.AUDITOR)
    send(olaf, f"{LIST}{auditor.pk}/invite/")

    assert account(operator, auditor.email).role == Role.AUDITOR


def test_support_sends_a_new_link_to_a_tenant_admin_and_it_is_audited(alice, acme, operator, add):
    path = f"/t/acme{LIST}{add(acme, NORA, Role.ADMIN).pk}/"
    answer = send(alice, f"{path}invite/")

    assert f"The invitation to {NORA} is queued" in answer.text
    for tenant in (acme, operator):
        with in_tenant(tenant):
            entry = AuditEntry.objects.filter(act="account invited").get()
        assert (entry.subject, entry.actor) == (NORA, "alice@mypolicies.example (staff)")


def test_inviting_accepting_and_removing_are_audited(at_home, acme, open_browser):
    choose(open_browser(acme), invite(at_home))
    send(at_home, f"{LIST}{account(acme, NORA).pk}/remove/")

    with in_tenant(acme):
        entries = AuditEntry.objects.filter(subject=NORA).order_by("id")
        found = list(entries.values_list("act", "actor"))
        assert entries[0].details == {"role": "admin", "e-mail": "queued"}
        assert SecretToken.objects.count() == 0
    assert found == [
        ("account invited", "tara@acme.example (acme)"),
        ("invitation accepted", "nora@acme.example (acme)"),
        ("account deactivated", "tara@acme.example (acme)"),
    ]
