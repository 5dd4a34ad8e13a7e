"""Approval by a second person: the rule, and what waits for one before a credential is generated.

The rule holds in a tenant, or in all of them while it stands in staff's own (`support`).
"""

from datetime import timedelta
from typing import Final

from accounts.models import Rule
from tenants.current import in_public, in_tenant
from tenants.models import Tenant

REQUIRED: Final = "credentials need approval"  # the rule's name
WAITS: Final = timedelta(hours=24)  # from the request until it is generated


def are_required() -> bool:
    """True if a second person has to approve credentials of the current tenant."""
    return stands() or _stand_for_all()


def _stand_for_all() -> bool:
    with in_public():
        operator = Tenant.objects.filter(is_operator=True).first()
    if operator is None:
        return False
    with in_tenant(operator):
        return stands()


def stands() -> bool:
    """True if the current tenant has the rule itself; staff's own stands for all."""
    return Rule.objects.filter(name=REQUIRED).exists()
