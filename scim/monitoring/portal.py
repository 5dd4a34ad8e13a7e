"""A tenant's first page, and the page that leads through the set-up in Entra.

Used on the tenant's own host by its admins, and by staff on a visit.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts.console.page import Overview
from accounts.console.site import Entry, Part
from accounts.permissions import MINT
from accounts.signed_in import may, record_view
from accounts.tokens import SUPPORT
from scim.monitoring import mapping, progress
from scim.monitoring.health import tenant_overview
from scim.screens.visibility import Sight
from tenants import clock
from tenants.current import current_tenant
from tenants.models import Tenant

SEE: Final = "scim.view_provisioningevent"


class SetUp(Part):
    """The first page says whether provisioning works; *Set up Entra* how to make it work."""

    entries = (
        Entry(
            "Connection",
            "Set up Entra",
            "admin:setup",
            "Connect Entra step by step, with your own values to copy.",
        ),
    )

    def urls(self) -> Sequence[URLPattern]:
        view = self.site.admin_view
        return (
            path("setup/", view(self.setup), name="setup"),
            path("setup/progress/", view(self.setup_progress), name="setup_progress"),
        )

    def overview(self, request: HttpRequest) -> Overview:
        """The state of provisioning, for accounts that may see it."""
        may_see = may(request, SEE)
        return tenant_overview(clock.now(), Sight.of(request)) if may_see else Overview()

    def setup(self, request: HttpRequest) -> HttpResponse:
        """The tutorial's steps with this tenant's own values, and how far one has come."""
        record_view(request, "set-up viewed")
        tenant = current_tenant()
        mint_path = reverse("admin:accounts_secrettoken_add") if may(request, MINT) else None
        context = {
            **self.site.each_context(request),
            "title": "Set up Entra",
            "tenant": tenant,
            "mint_path": mint_path,
            "support": SUPPORT,
            **_how_far(tenant),
        }
        return TemplateResponse(request, "monitoring/setup.html", context)

    def setup_progress(self, request: HttpRequest) -> HttpResponse:
        """The parts of the page that change while it is open: how far one has come by now."""
        return TemplateResponse(request, "monitoring/setup_live.html", _how_far(current_tenant()))


def _how_far(tenant: Tenant) -> dict[str, Any]:
    """The changing parts of the page, all of one moment."""
    now, marks = clock.now(), mapping.marks_of(tenant)
    steps = progress.steps(tenant, now)
    mistakes = mapping.mistakes(marks, has_users=steps.has_users)
    return {"progress": steps, "sections": (mistakes, mapping.seen(marks, now))}
