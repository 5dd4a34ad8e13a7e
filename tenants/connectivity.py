"""The state of a tenant: of its connection, learned from traffic, and of what wants somebody.

For one tenant or all of them in one query.

Each credential (secret token, OAuth client) has a standing of its own. A good one whose requests are
refused makes the tenant's connection fail. One that is refused itself, because it is revoked, say,
does so only where no other works: else it is told beside the state (decision 0029). A connection that
works *needs attention* while the tenant has an open problem or an open alarm (decision 0126), so what is
refused about single users has one definition for all pages. The definition
is an expression of the database, so that what the overview counts, what a list filters and what a
tenant's page says cannot differ.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from django.db.models import (
    Case,
    CharField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import JSONObject

from tenants.models import Alarm, CredentialTraffic, Problem, Reach, Status, Tenant, Traffic
from tenants.words import counted


@dataclass(frozen=True, slots=True)
class State:
    """One of the things a connection can be."""

    name: str
    label: str
    meaning: str


NEVER: Final = State("never", "Never connected", "No request with a good secret token has come yet")
CONNECTED: Final = State("connected", "Connected", "Requests come and are answered")
SILENT: Final = State("silent", "Silent", "No request for two hours, after having been connected")
FAILING: Final = State("failing", "Failing", "Requests are refused, whatever they say")
ATTENTION: Final = State(
    "attention", "Needs attention", "Requests are answered; some of what they say is refused"
)
SUSPENDED: Final = State("suspended", "Suspended", "Every request is refused until staff resume it")
# In the order in which they want attention.
STATES: Final[Mapping[str, State]] = {
    state.name: state for state in (FAILING, SILENT, ATTENTION, NEVER, CONNECTED, SUSPENDED)
}

# Entra's cycles are about 40 minutes apart: two of them may fail to come before it is silence.
CYCLE: Final = timedelta(minutes=40)
SILENCE: Final = timedelta(hours=2)
# Anybody can send a wrong token; it tells something when the right one has missed a cycle.
STRANGE_AFTER: Final = timedelta(minutes=45)
# A credential that is refused beside another one is told for so long.
TOLD_FOR: Final = timedelta(days=1)
# Entra repeats what is refused each cycle, later once a day: what it no longer sends is not open.
SENT_WITHIN: Final = timedelta(days=7)
_RUNNING: Final = timedelta(minutes=2)  # so long after a request its cycle may go on


def with_state(tenants: QuerySet[Tenant], now: datetime) -> QuerySet[Tenant]:
    """The tenants, each with its traffic, the name of its state as `connection`, and failures.

    `broken`, `cut_off` and `denied` are the newest failures of its credentials, None without one:
    of a good one, of one that is refused itself while no other works, of one beside others.
    """
    whens = [When(condition, then=Value(name)) for name, condition in _conditions(now).items()]
    found: QuerySet[Tenant] = tenants.select_related("traffic").annotate(
        connection=Case(*whens, default=Value(NEVER.name), output_field=CharField()),
        broken=_newest(_broken()),
        cut_off=_newest(_cut_off()),
        denied=_newest(_denied().filter(failed_at__gt=now - TOLD_FOR)),
    )
    return found


def _conditions(now: datetime) -> dict[str, Q]:
    """The condition of each state; the first that holds counts."""
    success = F("traffic__last_success_at")
    strange = Q(traffic__stranger_at__isnull=False) & (
        Q(traffic__last_success_at=None) | Q(traffic__stranger_at__gt=success + STRANGE_AFTER)
    )
    of_tenant = Q(tenant=OuterRef("pk"))
    alarms = Alarm.objects.filter(of_tenant, outcome=Alarm.Outcome.OPEN)
    credentials = Exists(_broken()) | Exists(_cut_off())
    return {
        SUSPENDED.name: Q(status=Status.SUSPENDED),
        FAILING.name: _refused("traffic__") | strange | credentials,
        SILENT.name: Q(traffic__last_request_at__lte=now - SILENCE),
        ATTENTION.name: Exists(open_problems(now).filter(of_tenant)) | Exists(alarms),
        CONNECTED.name: Q(traffic__last_request_at__isnull=False),
    }


def is_open(now: datetime) -> Q:
    """The condition of a problem that somebody has to do something about."""
    return Q(muted_at=None, settled_at=None, last_at__gt=now - SENT_WITHIN)


def open_problems(now: datetime) -> QuerySet[Problem]:
    """The open problems of all tenants."""
    return Problem.objects.filter(is_open(now))


def _refused(of: str = "") -> Q:
    """The condition that nothing succeeded since a request was refused; `of` leads to both."""
    since = _none_since(F(f"{of}failed_at"), f"{of}last_success_at")
    return Q((f"{of}failed_reach", Reach.ALL)) & since


def _none_since(failed: F, column: str) -> Q:
    return Q((column, None)) | Q((f"{column}__lt", failed))


def _broken() -> QuerySet[CredentialTraffic]:
    """The outer tenant's good credentials whose requests are refused."""
    return CredentialTraffic.objects.filter(_refused(), tenant=OuterRef("pk"))


def _denied() -> QuerySet[CredentialTraffic]:
    """The outer tenant's credentials that are refused themselves."""
    return CredentialTraffic.objects.filter(
        _none_since(F("failed_at"), "last_success_at"),
        failed_reach=Reach.CREDENTIAL,
        tenant=OuterRef("pk"),
    )


