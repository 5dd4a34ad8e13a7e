"""Opens a tenant's screens to staff, on the staff host only, under `/t/<custom domain>/admin/`.

The staff account and its session live in the schema `support`, the screens' rows in the tenant's.
So `request.user`, which Django reads lazily, is read before the tenant is entered: afterwards the
same primary key would name an account of the tenant. The session is loaded with it, changes in
memory only during the visit, and is saved by SessionMiddleware after the tenant was left.

Staff who view a tenant as its admins do (accounts.viewing) are confined here, on each request
of a visit of that tenant: to what tenant admins see, and to reading.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import get_script_prefix, get_urlconf, set_script_prefix, set_urlconf

from accounts.links import MOUNT, own_path, staff_path, visit_prefix
from accounts.permissions import SEEN_BY_ADMINS, STAFF_ROLES
from accounts.signed_in import Visit
from accounts.signing_in import SET_UP_FIRST
from accounts.viewing import end_if_over, viewing_of
from tenants.current import current_tenant, in_tenant
from tenants.models import Tenant

_VISIT: Final = re.compile(MOUNT + r"(?P<custom_domain>[a-z0-9-]+)(?P<rest>/(?:admin/.*)?)")
# These act on the session and the password of the staff account, which are not the tenant's.
_NEVER_VISITED: Final = (
    "/admin/login/",
    "/admin/logout/",
    "/admin/password_change/",
    "/admin/invitation/",
    "/admin/confirm/",
    "/admin/you/",
    "/admin/sso/",
    "/admin/forgot/",
    "/admin/reset/",
)
_WHILE_SETTING_UP: Final = (
    "/admin/you/",
    "/admin/confirm/",
    "/admin/login/",
    "/admin/logout/",
    "/admin/password_change/",
)
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class SetUpFirstMiddleware:
    """Leads an account that needs a second factor and has none to its own page, and nowhere else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(_WHILE_SETTING_UP):
            return self.get_response(request)
        if not request.session.get(SET_UP_FIRST):
            return self.get_response(request)
        path = staff_path if current_tenant().is_operator else own_path
        return HttpResponseRedirect(path("admin:your_account"))


class VisitMiddleware:
    """Runs a request under `/t/` in the visited tenant and puts everything back afterwards."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(MOUNT):
            # Only where no action of the same request takes another tenant's audit lock afterwards.
            if current_tenant().is_operator and request.method in _READING:
                end_if_over(request)
            return self.get_response(request)
        if not current_tenant().is_operator:
            raise Http404
        user: Any = request.user
        if not user.is_authenticated:  # reads session and account here, in the schema `support`
            return redirect_to_login(request.get_full_path(), staff_path("admin:login"))
        match = _VISIT.fullmatch(request.path_info)
        if match is None or match["rest"].startswith(_NEVER_VISITED) or not _may_visit(user):
            raise Http404
        visit = _visit(request, match["custom_domain"])
        if visit.viewing and end_if_over(request):
            return HttpResponseRedirect(f"{visit.viewing.again_path}?over")
        if visit.viewing and request.method not in _READING:
            return _read_only(request, visit.tenant)
        with _mounted(request, visit, match["rest"]), in_tenant(visit.tenant):
            return self.get_response(request)


def _may_visit(user: Any) -> bool:
    return user.role in STAFF_ROLES and user.has_perm("tenants.view_tenant")


def _visit(request: HttpRequest, custom_domain: str) -> Visit:
    tenant = Tenant.objects.filter(custom_domain=custom_domain, is_operator=False).first()
    if tenant is None:
        raise Http404
    viewing = viewing_of(request)
    if viewing and viewing.tenant != tenant:
        viewing = None
    return Visit(tenant, staff_path("admin:tenants_tenant_change", tenant.pk), viewing)


def _read_only(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    detail = (
        f"Nothing changed: you are viewing {tenant.name} as its tenant admins do, which is"
        " read-only. Stop viewing, then try again in your own role."
    )
    context = {"title": "Read-only", "detail": detail}
    return render(request, "failed.html", context, status=HTTPStatus.FORBIDDEN)


@contextmanager
def _mounted(request: HttpRequest, visit: Visit, path_info: str) -> Iterator[None]:
    """The request looks as if it had arrived on the tenant's own host, its links keep the prefix."""
    user: Any = request.user
    names = ("path_info", "urlconf", "visit")
    before: Any = {name: getattr(request, name, None) for name in names}
    script_prefix, urlconf = get_script_prefix(), get_urlconf()
    try:
        request.visit = visit  # type: ignore[attr-defined]  # read by accounts.signed_in.visit_of
        user.confined_to = SEEN_BY_ADMINS if visit.viewing else None
        request.path_info = path_info
        request.urlconf = settings.ROOT_URLCONF
        set_script_prefix(visit_prefix(visit.tenant) + "/")
        yield
    finally:
        user.confined_to = None
        set_script_prefix(script_prefix)
        set_urlconf(urlconf)
        for name, value in before.items():
            setattr(request, name, value)
