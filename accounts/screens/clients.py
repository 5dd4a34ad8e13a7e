"""OAuth clients: the list, one client's page with its secrets, creating, adding and revoking."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString

from accounts.actions import (
    CreatedClient,
    add_client_secret,
    create_oauth_client,
    revoke_client_secret,
    revoke_oauth_client,
)
from accounts.console.asked import Asked, ask, done
from accounts.console.page import Fact, Facts, Page, Table, link
from accounts.console.screen import RecordAdmin
from accounts.models import ClientSecret, OAuthClient
from accounts.screens.forms import ClientForm, SecretForm
from accounts.screens.tokens import standing
from accounts.signed_in import actor, may, record_view
from tenants import clock
from tenants.current import current_tenant

CREATE: Final = "accounts.add_oauthclient"
REVOKE: Final = "accounts.revoke_oauthclient"
ADD_SECRET: Final = "accounts.add_clientsecret"  # noqa: S105  # a permission
REVOKE_SECRET: Final = "accounts.revoke_clientsecret"  # noqa: S105  # a permission

_SHOWN_ONCE: Final = (
    "Copy the client secret now: it is shown this one time and stored nowhere. If it gets lost,"
    " add another one and revoke this one."
)
_HEADINGS: Final = ("Id", "State", "Created", "Created by", "Expires", "Last used", "")


class OAuthClientAdmin(RecordAdmin[OAuthClient]):
    list_display = ("id", "label", "state", "issued_for", "created", "last_used")
    list_display_links = ("id", "label")
    list_select_related = ("issued_for",)
    ordering = ("-created_at", "pk")
    add_label = "Add OAuth client"
    add_permission = CREATE
    counted_as = ("OAuth client", "OAuth clients")
    group = "Connection"
    purpose = "Clients that get access tokens with client credentials, in place of a secret token."
    when_empty = "A secret token is enough for Microsoft Entra ID. Add a client to use OAuth 2.0."

    def get_urls(self) -> list[URLPattern]:
        acts = [
            self.act_url("<uuid:client_id>/revoke/", self.revoke_view, "revoke"),
            self.act_url("<uuid:client_id>/secret/", self.secret_view, "secret"),
            self.act_url("secret/<uuid:secret_id>/revoke/", self.end_secret_view, "end_secret"),
        ]
        return [*acts, *super().get_urls()]

    def viewed(self, request: HttpRequest, subject: str) -> None:
        record_view(request, "OAuth client viewed" if subject else "OAuth clients listed", subject)

    @admin.display(description="state")
    def state(self, client: OAuthClient) -> SafeString:
        return standing(client.state(clock.now()))

    @admin.display(description="created")
    def created(self, client: OAuthClient) -> datetime:
        return client.created_at

    @admin.display(description="last used", empty_value="Never")
    def last_used(self, client: OAuthClient) -> datetime | None:
        return client.last_used_at

    def page(self, request: HttpRequest, record: OAuthClient) -> Page:
        acts = []
        if record.revoked_at is None and may(request, ADD_SECRET):
            acts.append(self.act("Add client secret", "secret", record.pk))
        if record.revoked_at is None and may(request, REVOKE):
            acts.append(self.act("Revoke", "revoke", record.pk, is_dangerous=True))
        secrets = self._secrets(record, may_revoke=may(request, REVOKE_SECRET))
        return Page(str(record), (_facts(record), secrets), tuple(acts))

    def _secrets(self, client: OAuthClient, *, may_revoke: bool) -> Table:
        now = clock.now()
        rows = []
        for secret in client.secrets.defer("digest"):
            secret.client = client
            path = reverse(self.url_name("end_secret"), args=[secret.pk])
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

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The form, and as the answer to its POST client id and secret, this one time."""
        tenant = current_tenant()

        def create(form: ClientForm) -> HttpResponse:
            created = create_oauth_client(actor(request), tenant, form.client_request())
            return self._shown_once(request, created)

        asked = Asked(
            title="Add OAuth client",
            act_label="Add",
            permission=CREATE,
            cancel_path=self.list_path(),
            run=create,
            form=ClientForm,
            sentences=(
                (
                    f"The client gets access tokens with which it provisions the users of"
                    f" {tenant.name} ({tenant.host})."
                ),
            ),
        )
        return ask(self, request, asked)

    def secret_view(self, request: HttpRequest, client_id: UUID) -> HttpResponse:
        """The form of a further secret, and as the answer to its POST the secret, this one time."""
        client, tenant = self.get_record(request, client_id), current_tenant()

        def add(form: SecretForm) -> HttpResponse:
            years = form.cleaned_data["years"]
            added = add_client_secret(actor(request), tenant, client.pk, years)
            return self._shown_once(request, added)

        asked = Asked(
            title=f"Add a secret to {client}",
            act_label="Add",
            permission=ADD_SECRET,
            cancel_path=self.record_path(client.pk),
            run=add,
            form=SecretForm,
            sentences=("The secrets that the client has keep working.",),
        )
        return ask(self, request, asked)

    def revoke_view(self, request: HttpRequest, client_id: UUID) -> HttpResponse:
        """The page that says what will stop; its POST revokes the client."""
        client, tenant = self.get_record(request, client_id), current_tenant()

        def revoke(_form: Any) -> HttpResponse:
            revoke_oauth_client(actor(request), tenant, client.pk)
            sentence = f"The OAuth client {client} is revoked: its next request is refused."
            return done(request, self.record_path(client.pk), sentence)

        asked = Asked(
            title=f"Revoke {client}?",
            act_label="Revoke this OAuth client",
            permission=REVOKE,
            cancel_path=self.record_path(client.pk),
            run=revoke,
            sentences=(
                (
                    f"The client stops provisioning users of {tenant.name} ({tenant.host}) at once:"
                    " its secrets, keys and access tokens are refused."
                ),
                "The users stay as they are. This cannot be undone.",
            ),
            sections=(_facts(client), self._secrets(client, may_revoke=False)),
            is_dangerous=True,
        )
        return ask(self, request, asked)

    def end_secret_view(self, request: HttpRequest, secret_id: UUID) -> HttpResponse:
        """The page that says what will stop; its POST revokes one secret."""
        secret, tenant = _get_secret(secret_id), current_tenant()

        def revoke(_form: Any) -> HttpResponse:
            revoke_client_secret(actor(request), tenant, secret.pk)
            sentence = f"The client secret {secret.public_id} is revoked."
            return done(request, self.record_path(secret.client_id), sentence)

        asked = Asked(
            title=f"Revoke the client secret {secret}?",
            act_label="Revoke this client secret",
            permission=REVOKE_SECRET,
            cancel_path=self.record_path(secret.client_id),
            run=revoke,
            sentences=(
                (
                    "Whatever uses this secret stops provisioning users of"
                    f" {tenant.name} ({tenant.host}) at once: the access tokens that it obtained"
                    " are refused too."
                ),
                "The client's other secrets stay as they are. This cannot be undone.",
            ),
            is_dangerous=True,
        )
        return ask(self, request, asked)

    def _shown_once(self, request: HttpRequest, created: CreatedClient) -> HttpResponse:
        tenant, client = current_tenant(), created.client
        facts = [
            Fact("Tenant URL", tenant.tenant_url, copyable=True),
            Fact("Token endpoint", tenant.token_endpoint, copyable=True),
            Fact("Client id", str(client.pk), copyable=True),
        ]
        if created.value:
            facts.append(Fact("Client secret", created.value, copyable=True))
        to_enter = Facts(
            "Enter these where the client is set up", tuple(facts), shown_once=bool(created.value)
        )
        onward = link(self.record_path(client.pk), "I have stored it: on to the OAuth client")
        page = Page(
            f"OAuth client of {tenant.name}",
            (to_enter, _facts(client)),
            notice=_SHOWN_ONCE if created.value else "",
            onward=onward,
        )
        return self.render(request, "admin/record.html", {"page": page})


def _get_secret(secret_id: UUID) -> ClientSecret:
    """The secret of the current tenant. Raises Http404."""
    secret = ClientSecret.objects.select_related("client").filter(pk=secret_id).first()
    if secret is None:
        raise Http404(f"There is no client secret {secret_id} here.")
    return secret


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
        Fact("Last used", client.last_used_at or "Never"),
    ]
    if client.revoked_at:
        facts += [Fact("Revoked", client.revoked_at), Fact("Revoked by", client.revoked_by)]
    return Facts("OAuth client", tuple(facts))
