"""The differences of a report: one row for each user, filtered, searched and exported."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.console.difference import diff
from accounts.console.export import Export, ExportingAdmin
from accounts.console.listing import Conditions, TableFilter, uuid_in
from accounts.console.page import (
    Fact,
    Facts,
    Header,
    Page,
    Table,
    badge,
    link,
    person,
    record_path,
    screen_link,
)
from scim.protocol import urns
from scim.reconciliation import comparing
from scim.reconciliation.attributes import BY_SOURCE, COMPARED, DISPLAY_NAME, USER_NAME, source_of
from scim.reconciliation.models import Difference, Reconciliation
from scim.reconciliation.remedies import REMEDIES
from scim.screens.records import WHOLE_VALUES, resource_link
from scim.screens.visibility import Sight
from tenants import clock
from tenants.current import current_tenant
from tenants.lettercase import fold

_LOG: Final = "admin:scim_provisioningevent_changelist"
_COLUMNS: Final = (
    *("difference", "line", "userName", "displayName", "objectId", "id here", "enabled in Entra"),
    *("attribute", "in Entra", "here", "remark"),
)


class ReportFilter(TableFilter):
    """One report; the newest that is done, unless another is chosen."""

    title = "report"
    parameter_name = "report"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The reports of the tenant: one statement on the registry."""
        done = comparing.present(current_tenant()).exclude(done_at=None)
        return [(str(each.pk), f"{each.asked_at:%Y-%m-%d %H:%M} UTC") for each in done]

    def has_output(self) -> bool:
        return True

    def value(self) -> str:
        chosen = super().value()
        reports = [key for key, _ in self.lookup_choices]
        return str(chosen) if chosen in reports else next(iter(reports), "")

    def choices(self, changelist: Any) -> Any:
        """The reports; no report is *All* of them."""
        return list(super().choices(changelist))[1:]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        key = uuid_in(self.value())
        return queryset.filter(report_id=key) if key else queryset.none()


class KindFilter(TableFilter):
    title = "difference"
    parameter_name = "kind"
    conditions: Conditions = {
        kind.value: (kind.label, partial(Q, kind=kind.value)) for kind in Difference.Kind
    }


class AttributeFilter(TableFilter):
    title = "attribute"
    parameter_name = "attribute"
    conditions: Conditions = {
        source: (each.path, partial(Q, differing__has_key=each.path))
        for source, each in BY_SOURCE.items()
    }


class DifferenceAdmin(ExportingAdmin[Difference]):
    export_permission = "scim.export_difference"
    list_display = ("user", "difference", "details", "log")
    list_display_links = ("user",)
    list_filter = (ReportFilter, KindFilter, AttributeFilter)
    ordering = ("-id",)
    search_fields = ("user_name_key",)
    search_help_text = "Beginning of a user name; or a complete objectId or id."
    counted_as = ("difference", "differences")
    group = "Provisioning"
    icon = "compare"
    purpose = "The users that differ between Entra and here."
    when_empty = "Compare with Entra first: Reconciliation."
    views_noted = ("differences listed", "difference viewed")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Not in the navigation: reports lead here."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Difference]:
        """Those of reports that are not being deleted."""
        reports = list(comparing.present(current_tenant()).values_list("pk", flat=True))
        return super().get_queryset(request).filter(report_id__in=reports, kind__in=Difference.Kind)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Difference], search_term: str
    ) -> tuple[QuerySet[Difference], bool]:
        """By name, whose beginning is enough for those who see it; objectId and id as a whole."""
        term = search_term.strip()
        if not term:
            return queryset, False
        lookup = "startswith" if Sight.of(request).is_whole else "exact"
        found = Q(**{f"user_name_key__{lookup}": fold(term)}) | Q(object_id=term)
        if key := uuid_in(term):
            found |= Q(user_id=key)
        return queryset.filter(found), False

    def nothing_hint(self, request: HttpRequest) -> str:
        return "" if Sight.of(request).is_whole else WHOLE_VALUES

    def prepare(self, request: HttpRequest, rows: Iterable[Difference]) -> None:
        sight = Sight.of(request)
        for row in rows:
            row.sight = sight  # type: ignore[attr-defined]

    @admin.display(description="user")
    def user(self, row: Difference) -> SafeString:
        return person(*_named(row, row.sight))  # type: ignore[attr-defined]  # prepare

    @admin.display(description="difference")
    def difference(self, row: Difference) -> SafeString:
        return _badge(row)

    @admin.display(description="details")
    def details(self, row: Difference) -> str:
        return row.remark or ", ".join(row.differing or ())

    @admin.display(description="requests")
    def log(self, row: Difference) -> Any:
        return _log(row)

    def page(self, request: HttpRequest, record: Difference) -> Page:
        sight, remedy = Sight.of(request), REMEDIES[record.kind]
        name, login = _named(record, sight)
        facts = [
            Fact("Meaning", remedy.meaning),
            Fact("Remedy in Entra", remedy.remedy),
            Fact("Requests", _log(record)),
        ]
        report = Reconciliation.objects.get(pk=record.report_id)
        return Page(
            f"{name or login}: {record.get_kind_display()}",
            (Facts("Remedy", tuple(facts)), _sides(record, sight)),
            notice=sight.notice,
            parent=link(record_path(Reconciliation, report.pk), str(report)),
            header=Header(_badge(record), tuple(_header(record, sight))),
        )

    def export(self, request: HttpRequest) -> Export:
        sight, day = Sight.of(request), clock.now()

        def cells(row: Difference) -> Sequence[Any]:
            name, login = _named(row, sight)
            paths = list(row.differing or {})
            sides = [_side(row, path, sight) for path in paths]
            return [
                row.get_kind_display(),
                *(row.line, login, name, row.object_id, row.user_id, row.is_enabled),
                *("\n".join(part) for part in (paths, *_columns(sides))),
                row.remark,
            ]

        return Export(f"reconciliation-{day:%Y-%m-%d}.csv", _COLUMNS, cells, notice=sight.notice)


