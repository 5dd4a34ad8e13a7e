"""`manage.py migrate`: all schemas, then the staff tenant, and what an empty installation needs next."""

from typing import Any

from config.checks import CREATE_STAFF, staff_can_sign_in
from tenants import lifecycle
from tenants.management.commands import migrate


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        is_whole = not options["schema"] and not self.is_special(options)
        super().handle(*args, **options)
        if not is_whole or options["check_unapplied"]:
            return
        lifecycle.create_operator_tenant()
        if options["verbosity"] and not staff_can_sign_in():
            self.stdout.write("Next, create the first staff account:")
            self.stdout.write(f"  {CREATE_STAFF}")
