"""Opens a tenant's screens to staff, on the staff host only, under `/t/<custom domain>/admin/`.

The staff account and its session live in the schema `support`, the screens' rows in the tenant's.
So `request.user`, which Django reads lazily, is read before the tenant is entered: afterwards the
same primary key would name an account of the tenant. The session is loaded with it, changes in
memory only during the visit, and is saved by SessionMiddleware after the tenant was left.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import get_script_prefix, get_urlconf, set_script_prefix, set_urlconf

from accounts.admin.visits import MOUNT, Visit, staff_path, visit_prefix
from accounts.permissions import STAFF_ROLES
from tenants.current import current_tenant, in_tenant
from tenants.models import Tenant

_VISIT: Final = re.compile(MOUNT + r"(?P<custom_domain>[a-z0-9-]+)(?P<rest>/(?:admin/.*)?)")
# These act on the session and the password of the staff account, which are not the tenant's.
_NEVER_VISITED: Final = (
    "/admin/login/",
    "/admin/logout/",
    "/admin/password_change/",
    "/admin/invitation/",
)


class VisitMiddleware:
    """Runs a request under `/t/` in the visited tenant and puts everything back afterwards."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(MOUNT):
            return self.get_response(request)
        if not current_tenant().is_operator:
            raise Http404
        user: Any = request.user
        if not user.is_authenticated:  # reads session and account here, in the schema `support`
            return redirect_to_login(request.get_full_path(), staff_path("admin:login"))
        match = _VISIT.fullmatch(request.path_info)
        if match is None or match["rest"].startswith(_NEVER_VISITED) or not _may_visit(user):
            raise Http404
        visit = _visit(match["custom_domain"])
        with _mounted(request, visit, match["rest"]), in_tenant(visit.tenant):
            return self.get_response(request)


def _may_visit(user: Any) -> bool:
    return user.role in STAFF_ROLES and user.has_perm("tenants.view_tenant")


def _visit(custom_domain: str) -> Visit:
    tenant = Tenant.objects.filter(custom_domain=custom_domain, is_operator=False).first()
    if tenant is None:
        raise Http404
    return Visit(tenant, staff_path("admin:tenants_tenant_change", tenant.pk))


@contextmanager
def _mounted(request: HttpRequest, visit: Visit, path_info: str) -> Iterator[None]:
    """The request looks as if it had arrived on the tenant's own host, its links keep the prefix."""
    names = ("path_info", "urlconf", "visit")
    before: Any = {name: getattr(request, name, None) for name in names}
    script_prefix, urlconf = get_script_prefix(), get_urlconf()
    try:
        request.visit = visit  # type: ignore[attr-defined]  # read by accounts.admin.visits.visit_of
        request.path_info = path_info
        request.urlconf = settings.ROOT_URLCONF
        set_script_prefix(visit_prefix(visit.tenant) + "/")
        yield
    finally:
        set_script_prefix(script_prefix)
        set_urlconf(urlconf)
        for name, value in before.items():
            setattr(request, name, value)
