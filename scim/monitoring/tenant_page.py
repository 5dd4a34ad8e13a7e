"""A tenant's page for staff, with what its schema and its traffic say about the connection."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from accounts.console.page import Fact, Facts, Page, Section, Table, link
from accounts.models import SecretToken
from accounts.screens.failures import Failure, beside, failure_of, log_query
from accounts.screens.overview import connection_badge
from accounts.screens.tenants import TenantAdmin
from accounts.screens.tokens import standing
from accounts.visits import visit_path
from scim.monitoring import mapping
from scim.monitoring.health import Counted, counted
from tenants import clock, connection
from tenants.connection import Refusal
from tenants.current import in_tenant
from tenants.models import Tenant

_TOKENS_SHOWN = 10


class TenantScreen(TenantAdmin):
    """Adds to the page what only scim knows: users, groups, the attribute mapping in traffic."""

    def page(self, request: HttpRequest, record: Tenant) -> Page:
        """The page: some statements on the registry and some in the tenant, whatever its size."""
        base, now = super().page(request, record), clock.now()
        with in_tenant(record):
            numbers = counted()
            tokens = _tokens(record, now)
        marks = mapping.marks_of(record)
        sections: tuple[Section, ...] = (
            _connection(record, now),
            *base.sections,
            _population(record, numbers),
            tokens,
            mapping.mistakes(marks, has_users=numbers.active + numbers.disabled > 0),
            mapping.seen(marks, now),
            mapping.flavor(marks, now),
        )
        return replace(base, sections=sections)


def _connection(tenant: Tenant, now: datetime) -> Facts:
    found = connection.read(tenant, now)
    facts = [Fact("State", connection_badge(found)), Fact("In words", found.sentence)]
    if found.failure:
        facts += _refused(tenant, found.failure, failure_of(found.failure), "What is wrong")
    if found.beside:
        facts += _refused(tenant, found.beside, beside(found.beside, now), "Also refused")
    facts.append(Fact("Next cycle", connection.next_cycle(found, now)))
    return Facts("Connection", tuple(facts))


def _refused(tenant: Tenant, refusal: Refusal, failure: Failure, label: str) -> list[Fact]:
    log = visit_path(tenant, "admin:scim_provisioningevent_changelist") + log_query(refusal)
    return [
        Fact(label, failure.what),
        Fact("What to do", failure.fix),
        Fact("Last failure", link(log, connection.moment(refusal.at))),
    ]


def _population(tenant: Tenant, numbers: Counted) -> Facts:
    users = visit_path(tenant, "admin:scim_user_changelist")
    groups = visit_path(tenant, "admin:scim_group_changelist")
    return Facts(
        "Provisioned",
        (
            Fact("Active users", link(f"{users}?state=active", numbers.active)),
            Fact("Disabled users", link(f"{users}?state=disabled", numbers.disabled)),
            Fact("Groups", link(groups, numbers.groups)),
        ),
    )


def _tokens(tenant: Tenant, now: datetime) -> Table:
    """The newest tokens; the list has all of them."""
    found = SecretToken.objects.select_related("issued_for").defer("digest")
    rows: list[tuple[Any, ...]] = [
        (
            link(visit_path(tenant, "admin:accounts_secrettoken_change", token.pk), token),
            standing(token.state(now)),
            str(token.issued_for),
            token.expires_at or "Never",
            connection.ago(token.last_used_at, now) if token.last_used_at else "Never used",
        )
        for token in found.order_by("-created_at", "pk")[:_TOKENS_SHOWN]
    ]
    return Table(
        "Secret tokens",
        ("Token", "State", "Issued for", "Expires", "Last used"),
        tuple(rows),
        "There is no secret token yet.",
        link(visit_path(tenant, "admin:accounts_secrettoken_changelist"), "All secret tokens"),
    )
