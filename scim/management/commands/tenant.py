"""`manage.py tenant`: tenants, their host names, and their data as files."""

from typing import Any

from accounts.management import tenants
from accounts.management.tenants import FileCommand
from scim.management import exporting
from tenants.management.kit import Group
from tenants.models import Tenant
from tenants.words import counted


class Export(FileCommand):
    help = "Write a tenant's users, groups, log, history and audit log as JSON lines and CSV."
    examples = ("manage.py tenant export acme /srv/exports/acme.zip",)

    def perform_in(self, tenant: Tenant, options: dict[str, Any], /) -> None:
        with self.waiting("Writing the export"):
            lines = exporting.export_tenant(self.actor, tenant, options["file"])
        self.note(f"{tenant}: {counted(lines, 'line')} in {options['file']}.")


class Command(Group):
    help = "Tenants, the host names that they are served at, and their data as files."
    verbs = {
        "create": tenants.Create,
        "list": tenants.List,
        "suspend": tenants.Suspend,
        "resume": tenants.Resume,
        "add-host": tenants.AddHost,
        "remove-host": tenants.RemoveHost,
        "rename": tenants.Rename,
        "backup": tenants.Backup,
        "restore": tenants.Restore,
        "export": Export,
        "clone": tenants.Clone,
        "archive": tenants.Archive,
        "delete": tenants.Delete,
        "remove-deleted": tenants.RemoveDeleted,
    }
