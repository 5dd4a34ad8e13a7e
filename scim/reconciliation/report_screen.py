"""Reconciliation: hand over Entra's export, follow the comparison, and see what differs in numbers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString

from accounts.console.action import ADD, Action, Call
from accounts.console.form import ActionForm
from accounts.console.page import Fact, Facts, Header, Live, Page, Section, Table, badge, link
from accounts.console.screen import RecordAdmin
from accounts.console.upload import MOST_BYTES
from scim.reconciliation import comparing
from scim.reconciliation.attributes import source_of
from scim.reconciliation.models import Difference, Reconciliation
from scim.reconciliation.remedies import REMEDIES
from tenants import clock
from tenants.current import current_tenant
from tenants.words import counted

DIFFERENCES: Final = "admin:scim_difference_changelist"
_LATE: Final = timedelta(minutes=1)  # the worker looks every two seconds
_PROGRESS: Final = "reconciliation/progress.html"
_NO_WORKER: Final = (
    " The comparison is waiting for the worker, which should have started. If this lasts, tell support that"
    " manage.py run_jobs is not running."
)
_TEXT: Final = (
    "In Entra: Users → All users → Download users, or the answer of Microsoft Graph to /users as JSON. Users are"
    " matched by objectId or mailNickname with the externalId, then by user name.\n"
    "Nothing is changed here or in Entra. The report has only what differs, and is deleted after 7 days; you can"
    " delete it before. Personal data in it are seen by those who see them elsewhere."
)
_MEGABYTE: Final = 1_048_576


class ExportForm(ActionForm):
    file = forms.FileField(
        label="Entra's users",
        help_text=f"CSV or JSON, up to {MOST_BYTES // _MEGABYTE} MB and 250,000 users.",
        widget=forms.FileInput(attrs={"accept": ".csv,.json,.txt,.jsonl"}),
        error_messages={"empty": "The file has no users.", "required": "Choose a file."},
    )

    def clean_file(self) -> Any:
        """The file. Raises ValidationError for one that is too large."""
        file = self.cleaned_data["file"]
        if (file.size or 0) > MOST_BYTES:
            raise ValidationError(f"The file is larger than {MOST_BYTES // _MEGABYTE} MB.")
        return file


def _begin(call: Call[None]) -> Reconciliation:
    file: Any = call.data["file"]
    return comparing.begin(call.actor, current_tenant(), file.file)


_ACTIONS: Final[tuple[Action[Any], ...]] = (
    Action(
        name=ADD,
        on_list=True,
        label="Compare with Entra",
        permission=comparing.COMPARE,
        title="Compare with Entra",
        text=_TEXT,
        form=ExportForm,
        submit="Compare",
        run=_begin,
        done=lambda call: (
            f"The file was read: {counted(call.result.users, 'user')}. The comparison continues when you leave"
            " this page."
        ),
    ),
    Action(
        name="delete_report",
        label="Delete report",
        permission=comparing.DELETE,
        title="Delete this report?",
        text="Its differences and the values from Entra's file are removed for good.",
        submit="Delete report",
        run=lambda call: comparing.delete(call.actor, current_tenant(), call.record),
        done="Report deleted.",
        is_dangerous=True,
        leads_to_list=True,
    ),
)


class ReconciliationAdmin(RecordAdmin[Reconciliation]):
    list_display = ("asked_at", "state", "users", "different", "asked_by")
    list_display_links = ("asked_at",)
    ordering = ("-asked_at", "pk")
    counted_as = ("reconciliation", "reconciliations")
    group = "Provisioning"
    icon = "compare"
    purpose = "Compare the users of Entra with those here: who is missing, left over or different."
    when_empty = "Export the users in Entra and upload the file: the report says what differs."
    views_noted = ("reconciliations listed", "reconciliation viewed")
    action_table = _ACTIONS

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reconciliation]:
        """Those of the current tenant: the table is in the registry."""
        return comparing.present(current_tenant())

    def get_urls(self) -> list[URLPattern]:
        progress = self.view_url("<uuid:report_id>/progress/", self.progress_view, "progress")
        return [progress, *super().get_urls()]

    @admin.display(description="state")
    def state(self, report: Reconciliation) -> SafeString:
        if report.done_at is None:
            return badge("unknown", "In progress")
        return badge("warning", "Differences") if report.counts_differing else badge("ok", "Equal")

    @admin.display(description="differences")
    def different(self, report: Reconciliation) -> int:
        return report.counts_differing

    def page(self, request: HttpRequest, record: Reconciliation) -> Page:
        live = None
        if record.done_at is None:
            path = reverse(self.url_name("progress"), args=[record.pk])
            live = Live(path, _PROGRESS, self._progress(record))
        return Page(str(record), _sections(record), header=self._header(record), live=live)

    def _header(self, report: Reconciliation) -> Header:
        facts = (
            Fact(f"Users in the file ({report.form})", report.users),
            Fact("Equal", report.counts.get(Difference.SAME, 0)),
            Fact("Uploaded", report.asked_at),
            Fact("Uploaded by", report.asked_by),
            Fact("Deleted", report.delete_at),
        )
        return Header(self.state(report), facts)

    def progress_view(self, request: HttpRequest, report_id: UUID) -> HttpResponse:
        """The part of the page that says how far the comparison is."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        progress = self._progress(self.get_record(request, report_id))
        return TemplateResponse(request, _PROGRESS, {"progress": progress})

    def _progress(self, report: Reconciliation) -> "Progress":
        return Progress.of(report, clock.now(), self.record_path(report.pk))


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a comparison, in words and numbers."""

    sentence: str
    is_done: bool
    users: int
    matched: int
    path: str  # of the report

    @classmethod
    def of(cls, report: Reconciliation, now: datetime, path: str) -> "Progress":
        is_done = report.done_at is not None
        sentence = f"{report.get_stage_display()}: {report.matched:,} of {report.users:,} compared."
        if is_done:
            sentence = "The comparison is done."
        elif not report.matched and now - report.asked_at > _LATE:
            sentence += _NO_WORKER
        return cls(sentence, is_done, report.users, report.matched, path)


def _sections(report: Reconciliation) -> tuple[Section, ...]:
    if report.done_at is None:
        return ()
    return (_kinds(report), _attributes(report), *_left_out(report))


def _kinds(report: Reconciliation) -> Table:
    path = f"{reverse(DIFFERENCES)}?report={report.pk}"
    rows = tuple(
        (
            badge(REMEDIES[kind].state, kind.label),
            link(f"{path}&kind={kind}", f"{report.counts[kind]:,}"),
            REMEDIES[kind].meaning,
            REMEDIES[kind].remedy,
        )
        for kind in Difference.Kind
        if report.counts.get(kind)
    )
    more = link(path, "All differences") if rows else None
    headings = ("Difference", "Users", "Meaning", "Remedy in Entra")
    return Table("Differences", headings, rows, "Both sides have the same users and values.", more)


def _attributes(report: Reconciliation) -> Table:
    path = f"{reverse(DIFFERENCES)}?report={report.pk}"
    found = sorted(report.attributes.items(), key=lambda item: (-item[1], item[0]))
    rows = tuple(
        (name, source_of(name), link(f"{path}&attribute={source_of(name)}", f"{number:,}"))
        for name, number in found
    )
    headings = ("Attribute", "In Entra", "Users")
    return Table("Attributes that differ", headings, rows, "None differs.")


def _left_out(report: Reconciliation) -> tuple[Facts, ...]:
    """Attributes of the file that the tenant's mapping does not send."""
    if not report.not_compared:
        return ()
    names = ", ".join(f"{source_of(path)} ({path})" for path in report.not_compared)
    fact = Fact("No user here has them", names)
    return (Facts("Not compared", (fact,)),)
