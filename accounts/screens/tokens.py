"""Secret tokens: the list, one token's page, generating and revoking. A value is shown once."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.formats import localize
from django.utils.safestring import SafeString

from accounts.actions import Minted, mint_token, move_token, revoke_token
from accounts.console.action import Asked, ask, done
from accounts.console.form import ActionForm
from accounts.console.page import Act, Fact, Facts, Page, Section, State, badge, link
from accounts.console.screen import RecordAdmin
from accounts.models import SecretToken
from accounts.permissions import Role
from accounts.screens.forms import MoveForm, RotationForm, TokenForm
from accounts.signed_in import actor, may, record_view
from tenants import clock
from tenants.current import current_tenant

MINT: Final = "accounts.add_secrettoken"
REVOKE: Final = "accounts.revoke_secrettoken"
MOVE: Final = "accounts.move_secrettoken"

_SHOWN_ONCE: Final = (
    "Copy the secret token now: it is shown this one time and stored nowhere. If it gets lost,"
    " generate another one and revoke this one."
)

_LOOKS: Final[Mapping[str, State]] = {
    "live": "ok",
    "expired": "warning",
    "revoked": "unknown",  # on purpose
}


class SecretTokenAdmin(RecordAdmin[SecretToken]):
    list_display = (
        "public_id",
        "label",
        "state",
        "issued_for",
        "created",
        "expires",
        "last_used",
        "used_from",
        "user_agent",
        "requests",
    )
    list_display_links = ("public_id", "label")
    list_select_related = ("issued_for",)
    ordering = ("-created_at", "pk")
    add_label = "Generate secret token"
    add_permission = MINT
    counted_as = ("secret token", "secret tokens")
    group = "Connection"
    purpose = "What Microsoft Entra ID signs in with, until when, and when it last did."
    when_empty = "Generate one and enter it in Entra together with the Tenant URL."

    def get_queryset(self, request: HttpRequest) -> QuerySet[SecretToken]:
        return super().get_queryset(request).defer("digest")

    def get_urls(self) -> list[URLPattern]:
        acts = [
            self.act_url("<uuid:token_id>/revoke/", self.revoke_view, "revoke"),
            self.act_url("<uuid:token_id>/rotate/", self.rotate_view, "rotate"),
            self.act_url("<uuid:token_id>/move/", self.move_view, "move"),
        ]
        return [*acts, *super().get_urls()]

    def viewed(self, request: HttpRequest, subject: str) -> None:
        record_view(request, "secret token viewed" if subject else "secret tokens listed", subject)

    @admin.display(description="state")
    def state(self, token: SecretToken) -> SafeString:
        return standing(state(token, clock.now()))

    @admin.display(description="created")
    def created(self, token: SecretToken) -> datetime:
        return token.created_at

    @admin.display(description="last used", empty_value="Never")
    def last_used(self, token: SecretToken) -> datetime | None:
        return token.last_used_at

    @admin.display(description="from")
    def used_from(self, token: SecretToken) -> str | None:
        return token.last_used_address

    @admin.display(description="user agent")
    def user_agent(self, token: SecretToken) -> str:
        return token.last_used_user_agent

    @admin.display(description="requests")
    def requests(self, token: SecretToken) -> int:
        return token.use_count

    @admin.display(description="expires")
    def expires(self, token: SecretToken) -> str:
        return _expires(token)

    def page(self, request: HttpRequest, record: SecretToken) -> Page:
        return Page(str(record), (_facts(record), _use(record)), self._acts(request, record))

    def _acts(self, request: HttpRequest, token: SecretToken) -> tuple[Act, ...]:
        """What can be done with the token: a revoked or expired one is at its end."""
        word = state(token, clock.now())
        if word not in {"Live", "Refused"}:
            return ()
        acts = []
        if may(request, MINT) and word == "Live":
            acts.append(self.act("Rotate", "rotate", token.pk))
        if may(request, MOVE):
            acts.append(self.act("Move to another account", "move", token.pk))
        if may(request, REVOKE):
            acts.append(self.act("Revoke", "revoke", token.pk, is_dangerous=True))
        return tuple(acts)

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The form, and as the answer to its POST the token's value, this one time."""
        tenant = current_tenant()
        sentence = f"The token lets Microsoft Entra ID provision the users of {tenant.name} ({tenant.host})."
        asked = Asked(
            title="Generate secret token",
            act_label="Generate",
            permission=MINT,
            cancel_path=self.list_path(),
            run=partial(self._mint, request),
            form=TokenForm,
            fields={"days": "expiry"},
            sentences=(sentence,),
        )
        return ask(self, request, asked)

    def rotate_view(self, request: HttpRequest, token_id: UUID) -> HttpResponse:
        """The form for a token in the place of another, which ends after an overlap."""
        token = self.get_record(request, token_id)
        prefilled = {"label": token.label, "issued_for": token.issued_for_id}

        def form(*args: Any, initial: dict[str, Any] | None = None, **kwargs: Any) -> ActionForm:
            initial = {**prefilled, **(initial or {})}
            return RotationForm(*args, rotated=token, initial=initial, **kwargs)

        asked = Asked(
            title=f"Rotate {token}",
            act_label="Generate",
            permission=MINT,
            cancel_path=self.record_path(token.pk),
            run=partial(self._mint, request),
            form=form,
            fields={"days": "expiry"},
            sentences=(
                (
                    f"The new token takes the place of {token}, which works until the time chosen"
                    " below is over: enter the new one in Entra before. Other tokens stay as they"
                    " are unless you check them."
                ),
            ),
        )
        return ask(self, request, asked)

    def _mint(self, request: HttpRequest, valid: TokenForm) -> HttpResponse:
        minted = mint_token(actor(request), current_tenant(), valid.token_request())
        return self.render(request, "admin/record.html", {"page": self._minted(minted)})

    def _minted(self, minted: Minted) -> Page:
        tenant, token = current_tenant(), minted.token
        to_enter = (
            Fact("Tenant URL", tenant.tenant_url, copyable=True),
            Fact("Secret Token", minted.value, copyable=True),
        )
        return Page(
            f"Secret token of {tenant.name}",
            (
                Facts(
                    "Enter these in Microsoft Entra ID, under Provisioning",
                    to_enter,
                    shown_once=True,
                ),
                _facts(token),
                *_ended(minted.replaced),
            ),
            notice=_SHOWN_ONCE,
            onward=link(self.list_path(), "I have stored it: back to the secret tokens"),
        )

    def move_view(self, request: HttpRequest, token_id: UUID) -> HttpResponse:
        """The form that has another admin account answer for the token; its value stays."""
        token, tenant = self.get_record(request, token_id), current_tenant()

        def move(form: MoveForm) -> HttpResponse:
            account = form.cleaned_data["issued_for"]
            move_token(actor(request), tenant, token.pk, account.pk)
            sentence = f"{account.email} answers for the secret token {token} now."
            return done(request, self.record_path(token.pk), sentence)

        asked = Asked(
            title=f"Move {token} to another account",
            act_label="Move",
            permission=MOVE,
            cancel_path=self.record_path(token.pk),
            run=move,
            form=MoveForm,
            sentences=(
                (
                    "Entra goes on with the same token. It stops working when the account that"
                    " answers for it is no longer an active admin."
                ),
            ),
            sections=(_facts(token), _use(token)),
        )
        return ask(self, request, asked)

    def revoke_view(self, request: HttpRequest, token_id: UUID) -> HttpResponse:
        """The page that says what will stop; its POST revokes."""
        token, tenant = self.get_record(request, token_id), current_tenant()

        def revoke(_form: Any) -> HttpResponse:
            revoke_token(actor(request), tenant, token.pk)
            sentence = f"The secret token {token} is revoked: the next request with it is refused."
            return done(request, self.record_path(token.pk), sentence)

        asked = Asked(
            title=f"Revoke {token}?",
            act_label="Revoke this secret token",
            permission=REVOKE,
            cancel_path=self.record_path(token.pk),
            run=revoke,
            sentences=(
                (
                    f"Whatever uses this token stops provisioning users of {tenant.name}"
                    f" ({tenant.host}) at once, until another token is entered there."
                ),
                "The users stay as they are. This cannot be undone.",
            ),
            sections=(_facts(token), _use(token)),
            is_dangerous=True,
        )
        return ask(self, request, asked)


