"""`manage.py secrets`: the stored secrets that are encrypted under SECRET_KEY, when that key changes."""

from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from accounts import resealing
from accounts.actions.resealing import reseal_secrets
from accounts.management.administration import AdministrativeCommand, get_tenant
from tenants import schemas
from tenants.current import in_public, in_tenant
from tenants.management.kit import Group
from tenants.models import Tenant
from tenants.schemas import Answer
from tenants.words import counted

NONE_LEFT: Final = "No stored secret needs a former key."


class SecretsCommand(AdministrativeCommand):
    """A command about the secrets of one tenant or of all."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "custom_domain", nargs="?", metavar="tenant", help="One tenant; all by default."
        )

    def asked(self, options: dict[str, Any]) -> Answer:
        """The tenants with a secret that lacks the mark of SECRET_KEY; silent ones are named."""
        named = options["custom_domain"]
        with in_public():
            tenants = [get_tenant(named)] if named else list(Tenant.objects.all())
        reachable = schemas.reachable(tenants)
        found = resealing.unmarked(reachable.tenants)
        silent = reachable.silent + found.silent
        self.note_silent(silent)
        return Answer(found.tenants, silent)


class List(SecretsCommand):
    help = (
        "List the stored secrets that SECRET_KEY does not open, with the key that they need: a former"
        " one of SECRET_KEY_FALLBACKS, or one that is not known."
    )
    examples = ("manage.py secrets list", "manage.py secrets list acme --json")
    columns = {"tenant": str, "secret": str, "of": str, "key": str}

    def perform(self, options: dict[str, Any]) -> None:
        rows = []
        for tenant in self.progress(self.asked(options).tenants, "Tenants"):
            with in_tenant(tenant):
                rows += [
                    (
                        tenant.custom_domain,
                        each.kind,
                        each.owner,
                        "former" if each.is_readable else "unknown",
                    )
                    for each in resealing.needing(tenant)
                ]
        self.print_list(rows, options)


class Reseal(SecretsCommand):
    help = (
        "Encrypt every stored secret again, under SECRET_KEY, so that the former key can go. A run that is"
        " stopped keeps its work, and the next one does the rest."
    )
    examples = ("manage.py secrets reseal", "manage.py secrets reseal acme")

    def perform(self, options: dict[str, Any]) -> None:
        asked, unreadable = self.asked(options), 0
        for tenant in self.progress(asked.tenants, "Tenants", len(asked.tenants)):
            resealed = reseal_secrets(self.actor, tenant)
            if resealed.number:
                self.stdout.write(f"{tenant.custom_domain}: secrets resealed: {resealed.number:,}")
            for each in resealed.unreadable:
                self.note(f"{tenant.custom_domain}: cannot be opened: {each}")
            unreadable += len(resealed.unreadable)
        if unreadable:
            raise CommandError(
                f"Secrets that cannot be opened: {unreadable:,}. Add the key that they were encrypted"
                " under to SECRET_KEY_FALLBACKS and run this again; or set them again."
            )
        if asked.silent:
            raise CommandError("Some tenants were not reached. Run this again when they answer.")
        self.note(NONE_LEFT)
        if settings.SECRET_KEY_FALLBACKS and not options["custom_domain"]:
            links = counted(resealing.days_of_links(), "day")
            self.note(
                f"Remove SECRET_KEY_FALLBACKS {links} after SECRET_KEY was changed: until then it"
                " opens sessions and links that were sent before."
            )


class Command(Group):
    help = "The stored secrets that are encrypted under SECRET_KEY."
    verbs = {"list": List, "reseal": Reseal}
