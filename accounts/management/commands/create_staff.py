"""`manage.py create_staff alice@mypolicies.example`: the first staff account, and any further one."""

import secrets
from typing import Any, Final

from django.core.management.base import CommandParser

from accounts import actions
from accounts.actions import Actor
from accounts.management.administration import AdministrativeCommand, get_tenant, read_password
from accounts.permissions import STAFF_ROLES, Role
from tenants.hostnames import OPERATOR_CUSTOM_DOMAIN

_BYTES: Final = 15  # of a generated password: 120 bits, 20 characters


class Command(AdministrativeCommand):
    help = (
        "Create a staff account that can sign in, and the staff tenant if there is none yet. The "
        "password is asked for twice, or read as one line from standard input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="", help="The person's name.")
        parser.add_argument(
            "--role",
            default=Role.OPERATOR.value,
            choices=[role.value for role in STAFF_ROLES],
            help="An operator, who may do everything, if not said.",
        )
        parser.add_argument(
            "--generate-password",
            action="store_true",
            help="Make a password and print it once, alone on standard output.",
        )

    def perform(self, options: dict[str, Any]) -> None:
        is_generated = options["generate_password"]
        password = secrets.token_urlsafe(_BYTES) if is_generated else read_password()
        role = Role(options["role"])
        account = actions.create_staff(
            Actor.command(), options["email"], password, role, options["name"]
        )
        base_url = get_tenant(OPERATOR_CUSTOM_DOMAIN).base_url
        self.note(f"{account.email} is now staff, with the role {role.label.lower()}.")
        self.note(f"Sign in at {base_url}/admin/.")
        if is_generated:
            self.note("The password is shown this once:")
            self.stdout.write(password)