def _cut_off() -> QuerySet[CredentialTraffic]:
    """Those that are refused themselves while no other has worked within a cycle."""
    works = Q(failed_at=None) | Q(failed_at__lt=F("last_success_at"))
    others = CredentialTraffic.objects.filter(
        works,
        ~Q(pk=OuterRef("pk")),
        tenant=OuterRef("tenant"),
        last_success_at__gt=OuterRef("failed_at") - STRANGE_AFTER,
    )
    return _denied().filter(~Exists(others))


def _newest(failures: QuerySet[CredentialTraffic]) -> Subquery:
    """The newest of the failures, as Refusal.read takes it."""
    told = JSONObject(
        credential="name",
        reason="failed_reason",
        reach="failed_reach",
        at="failed_at",
        request_id="failed_request_id",
        user_agent="failed_user_agent",
    )
    return Subquery(failures.order_by("-failed_at", "pk").values(told=told)[:1])


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that was refused: why, as tenants.models.Traffic keeps it, when, and of whom.

    Without a credential's name none of the tenant was read.
    """

    reason: str
    at: datetime
    reach: str = Reach.ALL.value
    request_id: str = ""
    credential: str = ""
    user_agent: str = ""

    @classmethod
    def read(cls, told: Any) -> Self | None:
        """The refusal in a value of `_newest`; None for none."""
        if told is None:
            return None
        fields = json.loads(told) if isinstance(told, str) else dict(told)
        return cls(**{**fields, "at": datetime.fromisoformat(fields["at"])})


@dataclass(frozen=True, slots=True)
class Connection:
    """A tenant's connection as it is told to people.

    `failure` is why it fails, None if it does not. `beside` is what is refused although the
    connection works: requests with a credential that ended. `next_cycle_at` is None unless a cycle
    can be expected; it is past when the cycle is late.
    """

    state: State
    sentence: str
    first_request_at: datetime | None = None
    last_request_at: datetime | None = None
    last_success_at: datetime | None = None
    next_cycle_at: datetime | None = None
    failure: Refusal | None = None
    beside: Refusal | None = None


def connection_of(tenant: Tenant, now: datetime) -> Connection:
    """The connection of a tenant: one statement on the registry."""
    return read(with_state(Tenant.objects.filter(pk=tenant.pk), now).get(), now)


def read(tenant: Tenant, now: datetime) -> Connection:
    """The connection of a tenant that comes from `with_state`."""
    annotated: Any = tenant
    state = STATES[annotated.connection]
    traffic: Traffic | None = getattr(tenant, "traffic", None)
    last = traffic.last_request_at if traffic else None
    failure = _failure(annotated, traffic) if state is FAILING else None
    beside = Refusal.read(annotated.denied)
    return Connection(
        state=state,
        sentence=_sentence(state, last, failure, now),
        first_request_at=traffic.first_request_at if traffic else None,
        last_request_at=last,
        last_success_at=traffic.last_success_at if traffic else None,
        next_cycle_at=_next_cycle(state, last, now),
        failure=failure,
        beside=None if state is SUSPENDED or beside == failure else beside,
    )


def _failure(annotated: Any, traffic: Traffic | None) -> Refusal | None:
    """The newest of what makes the connection fail."""
    found = [Refusal.read(annotated.broken), Refusal.read(annotated.cut_off)]
    if traffic is not None:
        found += [_unnamed(traffic), _strange(traffic)]
    return max(filter(None, found), key=lambda each: each.at, default=None)


def _unnamed(traffic: Traffic) -> Refusal | None:
    """The last failure without a credential, if nothing succeeded since."""
    success = traffic.last_success_at
    if traffic.failed_at is None or traffic.failed_reach != Reach.ALL:
        return None
    if success is not None and success >= traffic.failed_at:
        return None
    return Refusal(
        traffic.failed_reason, traffic.failed_at, traffic.failed_reach, traffic.failed_request_id
    )


def _strange(traffic: Traffic) -> Refusal | None:
    """A request with no credential of the tenant, if the good ones have missed a cycle."""
    at, success = traffic.stranger_at, traffic.last_success_at
    if at is None or (success is not None and at <= success + STRANGE_AFTER):
        return None
    return Refusal(traffic.stranger_reason, at)


def _sentence(state: State, last: datetime | None, failure: Refusal | None, now: datetime) -> str:
    moments = (last, failure.at if failure else None)
    newest = max((at for at in moments if at is not None), default=None)
    if newest is None or state is NEVER:
        return f"{state.label}."
    if state is SILENT:
        return f"Silent since {moment(newest)}, {ago(newest, now)}."
    return f"{state.label}, last request {ago(newest, now)}."


def _next_cycle(state: State, last: datetime | None, now: datetime) -> datetime | None:
    """About 40 minutes after the last request; None while one may be running, or none is awaited."""
    if last is None or state in (SUSPENDED, SILENT, NEVER) or now - last < _RUNNING:
        return None
    return last + CYCLE


def next_cycle(found: Connection, now: datetime) -> str:
    """The time of the next expected cycle, in words."""
    at = found.next_cycle_at
    if found.state is SUSPENDED:
        return "None while the tenant is suspended"
    if at is None and found.last_request_at and now - found.last_request_at < _RUNNING:
        return "About 40 minutes after the current one"
    if at is None:
        return "Unknown"
    if at > now:
        return f"About {moment(at)}"
    return f"Overdue: it was expected {ago(at, now)}"


def ago(moment: datetime, now: datetime) -> str:
    """The age of a moment in words: "just now", "3 minutes ago", "2 days ago"."""
    seconds = int((now - moment).total_seconds())
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            number = seconds // size
            return f"{counted(number, unit)} ago"
    return "just now"


def moment(at: datetime) -> str:
    """A moment for people, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
