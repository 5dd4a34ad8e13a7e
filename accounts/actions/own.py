"""Actions of a signed-in account on itself."""

from accounts import sessions
from accounts.actions.performing import note, performing
from accounts.audit import Actor
from accounts.models import Account
from accounts.permissions import OWN_ACCOUNT
from tenants.models import Tenant


def end_other_sessions(actor: Actor, tenant: Tenant, account: Account, session_key: str) -> int:
    """End all sessions of the account but the one with that key; their number. Raises ActionRefused."""
    with performing(actor, OWN_ACCOUNT, tenant):
        count = sessions.end_all(account, but=session_key)
        note(actor, tenant, "other sessions ended", account.email, {"sessions": count})
    return count
