"""`manage.py list_tokens acme`."""

from datetime import datetime
from typing import Any, Final

from accounts.management.administration import TenantCommand
from accounts.models import SecretToken
from tenants import clock
from tenants.current import in_tenant
from tenants.models import Tenant

HEADINGS: Final = ("ID", "LABEL", "STATE", "FOR", "EXPIRES", "LAST USED", "REQUESTS")


class Command(TenantCommand):
    help = "List a tenant's secret tokens, newest first; their values are stored nowhere."

    def perform_in(self, tenant: Tenant, _options: dict[str, Any], /) -> None:
        with in_tenant(tenant):
            tokens = list(SecretToken.objects.select_related("issued_for"))
        now = clock.now()
        self.print_table([HEADINGS, *(_row(token, now) for token in tokens)])


def _row(token: SecretToken, now: datetime) -> tuple[str, ...]:
    expires = f"{token.expires_at:%Y-%m-%d}" if token.expires_at else "never"
    used = f"{token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never"
    state = token.state(now)
    uses = (used, str(token.use_count))
    return (token.public_id, token.label, state, token.issued_for.email, expires, *uses)
