"""Inviting tenant admins: an e-mail with a link that sets a password once, for three days."""

from typing import Final

from django.conf import settings
from django.utils import timezone

from accounts import invitations, mail
from accounts.actions.accounts import add_account, get_account, store_password
from accounts.actions.performing import ActionRefused, note, performing
from accounts.audit import Actor, record
from accounts.models import Account, normalize_login
from accounts.permissions import Role
from tenants.current import in_tenant
from tenants.models import Tenant

INVITE: Final = "accounts.invite_account"
_DAY: Final = 86_400  # seconds
_NO_LONGER: Final = (
    "This link no longer works: it was used, it is older than three days, or another invitation was"
    " sent after it. Ask for another invitation."
)


def invite_admin(actor: Actor, tenant: Tenant, email: str, name: str) -> Account:
    """The account of a tenant admin, to whom a link is sent; an earlier link ends.

    An account that has no password yet, or was removed, is invited anew. Raises ActionRefused.
    """
    with performing(actor, INVITE, tenant):
        account = Account.objects.filter(email=normalize_login(email)).first()
        if account is None:
            account = add_account(tenant, email, name, Role.ADMIN)
        else:
            _prepare_again(tenant, account)
        note(actor, tenant, "account invited", account.email, {"role": account.role})
        _send(actor, tenant, account)
    return account


def accept_invitation(tenant: Tenant, value: str, password: str, address: str | None) -> Account:
    """The account that the link is for, with the password. Raises ActionRefused."""
    with in_tenant(tenant):
        found = invitations.find(value, lock=True)
        if found is None:
            raise ActionRefused(_NO_LONGER)
        store_password(found, password)
        record(Actor.account(found, tenant, address), "invitation accepted", found.email)
    return found


def _prepare_again(tenant: Tenant, account: Account) -> None:
    if account.is_active and account.has_usable_password():
        raise ActionRefused(f"{tenant} has an account {account.email} already.")
    account = get_account(tenant, account.pk)
    account.is_active, account.role = True, Role.ADMIN
    account.set_unusable_password()
    account.save(update_fields=["is_active", "role", "password"])


def _send(actor: Actor, tenant: Tenant, account: Account) -> None:
    account.refresh_from_db()
    context = {
        "tenant": tenant,
        "account": account,
        "inviter": actor.name,
        "url": invitations.url(tenant, account),
        "days": settings.PASSWORD_RESET_TIMEOUT // _DAY,
        "now": timezone.now(),
    }
    try:
        mail.send("invitation.txt", [account.email], context)
    except OSError as error:  # smtplib's errors are OSErrors too
        raise ActionRefused(
            f"The invitation could not be sent to {account.email}: the mail server refused it or did"
            " not answer. Nothing was done."
        ) from error
