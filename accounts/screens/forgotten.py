"""The pages for a forgotten password: asking for a link, and choosing a password behind it."""

from http import HTTPStatus
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.forms import SetPasswordForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from accounts import resets
from accounts.actions import ActionRefused
from accounts.actions.passwords import ask_for_link, reset_password
from accounts.guessing import Attempt
from accounts.models import EMAIL_LENGTH, normalize_login
from tenants.current import address_of, current_tenant, log_with

_ENDED: Final = (
    "It was used, is older than an hour, or you have signed in since. Ask for another one."
)


class ForgottenForm(forms.Form):
    email = forms.EmailField(label="E-mail address", label_suffix="", max_length=EMAIL_LENGTH)


def forgotten_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Ask for an address and send a link; the answer is the same whether an account has it or not."""
    form = ForgottenForm(request.POST or None)
    context: dict[str, Any] = {"title": "Forgot your password?", "form": form}
    status: int = HTTPStatus.OK
    if request.method == "POST" and form.is_valid():
        login = normalize_login(form.cleaned_data["email"])
        try:
            ask_for_link(current_tenant(), Attempt(login, address_of(request)))
        except ActionRefused as refusal:
            log_with(request, refused=refusal.reason)
            form.add_error("email", str(refusal))
            status = HTTPStatus.TOO_MANY_REQUESTS
        else:
            context |= {"asked": True, "minutes": resets.MINUTES}
    whole = {**site.each_context(request), **context}
    return TemplateResponse(request, "admin/forgotten.html", whole, status=status)


def reset_page(site: AdminSite, request: HttpRequest, value: str) -> HttpResponse:
    """The page behind the link: choose a password. 410 for a link that no longer works."""
    account = resets.LINK.find(value)
    if account is None:
        return _page(site, request, {"refusal": _ENDED}, HTTPStatus.GONE)
    form: Any = SetPasswordForm(account, request.POST or None)
    if request.method == "POST" and form.is_valid():
        password, address = form.cleaned_data["new_password1"], address_of(request)
        try:
            reset_password(current_tenant(), value, password, address)
        except ActionRefused as error:
            return _page(site, request, {"refusal": str(error)}, HTTPStatus.GONE)
        messages.success(request, f"Your password is set. Sign in as {account.email}.")
        return HttpResponseRedirect(reverse("admin:login"))
    return _page(site, request, {"form": form, "invited": account})


def _page(
    site: AdminSite, request: HttpRequest, context: dict[str, Any], status: int = HTTPStatus.OK
) -> HttpResponse:
    whole = {**site.each_context(request), "title": "New password", **context}
    return TemplateResponse(request, "admin/invitation.html", whole, status=status)
