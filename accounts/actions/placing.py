"""Moving a tenant to another node of the database (tenants.placement), and what a restored one wants."""

from typing import Final

from accounts.actions.performing import authorize, note, refusals
from accounts.audit import Actor
from tenants import numbers, placement
from tenants.current import in_public, in_tenant
from tenants.models import Tenant

MOVE: Final = "tenants.move_tenant"


def move_tenant(actor: Actor, tenant: Tenant, node: str) -> bool:
    """Have a worker hold the tenant's rows; False if it does already. Raises ActionRefused.

    Noted before and after, since a move cannot be part of a transaction with an entry on the node
    that it leaves. The rights of the tables are restricted in either case.
    """
    authorize(actor, MOVE, tenant)
    with refusals(), in_public():
        present = placement.route(tenant.schema_name, node)
    details = {"from": present, "to": node}
    if present != node:
        with in_tenant(tenant):
            note(actor, tenant, "tenant move started", tenant.custom_domain, details)
    with in_public():
        placement.move(tenant.schema_name, node)
    if present != node:
        with in_tenant(tenant):
            note(actor, tenant, "tenant moved", tenant.custom_domain, details)
    return present != node


def catch_up(actor: Actor, tenant: Tenant) -> list[str]:
    """Have the numbers of the tenant's rows go on behind those that there are; the tables in which they did not."""
    authorize(actor, MOVE, tenant)
    with in_public():
        tables = [each.table for each in numbers.catch_up(tenant.schema_name)]
    if tables:
        with in_tenant(tenant):
            note(actor, tenant, "numbers caught up", tenant.custom_domain, {"tables": tables})
    return tables
