"""The feature of problems: its observer, the thread that writes, and its screens."""

from collections.abc import Iterable, Mapping

from django.contrib.admin import AdminSite

from accounts.console.screen import add_panel
from accounts.console.site import add_part
from scim.models import Group, User
from scim.problems import ledger
from scim.problems.ledger import FLUSHES, Outcomes
from scim.problems.problem_screen import (
    ProblemAdmin,
    ProblemPanel,
    StaffPart,
    TenantPanel,
    TenantPart,
)
from scim.provider.features import Feature, Person, Round
from scim.provider.observers import Observer
from tenants.current import current_tenant
from tenants.models import Problem, Tenant


class Problems(Feature):
    """Refusals of one reason about one user or group are one open problem, until it is settled."""

    def observer(self) -> Observer:
        return Outcomes()

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        tenant_site.register(Problem, ProblemAdmin)
        add_part(staff_site, StaffPart)
        add_part(tenant_site, TenantPart)
        add_panel(staff_site, Tenant, TenantPanel)
        for model in (User, Group):
            add_panel(tenant_site, model, ProblemPanel)

    def erase(self, person: Person) -> Mapping[str, int]:
        """The problems about the person go, with those about their names."""
        tenant = current_tenant()
        return {"problems": ledger.forget_person(tenant, person.ids, person.values)}

    def rounds(self) -> Iterable[Round]:
        return (FLUSHES,)


FEATURE = Problems()
