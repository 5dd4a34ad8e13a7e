"""Both sites: who may enter, how one signs in, and the first page of each."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import sessions, viewing
from accounts.audit import record
from accounts.console.page import Overview
from accounts.console.searching import Search
from accounts.console.site import ConsoleSite, Place, grouped
from accounts.links import staff_path, visiting
from accounts.models import IdentityProvider
from accounts.permissions import STAFF_ROLES, TENANT_ROLES
from accounts.screens import days, logos
from accounts.screens.accounts import accept_page
from accounts.screens.confirming import confirm_page
from accounts.screens.forgotten import forgotten_page, reset_page
from accounts.screens.overview import staff_overview
from accounts.screens.signing_in import passkey_page, second_factor_page, sign_in_page
from accounts.screens.signing_on import SigningOn
from accounts.signed_in import Viewing, actor, home_tenant, may, record_view, visit_of
from accounts.sso import rules
from tenants import clock, rates
from tenants.current import current_tenant
from tenants.models import Tenant

SEE_TENANTS: Final = "tenants.view_tenant"
SEARCHES: Final = rates.Rate(per_second=4, burst=60)  # of an account; a box asks as one types
_TOO_MANY: Final = "You have searched too often within a minute. Wait, then search again."


@dataclass(frozen=True, slots=True)
class Switcher:
    """The way from tenant to tenant, in the header of staff's pages.

    `at` is the name of the URL of the list that is open: another tenant's opens in its place.
    """

    title: str
    at: str
    is_visit: bool

    @property
    def home_path(self) -> str:
        return staff_path("admin:index")

    @property
    def list_path(self) -> str:
        return staff_path("admin:tenants_tenant_changelist")

    @property
    def search_path(self) -> str:
        return staff_path("admin:search")

    @property
    def account_path(self) -> str:
        return staff_path("admin:your_account")

    @property
    def logout_path(self) -> str:
        return staff_path("admin:logout")


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
        passkey = path("login/passkey/", self.passkey, name="passkey_sign_in")
        return [invitation, confirm, second, passkey, forgot, reset, *super().get_urls()]

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

    @method_decorator((never_cache, require_http_methods(("GET", "HEAD", "POST"))))
    def passkey(self, request: HttpRequest) -> HttpResponse:
        """Ask for a passkey in place of e-mail address and password."""
        return passkey_page(self, request)

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
            "switcher": self.switcher(request),
            "viewing": self.running_view(request),
            "who_signs_in": self.who_signs_in(),
            "where": current_tenant().host,
            "base_url": current_tenant().base_url,
            "logo_path": self.logo_path(request),
            "ways": self.sign_on_ways,  # asked for by the pages that show them
            "password_rule": self.password_rule,
        }

    def search(self, request: HttpRequest) -> HttpResponse:
        account: Any = request.user
        seconds = rates.take(f"search {home_tenant(request).id} {account.pk}", SEARCHES)
        if not seconds:
            return super().search(request)
        context = {**self.each_context(request), "title": "Search", "detail": _TOO_MANY}
        status = HTTPStatus.TOO_MANY_REQUESTS
        answer = TemplateResponse(request, "failed.html", context, status=status)
        answer["Retry-After"] = str(seconds)
        return answer

    def switcher(self, request: HttpRequest) -> Switcher | None:
        """The way to other tenants, for staff."""
        return None

    def logo_path(self, request: HttpRequest) -> str:
        """The path of the picture beside the name; "" for none."""
        return ""

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

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [path(days.ROUTE, self.admin_view(self.day), name="day"), *super().get_urls()]

    def day(self, request: HttpRequest, day: str) -> HttpResponse:
        """The tenants whose requests came on a day."""
        return days.day_page(self, request, day)

    def overview(self, request: HttpRequest) -> Overview:
        """The state of all tenants."""
        period = request.GET.get("period", "")
        return staff_overview(clock.now(), period) if may(request, SEE_TENANTS) else Overview()

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """On the pages about a tenant the navigation is that of a visit."""
        context = super().each_context(request)
        tenant = shown_tenant(request)
        if tenant is None:
            return context
        with visiting(tenant):
            places = self.tenant_site.places(request)
            home_path = reverse("admin:index")
        places.append(_settings_of(staff_path(_TENANT_PAGE, tenant.pk), is_open=True))
        return {**context, "place": tenant.name, "groups": grouped(places), "home_path": home_path}

    def switcher(self, request: HttpRequest) -> Switcher | None:
        if not (self.has_permission(request) and may(request, SEE_TENANTS)):
            return None
        tenant = shown_tenant(request)
        return Switcher(tenant.host if tenant else "Staff", "", is_visit=tenant is not None)

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

    def places(self, request: HttpRequest) -> list[Place]:
        """On a visit with staff's own page of the tenant, but when they view it as its admins do."""
        visit, places = visit_of(request), super().places(request)
        if visit and visit.viewing is None:
            places.append(_settings_of(visit.way_back))
        return places

    def switcher(self, request: HttpRequest) -> Switcher | None:
        visit = visit_of(request)
        if visit is None:
            return None
        open_one = next((name for name, _ in self.pages() if request.path == reverse(name)), "")
        return Switcher(visit.tenant.host, open_one, is_visit=True)

    def search(self, request: HttpRequest) -> HttpResponse:
        answer = super().search(request)
        if "part" not in request.GET:
            record_view(request, "searched")
        return answer

    def is_about_pages(self, search: Search) -> bool:
        """On a visit what is typed finds no rows: a look at them is noted, once and not a letter."""
        return search.is_typing and visit_of(search.request) is not None

    def get_urls(self) -> list[URLPattern | URLResolver]:
        logo = path(logos.ROUTE, self.logo, name="logo")
        return [*SigningOn(self).urls(), logo, *super().get_urls()]

    def logo(self, request: HttpRequest, digest: str) -> HttpResponse:
        """The tenant's picture, for everybody who sees the sign-in page."""
        return logos.answer(request, digest)

    def logo_path(self, request: HttpRequest) -> str:
        return "" if visit_of(request) else logos.path_of(current_tenant().logo)

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


_SHOWN: Final = "shown_tenant"  # of a request
_TENANT_PAGE: Final = "admin:tenants_tenant_change"


def show_tenant(request: HttpRequest, tenant: Tenant) -> None:
    """Note that the page of the staff site is about the tenant."""
    setattr(request, _SHOWN, tenant)


def shown_tenant(request: HttpRequest) -> Tenant | None:
    """The tenant that the page of the staff site is about, if it is about one."""
    return getattr(request, _SHOWN, None)


def _settings_of(path: str, *, is_open: bool = False) -> Place:
    purpose = "Host names, status and retention of the tenant, for staff."
    return Place("Administration", "Tenant settings", path, purpose, "tenants", is_open)
