"""A site: its screens in the navigation, its first page, and what other parts add to it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, cast

from django.contrib.admin import AdminSite
from django.contrib.admin.models import LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse

from accounts.console.page import Overview, joined
from accounts.console.screen import RecordAdmin
from accounts.console.searching import ACTION, PAGE, Hit, Search, by_kind, fits

# Django's views for forms that these sites do not have.
_LEFT_OUT: Final = frozenset({"autocomplete", "jsi18n", "view_on_site"})


@dataclass(frozen=True, slots=True)
class Place:
    """A page that stands in the navigation; `purpose` is one sentence, for the first page."""

    group: str
    label: str
    path: str
    purpose: str
    icon: str
    is_open: bool = False  # it, or a page below it, is the one that is shown


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of a site that is no screen, by the name of its URL, as it stands in the navigation."""

    group: str
    label: str
    name: str
    purpose: str
    icon: str = "page"


@dataclass(frozen=True, slots=True)
class Group:
    """Places under a common heading."""

    name: str
    places: tuple[Place, ...]


class Part:
    """Something that another part of the house adds to a site; this one adds nothing."""

    entries: tuple[Entry, ...] = ()  # in the navigation

    def __init__(self, site: "ConsoleSite") -> None:
        self.site = site

    def urls(self) -> Sequence[URLPattern]:
        """Pages of the site (ConsoleSite.admin_view)."""
        return ()

    def overview(self, request: HttpRequest) -> Overview:
        """The content of the first page."""
        return Overview()

    def hits(self, search: Search) -> Iterable[Hit]:
        """The hits that it has in a search over the site."""
        return ()

    def nothing_hint(self, request: HttpRequest) -> str:
        """A sentence below a search that found nothing: how this account has to search."""
        return ""


