"""The worker's part of e-mail: takes what is due, makes the messages, sends them, notes the outcome.

A message is taken by moving its next attempt LEASE into the future, in a transaction that ends before
the mail server is spoken to: no lock is held while one waits for it. Of two workers one finds it
taken; what a killed worker had taken is due again after LEASE. So each message is sent at least once,
and twice only if a worker dies between the server's answer and noting it; both then have the same
Message-ID (decision 0023).
"""

import logging
import os
import smtplib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends import filebased
from django.db import Error, transaction
from django.db.models import F
from django.template.loader import render_to_string

from accounts import invitations, links, resets
from accounts.models import Account
from tenants.current import in_public, in_tenant
from tenants.models import Mail, Status, Tenant

BATCH: Final = 20  # messages over one connection
ROUND_SECONDS: Final = 60.0  # after which a round takes up no further message
LEASE: Final = timedelta(minutes=5)  # longer than a round and its last message
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(hours=1)
KEPT: Final = timedelta(days=30)  # how long staff see what became of a message
PURGED: Final = 1_000  # rows a pass

# Values of a message that are not stored but made when it is sent; None: no longer needed.
_MADE_WHEN_SENT: Final[
    Mapping[str, Callable[[Tenant, Account, Mapping[str, Any]], dict[str, Any] | None]]
] = {invitations.TEMPLATE: invitations.mail_values, resets.TEMPLATE: resets.mail_values}
# Failures of one message; any other error of the connection is one of all messages.
_OF_ONE: Final = (
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPSenderRefused,
    smtplib.SMTPDataError,
    smtplib.SMTPNotSupportedError,
)
_SILENT: Final = "The mail server did not answer in time, or ended the connection."
# The first kind that fits counts.
_REASONS: Final[tuple[tuple[type[OSError], str], ...]] = (
    (
        smtplib.SMTPAuthenticationError,
        "The mail server refused EMAIL_USER and EMAIL_PASSWORD ({code}).",
    ),
    (smtplib.SMTPRecipientsRefused, "The mail server refused the recipient ({code})."),
    (smtplib.SMTPSenderRefused, "The mail server refused the sender, EMAIL_FROM ({code})."),
    (smtplib.SMTPDataError, "The mail server refused the message ({code})."),
    (smtplib.SMTPServerDisconnected, _SILENT),
    (smtplib.SMTPException, "The mail server's answer was unexpected ({code})."),
    (TimeoutError, _SILENT),
    (
        ConnectionRefusedError,
        "The mail server refused the connection: check EMAIL_HOST and EMAIL_PORT.",
    ),
)
_GONE: Final = "The account is deactivated, or the message has become pointless."

_logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Round:
    """The outcome of one round; `is_down` when the mail server itself failed."""

    sent: int = 0
    failed: int = 0
    dropped: int = 0
    is_down: bool = False

    @property
    def did_anything(self) -> bool:
        return bool(self.sent or self.failed or self.dropped)


def send_due(now: datetime) -> Round:
    """Send what is due, up to BATCH messages. Needs to be called outside of a transaction."""
    taken = _take(now)
    if not taken:
        return Round()
    connection = get_connection()
    try:
        connection.open()
    except OSError as error:
        return _fail(taken, error, now)
    try:
        return _send(connection, taken, now)
    finally:
        _close(connection)


def purge(now: datetime) -> int:
    """Remove what was done long ago; the number of rows."""
    with in_public():
        old = Mail.objects.filter(done_at__lt=now - KEPT).order_by("done_at")
        keys = list(old.values_list("pk", flat=True)[:PURGED])
        return Mail.objects.filter(pk__in=keys).delete()[0] if keys else 0


def wait(attempts: int) -> timedelta:
    """The delay after so many attempts: doubling, at most an hour."""
    doubled: timedelta = FIRST_WAIT * 2 ** min(attempts - 1, 20)
    return min(doubled, LONGEST_WAIT)


def _take(now: datetime) -> list[Mail]:
    """The messages that are due, oldest first, taken for LEASE; messages to a suspended tenant's people wait."""
    with in_public(), transaction.atomic():
        due = Mail.objects.filter(
            status=Mail.Status.WAITING, retry_at__lte=now, home__status=Status.ACTIVE
        ).select_related("tenant", "home")
        rows = due.select_for_update(skip_locked=True, of=("self",), no_key=True)
        taken = list(rows.order_by("retry_at", "pk")[:BATCH])
        if taken:
            keys = [mail.pk for mail in taken]
            Mail.objects.filter(pk__in=keys).update(
                retry_at=now + LEASE, attempts=F("attempts") + 1
            )
    for mail in taken:
        mail.attempts += 1
    return taken


