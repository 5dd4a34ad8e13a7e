"""Mass deactivations of a tenant: what happened, undo all of it, let it pass, and when to sound."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString

from accounts.console.asked import Asked, ask, done
from accounts.console.page import Act, Fact, Facts, Live, Page, Section, State, Table, badge, link
from accounts.console.screen import RecordAdmin
from accounts.screens.forms import GuardForm
from accounts.signed_in import actor, may, record_view
from scim.guard import guard, undoing
from scim.guard.models import Undoing
from scim.guard.settling import (
    GUARD,
    SETTLE,
    UNDOABLE,
    change_guard,
    let_departures_pass,
    undo_departures,
)
from scim.models import User
from scim.protocol import urns
from scim.screens.records import resource_link
from scim.screens.visibility import Sight
from tenants import clock
from tenants.current import current_tenant
from tenants.models import Alarm, Guard

_OPEN = Alarm.Outcome.OPEN
LISTED: Final = 50  # users who were not brought back
_LATE: Final = timedelta(minutes=1)  # the worker looks every two seconds
_PROGRESS: Final = "admin/undo_progress.html"
_NO_WORKER: Final = (
    "The undo waits for the worker, which should have begun by now. If this lasts, tell support that"
    " manage.py run_jobs is not running."
)


class AlarmAdmin(RecordAdmin[Alarm]):
    list_display = ("noticed_at", "users", "active_before", "state", "held", "settled_by")
    list_display_links = ("noticed_at", "users")
    ordering = ("-noticed_at", "pk")
    counted_as = ("mass deactivation", "mass deactivations")
    group = "Provisioning"
    purpose = "When unusually many users left within an hour: undo all of it, or let it pass."
    when_empty = "The guard tells tenant admins and staff at once when it happens."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alarm]:
        """Those of the current tenant: the table is in the registry."""
        return super().get_queryset(request).filter(tenant=current_tenant())

    def get_urls(self) -> list[URLPattern]:
        acts = [
            self.act_url("guard/", self.guard_view, "guard"),
            self.act_url("<uuid:alarm_id>/undo/", self.undo_view, "undo"),
            self.act_url("<uuid:alarm_id>/progress/", self.progress_view, "progress"),
            self.act_url("<uuid:alarm_id>/pass/", self.pass_view, "pass"),
        ]
        return [*acts, *super().get_urls()]

    def viewed(self, request: HttpRequest, subject: str) -> None:
        act = "mass deactivation viewed" if subject else "mass deactivations listed"
        record_view(request, act, subject)

    @admin.display(description="state")
    def state(self, alarm: Alarm) -> SafeString:
        looks: dict[str, State] = {
            _OPEN: "failing",
            Alarm.Outcome.LAPSED: "warning",
            Alarm.Outcome.UNDOING: "warning",
        }
        return badge(looks.get(alarm.outcome, "ok"), alarm.get_outcome_display())

    @admin.display(description="held")
    def held(self, alarm: Alarm) -> int:
        return alarm.refused

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        acts = (self.act("Change the guard", "guard"),) if may(request, GUARD) else ()
        return super().changelist_view(request, {"acts": acts, **(extra_context or {})})

    def page(self, request: HttpRequest, record: Alarm) -> Page:
        users = reverse("admin:scim_user_changelist")
        facts = (
            Fact("Users who left", f"{record.users:,}"),
            Fact("Active before", f"{record.active_before:,}"),
            Fact("The first left", record.since),
            Fact("Noticed", record.noticed_at),
            Fact("State", self.state(record)),
            Fact("Requests held", record.refused),
            Fact("Further ones", _further(record)),
            Fact("Settled", record.settled_at),
            Fact("Settled by", record.settled_by or None),
            Fact("Look", link(f"{users}?state=disabled", "Disabled users")),
        )
        notice = "Not intended? Fix the assignment or the scope in Entra first, then undo it."
        undone = undoing.of_alarm(record)
        acts = self._acts(record, undone) if may(request, SETTLE) else ()
        sections: tuple[Section, ...] = (
            Facts("Mass deactivation", facts),
            *_left_behind(request, undone),
        )
        return Page(
            str(record),
            sections,
            acts,
            notice if record.outcome == _OPEN else "",
            live=self._live(record, undone),
        )

    def _acts(self, alarm: Alarm, undone: Undoing | None) -> tuple[Act, ...]:
        if alarm.outcome not in UNDOABLE:
            return ()
        if alarm.outcome == Alarm.Outcome.UNDONE:
            has_rest = undone is not None and undone.left
            return (self.act("Try again for the rest", "undo", alarm.pk),) if has_rest else ()
        undo = self.act("Undo all of it", "undo", alarm.pk)
        if alarm.outcome != _OPEN:
            return (undo,)
        return (undo, self.act("Let it pass", "pass", alarm.pk, is_dangerous=True))

    def _live(self, alarm: Alarm, undone: Undoing | None) -> Live | None:
        """The part of an open page that follows the undo."""
        if undone is None:
            return None
        path = reverse(self.url_name("progress"), args=[alarm.pk])
        return Live(path, _PROGRESS, Progress.of(undone))

    def progress_view(self, request: HttpRequest, alarm_id: UUID) -> HttpResponse:
        """The part of the page that says how far the undo is."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        undone = undoing.of_alarm(self.get_record(request, alarm_id))
        if undone is None:
            raise Http404
        return TemplateResponse(request, _PROGRESS, {"progress": Progress.of(undone)})

    def undo_view(self, request: HttpRequest, alarm_id: UUID) -> HttpResponse:
        """The page that says who comes back; its POST has them brought back."""
        alarm, tenant = self.get_record(request, alarm_id), current_tenant()

        def undo(_form: Any) -> HttpResponse:
            undone = undo_departures(actor(request), tenant, alarm.pk)
            sentence = (
                f"The undo for {undone.users:,} users has started. It goes on when you leave."
            )
            return done(request, self.record_path(alarm.pk), sentence)

        asked = Asked(
            title="Undo the mass deactivation?",
            act_label="Bring all of them back",
            permission=SETTLE,
            cancel_path=self.record_path(alarm.pk),
            run=undo,
            sentences=(
                (
                    f"All users who left since {alarm.since:%Y-%m-%d %H:%M} UTC, {alarm.users:,} so"
                    " far, become active again; deleted ones are restored with their groups. It takes"
                    " about a minute for 1,000 users; the page shows how far it is."
                ),
                (
                    "Users whose userName or externalId has been taken since, and users who were"
                    " deactivated again, stay as they are and are listed."
                ),
                (
                    "Entra deactivates them again in its next cycle unless the assignment or the scope"
                    " is fixed there before."
                ),
            ),
        )
        return ask(self, request, asked)

    def pass_view(self, request: HttpRequest, alarm_id: UUID) -> HttpResponse:
        """The page that says what passes; its POST settles the alarm."""
        alarm, tenant = self.get_record(request, str(alarm_id)), current_tenant()

        def let_pass(_form: Any) -> HttpResponse:
            let_departures_pass(actor(request), tenant, alarm.pk)
            return done(request, self.record_path(alarm.pk), "It passes; counting starts anew.")

        asked = Asked(
            title="Let the mass deactivation pass?",
            act_label="Let it pass",
            permission=SETTLE,
            cancel_path=self.record_path(alarm.pk),
            run=let_pass,
            sentences=("It was meant. What is held passes when Entra repeats it.",),
            is_dangerous=True,
        )
        return ask(self, request, asked)

    def guard_view(self, request: HttpRequest) -> HttpResponse:
        """The form that says when the alarm sounds and whether further departures wait."""
        tenant = current_tenant()
        present = guard.settings_of(tenant)
        names = ("share_percent", "least", "holds")
        prefilled = {name: getattr(present, name) for name in names}

        def form(*args: Any, initial: dict[str, Any] | None = None, **kwargs: Any) -> GuardForm:
            return GuardForm(*args, initial={**prefilled, **(initial or {})}, **kwargs)

        def change(valid: GuardForm) -> HttpResponse:
            wanted = Guard(tenant=tenant, **{name: valid.cleaned_data[name] for name in names})
            change_guard(actor(request), tenant, wanted)
            return done(request, self.list_path(), "The guard is changed.")

        asked = Asked(
            title="Change the guard",
            act_label="Save",
            permission=GUARD,
            cancel_path=self.list_path(),
            run=change,
            form=form,
            sentences=("The guard counts users who are deactivated or deleted within an hour.",),
        )
        return ask(self, request, asked)


