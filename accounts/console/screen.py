"""The base of every screen: a list and, for each row, a page to read; acts are added one by one.

Nothing here writes a row through a ModelAdmin: an act is a form that calls accounts.actions. So
Django's add, change and delete views and its admin log, which has no table here, are never used.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar, cast
from uuid import UUID

from django import forms
from django.contrib.admin import AdminSite, ModelAdmin, ShowFacets
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from accounts.console.listing import BoundedPaginator, Listed, TableFilter
from accounts.console.page import Act, Page, Section
from accounts.signed_in import may

ROWS_PER_PAGE: Final = 50

M = TypeVar("M", bound=Model)

if TYPE_CHECKING:
    _ModelAdmin = ModelAdmin
else:

    class _ModelAdmin(ModelAdmin, Generic[M]):
        """Django's class, which cannot be subscripted when the program runs."""


class RecordAdmin(_ModelAdmin[M], Generic[M]):
    """A list of rows and a page for each, to read only."""

    actions = None
    show_full_result_count = False
    list_per_page = ROWS_PER_PAGE
    list_max_show_all = 0
    paginator = BoundedPaginator
    show_facets = ShowFacets.NEVER  # a count of the whole table for each choice of each filter
    sortable_by: ClassVar[Any] = ()
    list_filter: ClassVar[tuple[type[TableFilter], ...]] = ()
    add_label = ""
    add_permission = ""  # of who may add rows; nobody without one
    counted_as = ("row", "rows")
    group = ""  # the heading below which the screen stands in the navigation
    purpose = ""  # what it is for, in a sentence
    is_provisioned = False  # the rows are Entra's: nobody edits them here, and a badge says so
    when_empty = ""  # what has to happen before there is a row

    def __init__(self, model: type[M], admin_site: AdminSite) -> None:
        super().__init__(model, admin_site)
        self.panels: list[Panel[Any]] = []

    @property
    def media(self) -> forms.Media:
        """No scripts: Django's are for editing."""
        return forms.Media()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Listed

    def page(self, request: HttpRequest, record: M) -> Page:
        """The page about one row."""
        raise NotImplementedError

    def whole_page(self, request: HttpRequest, record: M) -> Page:
        """The page with what the panels add to it, in the order in which they were added."""
        page, panels = self.page(request, record), self.panels
        added = [part for panel in panels for part in panel.sections(request, record)]
        acts = [act for panel in panels for act in panel.acts(request, record)]
        links = [each for panel in panels for each in panel.links(request, record)]
        notices = (page.notice, *(panel.notice(request, record) for panel in panels))
        return dataclasses.replace(
            page,
            sections=(*page.sections, *added, *page.closing),
            acts=(*page.acts, *acts),
            links=(*page.links, *links),
            notice=" ".join(filter(None, notices)),
        )

    def get_urls(self) -> list[URLPattern]:
        added = [url for panel in self.panels for url in panel.urls()]
        return [*added, *super().get_urls()]

    def viewed(self, request: HttpRequest, subject: str) -> None:
        """Called for each page view; screens that must leave a trace override it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(self.add_permission) and may(request, self.add_permission)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """Only the list's filters: any other column could be guessed letter by letter."""
        return lookup in {listed.parameter_name for listed in self.list_filter}

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method not in {"GET", "HEAD"} or not self.has_view_permission(request):
            raise PermissionDenied
        self.viewed(request, "")
        context: dict[str, Any] = {
            "title": _capitalized(self.opts.verbose_name_plural),
            "subtitle": None,
        }
        context |= {"add_label": self.add_label, "is_provisioned": self.is_provisioned}
        context |= extra_context or {}
        return super().changelist_view(request, context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method not in {"GET", "HEAD"} or not self.has_view_permission(request):
            raise PermissionDenied
        record = self.get_record(request, object_id)
        self.viewed(request, str(record.pk))
        return self.render(request, "admin/record.html", {"page": self.whole_page(request, record)})

    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """404: a row's page shows its history; Django's own log is not kept."""
        raise Http404

    def get_record(self, request: HttpRequest, object_id: str | UUID) -> M:
        """The row with that key among those the screen lists. Raises Http404."""
        record: M | None = self.get_object(request, str(object_id))
        if record is None:
            raise Http404(f"There is no {self.opts.verbose_name} {object_id} here.")
        return record

    def render(
        self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
    ) -> TemplateResponse:
        """A page of this screen, with its breadcrumbs."""
        request.current_app = self.admin_site.name
        page = context.get("page")
        whole = {
            **self.admin_site.each_context(request),
            "title": page.title if page else _capitalized(self.opts.verbose_name_plural),
            "opts": self.opts,
            "is_provisioned": self.is_provisioned,
            "list_path": self.list_path() if self.has_view_permission(request) else None,
            **context,
        }
        return TemplateResponse(request, template, whole, status=status)

    def list_path(self) -> str:
        return reverse(self.url_name("changelist"))

    def record_path(self, record_pk: Any) -> str:
        return reverse(self.url_name("change"), args=[record_pk])

    def url_name(self, view: str) -> str:
        """The name of one of this screen's URLs, such as `admin:scim_user_changelist`."""
        return f"admin:{self.opts.app_label}_{self.opts.model_name}_{view}"

    def act_url(self, route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
        """The URL of an act of this screen; only people who may open the site reach it."""
        full_name = self.url_name(name).removeprefix("admin:")
        return path(route, self.admin_site.admin_view(view), name=full_name)

    def act(self, label: str, name: str, *args: Any, is_dangerous: bool = False) -> Act:
        """The button that leads to one of this screen's acts."""
        return Act(label, reverse(self.url_name(name), args=args), is_dangerous)


S = TypeVar("S", bound=RecordAdmin[Any])


class Panel(Generic[S]):
    """Something that another part of the house adds to the page of a row; one for each screen.

    The page shows the sections of panels below its own and above its closing ones.
    """

    def __init__(self, screen: S) -> None:
        self.screen = screen

    def urls(self) -> Sequence[URLPattern]:
        """URLs below the screen's own (RecordAdmin.act_url)."""
        return ()

    def sections(self, request: HttpRequest, record: Any) -> Sequence[Section]:
        return ()

    def acts(self, request: HttpRequest, record: Any) -> Sequence[Act]:
        return ()

    def links(self, request: HttpRequest, record: Any) -> Sequence[SafeString]:
        return ()

    def notice(self, request: HttpRequest, record: Any) -> str:
        """A sentence for the top of the page, or an empty text."""
        return ""


def add_panel(site: AdminSite, model: type[Model], panel: type[Panel[Any]]) -> None:
    """Add a panel to the screen that the site has of the model; before the site's URLs are made."""
    screen = cast("RecordAdmin[Any]", site.get_model_admin(model))
    screen.panels.append(panel(screen))


def _capitalized(words: Any) -> str:
    text = str(words)
    return text[:1].upper() + text[1:]
