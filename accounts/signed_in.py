"""The account behind a request to a screen: as an actor, by its permissions, and on a visit.

On a visit staff look at a tenant's screens from the staff host (accounts.middleware).
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, cast

from django.http import HttpRequest

from accounts.audit import Actor, record
from accounts.models import Account, Session
from tenants.current import address_of, current_tenant, in_tenant
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Viewing:
    """A view of a tenant as its admins see it, for staff: see accounts.viewing."""

    tenant: Tenant
    until: datetime
    reason: str
    again_path: str  # of the form that starts one
    stop_path: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit to a tenant; `way_back` is the path of its page on the staff site."""

    tenant: Tenant
    way_back: str
    viewing: Viewing | None = None  # None: with the role's own permissions


def visit_of(request: HttpRequest) -> Visit | None:
    """The visit the request is part of, None on a host's own pages."""
    return getattr(request, "visit", None)


def home_tenant(request: HttpRequest) -> Tenant:
    """The tenant whose host was called, in whose schema account and session of the request live."""
    return cast("Tenant", request.tenant)  # type: ignore[attr-defined]  # set by TenantMiddleware


def actor(request: HttpRequest) -> Actor:
    """The signed-in account as the one who acts."""
    account = cast("Account", request.user)
    return Actor.account(account, home_tenant(request), address_of(request))


def may(request: HttpRequest, permission: str) -> bool:
    """True if the signed-in account has the permission (accounts.permissions)."""
    user: Any = request.user  # anonymous visitors have no permission and are no Account
    return bool(user.has_perm(permission))


def choices_of(request: HttpRequest) -> Mapping[str, Any]:
    """The choices that the signed-in account has kept, by name."""
    user: Any = request.user
    return getattr(user, "choices", None) or {}


def may_choose(request: HttpRequest) -> bool:
    """True unless staff view a tenant as its admins do, which is to read only."""
    visit = visit_of(request)
    return visit is None or visit.viewing is None


def keep_choice(request: HttpRequest, name: str, value: Mapping[str, Any]) -> None:
    """Keep a choice of the signed-in account, on a visit in staff's own schema."""
    account = cast("Account", request.user)
    account.choices = {**choices_of(request), name: dict(value)}
    with in_tenant(home_tenant(request)):
        Account.objects.filter(pk=account.pk).update(choices=account.choices)


def words() -> Mapping[str, Any]:
    """Names for sentences on screens, beside their subject: {tenant}, whose screens they are."""
    return {"tenant": current_tenant()}


def way_back() -> Callable[[], AbstractContextManager[None]]:
    """The way back into the present tenant, for an answer that is made after its request."""
    return partial(in_tenant, current_tenant())


def lock_session(request: HttpRequest) -> Session | None:
    """The stored session, locked until the request's transaction ends; None when it is gone."""
    with in_tenant(home_tenant(request)):
        key = request.session.session_key
        return Session.objects.select_for_update().filter(session_key=key).first()


def record_view(request: HttpRequest, act: str, subject: str = "") -> None:
    """Note in the visited tenant's audit log what staff looked at; tenant admins own what they see."""
    if visit_of(request):
        record(actor(request), act, subject or current_tenant().custom_domain)
