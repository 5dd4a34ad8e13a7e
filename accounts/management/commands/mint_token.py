"""`manage.py mint_token acme --label "Microsoft Entra ID" --days 365`: the token alone on stdout."""

from typing import Any, Final

from django.core.management.base import CommandParser

from accounts import actions
from accounts.actions import ActionRefused, Actor, Overlap, TokenRequest
from accounts.management.administration import TenantCommand
from tenants.models import Tenant

DEFAULT_DAYS: Final = 365


class Command(TenantCommand):
    help = "Mint a secret token; it is printed once, alone on standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--label", required=True, help="What the token is used by.")
        parser.add_argument(
            "--for",
            dest="issued_for",
            help="The e-mail address of an active tenant admin; the first one's if not said.",
        )
        lifetime = parser.add_mutually_exclusive_group()
        lifetime.add_argument(
            "--days", type=int, help=f"Days until it expires, 1 to 730; {DEFAULT_DAYS} if not said."
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
            help="How long the replaced tokens go on working; 7d if not said.",
        )

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        if options["overlap"] and not options["replaces"]:
            raise ActionRefused("--overlap is for the tokens that --replaces names.")
        request = TokenRequest(
            label=options["label"],
            issued_for=self.issued_for(tenant, options["issued_for"]),
            days=_days(options),
            no_expiry_reason=options["no_expiry_because"],
            replaces=tuple(options["replaces"]),
            overlap=Overlap(options["overlap"] or Overlap.WEEK),
        )
        minted = actions.mint_token(Actor.command(), tenant, request)
        token = minted.token
        expiry = f"expires {token.expires_at:%Y-%m-%d}" if token.expires_at else "never expires"
        self.note(f"Tenant URL: {tenant.tenant_url}")
        self.note(f"Secret token {token.public_id} for {token.issued_for.email}, {expiry}.")
        for replaced in minted.replaced:
            until = f"works until {replaced.expires_at:%Y-%m-%d %H:%M} UTC"
            self.note(f"{replaced} {'is revoked' if replaced.revoked_at else until}.")
        self.note("It is shown this once:")
        self.stdout.write(minted.value)


def _days(options: dict[str, Any]) -> int | None:
    days: int | None = options["days"]
    if days is None and not options["no_expiry_because"]:
        return DEFAULT_DAYS
    return days
