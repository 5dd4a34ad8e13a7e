"""The link for a forgotten password: which account it is for, proved without being stored.

Signed like the link of an invitation (accounts.invitations), under a key of its own: it ends when it is used,
when its account signs in or gets another password, and an hour after it was made. It is made when the
message is sent.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.utils.http import base36_to_int

from accounts import links
from accounts.models import Account
from accounts.sso import rules
from tenants.models import Tenant

PREFIX: Final = "mypscim_reset_"
TEMPLATE: Final = "reset.txt"
MINUTES: Final = 60


class _Tokens(PasswordResetTokenGenerator):
    key_salt = "accounts.resets"

    def check_token(self, user: Any, token: str | None) -> bool:
        """True if it is the account's and not older than MINUTES."""
        if not super().check_token(user, token):
            return False
        made = base36_to_int(str(token).partition("-")[0])
        return self._num_seconds(self._now()) - made <= MINUTES * 60


_tokens: Final = _Tokens()


def url(tenant: Tenant, account: Account) -> str:
    """The link for the account of that tenant, on the host where it signs in."""
    value = f"{PREFIX}{account.pk.hex}_{_tokens.make_token(account).replace('-', '_')}"
    return links.for_accounts(tenant, "admin:reset", value)


def mail_values(
    tenant: Tenant, account: Account, _values: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The values of the message; None for an account that does not sign in by a password."""
    if not account.has_usable_password() or not rules.may_use_password(account):
        return None
    return {"url": url(tenant, account), "minutes": MINUTES}


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
