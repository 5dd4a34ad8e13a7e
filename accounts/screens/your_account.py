"""Your account: the page of whoever is signed in, on their own site, and what they can do there."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, cast
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts import factors, passkeys, sealing, sessions
from accounts.actions.own import (
    add_authenticator_app,
    add_passkey,
    end_other_sessions,
    make_recovery_codes,
    remove_factor,
)
from accounts.console.action import Action, Call, said
from accounts.console.form import ActionForm
from accounts.console.page import (
    Button,
    Fact,
    Facts,
    Page,
    Section,
    Table,
    Text,
    badge,
    link,
)
from accounts.console.site import Part
from accounts.console.view import answer
from accounts.models import LABEL_LENGTH, Account, Session
from accounts.permissions import OWN_ACCOUNT
from accounts.signed_in import may
from accounts.signing_in import SET_UP_FIRST
from tenants.current import current_tenant

PAGE: Final = "admin:your_account"
_NO_FACTOR: Final = "None: your password alone lets you in."
_NO_FACTOR_YET: Final = "None yet."
_SET_UP_FIRST: Final = "Your account needs a second factor. Set up an authenticator app or a passkey, then everything else opens."
_PENDING: Final = "pending authenticator app"  # in a session's data, and the use of its seal


def _end_others(call: Call[Account]) -> int:
    key = call.request.session.session_key or ""
    return end_other_sessions(call.actor, current_tenant(), call.record, key)


def _has_others(call: Call[Account]) -> bool:
    return sessions.of_account(call.record.pk).count() > 1


class CodeForm(ActionForm):
    code = forms.CharField(
        max_length=20,
        label="Code from the app",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


class PasskeyForm(ActionForm):
    name = forms.CharField(max_length=LABEL_LENGTH, help_text="Such as the device that holds it.")
    credential = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, options: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        asks = {"data-passkey": "create", "data-options": options}
        self.fields["credential"].widget.attrs.update(asks)


class FactorForm(ActionForm):
    factor = forms.ChoiceField(label="Second factor")

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["factor"]
        field.choices = [(each.pk, str(each)) for each in factors.of_account(account)]


def _pending_secret(call: Call[Account]) -> str:
    """The secret that the app is being set up with: of this session, until a code proves it."""
    kept, tenant = call.request.session.get(_PENDING), current_tenant()
    if kept is not None:
        with suppress(sealing.SealBroken):  # SECRET_KEY was changed meanwhile
            return sealing.unseal(tenant.id, _PENDING, kept)
    secret = factors.new_secret()
    call.request.session[_PENDING] = sealing.seal(tenant.id, _PENDING, secret)
    return secret


def _app_facts(call: Call[Account]) -> tuple[Section, ...]:
    uri = factors.otpauth_uri(call.known, call.record, current_tenant())
    facts = (
        Fact("QR code", factors.qr_code(uri)),
        Fact("Key, to type in its place", call.known, copyable=True),
    )
    return (Facts("Scan this with the app", facts),)


def _add_app(call: Call[Account]) -> Any:
    tenant, request = current_tenant(), call.request
    codes = add_authenticator_app(call.actor, tenant, call.record, call.known, call.data["code"])
    return _factor_added(request, call.record, codes)


def _passkey_options(call: Call[Account]) -> str:
    """The request to the browser; the session keeps it for when the form comes back."""
    if call.request.method == "POST":
        return ""
    return passkeys.creation_options(call.request, current_tenant(), call.record)


def _add_passkey(call: Call[Account]) -> Any:
    request, tenant, account, answer = (
        call.request,
        current_tenant(),
        call.record,
        call.data["credential"],
    )
    codes = add_passkey(
        call.actor,
        tenant,
        account,
        call.data["name"],
        lambda name: passkeys.create(request, tenant, account, answer, name),
    )
    return _factor_added(request, account, codes)


def _factor_added(request: HttpRequest, account: Account, codes: list[str]) -> Any:
    """The page with the first recovery codes, once; later a sentence on the account's page."""
    request.session.pop(_PENDING, None)
    request.session.pop(SET_UP_FIRST, None)
    sessions.end_all(account, but=request.session.session_key)
    return _codes_page(codes) if codes else account


def _new_codes(call: Call[Account]) -> Page:
    return _codes_page(make_recovery_codes(call.actor, current_tenant(), call.record))


def _codes_page(codes: list[str]) -> Page:
    way_on = link(reverse("admin:index"), "I have stored them: go to the overview")
    return Page(
        "Recovery codes",
        (Text("Your recovery codes", "\n".join(codes), "recovery-codes"),),
        notice=(
            "Store these codes where you find them without your device. Each lets you in once. We store"
            " only digests: they cannot be shown again."
        ),
        onward=way_on,
    )


def _remove(call: Call[Account]) -> None:
    remove_factor(call.actor, current_tenant(), call.record, call.data["factor"])
    sessions.end_all(call.record, but=call.request.session.session_key)


def _has_factors(call: Call[Account]) -> bool:
    return factors.of_account(call.record).exists()


