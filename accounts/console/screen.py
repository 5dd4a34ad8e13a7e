"""The base of every screen: a list, for each row a page to read, and the actions of a table.

Nothing here writes a row through a ModelAdmin: an action calls accounts.actions. So Django's add,
change and delete views and its admin log, which has no table here, are never used.
"""

from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite, ModelAdmin, ShowFacets, display
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import DateTimeField, Model, QuerySet
from django.forms import MediaDefiningClass
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from accounts.console import choices
from accounts.console.action import ADD, Action, Call, said
from accounts.console.choices import Choosing, Column
from accounts.console.listing import BoundedPaginator, Listed, Matching, TableFilter
from accounts.console.page import (
    Banner,
    Button,
    Header,
    Page,
    Section,
    list_path,
    record_path,
    url_name,
)
from accounts.console.searching import Hit, Search
from accounts.console.times import in_list
from accounts.console.view import answer
from accounts.signed_in import may, may_choose, record_view
from tenants import clock

ROWS_PER_PAGE: Final = 50

M = TypeVar("M", bound=Model)

if TYPE_CHECKING:
    _ModelAdmin = ModelAdmin
else:

    class _ModelAdmin(ModelAdmin, Generic[M]):
        """Django's class, which cannot be subscripted when the program runs."""


class _Abstract(ABCMeta, MediaDefiningClass):
    """Django's class of a screen, with abstract methods."""


