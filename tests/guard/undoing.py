"""An undo of a mass deactivation in a test: asked for, then done by the worker to its end."""

from scim.guard import undoing
from scim.guard.models import Undoing
from tenants.current import in_tenant


def undone(actor, tenant, alarm_id) -> Undoing:
    """The finished undo."""
    asked = undoing.undo_departures(actor, tenant, alarm_id)
    finish(tenant)
    with in_tenant(tenant):
        return Undoing.objects.get(pk=asked.pk)


def finish(tenant) -> int:
    """Have the worker do what is left; the number of pieces."""
    pieces = 0
    while undoing.advance(tenant):
        pieces += 1
    return pieces
