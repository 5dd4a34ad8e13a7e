"""Sealing a tenant's secrets anew after SECRET_KEY has changed."""

from dataclasses import dataclass
from typing import Final

from accounts import resealing
from accounts.actions.performing import note, performing
from accounts.audit import Actor, Details
from tenants.models import Tenant

RESEAL: Final = "accounts.reseal_secrets"


@dataclass(frozen=True, slots=True)
class Resealed:
    """The outcome for a tenant: the number of secrets that were resealed, and those that cannot be opened."""

    number: int
    unreadable: tuple[str, ...]


def reseal_secrets(actor: Actor, tenant: Tenant) -> Resealed:
    """Seal anew, with SECRET_KEY, every secret of the tenant that was sealed otherwise.

    In transactions of some hundred secrets, each with its entry in the audit log: if it is stopped, the
    next call goes on from there. Secrets that cannot be opened stay as they are. Raises ActionRefused.
    """
    number, unreadable = 0, list[str]()
    for column in resealing.columns():
        after = None
        while True:
            with performing(actor, RESEAL, tenant):
                piece = resealing.reseal(tenant, column, after)
                if piece.resealed:
                    details: Details = {"kind": column.kind, "number": piece.resealed}
                    note(actor, tenant, "secrets resealed", tenant.custom_domain, details)
            number += piece.resealed
            unreadable += [f"{column.kind} of {owner}" for owner in piece.unreadable]
            after = piece.reached
            if after is None:
                break
    return Resealed(number, tuple(unreadable))
