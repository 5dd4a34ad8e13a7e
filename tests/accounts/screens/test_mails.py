"""E-mails on the staff site: what waits and why, and *Send now*."""

from datetime import timedelta

import pytest

from accounts import mail, mailing
from accounts.mail import Notice
from accounts.permissions import Role
from tenants import clock
from tenants.current import in_public
from tenants.models import Mail
from tests.support import mailing as worker
from tests.support.pages import nonce_in

LIST = "/admin/tenants/mail/"
EXPIRY = {
    "kind": "Secret token",
    "name": "Entra",
    "expires": "2026-12-03 at 10:00 UTC",
    "days": 8,
    "support": "support@mypolicies.example",
}


@pytest.fixture
def delayed(acme, tara, settings):
    """A message to tara that the mail server did not take."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    now = clock.now() - timedelta(minutes=6)
    notice = Notice("expiry.txt", acme, EXPIRY, "admin:accounts_secrettoken_changelist")
    mail.queue(notice, mail.tenant_admins(acme), now)
    mailing.send_due(clock.now())
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    with in_public():
        return Mail.objects.get()


REASON = "The mail server refused the connection: check EMAIL_HOST and EMAIL_PORT."


def test_the_list_says_what_is_delayed_and_why(alice, delayed):
    page = alice.get(LIST)

    assert "Expiry about Acme Ltd" in page.text
    assert "Admin of Acme Ltd" in page.text
    assert REASON in page.text
    assert "Delayed" in page.text
    assert alice.get(f"{LIST}?state=sent").context["cl"].result_count == 0


def test_the_overview_says_that_e_mail_is_not_being_sent(alice, delayed):
    page = alice.get("/admin/")

    assert "1 e-mail has not been sent." in page.text
    assert REASON in page.text
    worker.sent()
    with in_public():
        Mail.objects.update(status="sent")
    assert "has not been sent" not in alice.get("/admin/").text


def test_the_page_looks_the_address_up(alice, delayed):
    assert "tara@acme.example (Admin of Acme Ltd)" in alice.get(f"{LIST}{delayed.pk}/change/").text


def test_send_now_tries_it_again_at_once(alice, delayed):
    path = f"{LIST}{delayed.pk}/retry/"

    answer = alice.post(path, {"nonce": nonce_in(alice.get(path))}, follow=True)

    assert "The e-mail is tried again within a few seconds." in answer.text
    assert [message.to for message in worker.sent()] == [["tara@acme.example"]]
    assert "Send now" not in alice.get(f"{LIST}{delayed.pk}/change/").text


@pytest.mark.parametrize(
    ("role", "status"), [(Role.AUDITOR, 403), (Role.SUPPORT, 200), (Role.OPERATOR, 200)]
)
def test_auditors_see_it_and_support_acts_on_it(
    role, status, operator, staff, delayed, open_browser
):
    browser = open_browser(operator, staff[role])

    assert browser.get(f"{LIST}{delayed.pk}/change/").status_code == 200
    assert browser.get(f"{LIST}{delayed.pk}/retry/").status_code == status


def test_a_tenants_own_site_has_no_such_screen(globex, gus, delayed, open_browser):
    assert open_browser(globex, gus).get(LIST).status_code == 404


@pytest.fixture
def sent(acme, tara):
    """A warning that tara got."""
    notice = Notice("expiry.txt", acme, EXPIRY, "admin:accounts_secrettoken_changelist")
    mail.queue(notice, mail.tenant_admins(acme), clock.now())
    mailing.send_due(clock.now())
    with in_public():
        return Mail.objects.get()


def test_a_sent_e_mail_is_sent_again_to_the_same_person(alice, sent, tara, mailoutbox):
    path = f"{LIST}{sent.pk}/again/"
    page = alice.post(path, {"nonce": nonce_in(alice.get(path))}, follow=True)
    mailing.send_due(clock.now())

    assert "Another e-mail is on its way." in page.text
    assert [message.to for message in mailoutbox] == [[tara.email]] * 2
    with in_public():
        assert list(Mail.objects.values_list("status", flat=True)) == ["sent", "sent"]


def test_an_e_mail_that_was_not_sent_is_not_sent_again(alice, delayed):
    path = f"{LIST}{delayed.pk}/again/"
    page = alice.post(path, {"nonce": nonce_in(alice.get(path))}, follow=True)

    assert "It has not been sent: send it now instead." in page.text
    with in_public():
        assert Mail.objects.count() == 1
