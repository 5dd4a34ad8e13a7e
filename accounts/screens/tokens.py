"""Secret tokens: the list, one token's page, generating and revoking. A value is shown once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import localize
from django.utils.safestring import SafeString

from accounts.actions import mint_token, move_token, revoke_token
from accounts.console.action import ADD, KEY, Action, Call
from accounts.console.page import Fact, Facts, Page, Section, State, badge, link, list_path
from accounts.console.screen import RecordAdmin
from accounts.models import Account, SecretToken
from accounts.screens.forms import MoveForm, RotationForm, TokenForm
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


def _mint(call: Call[Any]) -> Page:
    """The page that shows the value of the token that was asked for, this one time."""
    tenant = current_tenant()
    minted = mint_token(call.actor, tenant, call.form.token_request())
    to_enter = (
        Fact("Tenant URL", tenant.tenant_url, copyable=True),
        Fact("Secret Token", minted.value, copyable=True),
    )
    caption = "Enter these in Microsoft Entra ID, under Provisioning"
    return Page(
        f"Secret token of {tenant.name}",
        (
            Facts(caption, to_enter, shown_once=True),
            _facts(minted.token),
            *_ended(minted.replaced),
        ),
        notice=_SHOWN_ONCE,
        onward=link(list_path(SecretToken), "Stored: go to the secret tokens"),
    )


def _rotation(call: Call[SecretToken]) -> Mapping[str, Any]:
    token = call.record
    return {"rotated": token, "initial": {"label": token.label, "issued_for": token.issued_for_id}}


def _move(call: Call[SecretToken]) -> Account:
    account: Account = call.data["issued_for"]
    move_token(call.actor, current_tenant(), call.record.pk, account.pk)
    return account


def _about(call: Call[SecretToken]) -> tuple[Section, ...]:
    return _facts(call.record), _use(call.record)


_ACTIONS: Final[tuple[Action[Any], ...]] = (
    Action(
        name=ADD,
        route="add/",
        label="Generate secret token",
        permission=MINT,
        title="Generate secret token",
        text=(
            "The token lets Microsoft Entra ID provision the users of {tenant.name} ({tenant.host})."
        ),
        form=TokenForm,
        fields={"days": "expiry"},
        submit="Generate",
        run=_mint,
    ),
    Action(
        name="rotate",
        route=f"{KEY}/rotate/",
        label="Rotate",
        permission=MINT,
        title="Rotate {record}",
        text=(
            "The new token takes the place of {record}, which works until the time chosen below is"
            " over: enter the new one in Entra before. Other tokens stay as they are unless you check"
            " them."
        ),
        form=RotationForm,
        options=_rotation,
        fields={"days": "expiry"},
        submit="Generate",
        run=_mint,
        is_offered=lambda call: call.record.standing.why_refused(clock.now()) is None,
    ),
    Action(
        name="move",
        route=f"{KEY}/move/",
        label="Move to another account",
        permission=MOVE,
        title="Move {record} to another account",
        text=(
            "Entra goes on with the same token. It stops working when the account that answers for it"
            " is no longer an active admin."
        ),
        sections=_about,
        form=MoveForm,
        submit="Move",
        run=_move,
        done="{result.email} answers for the secret token {record} now.",
        is_offered=lambda call: not call.record.standing.has_ended(clock.now()),
    ),
    Action(
        name="revoke",
        route=f"{KEY}/revoke/",
        label="Revoke",
        permission=REVOKE,
        title="Revoke {record}?",
        text=(
            "Whatever uses this token stops provisioning users of {tenant.name} ({tenant.host}) at"
            " once, until another token is entered there.\n"
            "The users stay as they are. This cannot be undone."
        ),
        sections=_about,
        submit="Revoke this secret token",
        run=lambda call: revoke_token(call.actor, current_tenant(), call.record.pk),
        done="The secret token {record} is revoked: the next request with it is refused.",
        is_offered=lambda call: not call.record.standing.has_ended(clock.now()),
        is_dangerous=True,
    ),
)


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
    counted_as = ("secret token", "secret tokens")
    group = "Connection"
    purpose = "Credentials of Microsoft Entra ID, with expiry and last use."
    views_noted = ("secret tokens listed", "secret token viewed")
    action_table = _ACTIONS
    when_empty = "Generate one and enter it in Entra together with the Tenant URL."

    def get_queryset(self, request: HttpRequest) -> QuerySet[SecretToken]:
        return super().get_queryset(request).defer("digest")

    @admin.display(description="state")
    def state(self, token: SecretToken) -> SafeString:
        return standing(token.state(clock.now()))

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
        return Page(str(record), (_facts(record), _use(record)))


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
        Fact("State", standing(token.state(clock.now()))),
        Fact("Issued for", str(token.issued_for)),
        Fact("Created", token.created_at),
        Fact("Created by", token.created_by),
        Fact("Expires", _expires(token)),
    ]
    if token.revoked_at:
        facts += [Fact("Revoked", token.revoked_at), Fact("Revoked by", token.revoked_by)]
    return Facts("Secret token", tuple(facts))


def _ended(replaced: tuple[SecretToken, ...]) -> tuple[Section, ...]:
    """The ends of the tokens that the new one replaces; nothing if there are none."""
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
