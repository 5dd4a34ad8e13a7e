"""The link in an invitation: which account it is for, proved without being stored.

Django's own tokens for setting a password: signed with the secret key over the account's id, address,
password and last sign-in, so a link ends when it is used, when another is sent, and after
PASSWORD_RESET_TIMEOUT. Written as one word behind the prefix of our secrets, so that logs leave it
out (scim.provider.provisioning_log) and scanners find it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator

from accounts import links, mail
from accounts.models import Account, AuditEntry
from tenants.models import Tenant

PREFIX: Final = "mypscim_invitation_"
TEMPLATE: Final = "invitation.txt"
_DAY: Final = 86_400  # seconds


class _Tokens(PasswordResetTokenGenerator):
    key_salt = "accounts.invitations"


_tokens: Final = _Tokens()


def url(tenant: Tenant, account: Account) -> str:
    """The link for the account of that tenant, on the host where it signs in."""
    value = f"{PREFIX}{account.pk.hex}_{_tokens.make_token(account).replace('-', '_')}"
    return links.for_accounts(tenant, "admin:invitation", value)


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
        "url": url(tenant, account),
        "days": settings.PASSWORD_RESET_TIMEOUT // _DAY,
    }


def prospect(email: str, now: datetime) -> str:
    """The sentences for the inviter: when the message is sent, and how long its link works."""
    days = settings.PASSWORD_RESET_TIMEOUT // _DAY
    return (
        f"The invitation to {email} is queued. {mail.prospect(now)} Its link works once, for {days}"
        " days."
    )


def find(value: str, *, lock: bool = False) -> Account | None:
    """The current tenant's account that a link's word is good for now; None when it is not.

    With `lock` its row is held until the transaction ends, so that a link is used once.
    """
    identifier, _, token = value.removeprefix(PREFIX).partition("_")
    try:
        key = UUID(hex=identifier)
    except ValueError:
        return None
    accounts = Account.objects.select_for_update(no_key=True) if lock else Account.objects.all()
    account = accounts.filter(pk=key, is_active=True).first()
    if account is None or not value.startswith(PREFIX):
        return None
    return account if _tokens.check_token(account, token.replace("_", "-")) else None
