"""Actions on a tenant's OAuth clients: create, add a secret, revoke a secret or the client."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from accounts import approvals, expiries, tokens
from accounts.actions import allowed_addresses
from accounts.actions.accounts import get_admin
from accounts.actions.allowed_addresses import ANYWHERE, RESTRICT_CLIENT, AllowedFrom
from accounts.actions.performing import ActionRefused, note, one_line, performing
from accounts.assertions import AssertionRefused, read_key_set
from accounts.audit import Actor, Details
from accounts.models import LABEL_LENGTH, ClientSecret, OAuthClient
from accounts.oauth import SECRET_PREFIX
from accounts.tokens import PUBLIC_ID_LENGTH
from tenants import clock
from tenants.errors import about
from tenants.models import Tenant

CREATE: Final = "accounts.add_oauthclient"
REVOKE: Final = "accounts.revoke_oauthclient"
ADD_SECRET: Final = "accounts.add_clientsecret"  # noqa: S105  # a permission
REVOKE_SECRET: Final = "accounts.revoke_clientsecret"  # noqa: S105  # a permission
# Entra's gallery asks for secrets that last one to three years.
SECRET_YEARS: Final = {1: "1 year", 2: "2 years", 3: "3 years"}


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """An OAuth client to be created, with a first secret or with public keys."""

    label: str
    issued_for: str | UUID  # an active tenant admin's e-mail address or account id
    years: int = 1  # until the secret expires, 1 to 3
    public_keys: str = ""  # a JWK set as JSON, in place of a secret
    allowed_from: AllowedFrom = ANYWHERE


@dataclass(frozen=True, slots=True)
class SecretRequest:
    """One more secret for a client."""

    client: str | UUID
    years: int  # until it expires, 1 to 3


@dataclass(frozen=True, slots=True)
class CreatedClient:
    """A client, and its new secret, whose value exists nowhere else and is shown once."""

    client: OAuthClient
    secret: ClientSecret | None  # None: it has keys
    value: str = field(repr=False, default="")

    @property
    def label(self) -> str:
        """The client's."""
        return self.client.label

    @property
    def public_id(self) -> str:
        """The secret's, else the client's."""
        return self.secret.public_id if self.secret else self.client.public_id


def create_oauth_client(actor: Actor, tenant: Tenant, request: ClientRequest) -> CreatedClient:
    """A new client of the tenant, issued for one of its active admins. Raises ActionRefused."""
    with performing(actor, CREATE, tenant):
        _check_approval()
        return create(actor, tenant, request)


def create(actor: Actor, tenant: Tenant, request: ClientRequest) -> CreatedClient:
    """A new client for an actor who may add one. Needs the frame of an action. Raises ActionRefused."""
    client = OAuthClient(
        label=one_line(request.label, "The label", LABEL_LENGTH, "label"),
        issued_for=get_admin(tenant, request.issued_for, "an OAuth client"),
        public_keys=_read_keys(request.public_keys),
        created_at=clock.now(),
        created_by=actor.name,
    )
    allowed = allowed_addresses.apply(request.allowed_from, client, [])
    client.save(force_insert=True)
    details: Details = {
        "issued_for": client.issued_for.email,
        "has_keys": bool(client.public_keys),
        **allowed,
    }
    note(actor, tenant, "OAuth client created", str(client), details)
    if client.public_keys:
        return CreatedClient(client, None)
    return _add_secret(actor, tenant, client, request.years)


def add_client_secret(
    actor: Actor, tenant: Tenant, client: str | UUID, years: int
) -> CreatedClient:
    """The client with one more secret; those it has stay as they are. Raises ActionRefused."""
    with performing(actor, ADD_SECRET, tenant):
        _check_approval()
        return add_secret(actor, tenant, SecretRequest(client, years))


def add_secret(actor: Actor, tenant: Tenant, request: SecretRequest) -> CreatedClient:
    """One more secret for an actor who may add it. Needs the frame of an action. Raises ActionRefused."""
    found = _get_client(tenant, request.client)
    if found.revoked_at is not None:
        raise ActionRefused("action.too-late", f"The OAuth client {found} is revoked.")
    return _add_secret(actor, tenant, found, request.years)


