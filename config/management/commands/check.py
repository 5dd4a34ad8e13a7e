"""`manage.py check`: with `--deploy` it asks the database of DATABASE_URL too."""

from typing import Any

from django.conf import settings
from django.core.management.commands import check
from django.db import DEFAULT_DB_ALIAS


class Command(check.Command):
    def handle(self, *app_labels: Any, **options: Any) -> None:
        if options["deploy"] and settings.DATABASE_URL and not options["databases"]:
            options["databases"] = [DEFAULT_DB_ALIAS]
        super().handle(*app_labels, **options)
