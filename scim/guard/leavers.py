"""The users who left in a mass deactivation: who, how, by which request, and what an undo made of it."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from django.contrib import admin
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KT
from django.db.models.functions import Greatest, JSONObject
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.console.export import Export, ExportingAdmin, moment
from accounts.console.listing import Conditions, TableFilter, uuid_in
from accounts.console.page import Page, State, Table, badge, link, list_path, screen_link
from scim.guard.models import Departure
from scim.models import ProvisioningEvent, User
from scim.protocol import urns
from scim.screens.records import WHOLE_VALUES, badge_of, resource_link
from scim.screens.visibility import Sight
from tenants import clock
from tenants.current import current_tenant
from tenants.lettercase import fold
from tenants.models import Alarm

SHOWN: Final = 50  # on the page of the alarm
_EVENT: Final = "admin:scim_provisioningevent_change"
_HEADINGS: Final = ("User", "Department", "How", "Left", "State now", "Result", "Request")
_COLUMNS: Final = (
    *("id", "userName", "displayName", "department", "how", "left", "state now"),
    *("result", "reason", "request", "credential"),
)
_AROUND: Final = timedelta(seconds=10)  # between a departure and the entry of its request
_NO_DEPARTURES: Final = ("retrieve", "query", "create")
_HOW: Final = {"delete": "Deleted"}


def leavers(alarm: Alarm) -> QuerySet[Departure]:
    """The departures of the alarm until it was settled, each with its user and its request."""
    until = Q(at__lte=alarm.settled_at) if alarm.settled_at else Q()
    return _told(Departure.objects.filter(until, at__gte=alarm.since))


def _told(departures: QuerySet[Departure]) -> QuerySet[Departure]:
    """The departures with `user`, `event` and `named`, found by indexes in the same statement."""
    users = User.objects.filter(pk=OuterRef("user_id"))
    user = JSONObject(
        userName=KT("document__userName"),
        displayName=KT("document__displayName"),
        department=KT(f"document__{urns.ENTERPRISE_USER}__department"),
        active=F("active"),
        deleted=F("deleted_at"),
    )
    at = OuterRef("at")
    events = ProvisioningEvent.objects.filter(
        resource_id=OuterRef("user_id"),
        status__lt=400,
        at__gte=at - _AROUND,
        at__lte=at + _AROUND,
    ).exclude(operation__in=_NO_DEPARTURES)
    event = JSONObject(
        id=F("id"),
        request_id=F("request_id"),
        operation=F("operation"),
        by=F("token_label"),
    )
    distance = Greatest(F("at") - at, at - F("at"))
    nearest = events.annotate(distance=distance).order_by("distance")
    return departures.annotate(
        user=Subquery(users.values_list(user)),
        event=Subquery(nearest.values_list(event)[:1]),
    )


class AlarmFilter(TableFilter):
    """One alarm; the newest, unless another is chosen."""

    title = "mass deactivation"
    parameter_name = "alarm"
    _MOST: Final = 20

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The newest alarms of the tenant: one statement on the registry."""
        found = Alarm.objects.filter(tenant=current_tenant()).order_by("-noticed_at", "pk")
        return [
            (str(each.pk), f"{each.noticed_at:%Y-%m-%d %H:%M} UTC") for each in found[: self._MOST]
        ]

    def has_output(self) -> bool:
        return True

    def value(self) -> str:
        return str(super().value() or next((key for key, _ in self.lookup_choices), ""))

    def choices(self, changelist: Any) -> Any:
        """The alarms; no alarm is *All* of them."""
        return list(super().choices(changelist))[1:]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        key = uuid_in(self.value())
        alarm = Alarm.objects.filter(tenant=current_tenant(), pk=key).first() if key else None
        if alarm is None:
            return queryset.none()
        until = Q(at__lte=alarm.settled_at) if alarm.settled_at else Q()
        return queryset.filter(until, at__gte=alarm.since)


class ResultFilter(TableFilter):
    title = "result of the undo"
    parameter_name = "result"
    conditions: Conditions = {
        "back": ("Active again", lambda: Q(undone_at__isnull=False)),
        "left": ("Not brought back", lambda: Q(obstacle__isnull=False)),
        "open": ("Not undone", lambda: Q(undone_at=None, obstacle=None)),
    }


