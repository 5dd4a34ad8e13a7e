"""Whether a tenant is connected, learned from its traffic, for one tenant or all in one query.

The definition is an expression of the database, so that what the overview counts, what a list
filters and what a tenant's page says cannot differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Case, CharField, F, Q, QuerySet, Value, When

from tenants.models import Tenant, Traffic


@dataclass(frozen=True, slots=True)
class State:
    """One of the four things a connection can be."""

    name: str
    label: str
    meaning: str


NEVER: Final = State("never", "Never connected", "No request with a good secret token has come yet")
CONNECTED: Final = State("connected", "Connected", "Requests come and are answered")
SILENT: Final = State("silent", "Silent", "No request for two hours, after having been connected")
FAILING: Final = State("failing", "Failing", "The last requests of their kind were refused")
# In the order in which they want attention.
STATES: Final[Mapping[str, State]] = {
    state.name: state for state in (FAILING, SILENT, NEVER, CONNECTED)
}

# Entra's cycles are about 40 minutes apart: two of them may fail to come before it is silence.
CYCLE: Final = timedelta(minutes=40)
SILENCE: Final = timedelta(hours=2)
# Anybody can send a wrong token; it tells something when the right one has missed a cycle.
STRANGE_AFTER: Final = timedelta(minutes=45)
# Entra repeats what was refused; a refusal that is not repeated for a day is settled.
SETTLED_AFTER: Final = timedelta(days=1)


def with_state(tenants: QuerySet[Tenant], now: datetime) -> QuerySet[Tenant]:
    """The tenants, each with its traffic, and the name of its state as `connection`."""
    found: QuerySet[Tenant] = tenants.select_related("traffic").annotate(
        connection=Case(
            *(When(condition, then=Value(name)) for name, condition in _conditions(now).items()),
            default=Value(NEVER.name),
            output_field=CharField(),
        )
    )
    return found


def _conditions(now: datetime) -> dict[str, Q]:
    """What each state is, the first that holds counts."""
    failed, success = F("traffic__failed_at"), Q(traffic__last_success_at=None)
    refused = Q(traffic__failed_reach=Traffic.Reach.ALL) & (
        success | Q(traffic__last_success_at__lt=failed)
    )
    unchanged = Q(
        traffic__failed_reach=Traffic.Reach.CHANGES, traffic__failed_at__gt=now - SETTLED_AFTER
    ) & (Q(traffic__last_change_at=None) | Q(traffic__last_change_at__lt=failed))
    strange = Q(traffic__stranger_at__isnull=False) & (
        success | Q(traffic__stranger_at__gt=F("traffic__last_success_at") + STRANGE_AFTER)
    )
    return {
        FAILING.name: refused | unchanged | strange,
        SILENT.name: Q(traffic__last_request_at__lte=now - SILENCE),
        CONNECTED.name: Q(traffic__last_request_at__isnull=False),
    }


@dataclass(frozen=True, slots=True)
class Connection:
    """A tenant's connection as it is told to people.

    `failure` is the reason of the failure, as tenants.models.Traffic keeps it, "" without one;
    `request_id` the failed request's. `next_cycle_at` is None unless a cycle can be expected.
    """

    state: State
    sentence: str
    last_request_at: datetime | None = None
    next_cycle_at: datetime | None = None
    failure: str = ""
    failed_at: datetime | None = None
    request_id: str = ""


def connection_of(tenant: Tenant, now: datetime) -> Connection:
    """The connection of a tenant: one statement on the registry."""
    return read(with_state(Tenant.objects.filter(pk=tenant.pk), now).get(), now)


def read(tenant: Tenant, now: datetime) -> Connection:
    """The connection of a tenant that comes from `with_state`."""
    annotated: Any = tenant
    state = STATES[annotated.connection]
    traffic: Traffic | None = getattr(tenant, "traffic", None)
    if traffic is None:
        return Connection(state, f"{state.label}.")
    last = traffic.last_request_at
    failure = _failure(traffic) if state is FAILING else ("", None, "")
    return Connection(
        state=state,
        sentence=_sentence(state, max(filter(None, (last, failure[1])), default=None), now),
        last_request_at=last,
        next_cycle_at=_next_cycle(last, now) if state is not SILENT else None,
        failure=failure[0],
        failed_at=failure[1],
        request_id=failure[2],
    )


def _failure(traffic: Traffic) -> tuple[str, datetime | None, str]:
    """The newer of a failure and a stranger's request: reason, time and request id."""
    failed, stranger = traffic.failed_at, traffic.stranger_at
    success = traffic.last_success_at
    is_strange = stranger is not None and (success is None or stranger > success + STRANGE_AFTER)
    if is_strange and (failed is None or (stranger or failed) > failed):
        return traffic.stranger_reason, stranger, ""
    return traffic.failed_reason, failed, traffic.failed_request_id


def _sentence(state: State, last: datetime | None, now: datetime) -> str:
    if last is None:
        return f"{state.label}."
    if state is SILENT:
        return f"Silent since {moment(last)}, {ago(last, now)}."
    if state is NEVER:
        return "Never connected."
    return f"{state.label}, last request {ago(last, now)}."


def _next_cycle(last: datetime | None, now: datetime) -> datetime | None:
    """About 40 minutes after the last request; None while one may be running, or is overdue."""
    if last is None or not timedelta(minutes=2) <= now - last <= CYCLE:
        return None
    return last + CYCLE


def ago(moment: datetime, now: datetime) -> str:
    """How long ago a moment was, in words: "just now", "3 minutes ago", "2 days ago"."""
    seconds = int((now - moment).total_seconds())
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            number = seconds // size
            return f"{number} {unit}{'' if number == 1 else 's'} ago"
    return "just now"


def moment(at: datetime) -> str:
    """A moment for people, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
