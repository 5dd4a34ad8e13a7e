"""How every act runs on a screen: ask on GET, do it once on POST, say what happened."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.actions import ActionRefused, NotPermitted
from accounts.console.form import ActionForm, issue_nonce, use_up
from accounts.console.page import Page, Section, link
from accounts.console.screen import RecordAdmin
from accounts.signed_in import may

_ALREADY_SENT = "This form has been sent before, or it was open for too long. Nothing changed."
_BACK = "Go back and look at what is there now"


@dataclass(frozen=True, slots=True)
class Asked:
    """A form or confirmation page. `run` does the act with the valid form and answers the request.

    Without visible fields the form is a confirmation. `run` may raise ActionRefused: its sentence
    is shown beside the field that it is about, or above the form, and nothing else happened. `fields`
    has the form's name of a field where that is not the act's; "" stands for none in particular.
    """

    title: str
    act_label: str
    permission: str
    cancel_path: str
    run: Callable[[Any], HttpResponse]
    form: Callable[..., ActionForm] = ActionForm
    sentences: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    is_dangerous: bool = False
    fields: Mapping[str, str] = dataclasses.field(default_factory=dict)


def ask(screen: RecordAdmin[Any], request: HttpRequest, asked: Asked) -> HttpResponse:
    """The page of the act, or what the act answers. Raises PermissionDenied."""
    if not may(request, asked.permission):
        raise PermissionDenied
    if request.method != "POST":
        return _page(screen, request, asked, _fresh(request, asked))
    form = asked.form(request.POST)
    if not form.is_valid():
        return _page(screen, request, asked, form)
    if not use_up(request, form.cleaned_data["nonce"]):
        page = Page(asked.title, (), notice=_ALREADY_SENT, links=(link(asked.cancel_path, _BACK),))
        return screen.render(request, "admin/record.html", {"page": page}, status=409)
    try:
        return asked.run(form)
    except NotPermitted as error:
        raise PermissionDenied from error
    except ActionRefused as error:
        field = asked.fields.get(error.field, error.field)
        form.add_error(field if field in form.fields else None, str(error))
        form.data = request.POST.copy()
        form.data["nonce"] = issue_nonce(request)
        return _page(screen, request, asked, form)


def done(request: HttpRequest, path: str, sentence: str) -> HttpResponse:
    """A redirect to `path`, which shows the sentence."""
    messages.success(request, sentence)
    return HttpResponseRedirect(path)


def _fresh(request: HttpRequest, asked: Asked) -> ActionForm:
    return asked.form(initial={"nonce": issue_nonce(request)})


def _page(
    screen: RecordAdmin[Any], request: HttpRequest, asked: Asked, form: ActionForm
) -> HttpResponse:
    context = {
        "title": asked.title,
        "form": form,
        "is_marked": any(field.errors for field in form.visible_fields()),
        "sentences": asked.sentences,
        "sections": asked.sections,
        "act_label": asked.act_label,
        "cancel_path": asked.cancel_path,
        "is_dangerous": asked.is_dangerous,
    }
    return screen.render(request, "admin/form.html", context)
