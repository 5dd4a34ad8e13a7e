"""Links that are good once for one account, proved without being stored.

Signed by Django's own tokens for setting a password: with the secret key, over the account's id, address,
password and last sign-in. Written as one word behind a prefix of our secrets, so that logs leave it out
(scim.provider.provisioning_log) and scanners find it.
"""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.tokens import PasswordResetTokenGenerator

from accounts import links
from accounts.models import Account
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class SignedLink:
    """A kind of link: the prefix of its word, the URL name of the page it leads to, and what signs it."""

    prefix: str
    page: str
    tokens: PasswordResetTokenGenerator

    def url(self, tenant: Tenant, account: Account) -> str:
        """The link for the account of that tenant, on the host where it signs in."""
        token = self.tokens.make_token(account).replace("-", "_")
        return links.for_accounts(tenant, self.page, f"{self.prefix}{account.pk.hex}_{token}")

    def find(self, value: str, *, lock: bool = False) -> Account | None:
        """The current tenant's account that a link's word is good for now; None when it is not.

        With `lock` its row is held until the transaction ends, so that a link is used once.
        """
        identifier, _, token = value.removeprefix(self.prefix).partition("_")
        try:
            key = UUID(hex=identifier)
        except ValueError:
            return None
        accounts = Account.objects.select_for_update(no_key=True) if lock else Account.objects.all()
        account = accounts.filter(pk=key, is_active=True).first()
        if account is None or not value.startswith(self.prefix):
            return None
        return account if self.tokens.check_token(account, token.replace("_", "-")) else None
