"""Actions on the accounts of a tenant: who may sign in there, and as what."""

import unicodedata
from typing import Final
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts import guessing, sessions
from accounts.actions.performing import (
    ActionRefused,
    authorize,
    note,
    one_line,
    performing,
)
from accounts.audit import Actor
from accounts.models import EMAIL_LENGTH, NAME_LENGTH, Account, normalize_login
from accounts.permissions import STAFF_ROLES, TENANT_ROLES, UNLOCK, Role
from accounts.sso import rules
from tenants import clock, lifecycle
from tenants.backend.base import violated_constraint
from tenants.current import in_tenant
from tenants.errors import about
from tenants.lettercase import fold
from tenants.models import Tenant

EMAIL_UNIQUE: Final = "accounts_account_email_key"  # the constraint's name

CREATE: Final = "accounts.add_account"
CHANGE: Final = "accounts.change_account"
REMOVE: Final = "accounts.remove_account"


def create_account(actor: Actor, tenant: Tenant, email: str, name: str, role: Role) -> Account:
    """A new account of the tenant, without a password until one is set.

    `name` may be empty. Raises ActionRefused.
    """
    with performing(actor, CREATE, tenant):
        account = add_account(tenant, email, name, role)
        note(actor, tenant, "account created", account.email, {"role": account.role})
    return account


def create_staff(
    actor: Actor, email: str, password: str, role: Role = Role.OPERATOR, name: str = ""
) -> Account:
    """A new staff account that can sign in; the first one is an operator, who may do everything.

    Makes the staff tenant if there is none yet. Raises ActionRefused.
    """
    authorize(actor, CREATE, None)
    with transaction.atomic():
        tenant = lifecycle.create_operator_tenant()
        with in_tenant(tenant):
            if role != Role.OPERATOR and not _lock_leaders(tenant):
                raise ActionRefused(
                    "account.no-operator",
                    "There is no active operator yet: create one first, with the role operator.",
                )
            account = add_account(tenant, email, name, role)
            store_password(account, password)
            note(actor, tenant, "account created", account.email, {"role": account.role})
    return account


def set_password(actor: Actor, tenant: Tenant, email: str, password: str) -> None:
    """Give an account a password, which ends its sessions. Raises ActionRefused."""
    with performing(actor, CHANGE, tenant):
        account = get_account(tenant, email)
        store_password(account, password)
        note(actor, tenant, "password set", account.email, {})


def unlock_account(actor: Actor, tenant: Tenant, email: str) -> Account:
    """The account, whose failed sign-ins are forgotten. Raises ActionRefused."""
    with performing(actor, CHANGE if tenant.is_operator else UNLOCK, tenant):
        account = get_account(tenant, email)
        if guessing.locked_until(account, clock.now()) is None:
            raise ActionRefused("action.too-late", f"{account.email} is not locked any more.")
        guessing.unlock(account)
        note(actor, tenant, "sign-in unlocked", account.email, {})
    return account


def change_role(actor: Actor, tenant: Tenant, email: str, role: Role) -> Account:
    """The account in its new role; never takes the last active admin away. Raises ActionRefused."""
    with performing(actor, CHANGE, tenant):
        _check_role(tenant, role)
        leaders = _lock_leaders(tenant)
        account = get_account(tenant, email)
        former, account.role = account.role, role
        if role != leading_role(tenant):
            _check_others_lead(account, leaders)
        account.save(update_fields=["role"])
        sessions.end_all(account)
        note(actor, tenant, "role changed", account.email, {"from": former, "to": role.value})
    return account


def deactivate_account(actor: Actor, tenant: Tenant, email: str) -> Account:
    """The account, which can no longer sign in; never the last active admin. Raises ActionRefused."""
    return _deactivate(actor, tenant, email, CHANGE)


def remove_admin(actor: Actor, tenant: Tenant, email: str) -> Account:
    """Remove one of the tenant's admins: the account, deactivated; never the last one.

    Raises ActionRefused.
    """
    return _deactivate(actor, tenant, email, REMOVE)


def _deactivate(actor: Actor, tenant: Tenant, email: str, permission: str) -> Account:
    with performing(actor, permission, tenant):
        leaders = _lock_leaders(tenant)
        account = get_account(tenant, email)
        _check_others_lead(account, leaders)
        account.is_active = False
        account.save(update_fields=["is_active"])
        sessions.end_all(account)
        note(actor, tenant, "account deactivated", account.email, {})
    return account


def reactivate_account(actor: Actor, tenant: Tenant, email: str) -> Account:
    """The account, which can sign in again with its former password. Raises ActionRefused."""
    with performing(actor, CHANGE, tenant):
        account = get_account(tenant, email)
        account.is_active = True
        account.save(update_fields=["is_active"])
        note(actor, tenant, "account reactivated", account.email, {})
    return account