def _further(alarm: Alarm) -> str:
    """What becomes of those who are deactivated now."""
    end = guard.hold_ends(current_tenant(), alarm, clock.now())
    if end is not None:
        return f"wait until {end:%Y-%m-%d %H:%M} UTC, or until somebody undoes it or lets it pass"
    return "pass"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of an undo, in words and numbers."""

    sentence: str
    is_done: bool
    users: int
    dealt_with: int

    @classmethod
    def of(cls, undone: Undoing) -> "Progress":
        is_done, dealt_with = undone.done_at is not None, undone.back + undone.left
        sentence = f"{undone.back:,} of {undone.users:,} users are active again"
        if undone.left:
            sentence += f", {undone.left:,} {'stays' if undone.left == 1 else 'stay'} as before"
        if is_done:
            sentence = f"The undo is done: {sentence}."
        elif not dealt_with and clock.now() - undone.asked_at > _LATE:
            sentence = f"{_NO_WORKER} {sentence}."
        else:
            sentence = f"The undo is in progress: {sentence}."
        return cls(sentence, is_done, undone.users, dealt_with)


def _left_behind(request: HttpRequest, undone: Undoing | None) -> tuple[Table, ...]:
    """The users who were not brought back, with the reasons."""
    if undone is None or not undone.left:
        return ()
    sight = Sight.of(request)
    found = dict(undoing.left_behind(undone, LISTED))
    names = {user.pk: user.document.get("userName") for user in User.objects.filter(pk__in=found)}
    rows = tuple(
        (
            resource_link(urns.USER_TYPE, key, sight.value("userName", names.get(key), "User")),
            reason,
        )
        for key, reason in found.items()
    )
    caption = "Users who were not brought back"
    if undone.left > LISTED:
        caption += f", the first {LISTED} of {undone.left:,}"
    return (Table(caption, ("User", "Reason"), rows, ""),)
