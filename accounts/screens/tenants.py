"""Tenants, on the staff site: what there is, the way into a tenant's screens, suspend and resume."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import invitations, viewing
from accounts.actions import create_tenant, resume_tenant, suspend_tenant
from accounts.actions.tenants import CREATE, SUSPEND
from accounts.console.action import ADD, Action, Call
from accounts.console.form import ActionForm
from accounts.console.listing import Conditions, TableFilter
from accounts.console.page import Banner, Button, Fact, Facts, Header, Page, badge
from accounts.console.screen import RecordAdmin
from accounts.console.searching import FOUND, Hit, Search
from accounts.links import visit_path
from accounts.permissions import MINT, VIEW_AS_ADMIN
from accounts.screens.approvals import rule_actions
from accounts.screens.failures import Failure, beside, failure_of, log_link
from accounts.screens.overview import connection_badge, sparklines
from accounts.screens.site import StaffSite, show_tenant
from accounts.signed_in import may
from tenants import clock, connectivity, schemas
from tenants.connectivity import STATES, Connection, Refusal, with_state
from tenants.models import Status, Tenant

FOUND_AS: Final = "Tenants"  # in searches


def state_badge(tenant: Tenant) -> SafeString:
    """The badge of the tenant: served or suspended."""
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


class TenantForm(ActionForm):
    custom_domain = forms.CharField(
        max_length=63,
        help_text="The first part of the tenant's host name: letters, digits and hyphens.",
    )
    name = forms.CharField(max_length=200, help_text="The customer's name, as people know it.")
    admin_email = forms.EmailField(
        label="Tenant admin's e-mail",
        help_text="The first account of the tenant; secret tokens are issued for it.",
    )
    invites = forms.BooleanField(
        required=False,
        initial=True,
        label="Send an invitation",
        help_text="An e-mail with a link by which the admin chooses a password and can sign in.",
    )


class ViewingForm(ActionForm):
    reason = forms.CharField(
        max_length=200,
        help_text="One line, such as the number of the customer's request. The tenant's admins"
        " answer for what is theirs: it is kept in the audit log of the tenant and in staff's.",
    )


def _create(call: Call[None]) -> Tenant:
    data = call.data
    domain, name, email = data["custom_domain"], data["name"], data["admin_email"]
    return create_tenant(call.actor, domain, name, email, invites=data["invites"])


def _created(call: Call[None]) -> str:
    """The sentences that say what has happened, and what comes next."""
    email = call.data["admin_email"]
    invited = (
        invitations.prospect(email, clock.now())
        if call.data["invites"]
        else f"{email} cannot sign in before you send an invitation, under Accounts."
    )
    return f"Tenant created. {invited} Generate a secret token to connect Entra."


def _view_as_admin(call: Call[Tenant]) -> HttpResponse:
    viewing.start(call.request, call.record, call.data["reason"])
    return HttpResponseRedirect(visit_path(call.record, "admin:index"))


def _what_is_seen(call: Call[Tenant]) -> str:
    over = f"The {viewing.MINUTES} minutes are over.\n" if "over" in call.request.GET else ""
    return (
        f"{over}For {viewing.MINUTES} minutes you see in {call.record.name} what its tenant admins see,"
        " and can do nothing there. Personal data stay masked unless your own role includes seeing"
        " them.\n"
        "The start, its reason and the end are kept in the tenant's audit log and in staff's."
    )


_ACTIONS: Final[tuple[Action[Any], ...]] = (
    Action(
        name=ADD,
        label="Add tenant",
        needs_proof=True,
        permission=CREATE,
        title="Add tenant",
        form=TenantForm,
        fields={"email": "admin_email"},
        submit="Add",
        run=_create,
        done=_created,
    ),
    Action(
        name="view_as_admin",
        label="View as tenant admin",
        permission=VIEW_AS_ADMIN,
        title="View {record.name} as its tenant admins do?",
        text=_what_is_seen,
        form=ViewingForm,
        run=_view_as_admin,
    ),
    Action(
        name="resume",
        label="Resume",
        needs_proof=True,
        permission=SUSPEND,
        title="Resume {record.name}?",
        text="{record.host} is served again, with the tokens and users it had.",
        submit="Resume this tenant",
        run=lambda call: resume_tenant(call.actor, call.record),
        done="{record.name} is served again.",
        is_offered=lambda call: call.record.is_suspended,
    ),
    Action(
        name="suspend",
        label="Suspend",
        needs_proof=True,
        permission=SUSPEND,
        title="Suspend {record.name}?",
        text=(
            "Every request to {record.host} is refused with 403 and the reason: provisioning stops and its"
            " admins cannot sign in.\n"
            "Nothing is deleted; staff can still view it, and Resume undoes this."
        ),
        submit="Suspend this tenant",
        run=lambda call: suspend_tenant(call.actor, call.record),
        done="{record.name} is suspended: its requests are refused with 403.",
        is_offered=lambda call: not call.record.is_suspended,
        is_dangerous=True,
    ),
)


class TenantAdmin(RecordAdmin[Tenant]):
    list_display = ("name", "custom_domain", "state", "connected", "recent", "created_at")
    more_columns = ("url",)
    list_display_links = ("name", "custom_domain")
    list_filter = (ConnectionFilter, StatusFilter)
    ordering = ("name", "pk")
    sortable_by = ("name", "custom_domain", "created_at")
    search_fields = ("name", "custom_domain", "domains__domain")
    search_help_text = "Part of a name, a custom domain or an additional host name."
    action_table = (*_ACTIONS, *rule_actions(operator=True))
    counted_as = ("tenant", "tenants")
    group = "Customers"
    icon = "tenants"
    purpose = "All customers, with their connection and status."
    when_empty = "Add a tenant and generate a secret token, so that its admin can connect Entra."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        tenants = super().get_queryset(request).filter(is_operator=False)
        return with_state(tenants, clock.now())

    def get_urls(self) -> list[URLPattern]:
        route = "<uuid:tenant_id>/view-as-admin/stop/"
        return [self.view_url(route, self.stop_view, "stop_viewing"), *super().get_urls()]

    def prepare(self, request: HttpRequest, rows: Iterable[Tenant]) -> None:
        """Note the requests of the last days on the rows: one statement."""
        tenants = list(rows)
        drawn = sparklines(tenants, clock.now().date())
        for tenant in tenants:
            tenant.recent = drawn.get(tenant.pk)

    @admin.display(description="last 14 days")
    def recent(self, tenant: Tenant) -> SafeString | None:
        shown: SafeString | None = tenant.recent
        return shown

    @admin.display(description="status")
    def state(self, tenant: Tenant) -> SafeString:
        return state_badge(tenant)

    @admin.display(description="connection")
    def connected(self, tenant: Tenant) -> SafeString:
        found = connectivity.read(tenant, clock.now())
        told = found.sentence.partition(", ")[2]
        if found.beside:
            told = f"{told} Also refused: {found.beside.credential}."
        return format_html("<span>{} {}</span>", connection_badge(found), told)

    @admin.display(description="Tenant URL")
    def url(self, tenant: Tenant) -> str:
        return tenant.tenant_url

    def page(self, request: HttpRequest, record: Tenant) -> Page:
        hosts = ", ".join(record.domains.order_by("domain").values_list("domain", flat=True))
        facts = (
            Fact("Tenant URL", record.tenant_url, copyable=True),
            Fact("Sign-in page of its admins", f"{record.base_url}/admin/"),
            Fact("Additional host names", hosts or "None"),
            Fact("Status", state_badge(record)),
        )
        mint = visit_path(record, "admin:accounts_secrettoken_add")
        buttons = (Button("Generate secret token", mint),) if may(request, MINT) else ()
        now = clock.now()
        found = connectivity.read(record, now)
        sections = (_connection(record, now), Facts("Tenant", facts))
        return Page(record.name, sections, buttons, header=_header(record, found))

    def path_in_list(self, record: Tenant) -> str:
        """The overview of a visit; from there the navigation leads to staff's own page of the tenant."""
        return visit_path(record, "admin:index")

    def get_record(self, request: HttpRequest, object_id: str | UUID) -> Tenant:
        """The tenant, whose navigation the page has."""
        tenant = super().get_record(request, object_id)
        show_tenant(request, tenant)
        return tenant

    def hits(self, search: Search) -> Iterable[Hit]:
        """By part of a name, a custom domain or a host name; of all tenants the first without a term."""
        if not search.asks_for(FOUND_AS) or not (search.term or search.only):
            return
        pages = [name for name, _ in cast("StaffSite", self.admin_site).tenant_site.pages()]
        at = search.request.GET.get("at", "")
        name = at if at in pages else "admin:index"
        term = search.term.lower().removesuffix(f".{settings.BASE_DOMAIN}")
        tenants = self.get_queryset(search.request).order_by(*self.ordering)
        found, _ = self.get_search_results(search.request, tenants, term)
        for tenant in found.distinct()[:FOUND]:
            state = STATES[tenant.connection].label
            detail = f"{tenant.custom_domain} · {state}"
            yield Hit(FOUND_AS, tenant.name, visit_path(tenant, name), detail)

    def stop_view(self, request: HttpRequest, tenant_id: UUID) -> HttpResponse:
        """POST only: back to the own role, and to the tenant's page."""
        if request.method != "POST":
            raise PermissionDenied
        tenant = self.get_record(request, tenant_id)
        running = viewing.viewing_of(request)
        if running and running.tenant == tenant:
            viewing.end(request, viewing.STOPPED)
        messages.success(request, f"You are viewing {tenant.name} in your own role again.")
        return HttpResponseRedirect(self.record_path(tenant.pk))