class RecordAdmin(_ModelAdmin[M], Generic[M], metaclass=_Abstract):
    """A list of rows and a page for each, to read only."""

    actions = None
    show_full_result_count = False
    list_per_page = ROWS_PER_PAGE
    list_max_show_all = 0
    paginator = BoundedPaginator
    show_facets = ShowFacets.NEVER  # a count of the whole table for each choice of each filter
    sortable_by: ClassVar[Any] = ()
    more_columns: ClassVar[tuple[str, ...]] = ()  # shown to those who choose them
    list_filter: ClassVar[tuple[type[TableFilter], ...]] = ()
    action_table: ClassVar[tuple[Action[Any], ...]] = ()
    views_noted = ("", "")  # the audit log's words for a look at the list and at a row
    counted_as = ("row", "rows")
    group = ""  # the heading below which the screen stands in the navigation
    icon = "page"  # beside its name there, of templates/static/screens/icons.svg
    purpose = ""  # what it is for, in a sentence
    is_provisioned = False  # the rows are Entra's: nobody edits them here, and a badge says so
    opens_beside = False  # with scripts a row's page opens beside the list
    when_empty = ""  # what has to happen before there is a row

    def __init__(self, model: type[M], admin_site: AdminSite) -> None:
        super().__init__(model, admin_site)
        self.panels: list[Panel[Any]] = []
        self._times: dict[Any, Any] = {}

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        """The columns of the list, those of moments as `<time>`."""
        return tuple(self._column(name) for name in self.columns(request))

    def columns(self, request: HttpRequest) -> tuple[Any, ...]:
        """The columns of the list, by their names: those that the account has chosen, if it has."""
        names = [str(name) for name in self.list_display]
        key = self.opts.label_lower
        return choices.shown_columns(request, key, names, self.more_columns)

    def choosing(self, request: HttpRequest) -> Choosing | None:
        """The choices that the list offers; None where nothing may be kept."""
        if not may_choose(request):
            return None
        key, shown = self.opts.label_lower, self.columns(request)
        columns = tuple(
            Column(name, _capitalized(label_for_field(name, self.model, self)), name in shown)
            for name in (*map(str, self.list_display), *self.more_columns)[1:]
        )
        query = self._filters_in(request.GET.urlencode())
        kept = choices.views(request, key, query)
        return Choosing(reverse(self.url_name("choose")), columns, kept, query)

    def choose_view(self, request: HttpRequest) -> HttpResponse:
        """POST only: choose columns, keep the filters as a view, or drop one; then the list again."""
        may_see = self.has_view_permission(request) and may_choose(request)
        if request.method != "POST" or not may_see:
            raise PermissionDenied
        key, data = self.opts.label_lower, request.POST
        query = self._filters_in(data.get("query", ""))
        match data.get("what"):
            case "columns":
                offered = {*self.list_display, *self.more_columns}
                choices.choose_columns(request, key, offered.intersection(data.getlist("columns")))
            case "keep":
                why_not = choices.keep_view(request, key, data.get("name", ""), query)
                if why_not:
                    messages.error(request, f"Not saved. {why_not}")
            case "drop":
                choices.drop_view(request, key, data.get("name", ""))
        return HttpResponseRedirect(f"{self.list_path()}?{query}" if query else self.list_path())

    def _filters_in(self, query: str) -> str:
        names = [str(listed.parameter_name) for listed in self.list_filter]
        return choices.filters_of(query, names)

    def get_list_display_links(
        self, request: HttpRequest, list_display: Sequence[Any]
    ) -> list[Any]:
        return [self._column(name) for name in self.list_display_links or self.list_display[:1]]

    def _column(self, name: Any) -> Any:
        """The column of that name: a callable for a time, the name of any other."""
        if name not in self._times:
            field = next((each for each in self.opts.fields if each.name == name), None)
            is_time = isinstance(field, DateTimeField) and not hasattr(type(self), name)
            self._times[name] = (
                _time_column(name, str(field.verbose_name)) if is_time and field else name
            )
        return self._times[name]

    @property
    def media(self) -> forms.Media:
        """No scripts: Django's are for editing."""
        return forms.Media()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Listed

    def prepare(self, request: HttpRequest, rows: Iterable[M]) -> None:
        """Note on the rows of a page of the list, before they are shown, what no column has."""

    def search_help(self, request: HttpRequest) -> str:
        """The line below the search box: what this account finds by it."""
        return self.nothing_hint(request) or str(self.search_help_text or "")

    def nothing_hint(self, request: HttpRequest) -> str:
        """A sentence below a search that found nothing: how this account has to search."""
        return ""

    def hits(self, search: Search) -> Iterable[Hit]:
        """The rows that it has to the search over the site."""
        return ()

    def buttons_of_list(self, request: HttpRequest) -> tuple[Button, ...]:
        """The buttons above the list."""
        return self._buttons(Call(request, None))

    def matching(self, request: HttpRequest) -> QuerySet[M]:
        """The rows that the search and the filters of a request find; none is read. Raises Http404."""
        columns = self.get_list_display(request)
        try:
            found: QuerySet[M] = Matching(
                request=request,
                model=self.model,
                list_display=columns,
                list_display_links=self.get_list_display_links(request, columns),
                list_filter=self.get_list_filter(request),
                date_hierarchy=None,
                search_fields=self.get_search_fields(request),
                list_select_related=False,
                list_per_page=self.list_per_page,
                list_max_show_all=self.list_max_show_all,
                list_editable=(),
                model_admin=self,
                sortable_by=(),
                search_help_text=None,
            ).queryset
        except IncorrectLookupParameters:
            raise Http404("There is no such list.") from None
        return found

    def news_path(self, request: HttpRequest, listed: ChangeList) -> str:
        """The path that tells how many rows have come since the list was made; "" for lists that are still."""
        return ""

    @abstractmethod
    def page(self, request: HttpRequest, record: M) -> Page:
        """The page about one row."""

    def whole_page(self, request: HttpRequest, record: M) -> Page:
        """The page with what the panels add to it, in the order in which they were added."""
        page, panels = self.page(request, record), self.panels
        added = [part for panel in panels for part in panel.sections(request, record)]
        links = [each for panel in panels for each in panel.links(request, record)]
        header = page.header or Header()
        if header.problem is None:
            problems = (panel.problem(request, record) for panel in panels)
            header = replace(header, problem=next(filter(None, problems), None))
        notices = (page.notice, *(panel.notice(request, record) for panel in panels))
        return replace(
            page,
            sections=(*page.sections, *added, *page.closing),
            buttons=(*page.buttons, *self._buttons(Call(request, record))),
            links=(*page.links, *links),
            header=header,
            notice=" ".join(filter(None, notices)),
        )

    def actions_of_screen(self) -> tuple[Action[Any], ...]:
        """The table of actions and what panels and screens with others in common add to it."""
        return (*self.action_table, *(each for panel in self.panels for each in panel.action_table))

    def viewed(self, request: HttpRequest, subject: str) -> None:
        """Leave the trace that a page view must leave: of a row, or of the list without a subject."""
        act = self.views_noted[bool(subject)]
        if act:
            record_view(request, act, subject)

    def get_urls(self) -> list[URLPattern]:
        own = [
            self.view_url(each.url, self._view_of(each), each.name)
            for each in self.actions_of_screen()
            if each.name != ADD  # Django's own route
        ]
        added = [url for panel in self.panels for url in panel.urls()]
        added.append(self.view_url("choose/", self.choose_view, "choose"))
        return [*own, *added, *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """True if the screen's table has an action that adds a row, and the account may do it."""
        call = Call(request, None)
        adding = (each for each in self.actions_of_screen() if each.name == ADD)
        return any(may(request, said(each.permission, call)) for each in adding)

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
            "title": self.list_label(),
            "subtitle": None,
            "is_provisioned": self.is_provisioned,
            "buttons": self.buttons_of_list(request),
            "choosing": self.choosing(request),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

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
        return self.render(
            request, "console/record.html", {"page": self.whole_page(request, record)}
        )

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        for each in self.actions_of_screen():
            if each.name == ADD:
                return answer(self, each, request, None)
        raise PermissionDenied

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
            "title": page.title if page else self.list_label(),
            "opts": self.opts,
            "is_provisioned": self.is_provisioned,
            "list_path": self.list_path() if self.has_view_permission(request) else None,
            "parent": page.parent if page else None,
            **context,
        }
        return TemplateResponse(request, template, whole, status=status)

    def list_label(self) -> str:
        """The title of the list."""
        return _capitalized(self.opts.verbose_name_plural)

    def list_path(self) -> str:
        return list_path(self.model)

    def record_path(self, record_pk: Any) -> str:
        return record_path(self.model, record_pk)

    def path_in_list(self, record: M) -> str:
        """The path of the page that the row's name in the list leads to."""
        return self.record_path(record.pk)

    def url_name(self, view: str) -> str:
        """The name of one of this screen's URLs, such as `admin:scim_user_changelist`."""
        return url_name(self.model, view)

    def view_url(self, route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
        """The URL of a view of this screen; only people who may open the site reach it."""
        full_name = self.url_name(name).removeprefix("admin:")
        return path(route, self.admin_site.admin_view(view), name=full_name)

    def _buttons(self, call: Call[Any]) -> tuple[Button, ...]:
        """The buttons of the list or the row: what the account may do, and what makes sense now."""
        about_a_row = call.record is not None
        args = [call.record.pk] if about_a_row else []
        query = "" if about_a_row else call.request.GET.urlencode()
        return tuple(
            Button(
                said(each.label, call),
                reverse(self.url_name(each.name), args=args)
                + (f"?{query}" if each.reads_query and query else ""),
                each.is_dangerous,
            )
            for each in self.actions_of_screen()
            if each.label and each.is_about_a_row == about_a_row
            if may(call.request, said(each.permission, call)) and each.is_offered(call)
        )

    def _view_of(self, action: Action[Any]) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, key: UUID | None = None) -> HttpResponse:
            return answer(self, action, request, key)

        return view


