"""`manage.py client`: the OAuth clients of a tenant and their secrets."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import actions
from accounts.actions import SECRET_YEARS, AllowedFrom, ClientRequest, CreatedClient
from accounts.actions.clients import SecretRequest
from accounts.management.administration import IssuingCommand, TenantCommand
from accounts.management.credentials import (
    GenerateCommand,
    RestrictCommand,
    add_addresses,
    allowed_from,
    from_where,
    is_requested,
)
from accounts.models import CredentialRequest, OAuthClient, RestrictedCredential
from tenants import clock
from tenants.current import in_tenant
from tenants.management.kit import Group, HouseCommand, day, minute
from tenants.models import Tenant

_YEARS: dict[str, Any] = {
    "type": int,
    "choices": SECRET_YEARS,
    "default": 1,
    "help": "Years until the secret expires; 1 by default.",
}


class Create(IssuingCommand):
    help = "Create an OAuth client; its secret is printed once, alone on standard output."
    examples = (
        'manage.py client create acme --label "Microsoft Entra ID" --years 2',
        "manage.py client create acme --label Export --public-keys keys.json",
    )
    alias = "create_oauth_client"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        proof = parser.add_mutually_exclusive_group()
        proof.add_argument("--years", **_YEARS)
        proof.add_argument(
            "--public-keys",
            type=Path,
            metavar="FILE",
            help="A JWK set, for a client that signs assertions in place of sending a secret.",
        )
        add_addresses(parser)

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        request = ClientRequest(
            label=options["label"],
            issued_for=self.issued_for(tenant, options["issued_for"]),
            years=options["years"],
            public_keys=_read(options["public_keys"]),
            allowed_from=allowed_from(options),
        )
        if not is_requested(self, tenant, request):
            _show(self, tenant, actions.create_oauth_client(self.actor, tenant, request))


def _read(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read.") from error


def _show(command: HouseCommand, tenant: Tenant, created: CreatedClient) -> None:
    """Write what the client needs, the secret alone to standard output."""
    client = created.client
    command.note(f"Tenant URL: {tenant.tenant_url}")
    command.note(f"Token endpoint: {tenant.token_endpoint}")
    command.note(f"Client id: {client.id}, for {client.issued_for.email}")
    _print_secret(command, created)


def _print_secret(command: HouseCommand, created: CreatedClient) -> None:
    """Write a new client secret, if there is one, alone to standard output."""
    if created.secret is not None:
        expiry = day(created.secret.expires_at)
        command.note(f"Client secret {created.secret.public_id}, expires {expiry}.")
        command.note("It is shown this once:")
        command.stdout.write(created.value)


class List(TenantCommand):
    help = "List a tenant's OAuth clients, newest first, with a line for each secret."
    examples = ("manage.py client list acme", "manage.py client list acme --json")
    alias = "list_oauth_clients"
    columns = {
        "client id": str,
        "label": str,
        "state": str,
        "for": str,
        "secret": lambda public_id: public_id or "keys",
        "expires": day,
        "last used": minute,
        "works from": str,
    }

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        with in_tenant(tenant):
            found = OAuthClient.objects.select_related("issued_for")
            clients = list(found.prefetch_related("secrets__client__issued_for"))
        now = clock.now()
        self.print_list([row for client in clients for row in _rows(client, now)], options)


def _rows(client: OAuthClient, now: datetime) -> Iterator[tuple[Any, ...]]:
    """A row for the client's keys, if it has any, and one for each of its secrets."""
    known = (client.id, client.label)
    email, where = client.issued_for.email, from_where(client)
    if client.public_keys:
        yield (*known, client.state(now), email, None, None, client.last_used_at, where)
    for secret in client.secrets.all():
        proof = (secret.public_id, secret.expires_at, secret.last_used_at)
        yield (*known, secret.state(now), email, *proof, where)


class AddSecret(TenantCommand):
    help = "Give an OAuth client one more secret; it is printed once, alone on standard output."
    examples = ("manage.py client add-secret acme 6a4b0a7e-9d1f-4c55-8a0e-2f6d0f3c9a11 --years 2",)
    alias = "add_client_secret"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("client_id", help="As `client list` prints it.")
        parser.add_argument("--years", **_YEARS)

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        client_id, years = options["client_id"], options["years"]
        if not is_requested(self, tenant, SecretRequest(client_id, years)):
            _print_secret(self, actions.add_client_secret(self.actor, tenant, client_id, years))


class Generate(GenerateCommand):
    help = (
        "Make an OAuth client or a client secret that was requested by `client create` or `client add-secret`"
        " and approved; its secret is printed once."
    )
    examples = ("manage.py client generate acme 0190d0a4-7a4c-7000-8000-000000000000",)
    kinds = (CredentialRequest.Kind.CLIENT, CredentialRequest.Kind.SECRET)

    def show(self, tenant: Tenant, made: CreatedClient) -> None:
        """Print what the client needs."""
        _show(self, tenant, made)


class Revoke(TenantCommand):
    help = "Revoke an OAuth client, or one of its secrets, from the next request on."
    examples = (
        "manage.py client revoke acme 6a4b0a7e-9d1f-4c55-8a0e-2f6d0f3c9a11",
        "manage.py client revoke acme --secret 0a1b2c3d",
    )
    alias = "revoke_oauth_client"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("client_id", nargs="?", help="As `client list` prints it.")
        what.add_argument(
            "--secret", metavar="ID", help="A secret's id; its client and other secrets stay."
        )

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        if options["secret"]:
            secret = actions.revoke_client_secret(self.actor, tenant, options["secret"])
            self.note(f"The client secret {secret} of {tenant} is revoked.")
        else:
            client = actions.revoke_oauth_client(self.actor, tenant, options["client_id"])
            self.note(f"The OAuth client {client} of {tenant} is revoked.")


class Restrict(RestrictCommand):
    help = "Have an OAuth client get and use access tokens from some addresses only."
    examples = (
        "manage.py client restrict acme 6a4b0a7e-9d1f-4c55-8a0e-2f6d0f3c9a11 --from 203.0.113.0/24",
    )
    what = "client_id", "As `client list` prints it."

    def restrict(self, tenant: Tenant, key: str, allowed: AllowedFrom) -> RestrictedCredential:
        return actions.restrict_client(self.actor, tenant, key, allowed)


class Command(Group):
    help = "The OAuth clients of a tenant and their secrets."
    verbs = {
        "create": Create,
        "list": List,
        "add-secret": AddSecret,
        "generate": Generate,
        "restrict": Restrict,
        "revoke": Revoke,
    }
