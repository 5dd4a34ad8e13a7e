"""An OAuth client as pages show it: its facts, its last use, and the page with its new secret, this one time."""

from typing import Final

from accounts.actions import CreatedClient
from accounts.console.page import Fact, Facts, Page, link, record_path, when_stored
from accounts.models import OAuthClient
from accounts.screens.showing_tokens import from_where, standing
from tenants import clock
from tenants.current import current_tenant

_BACK: Final = "Go to the OAuth client"
_SHOWN_ONCE: Final = (
    "Copy the client secret now: it is shown only once, and we store only a digest. If it is lost,"
    " add another one and revoke this one."
)


def shown_once(created: CreatedClient) -> Page:
    """The page that shows all that a client needs, with the value of a new secret."""
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
        (to_enter, facts_of(client)),
        notice=_SHOWN_ONCE if created.value else "",
        onward=when_stored(path, "the client secret", _BACK)
        if created.value
        else link(path, _BACK),
    )


def facts_of(client: OAuthClient) -> Facts:
    """The facts about a client, none of its secrets."""
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


def last_use(client: OAuthClient) -> Facts:
    """The last use of the client."""
    facts = (
        Fact("Last used", client.last_used_at or "Never"),
        Fact("From address", client.last_used_address),
    )
    return Facts("Last use", facts)
