"""The one view of all actions: ask on GET; on POST do it once and say what was done."""

from dataclasses import dataclass, replace
from typing import Any, Final, Protocol
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase

from accounts import proof
from accounts.actions.performing import ActionRefused, NotPermitted
from accounts.console.action import Action, Call, said
from accounts.console.form import ActionForm, issue_nonce, use_up
from accounts.console.page import Page, link
from accounts.signed_in import may

_ALREADY_SENT: Final = (
    "This form has been sent before, or it was open for too long. Nothing changed."
)
_TOO_OLD: Final = "Nothing changed: confirm that it is you, then send the form again."
_BACK: Final = "Go back to the current page"


class Screen(Protocol):
    """The side of the screen with the action that the view needs."""

    def get_record(self, request: HttpRequest, object_id: str | UUID) -> Any:
        """The row with that key. Raises Http404."""

    def render(
        self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
    ) -> HttpResponse:
        """A page of the screen."""

    def list_path(self) -> str:
        """The path of the list."""

    def record_path(self, record_pk: Any) -> str:
        """The path of a row's page."""


def answer(
    screen: Screen, action: Action[Any], request: HttpRequest, key: UUID | None
) -> HttpResponse:
    """The form or confirmation page, or what comes of it. Raises PermissionDenied, Http404."""
    if action.find is not None:
        record = action.find(key)
    else:
        record = screen.get_record(request, key) if key is not None else None
    call = Call(request, record)
    if not may(request, said(action.permission, call)):
        raise PermissionDenied
    if action.needs_proof and not proof.is_fresh(request):
        return _confirm_first(request)
    if action.look_up:
        call = replace(call, known=action.look_up(call))
    options = dict(action.options(call)) if action.options else {}
    asked = _Asked(screen, action, call)
    if request.method != "POST":
        initial = {**options.pop("initial", {}), "nonce": issue_nonce(request)}
        return asked.page(action.form(initial=initial, **options))
    return asked.perform(action.form(request.POST, request.FILES, **options))


def _confirm_first(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        messages.warning(request, _TOO_OLD)
    return HttpResponseRedirect(proof.confirm_path(request))


@dataclass(frozen=True, slots=True)
class _Asked:
    """An action that somebody asks for on a screen."""

    screen: Screen
    action: Action[Any]
    call: Call[Any]

    def page(self, form: ActionForm) -> HttpResponse:
        """The form or confirmation page."""
        action, call = self.action, self.call
        context = {
            "title": said(action.title, call),
            "form": form,
            "is_marked": any(field.errors for field in form.visible_fields()),
            "sentences": said(action.text, call).splitlines(),
            "sections": action.sections(call) if action.sections else (),
            "submit": said(action.submit or action.label, call),
            "cancel_path": self._way_back(),
            "is_dangerous": action.is_dangerous,
        }
        return self.screen.render(call.request, "console/form.html", context)

    def perform(self, form: ActionForm) -> HttpResponse:
        """The answer to the form that was sent."""
        call = self.call
        if not form.is_valid():
            return self.page(form)
        if not use_up(call.request, form.cleaned_data["nonce"]):
            return self._already_sent()
        try:
            result = self.action.run(replace(call, form=form))
        except NotPermitted as error:
            raise PermissionDenied from error
        except ActionRefused as error:
            name = self.action.fields.get(error.field, error.field)
            form.add_error(name if name in form.fields else None, str(error))
            form.data = call.request.POST.copy()
            form.data["nonce"] = issue_nonce(call.request)
            return self.page(form)
        return self._done(replace(call, form=form, result=result))

    def _already_sent(self) -> HttpResponse:
        title, back = said(self.action.title, self.call), link(self._way_back(), _BACK)
        return self._show(Page(title, (), notice=_ALREADY_SENT, links=(back,)), status=409)

    def _done(self, call: Call[Any]) -> HttpResponse:
        if isinstance(call.result, HttpResponseBase):
            return call.result  # type: ignore[return-value]  # a streamed file is one too
        if isinstance(call.result, Page):
            return self._show(call.result)
        messages.success(call.request, said(self.action.done, call))
        if self.action.leads_to_list:
            return HttpResponseRedirect(self.screen.list_path())
        if self.action.is_about_a_row:
            return HttpResponseRedirect(self._record_path())
        return HttpResponseRedirect(self.screen.record_path(call.result.pk))

    def _show(self, page: Page, status: int = 200) -> HttpResponse:
        return self.screen.render(
            self.call.request, "console/record.html", {"page": page}, status=status
        )

    def _way_back(self) -> str:
        """The page from which the action was chosen; a list with the filters and search it had."""
        if self.action.is_about_a_row:
            return self._record_path()
        query = self.call.request.GET.urlencode()
        return f"{self.screen.list_path()}?{query}" if query else self.screen.list_path()

    def _record_path(self) -> str:
        return self.screen.record_path(self.action.belongs_to(self.call.record))
