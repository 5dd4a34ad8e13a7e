"""Screens whose list can be taken away as a file, with the filters and the search that it has."""

from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import urlencode

from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, reverse

from accounts.actions.performing import note, performing
from accounts.console.asked import Asked, ask
from accounts.console.screen import RecordAdmin
from accounts.signed_in import actor, may
from scim.screens import export
from scim.screens.export import Export
from scim.screens.visibility import Sight
from tenants.current import current_tenant

_NOT_A_FILTER: Final = frozenset({"p", "o", "q"})  # page, order and search of a list
_CONTENTS: Final = (
    "The file has a line for each of them, newest first. Cells that a spreadsheet would take for a"
    " formula begin with an apostrophe."
)

M = TypeVar("M", bound=Model)


class ExportingAdmin(RecordAdmin[M]):
    """A screen with a button that exports what its list shows."""

    export_permission: ClassVar[str]

    def export(self, request: HttpRequest) -> Export:
        """The file to make, as the request's account gets to see it."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        return [self.act_url("export/", self.export_view, "export"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = dict(extra_context or {})
        if may(request, self.export_permission):
            shown = {name: value for name, value in request.GET.items() if name not in {"p", "o"}}
            query = f"?{urlencode(shown)}" if shown else ""
            context["export_path"] = reverse(self.url_name("export")) + query
        return super().changelist_view(request, context)

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """The page that says what the file will hold; its POST answers it."""

        def run(_form: Any) -> Any:
            listed = self._listed(request)
            filters = [f"{k}={v}" for k, v in request.GET.items() if k not in _NOT_A_FILTER]
            tenant = current_tenant()
            by, sentence = actor(request), f"{self.counted_as[1]} exported"
            with performing(by, self.export_permission, tenant):
                note(by, tenant, sentence, tenant.custom_domain, {"filters": filters})
            return export.answer(self.export(request), tenant, listed.queryset)

        cancel_path = f"{self.list_path()}?{request.GET.urlencode()}".removesuffix("?")
        asked = Asked(
            title=f"Export {self.counted_as[1]}?",
            act_label="Export as CSV",
            permission=self.export_permission,
            cancel_path=cancel_path,
            run=run,
            sentences=(self._counted(request), _CONTENTS, Sight.of(request).notice),
        )
        return ask(self, request, asked)

    def _counted(self, request: HttpRequest) -> str:
        if not may(request, self.export_permission):
            return ""
        listed = self._listed(request)
        one, many = self.counted_as
        count = listed.result_count
        if getattr(listed.paginator, "is_bounded", False):
            return f"More than {count:,} {many} are exported."
        return f"{count:,} {one if count == 1 else many} will be exported."

    def _listed(self, request: HttpRequest) -> Any:
        """The list that the query string asks for. Raises Http404 for one that is none."""
        try:
            return self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            raise Http404("There is no such list.") from None
