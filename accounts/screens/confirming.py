"""The page that asks for the password again, before an action that matters (accounts.proof)."""

import re
from http import HTTPStatus
from typing import Any, Final, cast

from django import forms
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from accounts import factors, proof, signing_in
from accounts.audit import record
from accounts.models import Account
from accounts.screens.signing_in import passkey_form, way_on
from accounts.signed_in import actor
from accounts.signing_in import SignInRefused

_CODE: Final = re.compile(r"[0-9]{6}")  # no password: those have 12 characters at least
_WRONG: Final = "This is neither your password nor a code that works now."
_NO_PASSKEY: Final = "The passkey was not accepted. Try again, or type your password."


class ConfirmForm(forms.Form):
    password = forms.CharField(
        label="Password, or code from your app",
        strip=False,
        label_suffix="",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


def confirm_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Ask for the password, then lead to where the parameter `next` says."""
    sent, problem, user = request.POST.get("credential"), "", cast("Account", request.user)
    form = ConfirmForm(None if sent is not None else request.POST or None)
    status: int = HTTPStatus.OK
    if request.method == "POST" and (sent is not None or form.is_valid()):
        try:
            method = (
                _prove(request, form.cleaned_data["password"])
                if sent is None
                else signing_in.prove_passkey(request, user, sent)
            )
        except SignInRefused as refusal:
            problem, status = str(refusal), refusal.status
        else:
            if method:
                return _proved(request, method)
            problem = _WRONG if sent is None else _NO_PASSKEY
    context = {**site.each_context(request), "title": "Confirm that it is you", "form": form}
    context |= {"problem": problem, "passkey": passkey_form(request, user)}
    return TemplateResponse(request, "registration/confirm.html", context, status=status)


def _prove(request: HttpRequest, typed: str) -> str:
    """The method that proves the account; "" for none. Raises SignInRefused."""
    user: Any = request.user
    if _CODE.fullmatch(typed.replace(" ", "")) and factors.of_account(user).exists():
        return signing_in.prove_code(request, user, typed)
    return "password" if signing_in.prove_password(request, user.email, typed) == user else ""


def _proved(request: HttpRequest, method: str) -> HttpResponse:
    user: Any = request.user
    signing_in.note_success(request, user)
    proof.renew(request, method)
    record(actor(request), "identity confirmed", user.email, {"method": method})
    return HttpResponseRedirect(way_on(request))
