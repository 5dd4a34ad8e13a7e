"""Actions on the second factors of others: the rule that a tenant needs them, and the reset of a lost one."""

from typing import Final
from uuid import UUID

from accounts import factors, sessions
from accounts.actions.accounts import CHANGE, get_account
from accounts.actions.performing import note, one_line, performing
from accounts.audit import Actor
from accounts.models import REASON_LENGTH, Account, Rule, Session
from accounts.permissions import REQUIRE_FACTOR, RESET_FACTORS
from tenants.models import Tenant

_REQUIRED: Final = "second factor required"
_NOT_REQUIRED: Final = "second factor no longer required"


def require_factor(actor: Actor, tenant: Tenant, *, but: str = "") -> None:
    """Have every account of the tenant need a second factor, and end the sessions of those without.

    `but` is the key of a session that stays. Raises ActionRefused.
    """
    with performing(actor, REQUIRE_FACTOR, tenant):
        Rule.objects.get_or_create(name=factors.REQUIRED)
        Session.objects.filter(account__factors=None).exclude(session_key=but).delete()
        note(actor, tenant, _REQUIRED, tenant.custom_domain, {})


def stop_requiring_factor(actor: Actor, tenant: Tenant) -> None:
    """Let the accounts of the tenant do with a password. Raises ActionRefused."""
    with performing(actor, REQUIRE_FACTOR, tenant):
        Rule.objects.filter(name=factors.REQUIRED).delete()
        note(actor, tenant, _NOT_REQUIRED, tenant.custom_domain, {})


def reset_factors(actor: Actor, tenant: Tenant, account: str | UUID, reason: str) -> Account:
    """The account, without second factors and sessions; it can set one up again.

    Raises ActionRefused.
    """
    with performing(actor, CHANGE if tenant.is_operator else RESET_FACTORS, tenant):
        found = get_account(tenant, account)
        why = one_line(reason, "The reason", REASON_LENGTH, "reason")
        count = factors.remove_all(found)
        sessions.end_all(found)
        note(actor, tenant, "second factors reset", found.email, {"factors": count, "reason": why})
    return found