def add_account(tenant: Tenant, email: str, name: str, role: Role) -> Account:
    """A new account in the current tenant, which `tenant` is; the caller audits it.

    Raises ActionRefused, after which nothing but a rollback is possible.
    """
    with about("role"):
        _check_role(tenant, role)
    with about("email"):
        address = _read_address(email)
    account = Account(email=address, role=role)
    account.name = one_line(name, "The name", NAME_LENGTH, "name") if name.strip() else ""
    account.set_unusable_password()
    with about("email"):
        _insert(tenant, account, email)
    return account


def _insert(tenant: Tenant, account: Account, email: str) -> None:
    """Store the new account, whose address was written so. Raises ActionRefused."""
    try:
        account.clean_fields()
        account.save(force_insert=True)
    except ValidationError as error:
        raise ActionRefused(
            "account.email-invalid", f"{email.strip()!r} is not an e-mail address."
        ) from error
    except IntegrityError as error:
        if violated_constraint(error) != EMAIL_UNIQUE:
            raise
        raise ActionRefused(
            "account.exists", f"{tenant} has an account {account.email} already."
        ) from error


def _read_address(email: str) -> str:
    """The key of an address, which mail reaches too. Raises ActionRefused.

    Django's validator lets a few letters pass that are ASCII in another case only, such as `İ`; and
    the key of `ß` is `ss`, which is another domain.
    """
    typed = unicodedata.normalize("NFC", email.strip())
    local, _, domain = typed.rpartition("@")
    if not local.isascii():
        raise ActionRefused(
            "account.email-invalid",
            f"{typed!r} is not an e-mail address: before the @ it has to be ASCII.",
        )
    if fold(domain) != domain.lower():
        raise ActionRefused(
            "account.email-invalid",
            f"{typed!r} has a letter that has two spellings. Write xn--… after the @.",
        )
    return normalize_login(typed)


def get_account(tenant: Tenant, account: str | UUID) -> Account:
    """The current tenant's account with that e-mail address or id. Raises ActionRefused."""
    if isinstance(account, str):
        email = one_line(account, "The e-mail address", EMAIL_LENGTH)
        found = Account.objects.filter(email=normalize_login(email)).first()
    else:
        found = Account.objects.filter(id=account).first()
    if found is None:
        raise ActionRefused("action.not-found", f"{tenant} has no account {account}.")
    return found


def get_admin(tenant: Tenant, account: str | UUID, what: str) -> Account:
    """The current tenant's account, an active admin, for whom `what` is issued.

    Raises ActionRefused.
    """
    with about("issued_for"):
        found = get_account(tenant, account)
        if found.role != Role.ADMIN or not found.is_active:
            raise ActionRefused(
                "account.not-admin",
                f"{found.email} is not an active tenant admin: {what} is issued for one.",
            )
        return found


def leading_role(tenant: Tenant) -> Role:
    """The role that a tenant cannot be without."""
    return Role.OPERATOR if tenant.is_operator else Role.ADMIN


def _check_role(tenant: Tenant, role: Role) -> None:
    roles = STAFF_ROLES if tenant.is_operator else TENANT_ROLES
    if role not in roles:
        choices = ", ".join(choice.value for choice in roles)
        raise ActionRefused(
            "account.role", f"{role} is no role in {tenant}: choose one of {choices}."
        )


def _lock_leaders(tenant: Tenant) -> list[Account]:
    """The active accounts with the leading role, locked: of two who demote each other one waits.

    Not the keys: a token minted for one of them meanwhile refers to the key when it commits.
    """
    leaders = Account.objects.filter(role=leading_role(tenant), is_active=True)
    return list(leaders.select_for_update(no_key=True).order_by("id"))


def _check_others_lead(account: Account, leaders: list[Account]) -> None:
    if rules.is_break_glass(account):
        raise ActionRefused(
            "sso.break-glass",
            f"{account.email} is the one account that signs in by password: choose another one, or"
            " allow passwords again, first.",
        )
    if leaders == [account]:
        raise ActionRefused(
            "account.last",
            f"{account.email} is the last active {leaders[0].get_role_display().lower()}: "
            "make another account one first.",
        )


def store_password(account: Account, password: str) -> None:
    """Give the account the password, which ends its sessions; the caller audits it. Raises ActionRefused."""
    try:
        validate_password(password, account)
    except ValidationError as error:
        with about("password"):
            raise ActionRefused("account.password", " ".join(error.messages)) from error
    account.set_password(password)
    account.save(update_fields=["password"])
    sessions.end_all(account)
