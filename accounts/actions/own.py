"""Actions of a signed-in account on itself."""

from collections.abc import Callable
from uuid import UUID

from accounts import factors, sessions
from accounts.actions.performing import ActionRefused, note, one_line, performing
from accounts.audit import Actor
from accounts.models import LABEL_LENGTH, Account, Factor
from accounts.passkeys import PasskeyError
from accounts.permissions import OWN_ACCOUNT
from tenants import clock
from tenants.errors import about
from tenants.models import Tenant


def end_other_sessions(actor: Actor, tenant: Tenant, account: Account, session_key: str) -> int:
    """End all sessions of the account but the one with that key; their number. Raises ActionRefused."""
    with performing(actor, OWN_ACCOUNT, tenant):
        count = sessions.end_all(account, but=session_key)
        note(actor, tenant, "other sessions ended", account.email, {"sessions": count})
    return count


def add_authenticator_app(
    actor: Actor, tenant: Tenant, account: Account, secret: str, code: str
) -> list[str]:
    """Have the account's app give codes from now on; its recovery codes if these are its first ones.

    Raises ActionRefused.
    """
    with performing(actor, OWN_ACCOUNT, tenant):
        period = factors.is_code_of(secret, "".join(code.split()), clock.now())
        if period is None:
            with about("code"):
                raise ActionRefused(
                    "factor.code",
                    "This is not the code that the app shows now. Type the newest one; if it is refused"
                    " again, check the clock of the device.",
                )
        factor = factors.add_app(account, tenant, secret, period)
        note(actor, tenant, "second factor added", account.email, {"factor": str(factor)})
        if factors.recovery_codes_left(account):
            return []
        return factors.new_recovery_codes(account)


def add_passkey(
    actor: Actor, tenant: Tenant, account: Account, name: str, make: Callable[[str], Factor]
) -> list[str]:
    """Keep a passkey that `make` makes under the name; recovery codes if these are its first ones.

    Raises ActionRefused.
    """
    with performing(actor, OWN_ACCOUNT, tenant):
        called = one_line(name, "The name", LABEL_LENGTH, "name")
        try:
            factor = make(called)
        except PasskeyError:
            raise ActionRefused(
                "factor.passkey", "The browser made no passkey that works here. Try again."
            ) from None
        note(actor, tenant, "second factor added", account.email, {"factor": str(factor)})
        if factors.recovery_codes_left(account):
            return []
        return factors.new_recovery_codes(account)


def make_recovery_codes(actor: Actor, tenant: Tenant, account: Account) -> list[str]:
    """New recovery codes; the former ones end. Raises ActionRefused."""
    with performing(actor, OWN_ACCOUNT, tenant):
        codes = factors.new_recovery_codes(account)
        note(actor, tenant, "recovery codes made", account.email, {"codes": len(codes)})
    return codes


def remove_factor(actor: Actor, tenant: Tenant, account: Account, factor_id: UUID | str) -> None:
    """Remove a factor of the account; with the last one its recovery codes. Raises ActionRefused."""
    with performing(actor, OWN_ACCOUNT, tenant):
        own = factors.of_account(account)
        factor = own.filter(pk=factor_id).first()
        if factor is None:
            raise ActionRefused("action.too-late", "It has been removed in the meantime.")
        if own.count() == 1 and factors.is_required(tenant):
            raise ActionRefused(
                "factor.last", "A second factor is required here: add another one before."
            )
        factor.delete()
        if not own.exists():
            factors.remove_all(account)
        note(actor, tenant, "second factor removed", account.email, {"factor": str(factor)})
