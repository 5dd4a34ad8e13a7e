"""`manage.py check`: with `--deploy` it asks the database of DATABASE_URL too."""

from typing import Any

from django.conf import settings
from django.core.management.commands import check
from django.db import DEFAULT_DB_ALIAS

from tenants.management.kit import HouseCommand


class Command(HouseCommand, check.Command):
    help = "Say what is missing, each with the next step; --deploy looks at a deployment whole."
    examples = ("manage.py check", "manage.py check --deploy")

    def handle(self, *app_labels: Any, **options: Any) -> None:
        if options["deploy"] and settings.DATABASE_URL and not options["databases"]:
            options["databases"] = [DEFAULT_DB_ALIAS]
        super().handle(*app_labels, **options)
