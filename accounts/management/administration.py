"""The base of the administrative commands: which tenant is meant, and refusals as plain sentences."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.actions import Actor
from accounts.models import Account
from accounts.permissions import Role
from tenants import schemas
from tenants.current import in_tenant
from tenants.errors import Refused
from tenants.hostnames import OPERATOR_CUSTOM_DOMAIN
from tenants.management.kit import HouseCommand
from tenants.models import Tenant


class AdministrativeCommand(HouseCommand, ABC):
    """A command that calls actions or reads; a refusal ends it with its sentence and exit code 1."""

    @property
    def actor(self) -> Actor:
        """The operating system's user, who may do everything."""
        return Actor.command()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.perform(options)
        except Refused as error:
            raise CommandError(str(error)) from error

    @abstractmethod
    def perform(self, options: dict[str, Any]) -> None:
        """Do what the command is for. May raise Refused."""

    def reachable(self, among: Iterable[Tenant]) -> tuple[Tenant, ...]:
        """The tenants, apart from those whose node of the database does not answer, which it names."""
        found = schemas.reachable(among)
        self.note_silent(found.silent)
        return found.tenants


class TenantCommand(AdministrativeCommand):
    """A command whose first argument names the tenant."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "custom_domain", metavar="tenant", help='The custom domain ("acme"); staff are "admin".'
        )

    def perform(self, options: dict[str, Any]) -> None:
        self.perform_in(get_tenant(options["custom_domain"]), options)

    @abstractmethod
    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        """Do what the command is for, in that tenant. May raise Refused."""


class IssuingCommand(TenantCommand):
    """A command that makes a credential, for which an active tenant admin is responsible."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--label", required=True, help="The program that uses it.")
        parser.add_argument(
            "--for",
            dest="issued_for",
            metavar="E-MAIL",
            help="An active tenant admin; by default the one who has been there longest.",
        )

    def issued_for(self, tenant: Tenant, named: str | None) -> str:
        """The e-mail address of the admin who is named, or of the first one. Raises CommandError."""
        if named:
            return named
        with in_tenant(tenant):
            admins = Account.objects.filter(role=Role.ADMIN, is_active=True)
            emails = list(admins.order_by("created_at", "pk").values_list("email", flat=True))
        if not emails:
            raise CommandError(
                f"{tenant} has no active tenant admin, and it is issued for one: "
                f"`manage.py account create {tenant.custom_domain} <e-mail> --role admin`."
            )
        if len(emails) > 1:
            others = ", ".join(emails[1:])
            self.note(f"Issued for {emails[0]}; --for names another active admin: {others}.")
        return emails[0]


def get_tenant(custom_domain: str) -> Tenant:
    """The tenant with that custom domain. Raises CommandError."""
    custom_domain = custom_domain.strip().lower()
    tenant: Tenant | None = Tenant.objects.filter(custom_domain=custom_domain).first()
    if tenant is None and custom_domain == OPERATOR_CUSTOM_DOMAIN:
        raise CommandError(
            "There is no staff tenant yet: `account create-staff` makes it, with an account."
        )
    if tenant is None:
        raise CommandError(f"There is no tenant {custom_domain!r}; `tenant list` shows all.")
    return tenant