def revoke_client_secret(actor: Actor, tenant: Tenant, secret: str | UUID) -> ClientSecret:
    """The secret, refused from the next request on, and so are the access tokens it obtained.

    `secret` is a public id or an id. Raises ActionRefused.
    """
    with performing(actor, REVOKE_SECRET, tenant):
        candidates = ClientSecret.objects.select_for_update(of=("self",), no_key=True)
        candidates = candidates.select_related("client")
        if isinstance(secret, str):
            name = one_line(secret, "The secret's id", PUBLIC_ID_LENGTH).lower()
            found = candidates.filter(public_id=name).first()
        else:
            found = candidates.filter(id=secret).first()
        if found is None:
            raise ActionRefused("action.not-found", f"{tenant} has no client secret {secret}.")
        _revoke(actor, tenant, found, "client secret revoked")
    return found


def revoke_oauth_client(actor: Actor, tenant: Tenant, client: str | UUID) -> OAuthClient:
    """The client, refused from the next request on with all its secrets, keys and access tokens.

    Raises ActionRefused.
    """
    with performing(actor, REVOKE, tenant):
        found = _get_client(tenant, client)
        _revoke(actor, tenant, found, "OAuth client revoked")
    return found


def restrict_client(
    actor: Actor, tenant: Tenant, client: str | UUID, allowed_from: AllowedFrom
) -> OAuthClient:
    """The client, which gets and uses access tokens from those addresses only, from the next request on.

    Raises ActionRefused.
    """
    with performing(actor, RESTRICT_CLIENT, tenant):
        found = _get_client(tenant, client)
        details = allowed_addresses.restrict(allowed_from, found)
        note(actor, tenant, "OAuth client's addresses changed", str(found), details)
    return found


def _check_approval() -> None:
    """Raise ActionRefused while a second person has to approve credentials."""
    if approvals.are_required():
        raise ActionRefused(
            "client.needs-approval",
            "A second person has to approve credentials here: request the client or its secret.",
        )


def _add_secret(actor: Actor, tenant: Tenant, client: OAuthClient, years: int) -> CreatedClient:
    if years not in SECRET_YEARS:
        with about("years"):
            raise ActionRefused(
                "action.range", f"A client secret expires after 1 to {max(SECRET_YEARS)} years."
            )
    now = clock.now()
    value = tokens.generate(SECRET_PREFIX)
    digest = tokens.digest(tenant.id, value)
    secret = ClientSecret(
        client=client,
        public_id=tokens.public_id(digest),
        digest=digest,
        created_at=now,
        created_by=actor.name,
        expires_at=now + timedelta(days=365 * years),
    )
    secret.save(force_insert=True)
    details = {"expires": secret.expires_at.isoformat(timespec="seconds")}
    note(actor, tenant, "client secret added", str(secret), details)
    expiries.register(tenant, now)
    return CreatedClient(client, secret, value)


def _revoke(actor: Actor, tenant: Tenant, what: OAuthClient | ClientSecret, act: str) -> None:
    """The first revocation counts."""
    if what.revoked_at is None:
        what.revoked_at, what.revoked_by = clock.now(), actor.name
        what.save(update_fields=["revoked_at", "revoked_by"])
        note(actor, tenant, act, str(what), {})
        expiries.register(tenant, what.revoked_at)


def _get_client(tenant: Tenant, client: str | UUID) -> OAuthClient:
    """The client, locked, so that of two who revoke it one finds it revoked."""
    found = None
    try:
        client_id = client if isinstance(client, UUID) else UUID(client.strip())
    except ValueError:
        pass
    else:
        candidates = OAuthClient.objects.select_for_update(of=("self",), no_key=True)
        found = candidates.select_related("issued_for").filter(id=client_id).first()
    if found is None:
        raise ActionRefused("action.not-found", f"{tenant} has no OAuth client {client}.")
    return found


def _read_keys(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        return read_key_set(text)
    except AssertionRefused as error:
        with about("public_keys"):
            raise ActionRefused("client.keys", str(error)) from error
