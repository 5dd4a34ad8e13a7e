"""Tenants, on the staff site: what there is, the way into a tenant's screens, suspend and resume."""

from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import invitations, viewing
from accounts.actions import create_tenant, resume_tenant, suspend_tenant
from accounts.console.asked import Asked, ask, done
from accounts.console.listing import Conditions, TableFilter
from accounts.console.page import Act, Fact, Facts, Page, badge, link
from accounts.console.screen import RecordAdmin
from accounts.permissions import VIEW_AS_ADMIN
from accounts.screens.forms import TenantForm, ViewingForm
from accounts.screens.overview import connection_badge
from accounts.screens.tokens import MINT
from accounts.signed_in import actor, may
from accounts.visits import visit_path
from tenants import clock, connection
from tenants.connection import STATES, with_state
from tenants.models import Status, Tenant

ADD: Final = "tenants.add_tenant"
SUSPEND: Final = "tenants.suspend_tenant"
_SCREENS: Final = {
    "admin:scim_user_changelist": "Provisioned users",
    "admin:scim_group_changelist": "Provisioned groups",
    "admin:accounts_secrettoken_changelist": "Secret tokens",
    "admin:accounts_oauthclient_changelist": "OAuth clients",
    "admin:scim_provisioningevent_changelist": "Provisioning log",
    "admin:accounts_account_changelist": "Accounts",
    "admin:accounts_auditentry_changelist": "Audit log",
    "admin:setup": "Set up Entra",
    "admin:tenants_alarm_changelist": "Mass deactivations",
    "admin:scim_extensionschema_changelist": "Extension schemas",
    "admin:scim_eventstream_changelist": "Event streams",
    "admin:scim_delivery_changelist": "Delivery log",
}


def state_badge(tenant: Tenant) -> SafeString:
    """Whether the tenant is served, as it looks on a page."""
    return badge("warning" if tenant.is_suspended else "ok", tenant.get_status_display())


class StatusFilter(TableFilter):
    title = "status"
    parameter_name = "status"
    conditions: Conditions = {
        Status.ACTIVE.value: ("Active", lambda: Q(status=Status.ACTIVE)),
        Status.SUSPENDED.value: ("Suspended", lambda: Q(status=Status.SUSPENDED)),
    }


class ConnectionFilter(TableFilter):
    """By the state that TenantAdmin.get_queryset annotates."""

    title = "connection"
    parameter_name = "connection"
    conditions: Conditions = {
        name: (state.label, lambda name=name: Q(connection=name))  # type: ignore[misc]  # bound now
        for name, state in STATES.items()
    }


