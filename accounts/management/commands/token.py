"""`manage.py token`: the secret tokens of a tenant."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from django.core.management.base import CommandParser

from accounts import actions
from accounts.actions import ActionRefused, AllowedFrom, Minted, Overlap, TokenRequest
from accounts.actions.approvals import require_approval, stop_requiring_approval
from accounts.management.administration import (
    AdministrativeCommand,
    IssuingCommand,
    TenantCommand,
    get_tenant,
)
from accounts.management.credentials import (
    GenerateCommand,
    RestrictCommand,
    add_addresses,
    allowed_from,
    from_where,
    is_requested,
)
from accounts.models import CredentialRequest, RestrictedCredential, SecretToken
from tenants import clock
from tenants.current import in_tenant
from tenants.hostnames import OPERATOR_CUSTOM_DOMAIN
from tenants.management.kit import Group, HouseCommand, day, minute
from tenants.models import Tenant

DEFAULT_DAYS: Final = 365


class Mint(IssuingCommand):
    help = "Mint a secret token; it is printed once, alone on standard output."
    examples: ClassVar[Sequence[str]] = (
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
        add_addresses(parser)

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
            allowed_from=allowed_from(options),
        )
        if not is_requested(self, tenant, request):
            _show(self, tenant, actions.mint_token(self.actor, tenant, request))


def _show(command: HouseCommand, tenant: Tenant, minted: Minted) -> None:
    """Write the value of a new token, alone, to standard output."""
    token = minted.token
    expiry = f"expires {day(token.expires_at)}" if token.expires_at else "never expires"
    command.note(f"Tenant URL: {tenant.tenant_url}")
    command.note(f"Secret token {token.public_id} for {token.issued_for.email}, {expiry}.")
    for replaced in minted.replaced:
        until = f"works until {minute(replaced.expires_at)} UTC"
        command.note(f"{replaced} {'is revoked' if replaced.revoked_at else until}.")
    command.note("It is shown this once:")
    command.stdout.write(minted.value)


class Generate(GenerateCommand):
    help = "Generate a secret token that was requested by `token mint` and approved; it is printed once."
    examples = ("manage.py token generate acme 0190d0a4-7a4c-7000-8000-000000000000",)
    kinds = (CredentialRequest.Kind.TOKEN,)

    def show(self, tenant: Tenant, made: Minted) -> None:
        """Print the token."""
        _show(self, tenant, made)


class Approval(AdministrativeCommand):
    help = (
        "Require that a second person of staff approves each new credential of a tenant, or of all,"
        " or stop requiring it."
    )
    examples = ("manage.py token approval acme on", "manage.py token approval --all off")

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("custom_domain", nargs="?", metavar="tenant")
        which.add_argument("--all", action="store_true", help="Every tenant.")
        parser.add_argument("switch", choices=("on", "off"))

    def perform(self, options: dict[str, Any]) -> None:
        tenant = get_tenant(options["custom_domain"] or OPERATOR_CUSTOM_DOMAIN)
        of = "every tenant" if options["all"] else str(tenant)
        if options["switch"] == "on":
            require_approval(self.actor, tenant)
            self.note(f"A second person approves credentials of {of}.")
        else:
            stop_requiring_approval(self.actor, tenant)
            self.note(f"One person generates credentials of {of}.")


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
        "works from": str,
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
                from_where(token),
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


class Restrict(RestrictCommand):
    help = "Have a secret token work from some addresses only, from the next request on."
    examples = (
        "manage.py token restrict acme 0a1b2c3d --from-entra --from 203.0.113.0/24",
        "manage.py token restrict acme 0a1b2c3d --from-anywhere",
    )
    what = "id", "As `token list` prints it."

    def restrict(self, tenant: Tenant, key: str, allowed: AllowedFrom) -> RestrictedCredential:
        return actions.restrict_token(self.actor, tenant, key, allowed)


class Command(Group):
    help = "The secret tokens of a tenant."
    verbs = {
        "mint": Mint,
        "generate": Generate,
        "list": List,
        "restrict": Restrict,
        "revoke": Revoke,
        "approval": Approval,
    }
