"""A forgotten password: a link is asked for by anybody, and used by whoever reads the account's mail."""

import uuid
from typing import Final

from accounts import guessing, mail, resets
from accounts.actions.accounts import store_password
from accounts.actions.performing import ActionRefused
from accounts.audit import Actor, record
from accounts.guessing import Attempt
from accounts.models import Account
from tenants import clock
from tenants.current import in_tenant
from tenants.models import Tenant

_NO_LONGER: Final = (
    "This link no longer works: it was used, it is older than an hour, or you have signed in since. Ask"
    " for another one."
)
_TOO_MANY: Final = "Too many links were asked for from your address. Try again in an hour."


def ask_for_link(tenant: Tenant, attempt: Attempt) -> None:
    """Have the account that is named sent a link; the same is done for an unknown one, whose mail is dropped.

    At most three an account in five minutes; more are asked for in vain. Raises ActionRefused for an
    address that asks for too many.
    """
    now = clock.now()
    with in_tenant(tenant):
        of_login, of_address = guessing.count_links(attempt, now)
        if of_address > guessing.LINKS_OF_ADDRESS:
            raise ActionRefused("password.links", _TOO_MANY)
        if of_login > guessing.LINKS_OF_LOGIN:
            return
        account = Account.objects.filter(email=attempt.login, is_active=True).first()
        subject = account.email if account else guessing.NOBODY
        record(Actor("somebody", attempt.address), "password link asked for", subject)
        recipient = mail.Recipient(tenant, account.pk if account else uuid.uuid4())
        mail.queue(mail.Notice(resets.TEMPLATE, tenant), [recipient], now)


def reset_password(tenant: Tenant, value: str, password: str, address: str | None) -> Account:
    """The account that the link is for, with the password, unlocked, its sessions ended.

    Raises ActionRefused.
    """
    with in_tenant(tenant):
        found = resets.LINK.find(value, lock=True)
        if found is None:
            raise ActionRefused("password.link-ended", _NO_LONGER)
        store_password(found, password)
        guessing.unlock(found)
        record(Actor.account(found, tenant, address), "password reset by link", found.email)
    return found
