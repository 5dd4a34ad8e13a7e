"""The verbs of `manage.py tenant` that are about whole tenants and their host names."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts import actions, invitations
from accounts.actions import backups
from accounts.management.administration import AdministrativeCommand, TenantCommand
from tenants import clock
from tenants.current import in_public
from tenants.models import Tenant
from tenants.words import counted


class Create(AdministrativeCommand):
    help = "Create a tenant: its schema, its host name and its first tenant admin."
    examples = ('manage.py tenant create acme --name "Acme Ltd" --admin tara@acme.example',)
    alias = "create_tenant"
    as_owner = True

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


class FileCommand(TenantCommand):
    """A command that takes a tenant out into a file."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, help="A new file; only its owner may read it.")


class Backup(FileCommand):
    help = "Take a tenant out into a file, from which `tenant restore` makes it again."
    examples = ("manage.py tenant backup acme /srv/backups/acme.zip",)

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        with self.waiting("Writing the backup"):
            rows = backups.backup_tenant(self.actor, tenant, options["file"])
        self.note(f"{tenant}: {counted(rows, 'row')} in {options['file']}.")


class Restore(AdministrativeCommand):
    help = "Put a tenant back from a file; other tenants are not touched."
    examples = (
        "manage.py tenant restore /srv/backups/acme.zip",
        "manage.py tenant restore /srv/backups/acme.zip --as acme-2",
    )
    as_owner = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--as", dest="custom_domain", default="", help="Another custom domain than its own."
        )

    def perform(self, options: dict[str, Any]) -> None:
        with self.waiting("Restoring the tenant"):
            tenant, is_readable = backups.restore_tenant(
                self.actor, options["file"], options["custom_domain"]
            )
        self.stdout.write(f"Tenant URL: {tenant.tenant_url}")
        if tenant.is_suspended:
            self.note(f"It is suspended, as it was: `tenant resume {tenant.custom_domain}`.")
        if not is_readable:
            self.note("SECRET_KEY is not that of the backup: set the secrets of event streams and")
            self.note("of single sign-on again. Secret tokens and passwords are not affected.")


class Clone(TenantCommand):
    help = (
        "Make a tenant with the users, groups, log and history of another, for trying things out."
    )
    examples = (
        'manage.py tenant clone acme acme-test --name "Acme test" --admin tara@acme.example',
    )
    as_owner = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("new_domain", help="The custom domain of the clone.")
        parser.add_argument("--name", required=True)
        parser.add_argument("--admin", required=True, metavar="E-MAIL", help="Its tenant admin.")

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        name, email = options["name"], options["admin"]
        with self.waiting("Cloning the tenant"):
            made = backups.clone_tenant(self.actor, tenant, options["new_domain"], name, email)
        self.stdout.write(f"Tenant URL: {made.tenant_url}")
        self.note("Accounts, secret tokens, OAuth clients and event streams were not cloned.")


class Rename(TenantCommand):
    help = "Serve a tenant at another custom domain, and no longer at the former one."
    examples = ("manage.py tenant rename acme acme-group",)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("new_domain", help="The new custom domain.")

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        backups.rename_tenant(self.actor, tenant, options["new_domain"])
        self.stdout.write(f"Tenant URL: {tenant.tenant_url}")
        self.note("Enter this Tenant URL in Entra: the former one answers 404.")


class Archive(FileCommand):
    help = "Take a tenant out into a file, and remove it from the database."
    examples = ("manage.py tenant archive acme /srv/archive/acme.zip",)
    as_owner = True

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        with self.waiting("Archiving the tenant"):
            backups.archive_tenant(self.actor, tenant, options["file"])
        self.note(f"{tenant} is in {options['file']} alone; `tenant restore` puts it back.")


class Delete(FileCommand):
    help = "Suspend a tenant, take it out into a file, and remove it after a grace time."
    examples = ("manage.py tenant delete acme /srv/archive/acme.zip --grace-days 30",)
    as_owner = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--grace-days", type=int, default=30)

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        path, days = options["file"], options["grace_days"]
        with self.waiting("Writing the backup"):
            after = backups.delete_tenant(self.actor, tenant, path, days)
        self.note(f"{tenant} is suspended and will be removed after {after:%Y-%m-%d %H:%M} UTC.")
        self.note(f"`tenant resume {tenant.custom_domain}` keeps it. The backup is {path}.")


class RemoveDeleted(AdministrativeCommand):
    help = "Remove the tenants whose grace time is over, as `run_jobs` does."
    examples = ("manage.py tenant remove-deleted",)
    as_owner = True

    def perform(self, _options: dict[str, Any]) -> None:
        for tenant in self.progress(self.reachable(backups.tenants_to_remove()), "Tenants"):
            is_removed = backups.remove_deleted(tenant)
            self.stdout.write(f"{tenant.custom_domain}: {'removed' if is_removed else 'kept'}.")