def _header(tenant: Tenant, found: Connection) -> Header:
    facts = (
        Fact("Custom domain", tenant.custom_domain),
        Fact("Last request", found.last_request_at or "Never"),
        Fact("Created", tenant.created_at),
    )
    return Header(connection_badge(found), facts, _node(tenant))


def _node(tenant: Tenant) -> Banner | None:
    """The banner of a tenant whose node of the database does not answer."""
    if not schemas.reachable([tenant]).silent:
        return None
    what = "The tenant's node of the database does not answer."
    remedy = "Start it, or promote its standby. Its requests are answered 503; Entra repeats them."
    return Banner("failing", what, remedy)


def _connection(tenant: Tenant, now: datetime) -> Facts:
    found = connectivity.read(tenant, now)
    facts = [Fact("Details", found.sentence)]
    if found.failure:
        facts += _refused(tenant, found.failure, failure_of(found.failure), "Problem")
    if found.beside:
        facts += _refused(tenant, found.beside, beside(found.beside, now), "Also refused")
    facts.append(Fact("Next cycle", connectivity.next_cycle(found, now)))
    return Facts("Connection", tuple(facts))


def _refused(tenant: Tenant, refusal: Refusal, failure: Failure, label: str) -> list[Fact]:
    at = connectivity.moment(refusal.at)
    return [
        Fact(label, failure.what),
        Fact("Remedy", failure.fix),
        Fact("Last failure", log_link(tenant, at, refusal)),
    ]
