"""Mass deactivations of a tenant: what happened, undo it, let it pass, and when to sound."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.console.action import Action, Call
from accounts.console.form import ActionForm
from accounts.console.page import (
    Banner,
    Fact,
    Facts,
    Live,
    Overview,
    Page,
    Section,
    State,
    Table,
    badge,
    link,
)
from accounts.console.screen import Panel, RecordAdmin
from accounts.console.site import Part
from accounts.console.times import in_details
from accounts.links import visit_path
from accounts.screens.overview import LISTED, tenant_link
from accounts.screens.site import SEE_TENANTS
from accounts.signed_in import may
from scim.guard import guard, leavers, undoing
from scim.guard.models import Undoing
from scim.guard.undoing import (
    GUARD,
    SETTLE,
    UNDOABLE,
    change_guard,
    let_departures_pass,
    undo_departures,
)
from scim.guard.watch import SEE
from scim.models import User
from scim.protocol import urns
from scim.screens.records import resource_link
from scim.screens.visibility import Sight
from tenants import clock, connectivity
from tenants.current import current_tenant
from tenants.models import Alarm, Guard, Tenant, TrafficDay
from tenants.words import counted

_OPEN = Alarm.Outcome.OPEN
MOST_OFFERED: Final = 200  # users with a box of their own
MOST_NAMED: Final = 1_000  # users who are left out by name
_NAMED: Final = 50  # users who were not brought back
_SETTINGS: Final = ("share_percent", "least", "holds")
_LATE: Final = timedelta(minutes=1)  # the worker looks every two seconds
_PROGRESS: Final = "guard/undo_progress.html"
_NO_WORKER: Final = (
    "The undo is waiting for the worker, which should have started. If this lasts, tell support that"
    " manage.py run_jobs is not running."
)
RECENT_DAYS: Final = 7


class GuardForm(ActionForm):
    share_percent = forms.IntegerField(
        min_value=1,
        max_value=100,
        label="Share in percent",
        help_text="An alarm is raised when more than this share of the active users leaves in an hour.",
    )
    least = forms.IntegerField(
        min_value=1,
        max_value=100_000,
        label="Smallest alarm",
        help_text="Fewer departures never raise one.",
    )
    holds = forms.BooleanField(
        required=False,
        label="Delay new deactivations",
        help_text="They are answered 429, and Entra repeats them, until the alarm is resolved or four"
        " hours are over.",
    )


def _present(_call: Call[None]) -> Mapping[str, Any]:
    present = guard.settings_of(current_tenant())
    return {"initial": {name: getattr(present, name) for name in _SETTINGS}}


def _change_guard(call: Call[None]) -> None:
    tenant = current_tenant()
    wanted = {name: call.data[name] for name in _SETTINGS}
    change_guard(call.actor, tenant, Guard(tenant=tenant, **wanted))


class UndoForm(ActionForm):
    """Chooses the users to bring back: by boxes while they are few, else by naming those to leave out."""

    def __init__(self, *args: Any, alarm: Alarm, sight: Sight, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._alarm = alarm
        offered = leavers.choices(undoing.to_choose(alarm), sight, MOST_OFFERED)
        self.offered = frozenset(UUID(key) for key, _ in offered)
        if 0 < len(offered) <= MOST_OFFERED:
            self.fields["people"] = forms.MultipleChoiceField(
                choices=offered,
                initial=[key for key, _ in offered],
                widget=forms.CheckboxSelectMultiple,
                label="Users to bring back",
                error_messages={"required": "Choose at least one user to bring back."},
            )
        else:
            self.fields["left_out"] = forms.CharField(
                required=False,
                max_length=MOST_NAMED * 200,
                widget=forms.Textarea(attrs={"rows": 6}),
                label="Users to leave out",
                help_text=f"User names or ids, one a line, up to {MOST_NAMED:,}. All others come back.",
            )

    def clean_left_out(self) -> frozenset[UUID]:
        """The ids of the users who are named. Raises ValidationError for a name that nobody of them has."""
        names = {
            line.strip() for line in self.cleaned_data["left_out"].splitlines() if line.strip()
        }
        if len(names) > MOST_NAMED:
            raise ValidationError(f"Name up to {MOST_NAMED:,} users.")
        found = undoing.named(self._alarm, names)
        if unknown := sorted(names - found.keys()):
            raise ValidationError(f"Nobody who left is called {unknown[0]!r}.")
        return frozenset(found.values())


def _undo(call: Call[Alarm]) -> Undoing:
    left_out = call.data.get("left_out", frozenset())
    if "people" in call.data:
        left_out = call.form.offered - {UUID(key) for key in call.data["people"]}
    return undo_departures(call.actor, current_tenant(), call.record.pk, left_out)


def _can_be_undone(call: Call[Alarm]) -> bool:
    if call.record.outcome != Alarm.Outcome.UNDONE:
        return call.record.outcome in UNDOABLE
    undone = undoing.of_alarm(call.record)
    return undone is not None and undone.left > 0


_ACTIONS: Final[tuple[Action[Any], ...]] = (
    Action(
        name="guard",
        on_list=True,
        label="Change the guard",
        needs_proof=True,
        permission=GUARD,
        title="Change the guard",
        text="The guard counts users who are deactivated or deleted within an hour.",
        form=GuardForm,
        options=_present,
        submit="Save",
        run=_change_guard,
        done="Guard changed.",
        leads_to_list=True,
    ),
    Action(
        name="undo",
        label=lambda call: (
            "Try again for the rest" if call.record.outcome == Alarm.Outcome.UNDONE else "Undo"
        ),
        needs_proof=True,
        permission=SETTLE,
        title="Undo the mass deactivation?",
        text=(
            "The users who left since {record.since:%Y-%m-%d %H:%M} UTC, {record.users:,} so far, become"
            " active again; deleted ones are restored with their groups. It takes about a minute for"
            " 1,000 users; the page shows the progress.\n"
            "Users whose userName or externalId has been taken since, and users who were deactivated"
            " again, stay as they are and are listed.\n"
            "Entra deactivates them again in its next cycle unless the assignment or the scope is fixed"
            " there first."
        ),
        form=UndoForm,
        options=lambda call: {"alarm": call.record, "sight": Sight.of(call.request)},
        submit="Bring users back",
        run=_undo,
        done=lambda call: (
            f"The undo for {counted(call.result.users, 'user')} has started. It continues when you leave"
            " this page."
        ),
        is_offered=_can_be_undone,
    ),
    Action(
        name="pass",
        label="Mark as expected",
        needs_proof=True,
        permission=SETTLE,
        title="Mark this mass deactivation as expected?",
        text="It was intended. Delayed deactivations succeed when Entra repeats them.",
        run=lambda call: let_departures_pass(call.actor, current_tenant(), call.record.pk),
        done="Accepted. Counting starts again from now.",
        is_offered=lambda call: call.record.outcome == _OPEN,
        is_dangerous=True,
    ),
)


class AlarmAdmin(RecordAdmin[Alarm]):
    list_display = ("noticed_at", "users", "active_before", "state", "held", "settled_by")
    list_display_links = ("noticed_at", "users")
    ordering = ("-noticed_at", "pk")
    counted_as = ("mass deactivation", "mass deactivations")
    group = "Provisioning"
    icon = "leaving"
    purpose = "Alarms about unusually many deactivations within an hour: undo them, or mark them as expected."
    views_noted = ("mass deactivations listed", "mass deactivation viewed")
    action_table = _ACTIONS
    when_empty = "The guard alerts tenant admins and staff at once."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alarm]:
        """Those of the current tenant: the table is in the registry."""
        return super().get_queryset(request).filter(tenant=current_tenant())

    def get_urls(self) -> list[URLPattern]:
        progress = self.view_url("<uuid:alarm_id>/progress/", self.progress_view, "progress")
        return [progress, *super().get_urls()]

    @admin.display(description="state")
    def state(self, alarm: Alarm) -> SafeString:
        looks: dict[str, State] = {
            _OPEN: "failing",
            Alarm.Outcome.LAPSED: "warning",
            Alarm.Outcome.UNDOING: "warning",
        }
        return badge(looks.get(alarm.outcome, "ok"), alarm.get_outcome_display())

    @admin.display(description="delayed")
    def held(self, alarm: Alarm) -> int:
        return alarm.refused

    def page(self, request: HttpRequest, record: Alarm) -> Page:
        facts = (
            Fact("Users who left", f"{record.users:,}"),
            Fact("Active users before", f"{record.active_before:,}"),
            Fact("First departure", record.since),
            Fact("Detected", record.noticed_at),
            Fact("State", self.state(record)),
            Fact("Requests delayed", record.refused),
            Fact("New deactivations", _further(record)),
            Fact("Resolved", record.settled_at),
            Fact("Resolved by", record.settled_by or None),
        )
        notice = "Not intended? Fix the assignment or the scope in Entra first, then undo it."
        undone = undoing.of_alarm(record)
        sections: tuple[Section, ...] = (
            Facts("Mass deactivation", facts),
            *_left_behind(request, undone),
            leavers.section(record, Sight.of(request)),
        )
        return Page(
            str(record),
            sections,
            notice=notice if record.outcome == _OPEN else "",
            live=self._live(record, undone),
        )

    def _live(self, alarm: Alarm, undone: Undoing | None) -> Live | None:
        """The part of an open page that follows the undo, or the time until delays end."""
        progress = _progress(alarm, undone)
        path = reverse(self.url_name("progress"), args=[alarm.pk])
        return Live(path, _PROGRESS, progress) if progress else None

    def progress_view(self, request: HttpRequest, alarm_id: UUID) -> HttpResponse:
        """The part of the page that says how far the undo is, or how long departures are delayed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        alarm = self.get_record(request, alarm_id)
        progress = _progress(alarm, undoing.of_alarm(alarm))
        if progress is None:
            raise Http404
        return TemplateResponse(request, _PROGRESS, {"progress": progress})


