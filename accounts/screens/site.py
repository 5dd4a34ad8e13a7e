"""The base of both admin sites: admission, the context of every page, and the pages left out."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, cast

from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from accounts import viewing
from accounts.audit import record
from accounts.console.navigation import Entry, Place, grouped
from accounts.console.screen import RecordAdmin
from accounts.permissions import STAFF_ROLES, TENANT_ROLES
from accounts.screens.invitations import accept
from accounts.screens.overview import Overview, joined, staff_overview
from accounts.signed_in import actor, may, record_view
from accounts.visits import Viewing, visit_of
from tenants import clock
from tenants.current import current_tenant

SEE_TENANTS: Final = "tenants.view_tenant"
# Django's views for forms that these sites do not have.
_LEFT_OUT: Final = frozenset({"autocomplete", "jsi18n", "view_on_site"})


class LoginForm(AdminAuthenticationForm):
    """Asks for e-mail address and password; a refusal does not say which of them is wrong."""

    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": (
            "That did not work. Check the e-mail address and the password, and that this is the"
            " right site for your account; then try again."
        ),
        "inactive": (
            "That did not work. Check the e-mail address and the password, and that this is the"
            " right site for your account; then try again."
        ),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail address"


class Part:
    """Something that another part of the house adds to a site; this one adds nothing."""

    entries: tuple[Entry, ...] = ()  # in the navigation

    def __init__(self, site: "Site") -> None:
        self.site = site

    def urls(self) -> Sequence[URLPattern]:
        """Pages of the site (Site.admin_view)."""
        return ()

    def overview(self, request: HttpRequest) -> Overview:
        """What the first page shows."""
        return Overview()


class Site(AdminSite):
    """An admin site without Django's log, autocompletion and inline scripts; nothing is cached."""

    login_form = LoginForm
    index_title = "Overview"
    index_template = "admin/overview.html"
    site_url = None
    enable_nav_sidebar = False  # templates/admin/sections.html is the navigation
    roles: tuple[str, ...] = ()

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.parts: list[Part] = []

    def has_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return user.is_active and user.is_staff and user.role in self.roles

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002  # Django's signature
        """Pages show personal data: no browser or proxy keeps one."""
        return super().admin_view(view, cacheable=False)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        urls = [url for url in super().get_urls() if getattr(url, "name", "") not in _LEFT_OUT]
        added = [url for part in self.parts for url in part.urls()]
        return [path("invitation/<str:value>/", self.invitation, name="invitation"), *added, *urls]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """What wants attention, by the site and its parts, then the places to go."""
        overviews = (self.overview(request), *(part.overview(request) for part in self.parts))
        return super().index(request, {"overview": joined(overviews), **(extra_context or {})})

    def overview(self, request: HttpRequest) -> Overview:
        """What the first page shows without parts."""
        return Overview()

    @method_decorator(never_cache)
    def invitation(self, request: HttpRequest, value: str) -> HttpResponse:
        """Set a password: the target of an invitation's link, open to anyone who has it."""
        return accept(self, request, value)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        answer: HttpResponse = super().login(request, extra_context)
        if request.method == "POST" and answer.status_code == HTTPStatus.FOUND:
            record(actor(request), "signed in", str(request.user))
        return answer

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        answer = super().password_change(request, extra_context)
        if request.method == "POST" and answer.status_code == HTTPStatus.FOUND:
            record(actor(request), "own password changed", str(request.user))
        return answer

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """In the order of registration: what people come for stands first."""
        order = list(self._registry)
        apps = super().get_app_list(request, app_label)
        for app in apps:
            app["models"].sort(key=lambda listed: order.index(listed["model"]))
        return sorted(apps, key=lambda app: order.index(app["models"][0]["model"]))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        place = self.name_of_place()
        places = self.places(request) if self.has_permission(request) else []
        return {
            **super().each_context(request),
            "visit": visit_of(request),
            "viewing": self.running_view(request),
            "site_header": place,
            "site_title": place,
            "place": place,
            "groups": grouped(places),
            "is_index": request.path == reverse("admin:index", current_app=self.name),
            "who_signs_in": self.who_signs_in(),
            "where": current_tenant().host,
        }

    def running_view(self, request: HttpRequest) -> Viewing | None:
        """The running view of staff who see a tenant as its admins do, for the banner."""
        visit = visit_of(request)
        return visit.viewing if visit else None

    def places(self, request: HttpRequest) -> list[Place]:
        """The signed-in account's places in the navigation; sites with further pages add theirs."""
        order = list(self._registry)
        offered = [model for app in self.get_app_list(request) for model in app["models"]]
        found = []
        for listed in sorted(offered, key=lambda each: order.index(each["model"])):
            screen = cast("RecordAdmin[Any]", self._registry[listed["model"]])
            path = listed["admin_url"]
            is_open = request.path.startswith(path)
            found.append(Place(screen.group, str(listed["name"]), path, screen.purpose, is_open))
        for each in self._entries():
            path = reverse(each.name)
            is_open = request.path == path
            found.append(Place(each.group, each.label, path, each.purpose, is_open))
        return found

    def pages(self) -> list[tuple[str, str]]:
        """The names of the URLs of the lists and of the parts' pages, each with its label."""
        screens = [cast("RecordAdmin[Any]", screen) for screen in self._registry.values()]
        lists = [(each.url_name("changelist"), each.list_label()) for each in screens]
        return [*lists, *((each.name, each.label) for each in self._entries())]

    def _entries(self) -> list[Entry]:
        return [entry for part in self.parts for entry in part.entries]

    def name_of_place(self) -> str:
        """The name in the header and title of every page, the login page included."""
        return current_tenant().name

    def who_signs_in(self) -> str:
        """For whom the login page is."""
        return f"For the admins of {current_tenant().name}. Nobody else has an account here."

    def get_log_entries(self, request: HttpRequest) -> QuerySet[LogEntry]:
        """None: what people do is in the audit log; Django's log has no table here."""
        return LogEntry.objects.none()


class StaffSite(Site):
    """The staff host's site: tenants, staff accounts and what staff did."""

    roles = STAFF_ROLES

    def __init__(self, tenant_site: Site) -> None:
        super().__init__()
        self.tenant_site = tenant_site  # that staff visit

    def overview(self, request: HttpRequest) -> Overview:
        """How all tenants are doing."""
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

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        record_view(request, "overview viewed")
        return super().index(request, extra_context)

    def has_permission(self, request: HttpRequest) -> bool:
        if visit_of(request):
            return True  # VisitMiddleware let only staff in
        return not current_tenant().is_operator and super().has_permission(request)


def add_part(site: AdminSite, part: type[Part]) -> None:
    """Add a part to a site; before the site's URLs are made."""
    ours = cast("Site", site)
    ours.parts.append(part(ours))
