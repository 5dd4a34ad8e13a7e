"""Invitations, an e-mail with a link that sets a password once; and another try of any e-mail."""

from typing import Final
from uuid import UUID

from accounts import invitations, mail
from accounts.actions.accounts import CHANGE, add_account, get_account, store_password
from accounts.actions.performing import ActionRefused, note, note_all, performing
from accounts.audit import Act, Actor, record
from accounts.models import Account, normalize_login
from accounts.permissions import STAFF_ROLES, Role
from accounts.sso import rules
from tenants import clock
from tenants.current import in_public, in_tenant
from tenants.errors import about
from tenants.models import Mail, Tenant

RETRY: Final = "tenants.retry_mail"
RETRIABLE: Final = (Mail.Status.WAITING, Mail.Status.FAILED)
INVITE: Final = "accounts.invite_account"
_NO_LONGER: Final = (
    "This link no longer works: it was used, it is older than three days, or another invitation was"
    " sent after it. Ask for another invitation."
)


def invite_admin(actor: Actor, tenant: Tenant, email: str, name: str) -> Account:
    """The account of a tenant admin, to whom a link is sent; an earlier link ends.

    An account that has no password yet, or was removed, is invited again. Raises ActionRefused.
    """
    with performing(actor, INVITE, tenant):
        if tenant.is_operator:
            raise ActionRefused(
                "invitation.staff", "Staff are no tenant admins: add an account, then invite it."
            )
        account = Account.objects.filter(email=normalize_login(email)).first()
        if account is None:
            account = add_account(tenant, email, name, Role.ADMIN)
        else:
            with about("email"):
                _prepare_again(tenant, account)
        invite(actor, tenant, account)
    return account


def send_invitation(actor: Actor, tenant: Tenant, account: str | UUID) -> Account:
    """The account, to which another link is sent; the one before ends. Of a tenant or of staff.

    A tenant admin who was removed is one again with it. `account` is an e-mail address or an id.
    Raises ActionRefused.
    """
    with performing(actor, CHANGE if tenant.is_operator else INVITE, tenant):
        found = get_account(tenant, account)
        if found.role not in {Role.ADMIN, *STAFF_ROLES}:
            raise ActionRefused(
                "account.not-admin",
                f"{found.email} is a member: only admins sign in to these pages.",
            )
        _prepare_again(tenant, found)
        invite(actor, tenant, found)
    return found


def invite(actor: Actor, tenant: Tenant, account: Account) -> None:
    """Have the account sent its link and audit it; `tenant` is the current one.

    A message that is still waiting is taken back, as its link would end.
    """
    mail.drop(mail.Recipient(tenant, account.pk), invitations.TEMPLATE, clock.now())
    invite_new(actor, tenant, account)


def invite_new(actor: Actor, tenant: Tenant, account: Account, created: Act | None = None) -> None:
    """`invite` for an account that has not been invited yet; the tenant's creation is audited with it."""
    invited = Act("account invited", account.email, {"role": account.role, "e-mail": "queued"})
    acts = [created, invited] if created else [invited]
    *_, entry = note_all(actor, tenant, acts, is_new=created is not None)
    values: dict[str, mail.Value] = {"entry": entry.pk, "is_by_command": actor.is_command}
    notice = mail.Notice(invitations.TEMPLATE, tenant, values)
    mail.queue(notice, [mail.Recipient(tenant, account.pk)], clock.now())


def can_be_invited(tenant: Tenant, account: Account) -> bool:
    """True if the account cannot sign in for want of an invitation.

    Staff who were deactivated are not invited: an operator reactivates them.
    """
    if account.is_active:
        return not (account.has_usable_password() or rules.is_linked(account))
    return not tenant.is_operator


def accept_invitation(tenant: Tenant, value: str, password: str, address: str | None) -> Account:
    """The account that the link is for, with the password. Raises ActionRefused."""
    with in_tenant(tenant):
        found = invitations.LINK.find(value, lock=True)
        if found is None:
            raise ActionRefused("invitation.ended", _NO_LONGER)
        store_password(found, password)
        record(Actor.account(found, tenant, address), "invitation accepted", found.email)
    return found


def retry_mail(actor: Actor, mail_id: UUID) -> Mail:
    """The message, which is tried again at once and for three more days. Raises ActionRefused."""
    with in_public():
        found = Mail.objects.select_related("tenant").filter(pk=mail_id).first()
    if found is None:
        raise ActionRefused("action.not-found", "There is no such e-mail.")
    with performing(actor, RETRY, found.tenant):
        now = clock.now()
        waiting = Mail.objects.filter(pk=mail_id, status__in=RETRIABLE, retry_at=found.retry_at)
        changed = waiting.update(
            status=Mail.Status.WAITING, retry_at=now, give_up_at=now + mail.GIVE_UP, done_at=None
        )
        if not changed:
            raise ActionRefused(
                "action.too-late", "It has been sent, or tried again, in the meantime."
            )
        note(actor, found.tenant, "e-mail queued again", str(found), {"id": str(mail_id)})
    return found


def send_again(actor: Actor, mail_id: UUID) -> Mail:
    """A new message like one that was sent, made from what is true now. Raises ActionRefused."""
    with in_public():
        found = Mail.objects.select_related("tenant", "home").filter(pk=mail_id).first()
    if found is None:
        raise ActionRefused("action.not-found", "There is no such e-mail.")
    with performing(actor, RETRY, found.tenant):
        if found.status != Mail.Status.SENT:
            raise ActionRefused("action.too-late", "It has not been sent: send it now instead.")
        now = clock.now()
        made = mail.again(found, now)
        note(actor, found.tenant, "e-mail sent again", str(found), {"id": str(made.pk)})
    return made


def _prepare_again(tenant: Tenant, account: Account) -> None:
    if not can_be_invited(tenant, account):
        raise ActionRefused(
            "account.exists",
            f"{tenant} has an account {account.email} already, which needs no invitation."
            if account.is_active
            else f"{account.email} is deactivated: reactivate the account instead.",
        )
    account.is_active = True
    account.role = account.role if tenant.is_operator else Role.ADMIN
    account.set_unusable_password()
    account.save(update_fields=["is_active", "role", "password"])
