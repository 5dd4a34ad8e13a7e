"""The feature of keeping: how long things are kept, and what a legal hold keeps longer."""

from collections.abc import Iterable
from typing import Final

from django.contrib.admin import AdminSite

from accounts.actions import backups
from accounts.console.screen import add_panel
from accounts.refusals import TENANTS, Refusal
from scim.keeping import pruning
from scim.keeping.retention_screen import RetentionPanel
from scim.provider.features import Feature, Job
from tenants.models import Tenant


class Keeping(Feature):
    """Log and history are kept as long as a tenant's retention says, and under a legal hold longer."""

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        add_panel(staff_site, Tenant, RetentionPanel)

    def refusals(self) -> Iterable[Refusal]:
        return _REFUSALS

    def jobs(self) -> Iterable[Job]:
        return (
            Job("prune", pruning.tenants_with_work, pruning.advance),
            Job("remove", backups.tenants_to_remove, backups.remove_deleted),
        )


_HOLD: Final = "myPolicies: legal holds"
_REFUSALS: Final = (
    Refusal(
        "hold.present",
        "The tenant or the user is under legal hold already.",
        _HOLD,
        "Nothing: the hold is in force.",
        TENANTS,
    ),
    Refusal(
        "hold.absent",
        "There is no such legal hold.",
        _HOLD,
        "Nothing: it was lifted, or never set.",
        TENANTS,
    ),
)
FEATURE = Keeping()
