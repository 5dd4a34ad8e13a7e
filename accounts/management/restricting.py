"""The arguments of the commands about secret tokens and OAuth clients: the addresses from which they work."""

from typing import Any, ClassVar

from django.core.management.base import CommandParser

from accounts.actions import ActionRefused, AllowedFrom
from accounts.management.administration import TenantCommand
from accounts.models import RestrictedCredential
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

    def restrict(self, tenant: Tenant, key: str, allowed: AllowedFrom) -> RestrictedCredential:
        """The credential, restricted. Raises ActionRefused."""
        raise NotImplementedError
