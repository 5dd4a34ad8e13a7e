"""The history on a resource's page, and the page as it was."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.safestring import SafeString

from accounts.console.page import Page, Section, link
from accounts.console.screen import Panel
from scim.history import as_of, timeline
from scim.models import Resource
from scim.screens.resources import ResourceAdmin
from scim.screens.visibility import Sight
from tenants import clock


class HistoryPanel(Panel[ResourceAdmin[Any]]):
    """The timeline of a user or group, and the page that shows it as it was."""

    def urls(self) -> Sequence[URLPattern]:
        return (self.screen.view_url("<uuid:record_id>/then/", self.then_view, "then"),)

    def sections(self, request: HttpRequest, record: Resource) -> Sequence[Section]:
        before, sight = request.GET.get("before", ""), Sight.of(request)
        return (timeline.history(record, before, sight, self._then_path(record)),)

    def links(self, request: HttpRequest, record: Resource) -> Sequence[SafeString]:
        return (link(self._then_path(record), "As it was at another time"),)

    def then_view(self, request: HttpRequest, record_id: UUID) -> HttpResponse:
        """The resource as it was at the moment that `at` names, rebuilt from its history."""
        screen = self.screen
        if request.method not in {"GET", "HEAD"} or not screen.has_view_permission(request):
            raise PermissionDenied
        record = screen.get_record(request, record_id)
        screen.viewed(request, str(record.pk))
        asked = request.GET.get("at", "")
        sight = Sight.of(request)
        moment = as_of.read_moment(asked) if asked else clock.now()
        kind = screen.resource_type()
        found = as_of.rebuilt(kind, record, moment) if moment else None
        sections = as_of.sections(kind, record, found, sight) if found else []
        notice = sight.notice
        if moment is None:
            notice = "That is no date and time; write it like 2026-11-25 10:00."
        elif found is None:
            notice = f"It was not there yet: it was created {record.created:%Y-%m-%d %H:%M:%S} UTC."
        name = str(screen.shown(record, screen.naming))
        context = {
            "page": Page(
                f"{name}, as it was",
                tuple(sections),
                notice=notice,
                parent=link(screen.record_path(record.pk), name),
            ),
            "at": (moment or clock.now()).strftime("%Y-%m-%d %H:%M:%S"),
        }
        return screen.render(request, "admin/then.html", context)

    def _then_path(self, record: Resource) -> str:
        return self.screen.record_path(record.pk).removesuffix("change/") + "then/"
