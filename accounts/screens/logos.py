"""The logo of a tenant: its screen, and the picture itself, which the tenant's own host serves to all."""

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.actions.logos import change_logo, remove_logo
from accounts.console.action import ADD, Action, Call
from accounts.console.form import ActionForm
from accounts.console.page import Fact, Facts, Page
from accounts.console.screen import RecordAdmin
from accounts.models import Logo
from accounts.permissions import CHANGE_LOGO
from accounts.pictures import LEAST_SIDE, MOST_BYTES, MOST_SIDE
from tenants.current import current_tenant

ROUTE: Final = "logo/<str:digest>/"
NAME: Final = "admin:logo"
_KEPT: Final = "public, max-age=31536000, immutable"  # another picture has another address


class LogoForm(ActionForm):
    file = forms.FileField(
        label="Picture",
        help_text=f"PNG or JPEG, up to {MOST_BYTES // 1024} kB, each side {LEAST_SIDE} to {MOST_SIDE:,}"
        " pixels. Notes of a camera or a program in it are not kept.",
        widget=forms.FileInput(attrs={"accept": ".png,.jpg,.jpeg,image/png,image/jpeg"}),
        error_messages={"empty": "The file is empty.", "required": "Choose a file."},
    )


def _change(call: Call[None]) -> Logo:
    file: Any = call.data["file"]
    return change_logo(call.actor, current_tenant(), file.read(MOST_BYTES + 1))


_ACTIONS: Final[tuple[Action[Any], ...]] = (
    Action(
        name=ADD,
        label="Upload logo",
        needs_proof=True,
        permission=CHANGE_LOGO,
        title="Upload logo",
        text="It is shown in the bar and on the sign-in page of {tenant.name}, to everybody who opens it,"
        " in place of the present one.",
        form=LogoForm,
        submit="Upload",
        run=_change,
        done="Logo changed.",
    ),
    Action(
        name="remove",
        label="Remove logo",
        needs_proof=True,
        permission=CHANGE_LOGO,
        title="Remove the logo of {tenant.name}?",
        text="The bar and the sign-in page show the name alone.",
        run=lambda call: remove_logo(call.actor, current_tenant()),
        done="Logo removed.",
        is_dangerous=True,
        leads_to_list=True,
    ),
)


class LogoAdmin(RecordAdmin[Logo]):
    list_display = ("picture", "size", "changed_at", "changed_by")
    list_display_links = ("size",)
    ordering = ("pk",)
    counted_as = ("logo", "logos")
    group = "Administration"
    icon = "picture"
    purpose = "The picture beside the name, in the bar and on the sign-in page."
    when_empty = "Upload a logo, and your people see at once that they are in the right place."
    views_noted = ("logo viewed", "logo viewed")
    action_table = _ACTIONS

    @admin.display(description="picture")
    def picture(self, logo: Logo) -> SafeString:
        return shown(path_of(logo.digest), f"Logo of {current_tenant().name}")

    def page(self, request: HttpRequest, record: Logo) -> Page:
        facts = (
            Fact("Picture", self.picture(record)),
            Fact("Size", f"{record.size} pixels, {len(record.content):,} bytes"),
            Fact("Type", record.media_type),
            Fact("Changed", record.changed_at),
            Fact("By", record.changed_by),
        )
        return Page("Present logo", (Facts("Logo", facts),))


def path_of(digest: str) -> str:
    """The path of the picture; "" without one."""
    return reverse(NAME, args=[digest]) if digest else ""


def shown(path: str, words: str) -> SafeString:
    return format_html('<img class="logo" src="{}" alt="{}">', path, words)


def answer(request: HttpRequest, digest: str) -> HttpResponse:
    """The picture of the current tenant with that digest; of another tenant's there is none here."""
    logo = Logo.objects.filter(digest=digest).first()
    if request.method not in {"GET", "HEAD"} or logo is None:
        raise Http404
    return HttpResponse(
        bytes(logo.content), content_type=logo.media_type, headers={"Cache-Control": _KEPT}
    )
