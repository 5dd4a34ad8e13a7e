"""`manage.py tenant`: tenants and the host names that they are served at."""

from typing import Any

from django.core.management.base import CommandParser

from accounts import actions, invitations
from accounts.management.administration import AdministrativeCommand, TenantCommand
from tenants import clock
from tenants.current import in_public
from tenants.management.kit import Group
from tenants.models import Tenant


class Create(AdministrativeCommand):
    help = "Create a tenant: its schema, its host name and its first tenant admin."
    examples = ('manage.py tenant create acme --name "Acme Ltd" --admin tara@acme.example',)
    alias = "create_tenant"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("custom_domain", help='The custom domain: "acme" is https://acme.…')
        parser.add_argument("--name", required=True, help="The customer's name.")
        parser.add_argument(
            "--admin", required=True, metavar="E-MAIL", help="The first tenant admin."
        )
        parser.add_argument(
            "--no-invitation",
            action="store_true",
            help="Send the tenant admin no link that sets a password.",
        )

    def perform(self, options: dict[str, Any]) -> None:
        is_invited = not options["no_invitation"]
        domain, name, email = options["custom_domain"], options["name"], options["admin"]
        with self.waiting("Making the tenant's schema"):
            tenant = actions.create_tenant(self.actor, domain, name, email, invites=is_invited)
        domain = tenant.custom_domain
        self.stdout.write(f"Tenant URL: {tenant.tenant_url}")
        self.note("")
        self.note("Next, mint a secret token for the Entra provisioning service:")
        self.note(f'  manage.py token mint {domain} --label "Microsoft Entra ID" --days 365')
        if is_invited:
            self.note(invitations.prospect(email, clock.now()))
            self.note(f"It sets a password for {tenant.base_url}/admin/.")
        else:
            self.note(f"and, so that the tenant admin can sign in at {tenant.base_url}/admin/:")
            self.note(f"  manage.py account invite {domain} {email}")


class List(AdministrativeCommand):
    help = "List the tenants, staff's own included."
    examples = ("manage.py tenant list", "manage.py tenant list --json")
    alias = "list_tenants"
    columns = {"custom domain": str, "name": str, "status": str, "schema": str, "tenant url": str}

    def perform(self, options: dict[str, Any]) -> None:
        with in_public():
            tenants = list(Tenant.objects.all())
        rows = [
            (each.custom_domain, each.name, each.status, each.schema_name, each.tenant_url)
            for each in tenants
        ]
        self.print_list(rows, options)


class Suspend(TenantCommand):
    help = "Stop serving a tenant; its data stay."
    examples = ("manage.py tenant suspend acme",)
    alias = "suspend_tenant"

    def perform_in(self, tenant: Tenant, _options: dict[str, Any], /) -> None:
        actions.suspend_tenant(self.actor, tenant)
        self.note(f"{tenant} is suspended: every request is answered 403.")


class Resume(TenantCommand):
    help = "Serve a suspended tenant again."
    examples = ("manage.py tenant resume acme",)
    alias = "resume_tenant"

    def perform_in(self, tenant: Tenant, _options: dict[str, Any], /) -> None:
        actions.resume_tenant(self.actor, tenant)
        self.note(f"{tenant} is served again.")


class HostCommand(TenantCommand):
    """A command about one further host name of a tenant."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("host", help="The host name, without scheme and port.")


class AddHost(HostCommand):
    help = "Serve a tenant under a further host name."
    examples = ("manage.py tenant add-host acme scim.acme.example",)
    alias = "add_host"

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        actions.add_host(self.actor, tenant, options["host"])
        self.note(f"{tenant} is now served at {options['host']} too.")


class RemoveHost(HostCommand):
    help = "Stop serving a tenant under a further host name; its own host stays."
    examples = ("manage.py tenant remove-host acme scim.acme.example",)
    alias = "remove_host"

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        actions.remove_host(self.actor, tenant, options["host"])
        self.note(f"{tenant} is no longer served at {options['host']}.")


class Command(Group):
    help = "Tenants and the host names that they are served at."
    verbs = {
        "create": Create,
        "list": List,
        "suspend": Suspend,
        "resume": Resume,
        "add-host": AddHost,
        "remove-host": RemoveHost,
    }
