"""Staff look at one tenant as its admins do: to read only, for a reason, for half an hour, audited.

The view is in the session of the staff account, so it ends with signing out. VisitMiddleware reads
it with each request on the staff host and confines the account to SEEN_BY_ADMINS on a visit of that
tenant; screens ask for permissions as always and know nothing of it.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from django.http import HttpRequest

from accounts.actions import ActionRefused, end_view_as_admin, start_view_as_admin
from accounts.actions.performing import one_line
from accounts.links import staff_path
from accounts.models import REASON_LENGTH
from accounts.permissions import VIEW_AS_ADMIN
from accounts.signed_in import Viewing, actor, may
from tenants import clock
from tenants.models import Tenant

MINUTES: Final = 30
STOPPED: Final = "stopped"
SIGNED_OUT: Final = "signed out"
_AGAIN: Final = "started again"
_OVER: Final = "time was over"
_NOT_PERMITTED: Final = "role no longer includes it"
_KEY: Final = "view_as_admin"


def viewing_of(request: HttpRequest) -> Viewing | None:
    """The view in the session, over or not. Called outside of visits, whose paths are others."""
    kept: Any = request.session.get(_KEY)
    tenant = kept and Tenant.objects.filter(pk=kept["tenant"], is_operator=False).first()
    if not tenant:
        return None
    return Viewing(
        tenant=tenant,
        until=datetime.fromisoformat(kept["until"]),
        reason=kept["reason"],
        again_path=staff_path("admin:tenants_tenant_view_as_admin", tenant.pk),
        stop_path=staff_path("admin:tenants_tenant_stop_viewing", tenant.pk),
    )


def start(request: HttpRequest, tenant: Tenant, reason: str) -> None:
    """Begin, or begin again with another reason and the whole time. Raises ActionRefused."""
    reason = one_line(reason, "The reason", REASON_LENGTH, "reason")
    running = viewing_of(request)
    if running and running.tenant != tenant:
        # One at a time; and ending that one here would take the audit logs' locks out of order.
        raise ActionRefused(
            "viewing.running", f"You are viewing {running.tenant.name} already. Stop that first."
        )
    end(request, _AGAIN)
    until = clock.now() + timedelta(minutes=MINUTES)
    start_view_as_admin(actor(request), tenant, reason, until)
    request.session[_KEY] = {
        "tenant": str(tenant.pk),
        "until": until.isoformat(),
        "reason": reason,
    }


def end(request: HttpRequest, how: str) -> None:
    """End what runs, if anything does."""
    running = viewing_of(request)
    request.session.pop(_KEY, None)
    if running:
        end_view_as_admin(actor(request), running.tenant, how)


def end_if_over(request: HttpRequest) -> bool:
    """True when it was ended now: its time was over, or the role includes it no longer."""
    running = viewing_of(request)
    if running is None or not request.user.is_authenticated:
        return False
    is_over = clock.now() >= running.until
    if not is_over and may(request, VIEW_AS_ADMIN):
        return False
    end(request, _OVER if is_over else _NOT_PERMITTED)
    return True
