"""Paths and URLs of screens, for the host on which they are read.

A tenant's screens are on its own host, and for staff, who visit them, on the staff host under
`/t/<custom domain>/`. On a visit every path that Django makes begins so; the paths made here do not
depend on the present request. URLs stand in messages and in what commands print.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.conf import settings
from django.urls import get_script_prefix, get_urlconf, reverse, set_script_prefix, set_urlconf

from tenants.hostnames import OPERATOR_CUSTOM_DOMAIN
from tenants.models import Tenant

MOUNT: Final = "/t/"
_STAFF_HOST: Final = Tenant(custom_domain=OPERATOR_CUSTOM_DOMAIN)


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


def for_accounts(tenant: Tenant, name: str, *args: Any) -> str:
    """The URL, for the accounts of the tenant, of a page on its host; of staff it is their site's."""
    path = staff_path(name, *args) if tenant.is_operator else own_path(name, *args)
    return tenant.base_url + path


def for_staff(tenant: Tenant, name: str, *args: Any) -> str:
    """The URL, for staff, of one of the tenant's screens on the staff host."""
    return _STAFF_HOST.base_url + visit_path(tenant, name, *args)


@contextmanager
def visiting(tenant: Tenant) -> Iterator[None]:
    """Paths by URL names are those of the tenant's screens on a visit, on a page of the staff site."""
    prefix, urlconf = get_script_prefix(), get_urlconf()
    set_script_prefix(visit_prefix(tenant) + "/")
    set_urlconf(settings.ROOT_URLCONF)
    try:
        yield
    finally:
        set_script_prefix(prefix)
        set_urlconf(urlconf)


@contextmanager
def _from_root() -> Iterator[None]:
    """Paths without the prefix of the visit that the present request is part of."""
    prefix = get_script_prefix()
    set_script_prefix("/")
    try:
        yield
    finally:
        set_script_prefix(prefix)
