"""The feature of keeping: retention, legal holds, and the erasure of personal data."""

from collections.abc import Iterable, Mapping
from typing import Final

from django.contrib.admin import AdminSite

from accounts.actions import backups
from accounts.console.screen import add_panel
from accounts.refusals import TENANTS, Refusal
from scim.keeping import erasing, pruning
from scim.keeping.erasure_command import Erase, Erasures
from scim.keeping.erasure_screen import ErasurePanel
from scim.keeping.retention_screen import RetentionPanel
from scim.models import User
from scim.provider.features import Feature, Job
from tenants.management.kit import HouseCommand
from tenants.models import Tenant


class Keeping(Feature):
    """Log and history are kept as long as retention and legal holds say, and personal data are erased."""

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        add_panel(staff_site, Tenant, RetentionPanel)
        add_panel(tenant_site, User, ErasurePanel)

    def verbs(self, group: str) -> Mapping[str, type[HouseCommand]]:
        return {"erase": Erase, "erasures": Erasures} if group == "user" else {}

    def refusals(self) -> Iterable[Refusal]:
        return _REFUSALS

    def jobs(self) -> Iterable[Job]:
        return (
            Job("prune", pruning.tenants_with_work, pruning.advance),
            Job("erase", erasing.tenants_with_work, erasing.advance),
            Job("remove", backups.tenants_to_remove, backups.remove_deleted),
        )


_HOLD: Final = "myPolicies: legal holds"
_ERASURE: Final = "myPolicies: personal data are erased on request"
_USER: Final = "myPolicies: the tenant's Provisioned users → the user"
_REFUSALS: Final = (
    Refusal(
        "erasure.held",
        "The user or the whole tenant is under legal hold.",
        _HOLD,
        "Lift the hold first, if the case is closed.",
        _USER,
    ),
    Refusal(
        "erasure.present",
        "Entra still provisions this person.",
        _ERASURE,
        "Remove the person from the scope in Entra, or delete the account there. Entra deletes the user"
        " here; then erase it.",
        "Entra: Users and groups",
    ),
    Refusal(
        "erasure.planned",
        "The erasure of this user is planned already.",
        _ERASURE,
        "Withdraw it first to plan another one.",
        _USER,
    ),
    Refusal(
        "erasure.done",
        "The personal data of this user have been erased.",
        _ERASURE,
        "Nothing: only the id, the times and digests are left.",
        _USER,
    ),
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
