"""OAuth clients: the list, one client's page with its secrets, creating, adding and revoking."""

from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest
from django.urls import reverse

from accounts.actions import (
    SECRET_YEARS,
    ClientRequest,
    CreatedClient,
    add_client_secret,
    create_oauth_client,
    restrict_client,
    revoke_client_secret,
    revoke_oauth_client,
)
from accounts.actions.allowed_addresses import RESTRICT_CLIENT
from accounts.actions.clients import ADD_SECRET, CREATE, REVOKE, REVOKE_SECRET
from accounts.console.action import ADD, KEY, Action, Call
from accounts.console.form import ActionForm
from accounts.console.page import Fact, Facts, Page, Table, link, record_path, url_name, when_stored
from accounts.models import ClientSecret, OAuthClient
from accounts.screens.showing_tokens import from_where, standing
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

_BACK: Final = "Go to the OAuth client"
_SHOWN_ONCE: Final = (
    "Copy the client secret now: it is shown only once, and we store only a digest. If it is lost,"
    " add another one and revoke this one."
)
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
    return _shown_once(create_oauth_client(call.actor, current_tenant(), request))


def _add_secret(call: Call[OAuthClient]) -> Page:
    years = call.data["years"]
    return _shown_once(add_client_secret(call.actor, current_tenant(), call.record.pk, years))


def _use(client: OAuthClient) -> Facts:
    facts = (
        Fact("Last used", client.last_used_at or "Never"),
        Fact("From address", client.last_used_address),
    )
    return Facts("Last use", facts)


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
        text=(
            "The client gets access tokens with which it provisions the users of {tenant.name}"
            " ({tenant.host})."
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
        text="The secrets that the client has keep working.",
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
        use=_use,
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
        sections=lambda call: (_facts(call.record), _secrets(call.record, may_revoke=False)),
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
        return Page(str(record), (_facts(record), _use(record), secrets))


def _shown_once(created: CreatedClient) -> Page:
    tenant, client = current_tenant(), created.client
    facts = [
        Fact("Tenant URL", tenant.tenant_url, copyable=True),
        Fact("Token endpoint", tenant.token_endpoint, copyable=True),
        Fact("Client id", str(client.pk), copyable=True),
    ]
    if created.value:
        facts.append(Fact("Client secret", created.value, copyable=True))
    to_enter = Facts("Values for the client", tuple(facts), shown_once=bool(created.value))
    path = record_path(OAuthClient, client.pk)
    return Page(
        f"OAuth client of {tenant.name}",
        (to_enter, _facts(client)),
        notice=_SHOWN_ONCE if created.value else "",
        onward=when_stored(path, "the client secret", _BACK)
        if created.value
        else link(path, _BACK),
    )


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


def _facts(client: OAuthClient) -> Facts:
    keys = client.public_keys.get("keys", [])
    facts = [
        Fact("Client id", str(client.pk)),
        Fact("Label", client.label),
        Fact("State", standing(client.state(clock.now()))),
        Fact("Issued for", str(client.issued_for)),
        Fact("Created", client.created_at),
        Fact("Created by", client.created_by),
        Fact("Public keys", ", ".join(key["kid"] for key in keys) or "None"),
        Fact("Allowed addresses", from_where(client)),
    ]
    if client.revoked_at:
        facts += [Fact("Revoked", client.revoked_at), Fact("Revoked by", client.revoked_by)]
    return Facts("OAuth client", tuple(facts))
