"""The base of the administrative commands: which tenant is meant, and refusals as plain sentences."""

import sys
from collections.abc import Sequence
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions import ActionRefused, CreatedClient
from accounts.models import Account
from accounts.permissions import Role
from tenants.current import in_tenant
from tenants.hostnames import OPERATOR_CUSTOM_DOMAIN
from tenants.models import Tenant


class AdministrativeCommand(BaseCommand):
    """A command that calls acts or reads; a refusal ends it with its sentence and exit code 1.

    The system checks, which load every page and endpoint, are `manage.py check`'s: without them a
    command takes half the time.
    """

    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.perform(options)
        except ActionRefused as error:
            raise CommandError(str(error)) from error

    def perform(self, options: dict[str, Any]) -> None:
        """Do what the command is for. May raise ActionRefused."""
        raise NotImplementedError

    def print_table(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Write rows, headings first, in columns to standard output."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())

    def note(self, line: str) -> None:
        """Write a line for the person at the terminal, to standard error: standard output is data."""
        self.stderr.write(line, style_func=str)


class TenantCommand(AdministrativeCommand):
    """A command whose first argument names the tenant."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "custom_domain", metavar="tenant", help='The custom domain ("acme"); staff are "admin".'
        )

    def print_secret(self, created: CreatedClient) -> None:
        """Write a new client secret, if there is one, alone to standard output."""
        if created.secret is not None:
            name, expiry = created.secret.public_id, created.secret.expires_at
            self.note(f"Client secret {name}, expires {expiry:%Y-%m-%d}.")
            self.note("It is shown this once:")
            self.stdout.write(created.value)

    def issued_for(self, tenant: Tenant, named: str | None) -> str:
        """The e-mail address of the active admin who is named, or of the one who is so longest.

        Raises CommandError.
        """
        if named:
            return named
        with in_tenant(tenant):
            admins = Account.objects.filter(role=Role.ADMIN, is_active=True)
            emails = list(admins.order_by("created_at", "pk").values_list("email", flat=True))
        if not emails:
            raise CommandError(
                f"{tenant} has no active tenant admin, and it is issued for one: "
                f"`manage.py create_account {tenant.custom_domain} <e-mail> --role admin`."
            )
        if len(emails) > 1:
            others = ", ".join(emails[1:])
            self.note(f"Issued for {emails[0]}; --for names another active admin: {others}.")
        return emails[0]

    def perform(self, options: dict[str, Any]) -> None:
        self.perform_in(get_tenant(options["custom_domain"]), options)

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        """Do what the command is for, in that tenant. May raise ActionRefused."""
        raise NotImplementedError


def read_password() -> str:
    """A password: asked for twice at a terminal, else one line of standard input.

    Never an argument, which every user of the machine could read. Raises CommandError.
    """
    if not sys.stdin.isatty():
        line = sys.stdin.readline()
        if not line:
            raise CommandError(
                "There is no password on standard input: write it there, as one line."
            )
        return line.rstrip("\r\n")
    password = getpass("Password: ")
    if getpass("Password again: ") != password:
        raise CommandError("The two passwords differ.")
    return password


def get_tenant(custom_domain: str) -> Tenant:
    """The tenant with that custom domain. Raises CommandError."""
    custom_domain = custom_domain.strip().lower()
    tenant: Tenant | None = Tenant.objects.filter(custom_domain=custom_domain).first()
    if tenant is None and custom_domain == OPERATOR_CUSTOM_DOMAIN:
        raise CommandError("There is no staff tenant yet: create_staff makes it, with an account.")
    if tenant is None:
        raise CommandError(f"There is no tenant {custom_domain!r}; list_tenants lists them.")
    return tenant