def _send(connection: Any, taken: Sequence[Mail], now: datetime) -> Round:
    started = time.monotonic()
    sent = failed = dropped = 0
    for place, mail in enumerate(taken):
        if time.monotonic() - started > ROUND_SECONDS:
            _give_back(taken[place:], now)
            break
        try:
            message = compose(mail)
        except Error:
            raise  # the database's trouble: what was taken is due again after LEASE
        except Exception:  # one message that cannot be made is not the others' trouble
            _logger.exception("An e-mail could not be made.", extra={"mail": str(mail.pk)})
            _conclude(mail, Mail.Status.FAILED, now, "The message could not be made; see the log.")
            failed += 1
            continue
        if message is None:
            _conclude(mail, Mail.Status.DROPPED, now, _GONE)
            dropped += 1
            continue
        try:
            connection.send_messages([message])
        except _OF_ONE as error:
            _retry(mail, error, now)
            failed += 1
        except OSError as error:
            rest = _fail(taken[place:], error, now)
            return Round(sent, failed + rest.failed, dropped, is_down=True)
        else:
            _conclude(mail, Mail.Status.SENT, now)
            sent += 1
    return Round(sent, failed, dropped)


def compose(mail: Mail) -> EmailMessage | None:
    """The message; None when its account is no longer active or it has become pointless."""
    with in_tenant(mail.home):
        account = Account.objects.filter(pk=mail.account_id, is_active=True).first()
        if account is None:
            return None
        values: dict[str, Any] | None = mail.values
        if mail.template in _MADE_WHEN_SENT:
            values = _MADE_WHEN_SENT[mail.template](mail.home, account, mail.values)
    if values is None:
        return None
    context = {
        "tenant": mail.tenant,
        "account": account,
        "is_staff": mail.home.is_operator,
        "url": _screen(mail),
        **values,
    }
    text = render_to_string(f"emails/{mail.template}", context).strip()
    subject, _, body = text.partition("\n")
    headers = {"Message-ID": f"<{mail.pk}@{settings.BASE_DOMAIN}>"}
    return EmailMessage(subject, body.strip() + "\n", to=[account.email], headers=headers)


def _screen(mail: Mail) -> str:
    """The screen that the message leads to, on the host on which its reader signs in."""
    screen = mail.values.get("screen")
    if not screen:
        return ""
    if mail.home.is_operator and not mail.tenant.is_operator:
        return links.for_staff(mail.tenant, screen)
    return links.for_accounts(mail.home, screen)


def _conclude(mail: Mail, status: Mail.Status, now: datetime, error: str = "") -> None:
    _note(mail, status=status, done_at=now, error=error)


def _retry(mail: Mail, error: OSError, now: datetime) -> None:
    """Have it sent later, or give it up."""
    if now >= mail.give_up_at:
        _logger.error("An e-mail was given up.", extra={"mail": str(mail.pk)})
        _conclude(mail, Mail.Status.FAILED, now, reason(error))
        return
    _note(mail, retry_at=now + wait(mail.attempts), error=reason(error))


def _fail(mails: Sequence[Mail], error: OSError, now: datetime) -> Round:
    """None of them can be sent."""
    _logger.warning("The mail server failed.", extra={"error": type(error).__name__})
    for mail in mails:
        _retry(mail, error, now)
    return Round(failed=len(mails), is_down=True)


def _give_back(mails: Sequence[Mail], now: datetime) -> None:
    for mail in mails:
        _note(mail, retry_at=now, attempts=mail.attempts - 1)


def _note(mail: Mail, **changes: Any) -> None:
    """Write down the outcome, unless its lease was over and another worker has it."""
    with in_public():
        held = Mail.objects.filter(pk=mail.pk, attempts=mail.attempts, status=Mail.Status.WAITING)
        held.update(**changes)


def _close(connection: Any) -> None:
    try:
        connection.close()
    except OSError:
        _logger.info("The mail server did not end the connection.")


def reason(error: OSError) -> str:
    """The reason why a message was not sent, for staff. Not in the server's words: they may name a person."""
    for kind, words in _REASONS:
        if isinstance(error, kind):
            return words.format(code=_code(error))
    return f"The mail server could not be reached ({type(error).__name__})."


def _code(error: OSError) -> str:
    """The status codes of the mail server's answer."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            return ", ".join(sorted({str(code) for code, _ in error.recipients.values()}))
        case smtplib.SMTPResponseException():
            return str(error.smtp_code)
    return type(error).__name__


class FileBackend(filebased.EmailBackend):
    """Messages as files, for want of a server: readable by nobody else, since a link in one lets in.

    Django's own leaves folder and files to the umask.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        Path(self.file_path).chmod(0o700)  # also one that was made before

    def open(self) -> bool:
        """Begin a new file; False when one is open already."""
        if self.stream is not None:
            return False
        descriptor = os.open(self._get_filename(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.stream = os.fdopen(descriptor, "ab")
        return True
