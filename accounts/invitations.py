"""The link in an invitation (accounts.signed_links).

It ends when it is used, when another is sent, and after PASSWORD_RESET_TIMEOUT.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator

from accounts import mail
from accounts.models import Account, AuditEntry
from accounts.signed_links import SignedLink
from tenants.models import Tenant

TEMPLATE: Final = "invitation.txt"
_DAY: Final = 86_400  # seconds


class _Tokens(PasswordResetTokenGenerator):
    key_salt = "accounts.invitations"


LINK: Final = SignedLink("mypscim_invitation_", "admin:invitation", _Tokens())


def mail_values(
    tenant: Tenant, account: Account, values: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The values of the message, made when it is sent: the link and, by its audit entry, the inviter.

    None when the account has a password by now, which the link would replace. `tenant` is current.
    """
    if account.has_usable_password():
        return None
    entry = AuditEntry.objects.filter(pk=values["entry"]).first()
    is_personal = entry is not None and not values["is_by_command"]
    return {
        "inviter": entry.actor if entry and is_personal else "myPolicies",
        "url": LINK.url(tenant, account),
        "days": settings.PASSWORD_RESET_TIMEOUT // _DAY,
    }


def prospect(email: str, now: datetime) -> str:
    """The sentences for the inviter: when the message is sent, and how long its link works."""
    days = settings.PASSWORD_RESET_TIMEOUT // _DAY
    return (
        f"The invitation to {email} is queued. {mail.prospect(now)} Its link works once, for {days}"
        " days."
    )
