"""E-mail to accounts, queued: a row a recipient, in the transaction of the action that causes it.

Nothing is sent here, so no action, request or lock waits for a mail server; accounts.mailing sends it
within seconds (decision 0023). A text template's first line is the subject; each recipient gets a
message alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q

from accounts.models import Account
from accounts.permissions import Role
from tenants import clock
from tenants.current import in_public, in_tenant
from tenants.models import Mail, Tenant

GIVE_UP: Final = timedelta(days=3)  # after it was queued
PROMPT: Final = timedelta(minutes=1)  # the worker looks every two seconds
Value = str | int | bool
_WAITING: Final = Mail.Status.WAITING


@dataclass(frozen=True, slots=True)
class Recipient:
    """An account, by the tenant in which it signs in."""

    home: Tenant
    account_id: UUID


@dataclass(frozen=True, slots=True)
class Notice:
    """The content of an e-mail: a file in a folder templates/emails, the tenant it is about, and values.

    The values are stored, so they name no person and hold no secret. The screen with the URL name
    `screen` is linked to, on the host on which the reader signs in.
    """

    template: str
    tenant: Tenant
    values: Mapping[str, Value] = field(default_factory=dict)
    screen: str = ""


def queue(notice: Notice, recipients: Iterable[Recipient], now: datetime) -> int:
    """Have the notice sent to each recipient; the number of messages. One statement.

    They are sent when the transaction is committed, and vanish with it.
    """
    values = {**notice.values, "screen": notice.screen} if notice.screen else dict(notice.values)
    mails = [
        Mail(
            id=clock.new_id(now),
            tenant=notice.tenant,
            home=recipient.home,
            account_id=recipient.account_id,
            template=notice.template,
            values=values,
            queued_at=now,
            retry_at=now,
            give_up_at=now + GIVE_UP,
        )
        for recipient in recipients
    ]
    return len(Mail.objects.bulk_create(mails))


def again(sent: Mail, now: datetime) -> Mail:
    """Have the same told to the same account once more."""
    return Mail.objects.create(
        id=clock.new_id(now),
        tenant=sent.tenant,
        home=sent.home,
        account_id=sent.account_id,
        template=sent.template,
        values=sent.values,
        queued_at=now,
        retry_at=now,
        give_up_at=now + GIVE_UP,
    )


def drop(recipient: Recipient, template: str, now: datetime) -> None:
    """Take back what is still waiting of the template for the recipient: one statement."""
    waiting = Mail.objects.filter(
        home=recipient.home, account_id=recipient.account_id, template=template, status=_WAITING
    )
    waiting.update(status=Mail.Status.DROPPED, done_at=now, error="Another one was queued.")


def prospect(now: datetime) -> str:
    """The sentence that says when a message queued now is sent: one statement."""
    late = Q(queued_at__lt=now - PROMPT) | Q(attempts__gt=0)
    with in_public():
        is_late = Mail.objects.filter(late, status=_WAITING).exists()
    if is_late:
        return "E-mail is delayed at the moment; the message is sent as soon as possible."
    return "It is sent within a minute."


def tenant_admins(tenant: Tenant) -> list[Recipient]:
    """The tenant's active admins."""
    with in_tenant(tenant):
        admins = Account.objects.filter(role=Role.ADMIN, is_active=True).order_by("email")
        return [Recipient(tenant, key) for key in admins.values_list("pk", flat=True)]


def staff_who_may(permission: str) -> list[Recipient]:
    """The active staff accounts whose role includes the permission."""
    with in_public():
        operator = Tenant.objects.filter(is_operator=True).first()
    if operator is None:
        return []
    with in_tenant(operator):
        accounts = list(Account.objects.filter(is_active=True).order_by("email"))
    return [Recipient(operator, each.pk) for each in accounts if each.has_perm(permission)]
