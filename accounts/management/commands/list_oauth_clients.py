"""`manage.py list_oauth_clients acme`."""

from datetime import datetime
from typing import Any, Final

from accounts.management.administration import TenantCommand
from accounts.models import OAuthClient
from tenants import clock
from tenants.current import in_tenant
from tenants.models import Tenant

HEADINGS: Final = ("CLIENT ID", "LABEL", "STATE", "FOR", "SECRET", "EXPIRES", "LAST USED")


class Command(TenantCommand):
    help = "List a tenant's OAuth clients, newest first, with a line for each secret."

    def perform_in(self, tenant: Tenant, _options: dict[str, Any], /) -> None:
        with in_tenant(tenant):
            clients = list(
                OAuthClient.objects.select_related("issued_for").prefetch_related(
                    "secrets__client__issued_for"
                )
            )
        now = clock.now()
        rows = [row for client in clients for row in _rows(client, now)]
        self.print_table([HEADINGS, *rows])


def _rows(client: OAuthClient, now: datetime) -> list[tuple[str, ...]]:
    known = (str(client.id), client.label)
    account = client.issued_for.email
    secrets: list[tuple[str, ...]] = [
        (
            *known,
            secret.state(now),
            account,
            secret.public_id,
            f"{secret.expires_at:%Y-%m-%d}",
            _used(secret.last_used_at),
        )
        for secret in client.secrets.all()
    ]
    keys = (*known, client.state(now), account, "keys", "never", _used(client.last_used_at))
    return [keys, *secrets] if client.public_keys else secrets


def _used(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "never"