class ConsoleSite(AdminSite, ABC):
    """An admin site without Django's log, autocompletion and inline scripts; nothing is cached."""

    index_title = "Overview"
    index_template = "console/overview.html"
    site_url = None
    enable_nav_sidebar = False  # templates/console/sections.html is the navigation

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.parts: list[Part] = []

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002  # Django's signature
        """Pages show personal data: no browser or proxy keeps one."""
        return super().admin_view(view, cacheable=False)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        urls = [url for url in super().get_urls() if getattr(url, "name", "") not in _LEFT_OUT]
        search = path("search/", self.admin_view(self.search), name="search")
        return [search, *(url for part in self.parts for url in part.urls()), *urls]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """The warnings of the site and its parts, then the places to go."""
        overviews = (self.overview(request), *(part.overview(request) for part in self.parts))
        return super().index(request, {"overview": joined(overviews), **(extra_context or {})})

    def overview(self, request: HttpRequest) -> Overview:
        """The content of the first page without parts."""
        return Overview()

    def search(self, request: HttpRequest) -> HttpResponse:
        """The results of a search: as a page, or as the list below a box that is typed into."""
        if request.method not in {"GET", "HEAD"}:
            raise PermissionDenied
        request.current_app = self.name
        search = Search.of(request)
        hits = list(self.hits(search))
        found: dict[str, Any] = {"search": search, "kinds": by_kind(hits)}
        if len(hits) == 1 and hits[0].is_exact and not search.is_typing:
            return HttpResponseRedirect(hits[0].path)
        if search.is_typing:
            return TemplateResponse(request, "console/hits.html", found)
        hint = "" if found["kinds"] else self.nothing_hint(request)
        context = {**self.each_context(request), "title": "Search", "hint": hint, **found}
        return TemplateResponse(request, "console/search.html", context)

    def hits(self, search: Search) -> Iterable[Hit]:
        """Everything that the account may open and that fits."""
        if (search.term or search.only) and not self.is_about_pages(search):
            yield from self.found(search)
        yield from self._pages_and_actions(search)

    def is_about_pages(self, search: Search) -> bool:
        """True if the search is for pages and actions alone, not for rows."""
        return False

    def found(self, search: Search) -> Iterable[Hit]:
        """The hits of the screens and parts."""
        for screen in self._screens(search.request):
            yield from screen.hits(search)
        for part in self.parts:
            yield from part.hits(search)

    def nothing_hint(self, request: HttpRequest) -> str:
        """The hints of the screens and parts, each once."""
        told = [screen.nothing_hint(request) for screen in self._screens(request)]
        told += [part.nothing_hint(request) for part in self.parts]
        return " ".join(filter(None, dict.fromkeys(told)))

    def _pages_and_actions(self, search: Search) -> Iterable[Hit]:
        if search.asks_for(PAGE):
            for place in self.places(search.request):
                if fits(search.term, place.label):
                    yield Hit(PAGE, place.label, place.path, place.purpose)
        if search.term and search.asks_for(ACTION):
            for screen in self._screens(search.request):
                for button in screen.buttons_of_list(search.request):
                    if fits(search.term, f"{button.label} {screen.list_label()}"):
                        yield Hit(ACTION, button.label, button.path, screen.list_label())

    def _screens(self, request: HttpRequest) -> list[RecordAdmin[Any]]:
        """The screens that the account may open, in the order of registration."""
        screens = [cast("RecordAdmin[Any]", screen) for screen in self._registry.values()]
        return [screen for screen in screens if screen.has_view_permission(request)]

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
            "site_header": place,
            "site_title": place,
            "place": place,
            "groups": grouped(places),
            "is_index": request.path == reverse("admin:index", current_app=self.name),
            "home_path": reverse("admin:index", current_app=self.name),
            "search_path": reverse("admin:search", current_app=self.name),
        }

    @abstractmethod
    def name_of_place(self) -> str:
        """The name in the header and title of every page, the login page included."""

    def places(self, request: HttpRequest) -> list[Place]:
        """The signed-in account's places in the navigation; sites with further pages add theirs."""
        order = list(self._registry)
        offered = [model for app in self.get_app_list(request) for model in app["models"]]
        found = []
        for listed in sorted(offered, key=lambda each: order.index(each["model"])):
            screen = cast("RecordAdmin[Any]", self._registry[listed["model"]])
            path = listed["admin_url"]
            is_open = request.path.startswith(path)
            label, purpose = str(listed["name"]), screen.purpose
            found.append(Place(screen.group, label, path, purpose, screen.icon, is_open))
        for each in self._entries():
            path = reverse(each.name)
            is_open = request.path == path
            found.append(Place(each.group, each.label, path, each.purpose, each.icon, is_open))
        return found

    def pages(self) -> list[tuple[str, str]]:
        """The names of the URLs of the lists and of the parts' pages, each with its label."""
        screens = [cast("RecordAdmin[Any]", screen) for screen in self._registry.values()]
        lists = [(each.url_name("changelist"), each.list_label()) for each in screens]
        return [*lists, *((each.name, each.label) for each in self._entries())]

    def _entries(self) -> list[Entry]:
        return [entry for part in self.parts for entry in part.entries]

    def get_log_entries(self, request: HttpRequest) -> QuerySet[LogEntry]:
        """None: what people do is in the audit log; Django's log has no table here."""
        return LogEntry.objects.none()


def add_part(site: AdminSite, part: type[Part]) -> None:
    """Add a part to a site; before the site's URLs are made."""
    ours = cast("ConsoleSite", site)
    ours.parts.append(part(ours))


def grouped(places: Iterable[Place]) -> tuple[Group, ...]:
    """The places by their groups; groups in the order in which they first come."""
    listed = list(places)
    order = list(dict.fromkeys(place.group for place in listed))
    listed.sort(key=lambda place: order.index(place.group))
    return tuple(
        Group(name, tuple(members)) for name, members in groupby(listed, lambda place: place.group)
    )
