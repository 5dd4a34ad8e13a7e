"""Both sites: who may enter, how one signs in, and the first page of each."""

from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from accounts import sessions, viewing
from accounts.audit import record
from accounts.console.page import Overview
from accounts.console.site import ConsoleSite
from accounts.models import IdentityProvider
from accounts.permissions import STAFF_ROLES, TENANT_ROLES
from accounts.screens.accounts import accept_page
from accounts.screens.confirming import confirm_page
from accounts.screens.forgotten import forgotten_page, reset_page
from accounts.screens.overview import staff_overview
from accounts.screens.signing_in import second_factor_page, sign_in_page
from accounts.screens.signing_on import SigningOn
from accounts.signed_in import Viewing, actor, may, record_view, visit_of
from accounts.sso import rules
from tenants import clock
from tenants.current import current_tenant

SEE_TENANTS: Final = "tenants.view_tenant"


class Site(ConsoleSite):
    """The base of both sites: an account signs in to it, with a password or by an invitation."""

    roles: tuple[str, ...] = ()

    def has_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return user.is_active and user.is_staff and user.role in self.roles

    def get_urls(self) -> list[URLPattern | URLResolver]:
        invitation = path("invitation/<str:value>/", self.invitation, name="invitation")
        confirm = path("confirm/", self.admin_view(self.confirm), name="confirm")
        forgot = path("forgot/", self.forgot, name="forgot")
        reset = path("reset/<str:value>/", self.reset, name="reset")
        second = path("login/second/", self.second_factor, name="second_factor")
        return [invitation, confirm, second, forgot, reset, *super().get_urls()]

    def confirm(self, request: HttpRequest) -> HttpResponse:
        """Ask for the password again."""
        return confirm_page(self, request)

    @method_decorator(never_cache)
    def invitation(self, request: HttpRequest, value: str) -> HttpResponse:
        """Set a password: the target of an invitation's link, open to anyone who has it."""
        return accept_page(self, request, value)

    @method_decorator(never_cache)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for e-mail address and password."""
        return sign_in_page(self, request, extra_context or {})

    @method_decorator(never_cache)
    def second_factor(self, request: HttpRequest) -> HttpResponse:
        """Ask whoever has proved the password for the second factor."""
        return second_factor_page(self, request)

    @method_decorator(never_cache)
    def forgot(self, request: HttpRequest) -> HttpResponse:
        """Send a link for a forgotten password."""
        return forgotten_page(self, request)

    @method_decorator(never_cache)
    def reset(self, request: HttpRequest, value: str) -> HttpResponse:
        """Set a password: the target of that link, open to anyone who has it."""
        return reset_page(self, request, value)

    def sign_on_ways(self) -> list[IdentityProvider]:
        """The ways of single sign-on that the sign-in page offers."""
        return []

    def password_rule(self) -> str:
        """A sentence about passwords while they are switched off, "" while they work."""
        return ""

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        answer = super().password_change(request, extra_context)
        if request.method == "POST" and answer.status_code == HTTPStatus.FOUND:
            account: Any = request.user
            sessions.end_all(account, but=request.session.session_key)
            record(actor(request), "own password changed", account.email)
        return answer

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {
            **super().each_context(request),
            "visit": visit_of(request),
            "viewing": self.running_view(request),
            "who_signs_in": self.who_signs_in(),
            "where": current_tenant().host,
            "ways": self.sign_on_ways,  # asked for by the pages that show them
            "password_rule": self.password_rule,
        }

    def running_view(self, request: HttpRequest) -> Viewing | None:
        """The running view of staff who see a tenant as its admins do, for the banner."""
        visit = visit_of(request)
        return visit.viewing if visit else None

    def name_of_place(self) -> str:
        return current_tenant().name

    def who_signs_in(self) -> str:
        """For whom the login page is."""
        return f"For the admins of {current_tenant().name}. Nobody else has an account here."


class StaffSite(Site):
    """The staff host's site: tenants, staff accounts and what staff did."""

    roles = STAFF_ROLES

    def __init__(self, tenant_site: Site) -> None:
        super().__init__()
        self.tenant_site = tenant_site  # that staff visit

    def overview(self, request: HttpRequest) -> Overview:
        """The state of all tenants."""
        return staff_overview(clock.now()) if may(request, SEE_TENANTS) else Overview()

    def running_view(self, request: HttpRequest) -> Viewing | None:
        return viewing.viewing_of(request) if self.has_permission(request) else None

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Ends, with the session, what was viewed as tenant admin."""
        if request.method == "POST":
            viewing.end(request, viewing.SIGNED_OUT)
        return super().logout(request, extra_context)

    def has_permission(self, request: HttpRequest) -> bool:
        return current_tenant().is_operator and super().has_permission(request)

    def name_of_place(self) -> str:
        return "Staff"

    def who_signs_in(self) -> str:
        return "For the support team of myPolicies. Admins of a tenant sign in on its own host."


class TenantSite(Site):
    """A tenant's site: its own host's for tenant admins, and what staff see on a visit."""

    roles = TENANT_ROLES

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [*SigningOn(self).urls(), *super().get_urls()]

    def sign_on_ways(self) -> list[IdentityProvider]:
        return list(IdentityProvider.objects.filter(is_enabled=True).only("kind"))

    def password_rule(self) -> str:
        if rules.requiring_provider() is None:
            return ""
        return "Passwords are switched off here, but for the break-glass account."

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        record_view(request, "overview viewed")
        return super().index(request, extra_context)

    def has_permission(self, request: HttpRequest) -> bool:
        if visit_of(request):
            return True  # VisitMiddleware let only staff in
        return not current_tenant().is_operator and super().has_permission(request)