S = TypeVar("S", bound=RecordAdmin[Any])


class Panel(Generic[S]):
    """Something that another part of the house adds to the page of a row; one for each screen.

    The page shows the sections of panels below its own and above its closing ones.
    """

    action_table: ClassVar[tuple[Action[Any], ...]] = ()

    def __init__(self, screen: S) -> None:
        self.screen = screen

    def urls(self) -> Sequence[URLPattern]:
        """URLs below the screen's own (RecordAdmin.view_url)."""
        return ()

    def sections(self, request: HttpRequest, record: Any) -> Sequence[Section]:
        return ()

    def links(self, request: HttpRequest, record: Any) -> Sequence[SafeString]:
        return ()

    def problem(self, request: HttpRequest, record: Any) -> Banner | None:
        """The problem of the row that its page leads with."""
        return None

    def notice(self, request: HttpRequest, record: Any) -> str:
        """A sentence for the top of the page, or an empty text."""
        return ""


def add_panel(site: AdminSite, model: type[Model], panel: type[Panel[Any]]) -> None:
    """Add a panel to the screen that the site has of the model; before the site's URLs are made."""
    screen = cast("RecordAdmin[Any]", site.get_model_admin(model))
    screen.panels.append(panel(screen))


def _time_column(name: str, label: str) -> Callable[[Any], SafeString | None]:
    @display(description=label, ordering=name)
    def column(record: Any) -> SafeString | None:
        at = getattr(record, name)
        return in_list(at, clock.now()) if at else None

    column.__name__ = name  # Django makes the class of the cell of it
    return column


def _capitalized(words: Any) -> str:
    text = str(words)
    return text[:1].upper() + text[1:]
