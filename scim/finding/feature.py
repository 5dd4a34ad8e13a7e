"""The feature of finding: users, requests and tokens of all tenants, for staff."""

from collections.abc import Iterable, Mapping

from django.contrib.admin import AdminSite

from accounts.console.site import add_part
from scim.finding import index
from scim.finding.staff_part import StaffPart
from scim.provider.features import Feature, Job, Person
from tenants.current import current_tenant


class Finding(Feature):
    """Staff find a user, a request or a token of any tenant by its whole name or id."""

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        add_part(staff_site, StaffPart)

    def jobs(self) -> Iterable[Job]:
        return (Job("index", index.tenants_with_work, index.advance),)

    def erase(self, person: Person) -> Mapping[str, int]:
        """The digests of the person's names go."""
        return {"digests for the search": index.forget(current_tenant(), person.ids)}


FEATURE = Finding()
