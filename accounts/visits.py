"""A visit: staff look at a tenant's screens from the staff host, under `/t/<custom domain>/`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse, set_script_prefix

from tenants.models import Tenant

MOUNT: Final = "/t/"


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


def visit_prefix(tenant: Tenant) -> str:
    """The path under which staff see the tenant's screens, without a trailing slash."""
    return f"{MOUNT}{tenant.custom_domain}"


def own_path(name: str, *args: Any) -> str:
    """The path on a tenant's own host of one of its screens, by its URL name."""
    with _from_root():
        return reverse(name, urlconf=settings.ROOT_URLCONF, args=args)


def visit_path(tenant: Tenant, name: str, *args: Any) -> str:
    """The path on the staff host of one of the tenant's screens, by its URL name."""
    return visit_prefix(tenant) + own_path(name, *args)


def staff_path(name: str, *args: Any) -> str:
    """The path of a page of the staff site, by its URL name."""
    with _from_root():
        return reverse(name, urlconf=settings.STAFF_URLCONF, args=args)


@contextmanager
def _from_root() -> Iterator[None]:
    """Paths without the prefix of the visit that the present request is part of."""
    prefix = get_script_prefix()
    set_script_prefix("/")
    try:
        yield
    finally:
        set_script_prefix(prefix)
