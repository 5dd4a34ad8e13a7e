"""`manage.py create_oauth_client acme --label "Microsoft Entra ID"`: the secret alone on stdout."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import actions
from accounts.actions import SECRET_YEARS, Actor, ClientRequest
from accounts.management.administration import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = "Create an OAuth client; its secret is printed once, alone on standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--label", required=True, help="What the client is.")
        parser.add_argument(
            "--for",
            dest="issued_for",
            help="The e-mail address of an active tenant admin; the first one's if not said.",
        )
        proof = parser.add_mutually_exclusive_group()
        proof.add_argument(
            "--years", type=int, choices=SECRET_YEARS, default=1, help="Until the secret expires."
        )
        proof.add_argument(
            "--public-keys",
            type=Path,
            metavar="FILE",
            help="A JWK set, for a client that signs assertions in place of sending a secret.",
        )

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        request = ClientRequest(
            label=options["label"],
            issued_for=self.issued_for(tenant, options["issued_for"]),
            years=options["years"],
            public_keys=_read(options["public_keys"]),
        )
        created = actions.create_oauth_client(Actor.command(), tenant, request)
        client = created.client
        self.note(f"Tenant URL: {tenant.tenant_url}")
        self.note(f"Token endpoint: {tenant.token_endpoint}")
        self.note(f"Client id: {client.id}, for {client.issued_for.email}")
        self.print_secret(created)


def _read(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read.") from error
