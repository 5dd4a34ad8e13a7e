"""`manage.py token`: the secret tokens of a tenant."""

from typing import Any, Final

from django.core.management.base import CommandParser

from accounts import actions
from accounts.actions import ActionRefused, Overlap, TokenRequest
from accounts.management.administration import IssuingCommand, TenantCommand
from accounts.models import SecretToken
from tenants import clock
from tenants.current import in_tenant
from tenants.management.kit import Group, day, minute
from tenants.models import Tenant

DEFAULT_DAYS: Final = 365


class Mint(IssuingCommand):
    help = "Mint a secret token; it is printed once, alone on standard output."
    examples = (
        'manage.py token mint acme --label "Microsoft Entra ID" --days 365',
        'manage.py token mint acme --label "Microsoft Entra ID" --replaces 0a1b2c3d --overlap 7d',
    )
    alias = "mint_token"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        lifetime = parser.add_mutually_exclusive_group()
        lifetime.add_argument(
            "--days", type=int, help=f"Days until it expires, 1 to 730; {DEFAULT_DAYS} by default."
        )
        lifetime.add_argument(
            "--no-expiry-because", default="", metavar="REASON", help="Why it never expires."
        )
        parser.add_argument(
            "--replaces",
            action="append",
            default=[],
            metavar="ID",
            help="The id of a live token that ends for this one; can be given several times.",
        )
        parser.add_argument(
            "--overlap",
            choices=[choice.value for choice in Overlap],
            help="How long the replaced tokens go on working; 7d by default.",
        )

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        if options["overlap"] and not options["replaces"]:
            raise ActionRefused(
                "action.arguments", "--overlap is for the tokens that --replaces names."
            )
        request = TokenRequest(
            label=options["label"],
            issued_for=self.issued_for(tenant, options["issued_for"]),
            days=_days(options),
            no_expiry_reason=options["no_expiry_because"],
            replaces=tuple(options["replaces"]),
            overlap=Overlap(options["overlap"] or Overlap.WEEK),
        )
        minted = actions.mint_token(self.actor, tenant, request)
        token = minted.token
        expiry = f"expires {day(token.expires_at)}" if token.expires_at else "never expires"
        self.note(f"Tenant URL: {tenant.tenant_url}")
        self.note(f"Secret token {token.public_id} for {token.issued_for.email}, {expiry}.")
        for replaced in minted.replaced:
            until = f"works until {minute(replaced.expires_at)} UTC"
            self.note(f"{replaced} {'is revoked' if replaced.revoked_at else until}.")
        self.note("It is shown this once:")
        self.stdout.write(minted.value)


def _days(options: dict[str, Any]) -> int | None:
    days: int | None = options["days"]
    if days is None and not options["no_expiry_because"]:
        return DEFAULT_DAYS
    return days


class List(TenantCommand):
    help = "List a tenant's secret tokens, newest first; only digests of their values are stored."
    examples = ("manage.py token list acme", "manage.py token list acme --json")
    alias = "list_tokens"
    columns = {
        "id": str,
        "label": str,
        "state": str,
        "for": str,
        "expires": day,
        "last used": minute,
        "requests": str,
    }

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        with in_tenant(tenant):
            tokens = list(SecretToken.objects.select_related("issued_for"))
        now = clock.now()
        rows = [
            (
                token.public_id,
                token.label,
                token.state(now),
                token.issued_for.email,
                token.expires_at,
                token.last_used_at,
                token.use_count,
            )
            for token in tokens
        ]
        self.print_list(rows, options)


class Revoke(TenantCommand):
    help = "Revoke a secret token from the next request on."
    examples = ("manage.py token revoke acme 0a1b2c3d",)
    alias = "revoke_token"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("public_id", metavar="id", help="As `token list` prints it.")

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        token = actions.revoke_token(self.actor, tenant, options["public_id"])
        self.note(f"The secret token {token} of {tenant} is revoked.")


class Command(Group):
    help = "The secret tokens of a tenant."
    verbs = {"mint": Mint, "list": List, "revoke": Revoke}