def _columns(sides: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [there for there, _ in sides], [here for _, here in sides]


def _named(row: Difference, sight: Sight) -> tuple[str, str]:
    """Display name and userName, as somebody gets to see them; a line that is no user by its number."""
    if row.kind == Difference.Kind.UNREADABLE:
        return "", f"Line {row.line}"
    name = sight.value(DISPLAY_NAME, row.display_name, urns.USER_TYPE)
    login = sight.value(USER_NAME, row.user_name, urns.USER_TYPE) or row.object_id
    return str(name), str(login or row.user_id)


def _badge(row: Difference) -> SafeString:
    return badge(REMEDIES[row.kind].state, row.get_kind_display())


def _log(row: Difference) -> Any:
    """A link to the requests about the user: by its id here, else by the name that Entra would send."""
    about = row.user_id or row.user_name
    return screen_link(_LOG, "View log", query=format_html("?q={}", about)) if about else None


def _header(row: Difference, sight: Sight) -> Iterable[Fact]:
    yield Fact("User name", sight.value(USER_NAME, row.user_name, urns.USER_TYPE))
    yield Fact("objectId", row.object_id)
    if row.user_id:
        yield Fact("User here", resource_link(urns.USER_TYPE, row.user_id))
    if row.line:
        yield Fact("Line of the file", row.line)
    if row.is_enabled is not None:
        yield Fact("accountEnabled", str(row.is_enabled))


def _side(row: Difference, path: str, sight: Sight) -> tuple[str, str]:
    there, here = (row.differing or {})[path]
    return (
        str(sight.value(path, there, urns.USER_TYPE) or ""),
        str(sight.value(path, here, urns.USER_TYPE) or ""),
    )


def _sides(row: Difference, sight: Sight) -> Table:
    """The attributes that differ; of a user who is on one side only, what that side has."""
    if row.kind == Difference.Kind.UNREADABLE:
        return Table("Line", ("Problem",), ((row.remark,),), "")
    if row.differing:
        rows = tuple(
            (path, source_of(path), there or None, here or None, diff(here or None, there or None))
            for path in row.differing
            for there, here in (_side(row, path, sight),)
        )
        headings = ("Attribute", "In Entra", "Value in Entra", "Value here", "Change")
        return Table("Attributes that differ", headings, rows, "")
    values = tuple(
        (each.path, each.sources[0], sight.value(each.path, row.values[each.path], urns.USER_TYPE))
        for each in COMPARED
        if row.values.get(each.path)
    )
    return Table("Values in the file", ("Attribute", "In Entra", "Value"), values, "None.")