def state(token: SecretToken, now: datetime) -> str:
    """Live, Revoked, Expired, or Refused when its account is no longer an active admin."""
    if token.revoked_at:
        return "Revoked"
    if token.expires_at and token.expires_at <= now:
        return "Expired"
    account = token.issued_for
    return "Live" if account.is_active and account.role == Role.ADMIN else "Refused"


def standing(word: str) -> SafeString:
    """The badge for the state of a credential: "live", or in a word or two why it is refused."""
    word = word.lower()
    return badge(_LOOKS.get(word, "failing"), word.capitalize())


def _expires(token: SecretToken) -> str:
    if token.expires_at is None:
        return f"Never: {token.no_expiry_reason}"
    return str(localize(token.expires_at))


def _facts(token: SecretToken) -> Facts:
    facts = [
        Fact("Label", token.label),
        Fact("Public id", token.public_id),
        Fact("State", standing(state(token, clock.now()))),
        Fact("Issued for", str(token.issued_for)),
        Fact("Created", token.created_at),
        Fact("Created by", token.created_by),
        Fact("Expires", _expires(token)),
    ]
    if token.revoked_at:
        facts += [Fact("Revoked", token.revoked_at), Fact("Revoked by", token.revoked_by)]
    return Facts("Secret token", tuple(facts))


def _ended(replaced: tuple[SecretToken, ...]) -> tuple[Section, ...]:
    """When the tokens that the new one replaces end; nothing if there are none."""
    if not replaced:
        return ()
    facts = tuple(
        Fact(str(token), "Revoked" if token.revoked_at else f"Works until {_expires(token)}")
        for token in replaced
    )
    return (Facts("Tokens that end", facts),)


def _use(token: SecretToken) -> Facts:
    facts = (
        Fact("Last used", token.last_used_at or "Never"),
        Fact("From address", token.last_used_address),
        Fact("User agent", token.last_used_user_agent or None),
        Fact("Requests", token.use_count),
    )
    return Facts("Last use", facts)
