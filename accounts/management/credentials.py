"""The common part of the commands about secret tokens and OAuth clients: addresses, and approval."""

from abc import abstractmethod
from typing import Any, ClassVar
from uuid import UUID

from django.core.management.base import CommandParser

from accounts import approvals
from accounts.actions import ActionRefused, AllowedFrom
from accounts.actions.approvals import Wanted, generate_approved, request_credential
from accounts.management.administration import AdministrativeCommand, TenantCommand
from accounts.models import RestrictedCredential
from tenants.current import in_tenant
from tenants.management.kit import minute
from tenants.models import Tenant


def add_addresses(parser: CommandParser) -> None:
    """Add the arguments that `allowed_from` reads."""
    parser.add_argument(
        "--from",
        action="append",
        default=[],
        dest="networks",
        metavar="NETWORK",
        help="An address or network (CIDR) from which it works; can be given several times.",
    )
    parser.add_argument(
        "--from-entra",
        action="store_true",
        help="It works from the published ranges of Microsoft Entra ID, too.",
    )
    parser.add_argument(
        "--leave-out-used",
        action="store_true",
        help="An address from which it was used in the last days may be left out.",
    )


def allowed_from(options: dict[str, Any]) -> AllowedFrom:
    """The addresses that the arguments name."""
    networks = " ".join(options["networks"])
    return AllowedFrom(networks, options["from_entra"], options["leave_out_used"])


def from_where(credential: RestrictedCredential) -> str:
    """The addresses from which the credential works, in words."""
    allowed = credential.allowed_networks.split()
    if credential.preset_date is not None:
        allowed.append(f"Microsoft Entra ID ({credential.preset_date})")
    return ", ".join(allowed) or "anywhere"


class RestrictCommand(TenantCommand):
    """A command that has a credential work from some addresses only; `what` names it, with its help."""

    what: ClassVar[tuple[str, str]]

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        name, text = self.what
        parser.add_argument("key", metavar=name, help=text)
        add_addresses(parser)
        parser.add_argument("--from-anywhere", action="store_true", help="Remove the list.")

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        named = bool(options["networks"] or options["from_entra"])
        if named == options["from_anywhere"]:
            raise ActionRefused(
                "action.arguments",
                "Name addresses with --from or --from-entra, or --from-anywhere.",
            )
        found = self.restrict(tenant, options["key"], allowed_from(options))
        kind = found._meta.verbose_name  # noqa: SLF001  # Django's documented name
        self.note(f"The {kind} {found} of {tenant} works from: {from_where(found)}.")

    @abstractmethod
    def restrict(self, tenant: Tenant, key: str, allowed: AllowedFrom) -> RestrictedCredential:
        """The credential, restricted. Raises ActionRefused."""


def is_requested(command: AdministrativeCommand, tenant: Tenant, wanted: Wanted) -> bool:
    """Request the credential if a second person has to approve it; False if nobody has to."""
    with in_tenant(tenant):
        if not approvals.are_required():
            return False
    asked = request_credential(command.actor, tenant, wanted)
    group = "token" if asked.kind == asked.Kind.TOKEN else "client"
    command.note(
        f"Requested: somebody of staff has to approve it until {minute(asked.expires_at)} UTC."
    )
    command.note(f"Then: manage.py {group} generate {tenant.custom_domain} {asked.pk}")
    return True


class GenerateCommand(TenantCommand):
    """A command that generates an approved credential, of one of the kinds."""

    kinds: ClassVar[tuple[str, ...]]

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "request", type=UUID, help="As the command that requested it prints it."
        )

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        self.show(tenant, generate_approved(self.actor, tenant, options["request"], self.kinds))

    @abstractmethod
    def show(self, tenant: Tenant, made: Any) -> None:
        """Print the value, alone on standard output, this one time."""
