"""`manage.py tenant`: tenants, their host names, and their data as files."""

from accounts.management import tenants
from tenants.management.kit import Group


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
        "clone": tenants.Clone,
        "archive": tenants.Archive,
        "delete": tenants.Delete,
        "remove-deleted": tenants.RemoveDeleted,
    }
