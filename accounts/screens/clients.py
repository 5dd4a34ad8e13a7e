"""OAuth clients: the list, one client's page with its secrets, creating, adding and revoking."""

from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest
from django.urls import reverse

from accounts import approvals
from accounts.actions import (
    SECRET_YEARS,
    ClientRequest,
    add_client_secret,
    create_oauth_client,
    restrict_client,
    revoke_client_secret,
    revoke_oauth_client,
)
from accounts.actions.allowed_addresses import RESTRICT_CLIENT
from accounts.actions.clients import ADD_SECRET, CREATE, REVOKE, REVOKE_SECRET, SecretRequest
from accounts.console.action import ADD, KEY, Action, Call
from accounts.console.form import ActionForm
from accounts.console.page import Page, Table, link, url_name
from accounts.models import ClientSecret, OAuthClient
from accounts.screens.approvals import approval_note, asked_for
from accounts.screens.showing_clients import facts_of, last_use, shown_once
from accounts.screens.showing_tokens import standing
from accounts.screens.tokens import (
    DEFAULT_LABEL,
    AdminField,
    AllowedForm,
    CredentialAdmin,
    IssuedForm,
    restriction,
)
from accounts.signed_in import may
from tenants import clock
from tenants.current import current_tenant

_HEADINGS: Final = ("Id", "State", "Created", "Created by", "Expires", "Last used", "")


class ClientForm(IssuedForm, AllowedForm):
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

    field_order = ("label", "years", "issued_for", "public_keys")

    def client_request(self) -> ClientRequest:
        """The request that the valid form holds."""
        data = self.cleaned_data
        return ClientRequest(
            label=data["label"],
            issued_for=data["issued_for"].pk,
            years=data["years"],
            public_keys=data["public_keys"],
            allowed_from=self.allowed_from(),
        )


class SecretForm(ActionForm):
    years = forms.TypedChoiceField(
        choices=list(SECRET_YEARS.items()), coerce=int, label="Expires after"
    )


def _create(call: Call[None]) -> Page:
    request = call.form.client_request()
    if approvals.are_required():
        return asked_for(call, request)
    return shown_once(create_oauth_client(call.actor, current_tenant(), request))


def _add_secret(call: Call[OAuthClient]) -> Page:
    years = call.data["years"]
    if approvals.are_required():
        return asked_for(call, SecretRequest(call.record.pk, years))
    return shown_once(add_client_secret(call.actor, current_tenant(), call.record.pk, years))


def _is_live(call: Call[OAuthClient]) -> bool:
    return call.record.revoked_at is None


def _get_secret(key: UUID) -> ClientSecret:
    """The secret of the current tenant. Raises Http404."""
    secret = ClientSecret.objects.select_related("client").filter(pk=key).first()
    if secret is None:
        raise Http404(f"There is no client secret {key} here.")
    return secret


_ACTIONS: Final[tuple[Action[Any], ...]] = (
    Action(
        name=ADD,
        label="Add OAuth client",
        needs_proof=True,
        permission=CREATE,
        title="Add OAuth client",
        text=lambda _call: (
            "The client gets access tokens with which it provisions the users of"
            f" {current_tenant().name} ({current_tenant().host}).{approval_note()}"
        ),
        form=ClientForm,
        submit="Add",
        run=_create,
    ),
    Action(
        name="secret",
        label="Add client secret",
        needs_proof=True,
        permission=ADD_SECRET,
        title="Add a secret to {record}",
        text=lambda _call: f"The secrets that the client has keep working.{approval_note()}",
        form=SecretForm,
        submit="Add",
        run=_add_secret,
        is_offered=_is_live,
    ),
    restriction(
        RESTRICT_CLIENT,
        restrict_client,
        means=(
            "From any other address the client gets no access token, and those it has are refused from the"
            " next request on."
        ),
        use=last_use,
    ),
    Action(
        name="revoke",
        label="Revoke",
        needs_proof=True,
        permission=REVOKE,
        title="Revoke {record}?",
        text=(
            "The client stops provisioning users of {tenant.name} ({tenant.host}) at once: its secrets,"
            " keys and access tokens are refused.\n"
            "The users stay as they are. This cannot be undone."
        ),
        sections=lambda call: (facts_of(call.record), _secrets(call.record, may_revoke=False)),
        submit="Revoke this OAuth client",
        run=lambda call: revoke_oauth_client(call.actor, current_tenant(), call.record.pk),
        done="The OAuth client {record} is revoked: its next request is refused.",
        is_offered=_is_live,
        is_dangerous=True,
    ),
    Action(
        name="end_secret",  # the table of secrets leads to it
        route=f"secret/{KEY}/revoke/",
        needs_proof=True,
        permission=REVOKE_SECRET,
        title="Revoke the client secret {record}?",
        text=(
            "Whatever uses this secret stops provisioning users of {tenant.name} ({tenant.host}) at"
            " once: the access tokens that it obtained are refused too.\n"
            "The client's other secrets stay as they are. This cannot be undone."
        ),
        submit="Revoke this client secret",
        run=lambda call: revoke_client_secret(call.actor, current_tenant(), call.record.pk),
        done="The client secret {record.public_id} is revoked.",
        find=_get_secret,
        belongs_to=attrgetter("client_id"),
        is_dangerous=True,
    ),
)


class OAuthClientAdmin(CredentialAdmin[OAuthClient]):
    list_display = ("id", "label", "state", "issued_for", "created", "last_used")
    list_display_links = ("id", "label")
    counted_as = ("OAuth client", "OAuth clients")
    icon = "client"
    purpose = "Clients that get access tokens with client credentials, in place of a secret token."
    views_noted = ("OAuth clients listed", "OAuth client viewed")
    action_table = _ACTIONS
    when_empty = "A secret token is enough for Microsoft Entra ID. Add a client to use OAuth 2.0."

    def page(self, request: HttpRequest, record: OAuthClient) -> Page:
        secrets = _secrets(record, may_revoke=may(request, REVOKE_SECRET))
        return Page(str(record), (facts_of(record), last_use(record), secrets))


def _secrets(client: OAuthClient, *, may_revoke: bool) -> Table:
    now = clock.now()
    rows = []
    for secret in client.secrets.defer("digest"):
        secret.client = client
        path = reverse(url_name(OAuthClient, "end_secret"), args=[secret.pk])
        rows.append(
            (
                secret.public_id,
                standing(secret.state(now)),
                secret.created_at,
                secret.created_by,
                secret.expires_at,
                secret.last_used_at or "Never",
                link(path, "Revoke") if may_revoke and secret.revoked_at is None else "",
            )
        )
    return Table("Client secrets", _HEADINGS, tuple(rows), "The client has no secret.")