def _further(alarm: Alarm) -> str:
    """The effect of the alarm on users who are deactivated now."""
    now = clock.now()
    end = guard.hold_ends(current_tenant(), alarm, now)
    if end is not None:
        return format_html("Delayed until {}, or until the alarm is resolved", in_details(end, now))
    return "Allowed"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of an undo, or of the time in which departures are delayed."""

    sentence: str
    is_done: bool
    most: int  # users, or seconds
    reached: int
    label: str = "Users processed"

    @classmethod
    def of(cls, undone: Undoing) -> "Progress":
        is_done, dealt_with = undone.done_at is not None, undone.back + undone.left
        sentence = f"{undone.back:,} of {counted(undone.users, 'user')} active again"
        if undone.left:
            sentence += f", {counted(undone.left, 'stays', 'stay')} as before"
        if is_done:
            sentence = f"The undo is done: {sentence}."
        elif not dealt_with and clock.now() - undone.asked_at > _LATE:
            sentence = f"{_NO_WORKER} {sentence}."
        else:
            sentence = f"The undo is in progress: {sentence}."
        return cls(sentence, is_done, undone.users, dealt_with)

    @classmethod
    def of_delay(cls, alarm: Alarm, end: datetime, now: datetime) -> "Progress":
        minutes = -(-int((end - now).total_seconds()) // 60)
        sentence = (
            f"New deactivations are delayed for {minutes // 60} h {minutes % 60} min more, or until"
            f" {guard.MOST_REFUSED:,} requests were delayed ({alarm.refused:,} so far)."
        )
        most = int(guard.GRACE.total_seconds())
        passed = most - int((end - now).total_seconds())
        return cls(sentence, False, most, passed, "Time passed")


def _progress(alarm: Alarm, undone: Undoing | None) -> Progress | None:
    """The progress of the undo; without one, of the delay, if departures are delayed."""
    if undone is not None:
        return Progress.of(undone)
    now = clock.now()
    end = guard.hold_ends(current_tenant(), alarm, now)
    return Progress.of_delay(alarm, end, now) if end else None


def _left_behind(request: HttpRequest, undone: Undoing | None) -> tuple[Table, ...]:
    """The users who were not brought back, with the reasons."""
    if undone is None or not undone.left:
        return ()
    sight = Sight.of(request)
    found = dict(undoing.left_behind(undone, _NAMED))
    names = {user.pk: user.document.get("userName") for user in User.objects.filter(pk__in=found)}
    rows = tuple(
        (
            resource_link(urns.USER_TYPE, key, sight.value("userName", names.get(key), "User")),
            reason,
        )
        for key, reason in found.items()
    )
    caption = "Users who were not brought back"
    if undone.left > _NAMED:
        caption += f", the first {_NAMED} of {undone.left:,}"
    return (Table(caption, ("User", "Reason"), rows, ""),)


class StaffPart(Part):
    """The open alarms of all tenants, and where most users left."""

    def overview(self, request: HttpRequest) -> Overview:
        """Two statements on the registry."""
        if not may(request, SEE_TENANTS):
            return Overview()
        now = clock.now()
        return Overview(banners=_alarms(now), sections=(_departures(now.date()),))


class TenantPart(Part):
    """The tenant's open alarm."""

    def overview(self, request: HttpRequest) -> Overview:
        """One statement on the registry."""
        alarm = guard.open_alarm(current_tenant()) if may(request, SEE) else None
        if alarm is None:
            return Overview()
        path = reverse("admin:tenants_alarm_change", args=[alarm.pk])
        remedy = "Not intended? Fix the assignment in Entra first, then undo it."
        banner = Banner("failing", _sentence(alarm), remedy, link(path, "Review"))
        return Overview(banners=(banner,))


