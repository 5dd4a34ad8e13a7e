"""The link for a forgotten password (accounts.signed_links), made when the message is sent.

It ends when it is used, when its account signs in or gets another password, and an hour after it was made.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.utils.http import base36_to_int

from accounts.models import Account
from accounts.signed_links import SignedLink
from accounts.sso import rules
from tenants.models import Tenant

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


LINK: Final = SignedLink("mypscim_reset_", "admin:reset", _Tokens())


def mail_values(
    tenant: Tenant, account: Account, _values: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The values of the message; None for an account that does not sign in by a password."""
    if not account.has_usable_password() or not rules.may_use_password(account):
        return None
    return {"url": LINK.url(tenant, account), "minutes": MINUTES}
