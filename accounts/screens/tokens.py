"""Secret tokens: the list, one token's page, generating and revoking. A value is shown once."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts import approvals, presets
from accounts.actions import (
    EXPIRY_DAYS,
    AllowedFrom,
    Overlap,
    TokenRequest,
    mint_token,
    move_token,
    restrict_token,
    revoke_token,
)
from accounts.actions.allowed_addresses import IN_USE, RESTRICT
from accounts.actions.tokens import MOVE, REVOKE
from accounts.audit import Actor
from accounts.console import times
from accounts.console.action import ADD, Action, Call
from accounts.console.form import ActionForm
from accounts.console.page import (
    Banner,
    Fact,
    Facts,
    Header,
    Page,
    Section,
)
from accounts.console.screen import RecordAdmin
from accounts.console.searching import FOUND, Hit, Search
from accounts.models import (
    Account,
    OAuthClient,
    RestrictedCredential,
    SecretToken,
    not_ended,
)
from accounts.permissions import MINT, Role
from accounts.screens.approvals import approval_note, asked_for
from accounts.screens.showing_tokens import facts_of, from_where, shown_once, standing
from tenants import clock
from tenants.connectivity import ago
from tenants.current import current_tenant
from tenants.models import AddressPreset, Tenant

C = TypeVar("C", SecretToken, OAuthClient)

DEFAULT_LABEL: Final = "Microsoft Entra ID"
_SOON: Final = timedelta(days=30)  # before its end a token's page warns
_CLIENT: Final = 40  # characters of the name of a client
_NEVER: Final = "none"
_ISSUED: Final = ("label", "expiry", "no_expiry_reason", "issued_for")
_MAX_NETWORKS_TEXT: Final = 6_000  # characters
_OVERLAPS: Final = [(choice.value, choice.label) for choice in reversed(Overlap)]


class AdminField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    """A choice of the current tenant's active admins."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Account.objects.none(), **kwargs)

    def offer_admins(self) -> None:
        """Read the admins of the tenant that is current now."""
        admins = Account.objects.filter(role=Role.ADMIN, is_active=True)
        self.queryset = admins
        self.empty_label = None if admins.count() == 1 else "Choose an account"


class TokensField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # as above
    """A choice of the current tenant's live secret tokens, none to begin with."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=SecretToken.objects.none(), required=False, **kwargs)

    def offer_live(self, now: datetime, but: SecretToken | None = None) -> bool:
        """Read the tokens of the tenant that is current now; False if there are none but that."""
        tokens = SecretToken.objects.filter(not_ended(now)).defer("digest")
        if but is not None:
            tokens = tokens.exclude(pk=but.pk)
        self.queryset = tokens.order_by("-created_at", "pk")
        return tokens.exists()

    def label_from_instance(self, token: Any) -> str:
        used = (
            f"used {ago(token.last_used_at, clock.now())}" if token.last_used_at else "never used"
        )
        return f"{token}, {used}"


class IssuedForm(ActionForm):
    """A form with the choice of an admin."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        issued_for: Any = self.fields["issued_for"]
        issued_for.offer_admins()


