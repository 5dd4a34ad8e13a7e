"""E-mail is queued by the action that causes it and sent by a worker: at least once, and never lost."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core import mail as sending
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import call_command
from django.db import connection, transaction

from accounts import actions, mail, mailing
from accounts.actions import ActionRefused
from accounts.actions.mails import retry_mail
from accounts.mail import Notice, Recipient
from accounts.models import Account, AuditEntry
from accounts.permissions import MINT, Role
from tenants import clock as clocks
from tenants import lifecycle
from tenants.current import in_public, in_tenant
from tenants.models import Mail
from tests.support import mail_server, people
from tests.support import mailing as worker

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
EXPIRY = {
    "kind": "Secret token",
    "name": "Entra",
    "expires": "2026-12-03 at 10:00 UTC",
    "days": 8,
    "support": "support@mypolicies.example",
}
SCREEN = "admin:accounts_secrettoken_changelist"
BACKEND = "tests.accounts.test_mailing."


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def _patience(settings):
    settings.EMAIL_TIMEOUT = 0.3


def queue(tenant, *recipients):
    """Queue a message about the tenant to its admins, or to those given."""
    notice = Notice("expiry.txt", tenant, EXPIRY, SCREEN)
    return mail.queue(notice, recipients or mail.tenant_admins(tenant), clocks.now())


def queued():
    with in_public():
        return list(Mail.objects.order_by("queued_at", "pk"))


def test_a_queued_message_is_sent_once_to_each_recipient_alone(acme, globex, tara, gus, operator):
    people.support_staff(operator)
    queue(acme, *mail.tenant_admins(acme), *mail.staff_who_may(MINT))
    queue(globex)

    messages = worker.sent()

    assert [message.to for message in messages] == [
        ["tara@acme.example"],
        ["gus@globex.example"],
        ["alice@mypolicies.example"],
    ]
    assert worker.sent() == []
    assert {each.status for each in queued()} == {"sent"}


def test_a_message_links_to_the_host_on_which_its_reader_signs_in(acme, tara, operator):
    people.support_staff(operator)
    queue(acme, *mail.tenant_admins(acme), *mail.staff_who_may(MINT))

    own, theirs = (message.body for message in worker.sent())

    assert "http://acme.mypolicies.localhost:8000/admin/accounts/secrettoken/" in own
    assert "http://admin.mypolicies.localhost:8000/t/acme/admin/accounts/secrettoken/" in theirs


def test_a_message_vanishes_with_the_act_that_is_rolled_back(acme, tara):
    def fail():
        with in_tenant(acme):
            queue(acme)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert (queued(), worker.sent()) == ([], [])


def test_an_address_that_was_corrected_meanwhile_counts(acme, tara):
    queue(acme)
    with in_tenant(acme):
        Account.objects.update(email="tara.new@acme.example")

    assert [message.to for message in worker.sent()] == [["tara.new@acme.example"]]


def test_the_registry_keeps_no_address_no_name_and_no_link(acme, tara, command):
    actions.invite_admin(command, acme, "nora@acme.example", "Nora")

    with in_public(), connection.cursor() as cursor:
        cursor.execute("SELECT m::text FROM tenants_mail AS m")
        [(row,)] = cursor.fetchall()
    assert not any(word in row for word in ("nora", "@", "http", "mypscim", command.name))


def test_a_mail_server_that_never_answers_delays_the_message_alone(acme, tara, command, settings):
    with mail_server.running(settings, is_silent=True):
        actions.invite_admin(command, acme, "nora@acme.example", "Nora")
        done = mailing.send_due(clocks.now())

    assert (done.failed, done.is_down) == (1, True)
    [waiting] = queued()
    assert (waiting.status, waiting.attempts, waiting.error) == (
        "waiting",
        1,
        "The mail server did not answer in time, or ended the connection.",
    )
    assert waiting.retry_at == NOW + timedelta(seconds=30)


def test_a_message_that_failed_is_sent_later_once(acme, tara, settings, clock):
    queue(acme)
    with mail_server.running(settings, is_silent=True):
        mailing.send_due(clocks.now())
    with mail_server.running(settings) as server:
        early = mailing.send_due(clocks.now())
        clock.shift(31)
        later = [mailing.send_due(clocks.now()).sent for _ in range(2)]

        assert (early.sent, later, server.recipients) == (0, [1, 0], ["tara@acme.example"])


def test_the_delay_grows_to_an_hour():
    assert [mailing.wait(number).total_seconds() for number in (1, 2, 3, 7, 8, 99)] == [
        30,
        60,
        120,
        1920,
        3600,
        3600,
    ]


def test_a_refused_recipient_does_not_keep_the_others_from_their_message(
    acme, globex, tara, gus, settings
):
    queue(acme)
    queue(globex)
    with mail_server.running(settings) as server:
        server.refused.add("tara@acme.example")
        done = mailing.send_due(clocks.now())

        assert (done.sent, done.failed, done.is_down) == (1, 1, False)
        assert server.recipients == ["gus@globex.example"]
    [error] = [each.error for each in queued() if each.error]
    assert error == "The mail server refused the recipient (550)."


def test_a_message_is_given_up_after_three_days_and_a_log_line_says_so(
    acme, tara, settings, clock, caplog
):
    queue(acme)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    attempts = 0
    while queued()[0].status == "waiting":
        attempts += 1
        mailing.send_due(clocks.now())
        clock.move_to(max(queued()[0].retry_at, clocks.now()))

    assert clocks.now() - NOW >= timedelta(days=3)
    assert attempts < 90
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR] == [
        "An e-mail was given up."
    ]
    assert "tara" not in caplog.text


def test_a_message_that_was_given_up_can_be_tried_again(acme, tara, command, settings, clock):
    queue(acme)
    [waiting] = queued()
    with in_public():
        Mail.objects.update(status="failed", done_at=NOW, error="It failed.")
    clock.shift(60)

    retry_mail(command, waiting.pk)

    assert len(worker.sent()) == 1
    with in_tenant(acme):
        entry = AuditEntry.objects.order_by("-id").first()
    assert (entry.act, entry.subject) == ("e-mail queued again", "Expiry about Acme Ltd")
    with pytest.raises(ActionRefused, match="has been sent"):
        retry_mail(command, waiting.pk)


def test_a_message_to_people_of_a_suspended_tenant_waits(acme, tara):
    queue(acme)
    with in_public():
        lifecycle.suspend(acme)
    meanwhile = worker.sent()
    with in_public():
        lifecycle.resume(acme)

    assert (meanwhile, len(worker.sent())) == ([], 1)


def test_a_message_to_an_account_that_is_gone_is_dropped(acme, globex, tara, gus):
    queue(acme, Recipient(acme, gus.pk))

    assert worker.sent() == []
    assert [each.status for each in queued()] == ["dropped"]


def test_a_message_that_cannot_be_made_does_not_hold_up_the_others(acme, tara, caplog):
    queue(acme)
    with in_public():
        Mail.objects.update(template="no-such.txt")
    queue(acme)

    assert len(worker.sent()) == 1
    assert sorted(each.status for each in queued()) == ["failed", "sent"]


def test_finished_messages_are_removed_after_30_days(acme, tara, clock):
    queue(acme)
    worker.sent()
    queue(acme)
    clock.shift(timedelta(days=30, seconds=1))

    assert mailing.purge(clocks.now()) == 1
    assert [each.status for each in queued()] == ["waiting"]


def test_the_command_lists_what_waits_with_the_reason_and_no_address(acme, tara, settings):
    queue(acme)
    with mail_server.running(settings, is_silent=True):
        mailing.send_due(clocks.now())
    out = StringIO()

    call_command("mail", "list", stdout=out)

    headings, row = out.getvalue().splitlines()
    assert headings.split("  ")[0] == "ID"
    assert row.split()[3:9] == ["acme", "expiry", "tenant", "admin", "waiting", "1"]
    assert row.endswith("The mail server did not answer in time, or ended the connection.")


class Killed(EmailBackend):
    """A worker that dies after the server has taken the message, before that is written down."""

    def send_messages(self, messages):
        super().send_messages(messages)
        raise SystemExit


def test_a_killed_worker_loses_nothing_and_a_second_copy_has_the_same_message_id(
    acme, tara, settings, clock
):
    queue(acme)
    settings.EMAIL_BACKEND = BACKEND + "Killed"
    with pytest.raises(SystemExit):
        mailing.send_due(clocks.now())
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    at_once = worker.sent()
    clock.shift(mailing.LEASE + timedelta(seconds=1))

    again = worker.sent()

    assert (at_once, len(again)) == ([], 1)
    first, second = (message.extra_headers["Message-ID"] for message in sending.outbox[-2:])
    assert first == second


class Watching(EmailBackend):
    """Notes whether a transaction is open while the mail server is spoken to."""

    seen: list[bool] = []

    def send_messages(self, messages):
        self.seen.append(connection.in_atomic_block)
        return super().send_messages(messages)


@pytest.fixture
def admins(real_tenants, command):
    """Admins of two tenants, committed."""
    for tenant in real_tenants:
        with transaction.atomic():
            for number in range(15):
                email = f"a{number}@{tenant.custom_domain}.example"
                actions.create_account(command, tenant, email, "", Role.ADMIN)
    return real_tenants


def test_two_workers_send_each_message_once_and_hold_no_lock_meanwhile(admins, settings):
    settings.EMAIL_BACKEND = BACKEND + "Watching"
    Watching.seen, sending.outbox = [], []
    for tenant in admins:
        queue(tenant)

    def work(_number):
        try:
            while mailing.send_due(clocks.now()).did_anything:
                pass
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))

    expected = {f"a{n}@{tenant.custom_domain}.example" for tenant in admins for n in range(15)}
    assert sorted(message.to[0] for message in sending.outbox) == sorted(expected)
    assert Watching.seen == [False] * 30


def test_the_worker_command_sends_what_is_due_and_ends(acme, tara):
    queue(acme)

    call_command("run_jobs", "--once")

    assert [each.status for each in queued()] == ["sent"]
