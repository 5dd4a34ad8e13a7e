"""A tenant's site with its own first page and the page that leads through the set-up in Entra.

Used on the tenant's own host by its admins, and by staff on a visit.
"""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse

from accounts.console.navigation import Place
from accounts.screens.site import TenantSite
from accounts.screens.tokens import MINT
from accounts.signed_in import may, record_view
from accounts.tokens import SUPPORT
from scim.monitoring import mapping, progress
from scim.monitoring.health import tenant_overview
from scim.screens.visibility import Sight
from tenants import clock
from tenants.current import current_tenant
from tenants.models import Tenant

SEE: Final = "scim.view_provisioningevent"


class Portal(TenantSite):
    """The first page says whether provisioning works; *Set up Entra* how to make it work."""

    index_template = "admin/overview.html"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [
            path("setup/", self.admin_view(self.setup), name="setup"),
            path("setup/progress/", self.admin_view(self.setup_progress), name="setup_progress"),
            *super().get_urls(),
        ]

    def places(self, request: HttpRequest) -> list[Place]:
        at = reverse("admin:setup")
        purpose = "Step by step from nothing to the first user, with your own values to copy."
        setup = Place("Connection", "Set up Entra", at, purpose, request.path == at)
        return [*super().places(request), setup]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Whether provisioning works, then the places to go."""
        overview = tenant_overview(clock.now(), Sight.of(request)) if may(request, SEE) else None
        record_view(request, "overview viewed")
        return super().index(request, {"overview": overview, **(extra_context or {})})

    def setup(self, request: HttpRequest) -> HttpResponse:
        """The tutorial's steps with this tenant's own values, and how far one has come."""
        record_view(request, "set-up viewed")
        tenant = current_tenant()
        mint_path = reverse("admin:accounts_secrettoken_add") if may(request, MINT) else None
        context = {
            **self.each_context(request),
            "title": "Set up Entra",
            "tenant": tenant,
            "mint_path": mint_path,
            "support": SUPPORT,
            **_how_far(tenant),
        }
        return TemplateResponse(request, "admin/setup.html", context)

    def setup_progress(self, request: HttpRequest) -> HttpResponse:
        """The parts of the page that change while it is open: how far one has come by now."""
        return TemplateResponse(request, "admin/setup_live.html", _how_far(current_tenant()))


def _how_far(tenant: Tenant) -> dict[str, Any]:
    """What changes on the page, all of one moment."""
    now, marks = clock.now(), mapping.marks_of(tenant)
    steps = progress.steps(tenant, now)
    mistakes = mapping.mistakes(marks, has_users=steps.has_users)
    return {"progress": steps, "sections": (mistakes, mapping.seen(marks, now))}
