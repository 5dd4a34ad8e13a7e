"""The audit log: actions of people and commands, and the pages that staff opened, to read only."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.console.export import Export, ExportingAdmin, moment
from accounts.console.listing import Conditions, TableFilter, since, uuid_in
from accounts.console.page import Fact, Facts, Header, Page, brief, screen_link
from accounts.models import AuditEntry
from accounts.permissions import EXPORT_AUDIT
from accounts.signed_in import home_tenant
from tenants import clock

_STAFF: Final = "(staff)"  # the end of an actor's name (accounts.audit)
_COMMAND: Final = "(command line)"
_VIEWS: Final = ("viewed", "listed")  # the end of an act that was a look
_COLUMNS: Final = ("id", "at", "act", "subject", "actor", "address", "details", "hash")
# By the beginning of an act: the screen of the row whose key is its subject.
_SCREENS: Final[Mapping[str, str]] = {
    "user ": "scim_user",
    "erasure ": "scim_user",
    "group ": "scim_group",
    "provisioning event ": "scim_provisioningevent",
    "request replayed": "scim_provisioningevent",
    "problem ": "tenants_problem",
    "mass deactivation viewed": "tenants_alarm",
    "reconciliation ": "tenants_reconciliation",
    "secret token viewed": "accounts_secrettoken",
    "OAuth client viewed": "accounts_oauthclient",
    "account viewed": "accounts_account",
    "event stream viewed": "scim_eventstream",
    "delivery viewed": "scim_delivery",
    "schema viewed": "scim_extensionschema",
}


def _is_view() -> Q:
    found = Q()
    for end in _VIEWS:
        found |= Q(act__endswith=end)
    return found


class KindFilter(TableFilter):
    """Actions, unless the looks of staff are chosen: there are many more of those."""

    title = "entries"
    parameter_name = "kind"
    conditions: Conditions = {
        "acts": ("Actions", lambda: ~_is_view()),
        "views": ("Pages opened by staff", _is_view),
        "all": ("All", Q),
    }

    def value(self) -> str:
        return super().value() or "acts"

    def choices(self, changelist: Any) -> Any:
        """The kinds and *All*; Django's own *All* would be the default."""
        return list(super().choices(changelist))[1:]


class ActorFilter(TableFilter):
    title = "by"
    parameter_name = "by"
    conditions: Conditions = {
        "staff": ("Staff", lambda: Q(actor__endswith=_STAFF)),
        "command": ("Commands", lambda: Q(actor__endswith=_COMMAND)),
        "own": (
            "Accounts of the tenant",
            lambda: (
                ~(Q(actor__endswith=_STAFF) | Q(actor__endswith=_COMMAND)) & Q(actor__contains="@")
            ),
        ),
    }


class PeriodFilter(TableFilter):
    title = "period"
    parameter_name = "period"
    conditions: Conditions = since(lambda at: Q(at__gte=at))


class AuditEntryAdmin(ExportingAdmin[AuditEntry]):
    export_permission = EXPORT_AUDIT
    list_display = ("at", "act", "about", "actor", "why")
    list_display_links = ("at", "act")
    list_filter = (KindFilter, ActorFilter, PeriodFilter)
    ordering = ("-id",)
    counted_as = ("entry", "entries")
    group = "Administration"
    icon = "audit"
    purpose = "Actions of people and commands, and pages that staff opened; each entry is chained to the one before."
    when_empty = "The first action of a person or a command appears here."
    search_fields = ("act", "actor", "subject")
    search_help_text = "Part of an action, an actor or a subject."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        anywhere = Q(act__icontains=term) | Q(actor__icontains=term) | Q(subject__icontains=term)
        return queryset.filter(anywhere) if term else queryset, False

    @admin.display(description="subject")
    def about(self, entry: AuditEntry) -> Any:
        """The subject, as a link where a screen shows it."""
        key = uuid_in(entry.subject)
        return _link(entry, key) if key else entry.subject

    @admin.display(description="reason")
    def why(self, entry: AuditEntry) -> Any:
        return entry.details.get("reason")

    def page(self, request: HttpRequest, record: AuditEntry) -> Page:
        facts = (
            Fact("When", record.at),
            Fact("Act", record.act),
            Fact("Subject", self.about(record)),
            Fact("By", record.actor),
            Fact("From address", _address(request, record)),
        )
        details = tuple(Fact(name, brief(value)) for name, value in record.details.items())
        chain = (
            Fact("Hash", bytes(record.hash).hex()),
            Fact("Hash of the entry before", bytes(record.previous_hash).hex()),
        )
        sections = [Facts("Entry", facts)]
        if details:
            sections.append(Facts("Details", details))
        sections.append(Facts("Chain", chain))
        reason = self.why(record)
        header = Header(facts=(Fact("Reason", reason),)) if reason else None
        return Page(record.act.capitalize(), tuple(sections), header=header)

    def export(self, request: HttpRequest) -> Export:
        day = clock.now()

        def cells(entry: AuditEntry) -> Sequence[Any]:
            details = "\n".join(f"{name}: {brief(each)}" for name, each in entry.details.items())
            return [
                *(entry.pk, moment(entry.at), entry.act, entry.subject, entry.actor),
                *(_address(request, entry), details, bytes(entry.hash).hex()),
            ]

        return Export(f"audit-log-{day:%Y-%m-%d}.csv", _COLUMNS, cells)


def _link(entry: AuditEntry, key: UUID) -> Any:
    """A link to the row with that key; its key alone when no screen here shows it."""
    found = (screen for start, screen in _SCREENS.items() if entry.act.startswith(start))
    screen = next(found, None)
    return screen_link(f"admin:{screen}_change", entry.subject, key) if screen else entry.subject


def _address(request: HttpRequest, entry: AuditEntry) -> str | None:
    """The client's address; that of staff is none of a tenant's business."""
    is_hidden = entry.actor.endswith(_STAFF) and not home_tenant(request).is_operator
    return None if is_hidden else entry.address