class AllowedForm(ActionForm):
    """A form with the addresses from which a credential works; the preset is offered once it is loaded."""

    allowed_networks = forms.CharField(
        required=False,
        max_length=_MAX_NETWORKS_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="Allowed addresses",
        help_text="Addresses and networks in CIDR notation, one a line, such as 203.0.113.0/24. Without"
        " any, requests are accepted from anywhere.",
    )
    entra = forms.BooleanField(required=False, label="Allow the addresses of Microsoft Entra ID")
    leaves_out_used = forms.BooleanField(
        required=False,
        label="Refuse an address in use",
        help_text="Check this only if the list leaves out an address that was used in the last"
        f" {IN_USE.days} days, and requests from there may fail.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        preset = presets.entra()
        if preset is None:
            del self.fields["entra"]
        else:
            number = len(preset.networks.split())
            self.fields["entra"].help_text = (
                f"The {number:,} networks that Microsoft published on {preset.published_on:%-d %b %Y}"
                f"{_stale(preset)}."
            )

    def allowed_from(self) -> AllowedFrom:
        """The addresses in the valid form."""
        data = self.cleaned_data
        return AllowedFrom(
            data["allowed_networks"], data.get("entra", False), data["leaves_out_used"]
        )


def _stale(preset: AddressPreset) -> str:
    is_old = preset.published_on < clock.now().date() - presets.STALE
    return "; newer ones are probably there, ask an operator to load them" if is_old else ""


class TokenForm(IssuedForm, AllowedForm):
    label = forms.CharField(
        max_length=100,
        initial=DEFAULT_LABEL,
        help_text="A name for the program that uses the token, shown in lists and in the provisioning log.",
    )
    expiry = forms.ChoiceField(
        choices=[*((str(days), text) for days, text in EXPIRY_DAYS.items()), (_NEVER, "Never")],
        initial="365",
        label="Expires after",
        help_text="Entra stops provisioning on that day unless a new token is entered first.",
    )
    no_expiry_reason = forms.CharField(
        max_length=200,
        required=False,
        label="Reason",
        help_text="Required when the token never expires; it is kept in the audit log.",
    )
    issued_for = AdminField(
        label="Admin account",
        help_text="The tenant admin who answers for the token. It stops working when the account"
        " is no longer an active admin.",
    )
    replaces = TokensField(
        label="Tokens that end",
        help_text="Only the tokens that you check end; all others keep working.",
    )
    overlap = forms.ChoiceField(
        choices=_OVERLAPS,
        initial=Overlap.WEEK,
        required=False,
        label="Checked tokens work for",
        help_text="Leave time to enter the new token in Entra before the old one ends.",
    )

    rotated: SecretToken | None = None
    field_order: tuple[str, ...] = (*_ISSUED, "replaces", "overlap")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        replaces: Any = self.fields["replaces"]
        if not replaces.offer_live(clock.now(), self.rotated):
            del self.fields["replaces"]
            if self.rotated is None:
                del self.fields["overlap"]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("expiry") == _NEVER and not data.get("no_expiry_reason", "").strip():
            self.add_error("no_expiry_reason", "Say why this token may work forever.")
        return data

    def token_request(self) -> TokenRequest:
        """The request that the valid form holds."""
        data = self.cleaned_data
        days = None if data["expiry"] == _NEVER else int(data["expiry"])
        return TokenRequest(
            label=data["label"],
            issued_for=data["issued_for"].pk,
            days=days,
            no_expiry_reason=data["no_expiry_reason"] if days is None else "",
            replaces=self.replaced(),
            overlap=Overlap(data.get("overlap") or Overlap.WEEK),
            allowed_from=self.allowed_from(),
        )

    def replaced(self) -> tuple[UUID, ...]:
        """The ids of the tokens that end for the new one."""
        return tuple(token.pk for token in self.cleaned_data.get("replaces", ()))


class RotationForm(TokenForm):
    """A token in the place of another, which ends; further ones only if they are checked."""

    overlap = forms.ChoiceField(
        choices=_OVERLAPS,
        initial=Overlap.WEEK,
        label="The old token works for",
        help_text="Leave time to enter the new token in Entra before the old one ends.",
    )
    replaces = TokensField(
        label="Other tokens that end with it",
        help_text="Only the tokens that you check end; all others keep working.",
    )
    rotated: SecretToken
    field_order = (*_ISSUED, "overlap", "replaces")

    def __init__(self, *args: Any, rotated: SecretToken, **kwargs: Any) -> None:
        self.rotated = rotated
        super().__init__(*args, **kwargs)

    def replaced(self) -> tuple[UUID, ...]:
        """The rotated token's id, then those of the others."""
        return (self.rotated.pk, *super().replaced())


class MoveForm(IssuedForm):
    issued_for = AdminField(
        label="Admin account", help_text="The tenant admin who answers for the token from now on."
    )


def _mint(call: Call[Any]) -> Page:
    """The page with the value of the token, or with the request of it while a second person approves."""
    request = call.form.token_request()
    if approvals.are_required():
        return asked_for(call, request)
    return shown_once(mint_token(call.actor, current_tenant(), request))


def _rotation(call: Call[SecretToken]) -> Mapping[str, Any]:
    token = call.record
    initial = {"label": token.label, "issued_for": token.issued_for_id, **_allowed(token)}
    return {"rotated": token, "initial": initial}


def _allowed(credential: RestrictedCredential) -> dict[str, Any]:
    networks = "\n".join(credential.allowed_networks.split())
    return {"allowed_networks": networks, "entra": credential.preset_date is not None}


def restriction(
    permission: str,
    restrict: Callable[[Actor, Tenant, UUID, AllowedFrom], RestrictedCredential],
    *,
    means: str,
    use: Callable[[Any], Facts],
) -> Action[Any]:
    """The action that changes the addresses of a credential; `means` is what that does, `use` its last use."""

    def run(call: Call[Any]) -> RestrictedCredential:
        allowed = call.form.allowed_from()
        return restrict(call.actor, current_tenant(), call.record.pk, allowed)

    return Action(
        name="restrict",
        label="Change allowed addresses",
        needs_proof=True,
        permission=permission,
        title="From which addresses does {record} work?",
        text=f"{means} The provisioning log shows them with their address.",
        sections=lambda call: (use(call.record),),
        form=AllowedForm,
        options=lambda call: {"initial": _allowed(call.record)},
        submit="Save",
        run=run,
        done=lambda call: f"{call.record} works from {from_where(call.result).lower()} now.",
        is_offered=lambda call: not call.record.standing.has_ended(clock.now()),
    )


def _move(call: Call[SecretToken]) -> Account:
    account: Account = call.data["issued_for"]
    move_token(call.actor, current_tenant(), call.record.pk, account.pk)
    return account


def _use(token: SecretToken) -> Facts:
    facts = (
        Fact("Last used", token.last_used_at or "Never"),
        Fact("From address", token.last_used_address),
        Fact("User agent", token.last_used_user_agent or None),
        Fact("Requests", token.use_count),
    )
    return Facts("Last use", facts)


def _about(call: Call[SecretToken]) -> tuple[Section, ...]:
    return facts_of(call.record), _use(call.record)


_ACTIONS: Final[tuple[Action[Any], ...]] = (
    Action(
        name=ADD,
        label="Generate secret token",
        needs_proof=True,
        permission=MINT,
        title="Generate secret token",
        text=lambda _call: (
            "The token lets Microsoft Entra ID provision the users of"
            f" {current_tenant().name} ({current_tenant().host}).{approval_note()}"
        ),
        form=TokenForm,
        fields={"days": "expiry"},
        submit="Generate",
        run=_mint,
    ),
    Action(
        name="rotate",
        label="Rotate",
        needs_proof=True,
        permission=MINT,
        title="Rotate {record}",
        text=lambda call: (
            f"The new token takes the place of {call.record}, which works until the time chosen below is"
            " over: enter the new one in Entra before. Other tokens stay as they are unless you check"
            f" them.{approval_note()}"
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
        label="Move to another account",
        needs_proof=True,
        permission=MOVE,
        title="Move {record} to another account",
        text=(
            "Entra keeps using the same token. It stops working when the account that answers for it"
            " is no longer an active admin."
        ),
        sections=_about,
        form=MoveForm,
        submit="Move",
        run=_move,
        done="{result.email} answers for the secret token {record} now.",
        is_offered=lambda call: not call.record.standing.has_ended(clock.now()),
    ),
    restriction(
        RESTRICT,
        restrict_token,
        means="Requests with the token from any other address are refused from the next one on.",
        use=_use,
    ),
    Action(
        name="revoke",
        label="Revoke",
        needs_proof=True,
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


class CredentialAdmin(RecordAdmin[C]):
    """A list of credentials of an account, newest first."""

    list_select_related = ("issued_for",)
    ordering = ("-created_at", "pk")
    group = "Connection"
    icon = "key"

    @admin.display(description="state")
    def state(self, credential: C) -> SafeString:
        return standing(credential.state(clock.now()))

    @admin.display(description="created")
    def created(self, credential: C) -> datetime:
        return credential.created_at

    @admin.display(description="last used", empty_value="Never")
    def last_used(self, credential: C) -> datetime | None:
        return credential.last_used_at


class SecretTokenAdmin(CredentialAdmin[SecretToken]):
    list_display = ("label", "public_id", "state", "in_words", "issued_for")
    list_display_links = ("label",)
    counted_as = ("secret token", "secret tokens")
    purpose = "Credentials of Microsoft Entra ID, with expiry and last use."
    views_noted = ("secret tokens listed", "secret token viewed")
    action_table = _ACTIONS
    when_empty = "Generate one and enter it in Entra together with the Tenant URL."

    def get_queryset(self, request: HttpRequest) -> QuerySet[SecretToken]:
        return super().get_queryset(request).defer("digest")

    def hits(self, search: Search) -> Iterable[Hit]:
        """The token with that public id."""
        if not search.term or search.only:
            return
        for token in self.get_queryset(search.request).filter(public_id=search.term)[:FOUND]:
            words = self.in_words(token)
            yield Hit("Secret tokens", token.label, self.record_path(token.pk), words)

    @admin.display(description="expiry and last use")
    def in_words(self, token: SecretToken) -> str:
        """The end, the last use and its client, in a sentence."""
        return _in_words(token, clock.now())

    def page(self, request: HttpRequest, record: SecretToken) -> Page:
        now = clock.now()
        used = times.relative(record.last_used_at, now) if record.last_used_at else "Never"
        ends = times.relative(record.expires_at, now) if record.expires_at else "Never"
        facts = (
            Fact("Expires", ends),
            Fact("Last used", used),
            Fact("Requests", record.use_count),
            Fact("Issued for", str(record.issued_for)),
        )
        header = Header(standing(record.state(now)), facts, _soon(record, now))
        return Page(record.label, (facts_of(record), _use(record)), header=header)


def _in_words(token: SecretToken, now: datetime) -> str:
    standing = token.standing
    ended = token.revoked_at or (token.expires_at if standing.has_ended(now) else None)
    if ended:
        end = f"Ended {times.relative(ended, now)}"
    elif token.expires_at:
        end = f"Works until {token.expires_at:%-d %b %Y}"
    else:
        end = f"Never expires: {token.no_expiry_reason}"
    if token.last_used_at is None:
        return f"{end}, never used"
    client = _client(token.last_used_user_agent)
    return (
        f"{end}, used {times.relative(token.last_used_at, now)}{f' by {client}' if client else ''}"
    )


def _client(user_agent: str) -> str:
    """The name of the client in its user agent."""
    return user_agent.partition("/")[0].strip()[:_CLIENT]


def _soon(token: SecretToken, now: datetime) -> Banner | None:
    """The warning before the end of a token that works."""
    if token.expires_at is None or token.standing.has_ended(now) or token.expires_at - now > _SOON:
        return None
    when = times.relative(token.expires_at, now)
    return Banner(
        "warning",
        f"This secret token expires {when}.",
        "Rotate it and enter the new one in Entra before; both work meanwhile.",
    )