class TenantAdmin(RecordAdmin[Tenant]):
    list_display = ("name", "custom_domain", "state", "connected", "created_at", "url")
    list_display_links = ("name", "custom_domain")
    list_filter = (ConnectionFilter, StatusFilter)
    ordering = ("name", "pk")
    sortable_by = ("name", "custom_domain", "created_at")
    search_fields = ("name", "custom_domain", "domains__domain")
    search_help_text = "Part of a name, a custom domain or a further host name."
    add_label = "Add tenant"
    add_permission = ADD
    counted_as = ("tenant", "tenants")
    group = "Customers"
    purpose = "Each customer with its Tenant URL, its screens, and whether it is served."
    when_empty = "Add one, generate a secret token for it, and its admin can connect Entra."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        tenants = super().get_queryset(request).filter(is_operator=False)
        return with_state(tenants, clock.now())

    def get_urls(self) -> list[URLPattern]:
        acts = [
            self.act_url("<uuid:tenant_id>/suspend/", self.suspend_view, "suspend"),
            self.act_url("<uuid:tenant_id>/resume/", self.resume_view, "resume"),
            self.act_url("<uuid:tenant_id>/view-as-admin/", self.start_view, "view_as_admin"),
            self.act_url("<uuid:tenant_id>/view-as-admin/stop/", self.stop_view, "stop_viewing"),
        ]
        return [*acts, *super().get_urls()]

    @admin.display(description="status")
    def state(self, tenant: Tenant) -> SafeString:
        return state_badge(tenant)

    @admin.display(description="connection")
    def connected(self, tenant: Tenant) -> SafeString:
        found = connection.read(tenant, clock.now())
        told = found.sentence.partition(", ")[2]
        if found.beside:
            told = f"{told} Also refused: {found.beside.credential}."
        return format_html("{} {}", connection_badge(found), told)

    @admin.display(description="Tenant URL")
    def url(self, tenant: Tenant) -> str:
        return tenant.tenant_url

    def page(self, request: HttpRequest, record: Tenant) -> Page:
        hosts = ", ".join(record.domains.order_by("domain").values_list("domain", flat=True))
        facts = (
            Fact("Name", record.name),
            Fact("Custom domain", record.custom_domain),
            Fact("Tenant URL", record.tenant_url, copyable=True),
            Fact("Sign-in page of its admins", f"{record.base_url}/admin/"),
            Fact("Further host names", hosts or "None"),
            Fact("Status", state_badge(record)),
            Fact("Created", record.created_at),
        )
        links = tuple(link(visit_path(record, name), text) for name, text in _SCREENS.items())
        acts = self._acts(request, record)
        return Page(record.name, (Facts("Tenant", facts),), acts, links=links)

    def _acts(self, request: HttpRequest, tenant: Tenant) -> tuple[Act, ...]:
        acts = []
        if may(request, MINT):
            path = visit_path(tenant, "admin:accounts_secrettoken_add")
            acts.append(Act("Generate secret token", path))
        if may(request, VIEW_AS_ADMIN):
            acts.append(self.act("View as tenant admin", "view_as_admin", tenant.pk))
        if may(request, SUSPEND) and tenant.is_suspended:
            acts.append(self.act("Resume", "resume", tenant.pk))
        elif may(request, SUSPEND):
            acts.append(self.act("Suspend", "suspend", tenant.pk, is_dangerous=True))
        return tuple(acts)

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        def create(form: TenantForm) -> HttpResponse:
            data = form.cleaned_data
            tenant = create_tenant(
                actor(request),
                data["custom_domain"],
                data["name"],
                data["admin_email"],
                invites=data["invites"],
            )
            return done(request, self.record_path(tenant.pk), _created(data))

        asked = Asked(
            title="Add tenant",
            act_label="Add",
            permission=ADD,
            cancel_path=self.list_path(),
            run=create,
            form=TenantForm,
            fields={"email": "admin_email"},
        )
        return ask(self, request, asked)

    def suspend_view(self, request: HttpRequest, tenant_id: UUID) -> HttpResponse:
        """The page that says what will stop; its POST suspends."""
        tenant = self.get_record(request, tenant_id)

        def suspend(_form: Any) -> HttpResponse:
            suspend_tenant(actor(request), tenant)
            sentence = f"{tenant.name} is suspended: its requests are refused with 403."
            return done(request, self.record_path(tenant.pk), sentence)

        asked = Asked(
            title=f"Suspend {tenant.name}?",
            act_label="Suspend this tenant",
            permission=SUSPEND,
            cancel_path=self.record_path(tenant.pk),
            run=suspend,
            sentences=(
                (
                    f"Every request to {tenant.host} is refused with 403 that says so: provisioning"
                    " stops and its admins cannot sign in."
                ),
                "Nothing is deleted; staff can still look at it, and Resume ends it.",
            ),
            is_dangerous=True,
        )
        return ask(self, request, asked)

    def resume_view(self, request: HttpRequest, tenant_id: UUID) -> HttpResponse:
        """The page that says what will work again; its POST resumes."""
        tenant = self.get_record(request, tenant_id)

        def resume(_form: Any) -> HttpResponse:
            resume_tenant(actor(request), tenant)
            sentence = f"{tenant.name} is served again."
            return done(request, self.record_path(tenant.pk), sentence)

        asked = Asked(
            title=f"Resume {tenant.name}?",
            act_label="Resume this tenant",
            permission=SUSPEND,
            cancel_path=self.record_path(tenant.pk),
            run=resume,
            sentences=(f"{tenant.host} is served again, with the tokens and users it had.",),
        )
        return ask(self, request, asked)

    def start_view(self, request: HttpRequest, tenant_id: UUID) -> HttpResponse:
        """The page that asks for the reason; its POST opens the tenant's first page."""
        tenant = self.get_record(request, tenant_id)

        def start(form: ViewingForm) -> HttpResponse:
            viewing.start(request, tenant, form.cleaned_data["reason"])
            return HttpResponseRedirect(visit_path(tenant, "admin:index"))

        over = (f"The {viewing.MINUTES} minutes are over.",) if "over" in request.GET else ()
        asked = Asked(
            title=f"View {tenant.name} as its tenant admins do?",
            act_label="View as tenant admin",
            permission=VIEW_AS_ADMIN,
            cancel_path=self.record_path(tenant.pk),
            run=start,
            sentences=(
                *over,
                (
                    f"For {viewing.MINUTES} minutes you see in {tenant.name} what its tenant admins"
                    " see, and can do nothing there. Personal data stay masked unless your own role"
                    " includes seeing them."
                ),
                "The start, its reason and the end are kept in the tenant's audit log and in staff's.",
            ),
            form=ViewingForm,
        )
        return ask(self, request, asked)

    def stop_view(self, request: HttpRequest, tenant_id: UUID) -> HttpResponse:
        """POST only: back to the own role, and to the tenant's page."""
        if request.method != "POST":
            raise PermissionDenied
        tenant = self.get_record(request, tenant_id)
        running = viewing.viewing_of(request)
        if running and running.tenant == tenant:
            viewing.end(request, viewing.STOPPED)
        sentence = f"You look at {tenant.name} in your own role again."
        return done(request, self.record_path(tenant.pk), sentence)


def _created(data: dict[str, Any]) -> str:
    """What has happened, and what comes next."""
    email = data["admin_email"]
    invited = (
        invitations.prospect(email, clock.now())
        if data["invites"]
        else f"{email} cannot sign in before you send an invitation, under Accounts."
    )
    return f"Tenant created. {invited} Generate a secret token to connect Entra."