class LeaverAdmin(ExportingAdmin[Departure]):
    export_permission = "scim.export_departure"
    list_display = ("name", "department", "how", "at", "state", "result", "request_link")
    list_display_links = None
    list_filter = (AlarmFilter, ResultFilter)
    ordering = ("-id",)
    search_fields = ("user_id",)
    search_help_text = "Beginning of a user name or display name; or a complete id."
    counted_as = ("user who left", "users who left")
    group = "Provisioning"
    purpose = "The users who left in a mass deactivation."
    views_noted = ("leavers listed", "leaver viewed")
    when_empty = "Nobody has left in a mass deactivation."

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Not in the navigation: mass deactivations lead here."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Departure]:
        return _told(super().get_queryset(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Departure], search_term: str
    ) -> tuple[QuerySet[Departure], bool]:
        """By name, whose beginning is enough for those who see it, or by id."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if key := uuid_in(term):
            return queryset.filter(user_id=key), False
        lookup = "startswith" if Sight.of(request).is_whole else "exact"
        named = Q(**{f"unique_key__{lookup}": fold(term)})
        named |= Q(**{f"display_name__{lookup}": fold(term)})
        return queryset.filter(user_id__in=User.objects.filter(named).values("pk")), False

    def nothing_hint(self, request: HttpRequest) -> str:
        return "" if Sight.of(request).is_whole else WHOLE_VALUES

    def prepare(self, request: HttpRequest, rows: Iterable[Departure]) -> None:
        sight = Sight.of(request)
        for row in rows:
            row.cells = cells(row, sight)  # type: ignore[attr-defined]

    @admin.display(description="user")
    def name(self, row: Any) -> Any:
        return row.cells[0]

    @admin.display(description="department")
    def department(self, row: Any) -> Any:
        return row.cells[1]

    @admin.display(description="how")
    def how(self, row: Any) -> Any:
        return row.cells[2]

    @admin.display(description="state now")
    def state(self, row: Any) -> Any:
        return row.cells[4]

    @admin.display(description="result")
    def result(self, row: Any) -> Any:
        return row.cells[5]

    @admin.display(description="request")
    def request_link(self, row: Any) -> Any:
        return row.cells[6]

    def page(self, request: HttpRequest, record: Departure) -> Page:
        sight = Sight.of(request)
        row = self.get_queryset(request).get(pk=record.pk)
        table = Table("User who left", _HEADINGS, (cells(row, sight),), "")
        return Page(str(_shown(row, sight)), (table,), notice=sight.notice)

    def export(self, request: HttpRequest) -> Export:
        sight, day = Sight.of(request), clock.now()

        def told(row: Any) -> Sequence[Any]:
            user, event = row.user or {}, row.event or {}
            shown = (
                sight.value(name, user.get(name), urns.USER_TYPE)
                for name in ("userName", "displayName")
            )
            return [
                row.user_id,
                *shown,
                user.get("department"),
                _how(event),
                moment(row.at),
                _state(user),
                _result(row)[1],
                row.obstacle,
                *(event.get(name) for name in ("request_id", "by")),
            ]

        return Export(f"leavers-{day:%Y-%m-%d}.csv", _COLUMNS, told, notice=sight.notice)


def section(alarm: Alarm, sight: Sight) -> Table:
    """The first users who left, in their order, and the way to all of them: one statement."""
    found = leavers(alarm).order_by("id")[:SHOWN]
    rows = tuple(cells(each, sight) for each in found)
    path = f"{list_path(Departure)}?alarm={alarm.pk}"
    more = link(path, "All users who left: filter, search, export") if rows else None
    return Table(f"Users who left: {alarm.users:,}", _HEADINGS, rows, "No users.", more)


def choices(departures: QuerySet[Departure], sight: Sight, most: int) -> list[tuple[str, str]]:
    """The users of the departures as choices, one more than `most` if there are more: one statement."""
    latest = departures.order_by("user_id", "-id").distinct("user_id")
    found = [(str(each.user_id), _label(each, sight)) for each in _told(latest)[: most + 1]]
    return sorted(found, key=lambda choice: choice[1])


def _label(row: Any, sight: Sight) -> str:
    parts = [_shown(row, sight), (row.user or {}).get("department"), _how(row.event or {}).lower()]
    return ", ".join(str(part) for part in parts if part)


def cells(row: Any, sight: Sight) -> tuple[Any, ...]:
    """The cells of a departure under the headings."""
    user, event = row.user or {}, row.event or {}
    state = _state(user)
    look, result = _result(row)
    return (
        resource_link(urns.USER_TYPE, row.user_id, _shown(row, sight)),
        user.get("department"),
        _how(event) or None,
        row.at,
        badge_of(state) if state else None,
        _badge(look, result, row.obstacle),
        screen_link(_EVENT, event["by"] or event["request_id"], event["id"]) if event else None,
    )


def _shown(row: Any, sight: Sight) -> Any:
    user = row.user or {}
    name = user.get("displayName") or user.get("userName")
    return sight.value("displayName", name, urns.USER_TYPE) or row.user_id


def _how(event: dict[str, Any]) -> str:
    return _HOW.get(event["operation"], "Deactivated") if event else ""


def _state(user: dict[str, Any]) -> str:
    """The state of the user now; "" for one of whom nothing is left."""
    if not user:
        return ""
    if user["deleted"]:
        return "Deleted"
    return "Disabled" if user["active"] is False else "Active"


def _result(row: Departure) -> tuple[State, str]:
    if row.undone_at:
        return "ok", "Active again"
    return ("warning", "Not brought back") if row.obstacle else ("unknown", "")


def _badge(look: State, result: str, reason: str | None) -> SafeString | str | None:
    if not result:
        return None
    return badge(look, f"{result}: {reason}" if reason else result)
