"""`manage.py address_preset`: the published address ranges of Microsoft Entra ID."""

from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from accounts import actions, addresses, presets
from accounts.management.administration import AdministrativeCommand
from accounts.models import RestrictedCredential
from tenants import schemas
from tenants.management.kit import Group
from tenants.models import Tenant

MAX_FILE: Final = 64 * 1024**2  # bytes; Microsoft's has 4 MB


class Update(AdministrativeCommand):
    help = (
        "Load Microsoft's file of service tags: every token whose allowed addresses include Microsoft"
        f" Entra ID gets the new ranges. The file is at {presets.SOURCE}."
    )
    examples = ("manage.py address_preset update ServiceTags_Public_20251124.json",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="Under the name that Microsoft gave it.")

    def perform(self, options: dict[str, Any]) -> None:
        preset = actions.update_preset(self.actor, presets.read_file(*_read(options["file"])))
        self.note(f"{len(preset.networks.split()):,} networks, published on {preset.published_on}.")
        found = schemas.reachable(Tenant.objects.filter(is_operator=False))
        for tenant in self.progress(found.tenants, "Tenants", len(found.tenants)):
            for each in actions.follow_preset(self.actor, tenant, preset):
                self.note(f"{tenant.custom_domain}: {each} follows.{_warning(each)}")
        if found.silent:
            unseen = ", ".join(tenant.custom_domain for tenant in found.silent)
            raise CommandError(
                f"Load the file again when the node of the database answers that holds: {unseen}."
            )


class Show(AdministrativeCommand):
    help = "Show the ranges that are loaded, with the day on which they were published."
    examples = ("manage.py address_preset show", "manage.py address_preset show --json")
    columns = {"published on": str, "network": str}

    def perform(self, options: dict[str, Any]) -> None:
        preset = presets.entra()
        if preset is None:
            raise CommandError("No ranges are loaded: manage.py address_preset update.")
        rows = [(preset.published_on, network) for network in preset.networks.split()]
        self.print_list(rows, options)


def _read(path: Path) -> tuple[str, bytes]:
    try:
        if path.stat().st_size > MAX_FILE:
            raise CommandError(f"{path} is larger than {MAX_FILE // 1024**2} MB.")
        return path.name, path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error


def _warning(credential: RestrictedCredential) -> str:
    address = credential.last_used_address
    if credential.last_used_at is None or addresses.allows(credential.networks, address):
        return ""
    return f" It was last used from {address}, which is refused now."


class Command(Group):
    help = "The published address ranges of Microsoft Entra ID."
    verbs = {"update": Update, "show": Show}
