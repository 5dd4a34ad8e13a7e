"""Users who leave: deactivated, or deleted while they were active. Counted, and held when it is asked.

A change that makes nobody leave costs nothing here. One that does costs one statement in its
transaction; after its commit the guard looks, now and then, whether unusually many left
(scim.guard.watch). The departures of a transaction of many changes are noted together at its end.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from scim.guard import guard, watch
from scim.protocol import urns
from scim.protocol.errors import Held
from scim.provider.observers import Observer, Transition, Watch
from tenants import clock, traffic
from tenants.current import current_tenant
from tenants.models import Tenant


class Departures(Observer):
    """Notes who leaves, and refuses it while departures are held."""

    refusals = (Held,)

    def change(self, transition: Transition) -> None:
        if _is_departure(transition):
            now = clock.now()
            guard.check(current_tenant(), now)
            _write([transition.id], now)

    def watch(self, most: int) -> Watch:
        return Leaving(self, most)

    def refused(self, tenant: Tenant) -> None:
        guard.note_refused(tenant)


class Leaving(Watch):
    """The users who stop being active in one transaction, held as if each came alone.

    An alarm is opened after the commit, so what it would hold is decided here: the first departure
    that is one too many passes, those that follow wait. At most five statements for any number.
    """

    def __init__(self, observer: Departures, most: int) -> None:
        """`most` users can leave in the transaction."""
        super().__init__(observer)
        self._most = most
        self._users: dict[UUID, None] = {}
        self._refused = 0
        self._passing: int | None = None  # how many pass before the hold; None: not yet known
        self._refusable = 0  # how many the hold refuses before it ends

    def change(self, transition: Transition) -> None:
        if not _is_departure(transition):
            return
        if self._passing is None:
            self._passing, self._refusable = self._limits(current_tenant(), clock.now())
        if len(self._users) >= self._passing and self._refused < self._refusable:
            self._refused += 1
            raise guard.held()
        self._users[transition.id] = None

    def mark(self) -> int:
        return len(self._users)

    def back_to(self, mark: int) -> None:
        for user_id in list(self._users)[mark:]:
            del self._users[user_id]

    def finish(self) -> None:
        if self._users or self._refused:
            _write(list(self._users), clock.now(), self._refused)

    def _limits(self, tenant: Tenant, now: datetime) -> tuple[int, int]:
        settings = guard.known_settings(tenant)
        if not settings.holds:
            return self._most, 0
        found = guard.situation(tenant, now)
        if found.alarm is not None:
            return 0, guard.MOST_REFUSED - found.alarm.refused
        standing = guard.standing(settings, found.since, self._most)
        return max(standing.needed - standing.left.users, 0), guard.MOST_REFUSED


def _write(users: Sequence[UUID], now: datetime, refused: int = 0) -> None:
    tenant = current_tenant()
    most = watch.count_up_to(tenant)
    counted = guard.add(users, now, now - guard.WINDOW, most)

    def tell() -> None:
        [(before,)] = counted.rows()
        traffic.note_departures(tenant.id, now, len(users))
        watch.left(tenant, before + len(users), refused)

    transaction.on_commit(tell, robust=True)


def _is_departure(transition: Transition) -> bool:
    """True if the change ends that a user is active."""
    is_user = transition.resource_type.name == urns.USER_TYPE
    return is_user and _is_active(transition.before) and not _is_active(transition.after)


def _is_active(user: Mapping[str, Any] | None) -> bool:
    """Only `active: false` disables (RFC 7643 §4.1.1)."""
    return user is not None and user.get("active") is not False
