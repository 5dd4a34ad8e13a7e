"""The feature of reconciliation: Entra's users compared with those here, by a file of theirs."""

from collections.abc import Iterable, Mapping
from typing import Final

from django.contrib.admin import AdminSite

from accounts.refusals import Refusal
from scim.provider.features import Feature, Job, Person
from scim.reconciliation import comparing
from scim.reconciliation.difference_screen import DifferenceAdmin
from scim.reconciliation.models import Difference, Reconciliation
from scim.reconciliation.report_screen import ReconciliationAdmin


class Comparison(Feature):
    """Entra's users, as a file has them, are compared with those here."""

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        tenant_site.register(Reconciliation, ReconciliationAdmin)
        tenant_site.register(Difference, DifferenceAdmin)

    def refusals(self) -> Iterable[Refusal]:
        return _REFUSALS

    def erase(self, person: Person) -> Mapping[str, int]:
        """The rows about the person go, in reports that are there."""
        return {"differences": comparing.forget(person)}

    def jobs(self) -> Iterable[Job]:
        return (Job("reconcile", comparing.tenants_with_work, comparing.advance),)


_PLACE: Final = "myPolicies: Reconciliation"
_RULE: Final = "myPolicies: Entra's users are compared by a file of theirs"
_REFUSALS: Final = (
    Refusal(
        "reconciliation.unreadable",
        "The file is no export of Entra's users.",
        _RULE,
        "In Entra: Users → All users → Download users; leave the header where it is. Or save the answer of"
        " Microsoft Graph to /users as JSON.",
        _PLACE,
    ),
    Refusal(
        "reconciliation.running",
        "Another comparison of the tenant is in progress.",
        _RULE,
        "Wait until it is done, or delete its report.",
        _PLACE,
    ),
)
FEATURE = Comparison()