_ACTIONS: Final[tuple[Action[Any], ...]] = (
    Action(
        name="authenticator",
        label="Set up authenticator app",
        needs_proof=True,
        permission=OWN_ACCOUNT,
        title="Set up authenticator app",
        text=(
            "From the next sign-in on, your password alone is not enough: the app shows a new code every"
            " 30 seconds. Any app for one-time codes will do, such as Microsoft Authenticator."
        ),
        look_up=_pending_secret,
        sections=_app_facts,
        form=CodeForm,
        submit="Use this app",
        run=_add_app,
        done="The app is your second factor now. Other browsers are signed out.",
    ),
    Action(
        name="passkey",
        label="Add passkey",
        needs_proof=True,
        permission=OWN_ACCOUNT,
        title="Add passkey",
        text=(
            "A passkey is in your device, your browser or a security key, and works at {tenant.host} only."
            " It is your second factor after the password, and if its device checks a PIN, your"
            " fingerprint or your face, it signs you in without a password. It needs scripts."
        ),
        look_up=_passkey_options,
        form=PasskeyForm,
        options=lambda call: {"options": call.known},
        submit="Create passkey",
        run=_add_passkey,
        done="The passkey is your second factor now. Other browsers are signed out.",
    ),
    Action(
        name="recovery_codes",
        label="New recovery codes",
        needs_proof=True,
        permission=OWN_ACCOUNT,
        title="Make new recovery codes?",
        text="The codes that you have now stop working.",
        submit="Make new codes",
        run=_new_codes,
        is_offered=_has_factors,
    ),
    Action(
        name="remove_factor",
        label="Remove a second factor",
        needs_proof=True,
        permission=OWN_ACCOUNT,
        title="Remove a second factor",
        text="With the last one your recovery codes end too.",
        form=FactorForm,
        options=lambda call: {"account": call.record},
        submit="Remove this factor",
        run=_remove,
        done="The second factor is removed. Other browsers are signed out.",
        is_offered=_has_factors,
        is_dangerous=True,
    ),
    Action(
        name="end_others",
        label="Sign out other browsers",
        permission=OWN_ACCOUNT,
        title="Sign out of all other browsers?",
        text="You stay signed in here.",
        submit="Sign out the others",
        run=_end_others,
        done="You are signed out of all other browsers.",
        is_offered=_has_others,
    ),
)


class YourAccount(Part):
    """The page and its actions; a screen whose only row is the account that is signed in."""

    action_table = _ACTIONS

    def urls(self) -> Sequence[URLPattern]:
        """The page and a page for each action."""
        view = self.site.admin_view
        name = PAGE.removeprefix("admin:")
        actions = [
            path(
                f"you/{each.name.replace('_', '-')}/",
                view(self._view_of(each)),
                name=f"{name}_{each.name}",
            )
            for each in self.action_table
        ]
        return [path("you/", view(self._page), name=name), *actions]

    def get_record(self, request: HttpRequest, object_id: str | UUID) -> Account:
        """The account that is signed in. Raises Http404."""
        account = cast("Account", request.user)
        if str(account.pk) != str(object_id):
            raise Http404
        return account

    def list_path(self) -> str:
        """The path of the site's first page."""
        return reverse("admin:index")

    def record_path(self, _record_pk: Any) -> str:
        """The path of the page."""
        return reverse(PAGE)

    def render(
        self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
    ) -> HttpResponse:
        """A page in the frame of the site."""
        request.current_app = self.site.name
        page = context.get("page")
        whole = {**self.site.each_context(request), "title": page.title if page else "", **context}
        return TemplateResponse(request, template, whole, status=status)

    def _page(self, request: HttpRequest) -> HttpResponse:
        account = cast("Account", request.user)
        is_needed = bool(request.session.get(SET_UP_FIRST))
        page = Page(
            "Your account",
            (
                _facts(account),
                _factors(account, _NO_FACTOR_YET if is_needed else _NO_FACTOR),
                _sessions(account, request.session.session_key),
            ),
            buttons=self._buttons(request),
            notice=_SET_UP_FIRST if is_needed else "",
        )
        return self.render(request, "console/record.html", {"page": page})

    def _buttons(self, request: HttpRequest) -> tuple[Button, ...]:
        call = Call(request, cast("Account", request.user))
        return (
            Button("Change password", reverse("admin:password_change")),
            *(
                Button(said(each.label, call), reverse(f"{PAGE}_{each.name}"), each.is_dangerous)
                for each in self.action_table
                if may(request, said(each.permission, call)) and each.is_offered(call)
            ),
        )

    def _view_of(self, action: Action[Any]) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest) -> HttpResponse:
            return answer(self, action, request, cast("UUID", request.user.pk))

        return view


def _facts(account: Account) -> Section:
    return Facts(
        "Account",
        (
            Fact("E-mail address", account.email),
            Fact("Name", account.name or None),
            Fact("Role", account.get_role_display()),
        ),
    )


def _factors(account: Account, when_none: str) -> Section:
    rows: tuple[tuple[Any, ...], ...] = tuple(
        (each.name, each.created_at, each.last_used_at) for each in factors.of_account(account)
    )
    if rows:
        rows += ((f"{factors.recovery_codes_left(account)} recovery codes", None, None),)
    return Table("Second factor", ("Factor", "Added", "Last used"), rows, when_none)


def _sessions(account: Account, own: str | None) -> Section:
    rows = tuple(_row(each, is_own=each.pk == own) for each in sessions.of_account(account.pk))
    headings = ("Signed in", "Last seen", "Address", "Browser", "")
    return Table("Where you are signed in", headings, rows, "Nowhere.")


def _row(session: Session, *, is_own: bool) -> tuple[Any, ...]:
    here = badge("ok", "This browser") if is_own else ""
    browser = sessions.browser_in(session.user_agent)
    return (session.signed_in_at, session.seen_at, session.address, browser, here)
