"""The audit log: every action of staff and of commands, to read only."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.console.page import Fact, Facts, Page, brief
from accounts.console.screen import RecordAdmin
from accounts.models import AuditEntry


class AuditEntryAdmin(RecordAdmin[AuditEntry]):
    list_display = ("at", "act", "subject", "actor", "address")
    list_display_links = ("at", "act")
    ordering = ("-id",)
    counted_as = ("entry", "entries")
    group = "Administration"
    icon = "audit"
    purpose = "Actions of people and commands; each entry is chained to the one before."
    when_empty = "The first action of a person or a command appears here."
    search_fields = ("act", "actor", "subject")
    search_help_text = "Part of an action, an actor or a subject."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        anywhere = Q(act__icontains=term) | Q(actor__icontains=term) | Q(subject__icontains=term)
        return queryset.filter(anywhere) if term else queryset, False

    def page(self, request: HttpRequest, record: AuditEntry) -> Page:
        facts = (
            Fact("When", record.at),
            Fact("Act", record.act),
            Fact("Subject", record.subject),
            Fact("By", record.actor),
            Fact("From address", record.address),
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
        return Page(record.act.capitalize(), tuple(sections))
