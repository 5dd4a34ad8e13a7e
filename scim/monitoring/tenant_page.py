"""The part of a tenant's page for staff that its schema and its traffic tell."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from accounts.console.page import Fact, Facts, Section, Table, link
from accounts.console.screen import Panel
from accounts.links import visit_path
from accounts.models import SecretToken
from accounts.screens.tokens import standing
from scim.monitoring import mapping
from scim.monitoring.health import Counted, counted
from tenants import clock, connection
from tenants.current import in_tenant
from tenants.models import Tenant

_TOKENS_SHOWN = 10


class TenantPanel(Panel[Any]):
    """Users, groups, tokens and the attribute mapping in traffic."""

    def sections(self, request: HttpRequest, record: Tenant) -> Sequence[Section]:
        """Some statements on the registry and some in the tenant, whatever its size."""
        now = clock.now()
        with in_tenant(record):
            numbers = counted()
            tokens = _tokens(record, now)
        marks = mapping.marks_of(record)
        return (
            _population(record, numbers),
            tokens,
            mapping.mistakes(marks, has_users=numbers.active + numbers.disabled > 0),
            mapping.seen(marks, now),
            mapping.flavor(marks, now),
        )


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
        "No secret token yet.",
        link(visit_path(tenant, "admin:accounts_secrettoken_changelist"), "All secret tokens"),
    )
