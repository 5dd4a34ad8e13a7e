"""The users who left in a mass deactivation, as its page shows them: who, how, when."""

from typing import Any, Final

from django.db.models import Q

from accounts.console.page import Table, link, screen_link
from scim.guard.models import Departure
from scim.models import User
from scim.protocol import urns
from scim.screens.records import badge_of, resource_link, state
from scim.screens.visibility import Sight
from tenants.models import Alarm

SHOWN: Final = 100  # on a page
_LOG: Final = "admin:scim_provisioningevent_changelist"
_HEADINGS: Final = ("User", "Department", "State now", "Left", "Requests")
_DIGITS: Final = 18  # what fits into the key's column


def leavers(alarm: Alarm, after: str, sight: Sight) -> Table:
    """The users who left, in the order in which they did; `after` is the key of the last one shown.

    Two statements, whatever their number.
    """
    departures = list(_of(alarm, after)[: SHOWN + 1])
    shown = departures[:SHOWN]
    users = User.objects.only("document", "deleted_at").in_bulk([each.user_id for each in shown])
    rows = tuple(_row(each, users.get(each.user_id), sight) for each in shown)
    more = link(f"?after={shown[-1].pk}", "More users") if len(departures) > SHOWN else None
    return Table(f"Users who left: {alarm.users:,}", _HEADINGS, rows, "No more users.", more)


def _of(alarm: Alarm, after: str) -> Any:
    """The departures of the alarm, until it was settled; those that were undone included."""
    until = Q(at__lte=alarm.settled_at) if alarm.settled_at else Q()
    found = Departure.objects.filter(until, at__gte=alarm.since).order_by("id")
    if after.isascii() and after.isdigit():
        found = found.filter(pk__gt=int(after[:_DIGITS]))
    return found


def _row(departure: Departure, user: User | None, sight: Sight) -> tuple[Any, ...]:
    document = user.document if user else {}
    name = document.get("displayName") or document.get("userName") or departure.user_id
    shown = sight.value("displayName", name, urns.USER_TYPE) if user else name
    return (
        resource_link(urns.USER_TYPE, departure.user_id, shown),
        document.get(urns.ENTERPRISE_USER, {}).get("department"),
        badge_of(state(user)) if user else None,
        departure.at,
        screen_link(_LOG, "View log", query=f"?q={departure.user_id}"),
    )
