"""The page behind the link of an invitation: no session, no nonce, the link is the right to it."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.forms import SetPasswordForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from accounts import invitations
from accounts.actions import ActionRefused, accept_invitation
from accounts.models import Account
from tenants.current import address_of, current_tenant

_REFUSAL = (
    "It was used, is older than three days, or another one was sent. Ask for another invitation."
)


def accept(site: AdminSite, request: HttpRequest, value: str) -> HttpResponse:
    """The form, or what its POST answers; 410 for a link that no longer works."""
    account = invitations.find(value)
    if account is None:
        return _page(site, request, {"refusal": _REFUSAL}, HTTPStatus.GONE)
    form: Any = SetPasswordForm(account, request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _accepted(site, request, value, form)
    return _page(site, request, {"form": form, "invited": account})


def _accepted(site: AdminSite, request: HttpRequest, value: str, form: Any) -> HttpResponse:
    password, address = form.cleaned_data["new_password1"], address_of(request)
    try:
        account: Account = accept_invitation(current_tenant(), value, password, address)
    except ActionRefused as error:
        return _page(site, request, {"refusal": str(error)}, HTTPStatus.GONE)
    messages.success(request, f"Your password is set. Sign in as {account.email}.")
    return HttpResponseRedirect(reverse("admin:login"))


def _page(
    site: AdminSite, request: HttpRequest, context: dict[str, Any], status: int = HTTPStatus.OK
) -> HttpResponse:
    whole = {**site.each_context(request), "title": "Invitation", **context}
    return TemplateResponse(request, "admin/invitation.html", whole, status=status)