class AlarmPanel(Panel[Any]):
    """The open alarm at the top of a tenant's page for staff."""

    def notice(self, request: HttpRequest, record: Tenant) -> str:
        alarm = guard.open_alarm(record)
        return _sentence(alarm) if alarm else ""


def _sentence(alarm: Alarm) -> str:
    return f"{alarm} were deactivated or deleted within an hour."


def _alarms(now: datetime) -> tuple[Banner, ...]:
    """The mass deactivations that nobody has settled."""
    found = Alarm.objects.select_related("tenant").filter(outcome=Alarm.Outcome.OPEN)
    return tuple(
        Banner(
            "failing",
            f"{alarm.tenant.name}: {alarm} were deactivated or deleted within an hour,",
            f"{connectivity.ago(alarm.noticed_at, now)}.",
            link(visit_path(alarm.tenant, "admin:tenants_alarm_change", alarm.pk), "Review"),
        )
        for alarm in found.order_by("-noticed_at", "pk")[:LISTED]
    )


def _departures(today: date) -> Table:
    found = TrafficDay.objects.select_related("tenant").filter(
        day__gt=today - timedelta(days=RECENT_DAYS), departures__gt=0
    )
    rows = tuple(
        (
            tenant_link(day.tenant),
            f"{day.day.day} {day.day:%b}",
            day.departures,
            link(
                visit_path(day.tenant, "admin:scim_user_changelist") + "?state=disabled",
                "View users",
            ),
        )
        for day in found.order_by("-departures", "-day", "tenant_id")[:LISTED]
    )
    return Table(
        "Most users deactivated or deleted on a day, the last 7 days",
        ("Tenant", "Day", "Users", "List"),
        rows,
        "No user was deactivated or deleted.",
    )
