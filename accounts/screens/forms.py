"""The forms of actions. They check what people type; what may be done is decided in accounts.actions."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts

from accounts.actions import (
    EXPIRY_DAYS,
    SECRET_YEARS,
    ClientRequest,
    Overlap,
    TokenRequest,
)
from accounts.console.form import ActionForm
from accounts.models import Account, SecretToken, not_ended
from accounts.permissions import Role
from tenants import clock
from tenants.connection import ago

DEFAULT_LABEL: Final = "Microsoft Entra ID"
_NEVER: Final = "none"
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


class TokenForm(IssuedForm):
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
        help_text="Only the tokens that you check end; all others go on working.",
    )
    overlap = forms.ChoiceField(
        choices=_OVERLAPS,
        initial=Overlap.WEEK,
        required=False,
        label="Checked tokens work for",
        help_text="Leave time to enter the new token in Entra before the old one ends.",
    )

    rotated: SecretToken | None = None

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
        help_text="Only the tokens that you check end; all others go on working.",
    )
    rotated: SecretToken
    field_order = ("label", "expiry", "no_expiry_reason", "issued_for", "overlap", "replaces")

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


class ClientForm(IssuedForm):
    label = forms.CharField(
        max_length=100,
        initial=DEFAULT_LABEL,
        help_text="A name for the client, shown in lists and in the provisioning log.",
    )
    years = forms.TypedChoiceField(
        choices=list(SECRET_YEARS.items()),
        coerce=int,
        label="Secret expires after",
        help_text="Add another secret before that day; both work until then.",
    )
    issued_for = AdminField(
        label="Admin account",
        help_text="The tenant admin who answers for the client. It stops working when the account"
        " is no longer an active admin.",
    )
    public_keys = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "cols": 60}),
        label="Public keys, if any",
        help_text="A JWK set (RFC 7517), for a client that signs assertions: it gets no secret.",
    )

    def client_request(self) -> ClientRequest:
        """The request that the valid form holds."""
        data = self.cleaned_data
        return ClientRequest(
            label=data["label"],
            issued_for=data["issued_for"].pk,
            years=data["years"],
            public_keys=data["public_keys"],
        )


class SecretForm(ActionForm):
    years = forms.TypedChoiceField(
        choices=list(SECRET_YEARS.items()), coerce=int, label="Expires after"
    )


class TenantForm(ActionForm):
    custom_domain = forms.CharField(
        max_length=63,
        help_text="The first part of the tenant's host name: letters, digits and hyphens.",
    )
    name = forms.CharField(max_length=200, help_text="The customer's name, as people know it.")
    admin_email = forms.EmailField(
        label="Tenant admin's e-mail",
        help_text="The first account of the tenant; secret tokens are issued for it.",
    )
    invites = forms.BooleanField(
        required=False,
        initial=True,
        label="Send an invitation",
        help_text="An e-mail with a link by which the admin chooses a password and can sign in.",
    )


class ViewingForm(ActionForm):
    reason = forms.CharField(
        max_length=200,
        help_text="One line, such as the number of the customer's request. The tenant's admins"
        " answer for what is theirs: it is kept in the audit log of the tenant and in staff's.",
    )


class AccountForm(ActionForm):
    email = forms.EmailField(label="E-mail address")
    name = forms.CharField(max_length=200, required=False)
    role = forms.ChoiceField()

    def __init__(self, *args: Any, roles: tuple[Role, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["role"]
        field.choices = [(role.value, role.label) for role in roles]


class InvitationForm(ActionForm):
    email = forms.EmailField(label="E-mail address")
    name = forms.CharField(max_length=200, required=False)


class PasswordForm(ActionForm):
    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        label="New password",
        help_text=" ".join(password_validators_help_texts()),
    )
