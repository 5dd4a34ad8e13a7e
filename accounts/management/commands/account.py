"""`manage.py account`: the accounts that sign in, of a tenant or of staff."""

import secrets
import sys
from getpass import getpass
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from accounts import actions, invitations
from accounts.actions.factors import reset_factors
from accounts.management.administration import AdministrativeCommand, TenantCommand, get_tenant
from accounts.permissions import STAFF_ROLES, Role
from tenants import clock
from tenants.hostnames import OPERATOR_CUSTOM_DOMAIN
from tenants.management.kit import Group
from tenants.models import Tenant

_BYTES: Final = 15  # of a generated password: 120 bits, 20 characters


class AccountCommand(TenantCommand):
    """A command about one account of a tenant."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email", metavar="e-mail", help="The address that it signs in with.")


class Create(AccountCommand):
    help = "Create an account that can sign in on a tenant's host (or, for `admin`, of staff)."
    examples = ("manage.py account create acme tom@acme.example --role member",)
    alias = "create_account"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--name", default="", help="The person's name.")
        parser.add_argument("--role", required=True, choices=[role.value for role in Role])

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        role = Role(options["role"])
        email, name = options["email"], options["name"]
        account = actions.create_account(self.actor, tenant, email, name, role)
        self.note(f"{account.email} is now a {role.label.lower()} of {tenant}.")
        if role != Role.MEMBER:
            self.note("Next, send a link that sets a password:")
            self.note(f"  manage.py account invite {tenant.custom_domain} {account.email}")
            self.note("or set one here:")
            self.note(f"  manage.py account set-password {tenant.custom_domain} {account.email}")


class CreateStaff(AdministrativeCommand):
    help = (
        "Create a staff account that can sign in, and the staff tenant if there is none yet. The "
        "password is asked for twice, or read as one line from standard input."
    )
    examples = (
        "manage.py account create-staff alice@mypolicies.example",
        "manage.py account create-staff bob@mypolicies.example --role support --generate-password",
    )
    alias = "create_staff"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="e-mail", help="The address that it signs in with.")
        parser.add_argument("--name", default="", help="The person's name.")
        parser.add_argument(
            "--role",
            default=Role.OPERATOR.value,
            choices=[role.value for role in STAFF_ROLES],
            help="An operator, who may do everything, by default.",
        )
        parser.add_argument(
            "--generate-password",
            action="store_true",
            help="Make a password and print it once, alone on standard output.",
        )

    def perform(self, options: dict[str, Any]) -> None:
        is_generated = options["generate_password"]
        password = secrets.token_urlsafe(_BYTES) if is_generated else _read_password()
        role = Role(options["role"])
        email, name = options["email"], options["name"]
        account = actions.create_staff(self.actor, email, password, role, name)
        base_url = get_tenant(OPERATOR_CUSTOM_DOMAIN).base_url
        self.note(f"{account.email} is now staff, with the role {role.label.lower()}.")
        self.note(f"Sign in at {base_url}/admin/.")
        if is_generated:
            self.note("The password is shown this once:")
            self.stdout.write(password)


class SetPassword(AccountCommand):
    help = "Set an account's password: asked for twice, or one line from standard input."
    examples = ("manage.py account set-password acme tara@acme.example",)
    alias = "set_password"

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        actions.set_password(self.actor, tenant, options["email"], _read_password())
        self.note(f"The password of {options['email']} is set; sessions of the account have ended.")


def _read_password() -> str:
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


class Invite(AccountCommand):
    help = "Send an account without a password, or a removed tenant admin, a link that sets one."
    examples = ("manage.py account invite acme tara@acme.example",)
    alias = "send_invitation"

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        account = actions.send_invitation(self.actor, tenant, options["email"])
        self.note(invitations.prospect(account.email, clock.now()))


class ResetFactors(AccountCommand):
    help = "Remove an account's second factors and end its sessions; it sets one up again."
    examples = (
        'manage.py account reset-factors admin alice@mypolicies.example --reason "Ticket 4711"',
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reason", required=True, help="For the audit log.")

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        email, reason = options["email"], options["reason"]
        account = reset_factors(self.actor, tenant, email, reason)
        self.note(f"{account.email} has no second factor any more.")


class Command(Group):
    help = "The accounts that sign in, of a tenant or of staff."
    verbs = {
        "create": Create,
        "create-staff": CreateStaff,
        "set-password": SetPassword,
        "invite": Invite,
        "reset-factors": ResetFactors,
    }
