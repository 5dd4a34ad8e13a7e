"""The state of a problem, as a condition of the database and in words; overviews count by reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.utils.safestring import SafeString

from accounts.console.page import State, badge
from tenants.connectivity import SENT_WITHIN, is_open
from tenants.models import Problem


@dataclass(frozen=True, slots=True)
class Standing:
    """A state of problems, with the color of its badge."""

    name: str
    label: str
    state: State


OPEN: Final = Standing("open", "Still failing", "failing")
SETTLED: Final = Standing("settled", "Resolved", "ok")
QUIET: Final = Standing("quiet", "No longer sent", "unknown")
MUTED: Final = Standing("muted", "Muted", "lock")
STANDINGS: Final = (OPEN, SETTLED, QUIET, MUTED)


def conditions(now: datetime) -> Mapping[str, Q]:
    """The condition of each state, by its name; each problem fulfills one."""
    is_muted, is_settled = Q(muted_at__isnull=False), Q(settled_at__isnull=False)
    return {
        OPEN.name: is_open(now),
        SETTLED.name: ~is_muted & is_settled,
        QUIET.name: ~is_muted & ~is_settled & ~is_open(now),
        MUTED.name: is_muted,
    }


def standing_of(problem: Problem, now: datetime) -> Standing:
    """The state of a problem."""
    if problem.muted_at:
        return MUTED
    if problem.settled_at:
        return SETTLED
    return OPEN if problem.last_at > now - SENT_WITHIN else QUIET


def standing_badge(problem: Problem, now: datetime) -> SafeString:
    found = standing_of(problem, now)
    return badge(found.state, found.label)


def by_reason(problems: QuerySet[Problem], *groups: str, most: int) -> Sequence[Mapping[str, Any]]:
    """The problems by reason and those columns: `affected`, `times`, `since`, `last`; worst first."""
    found = (
        problems.order_by()
        .values("reason", *groups)
        .annotate(
            affected=Count("subject", distinct=True),
            times=Sum("times"),
            since=Min("first_at"),
            last=Max("last_at"),
        )
        .order_by("-affected", "-last", "reason", *groups)
    )
    return list(found[:most])
