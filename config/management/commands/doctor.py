"""`manage.py doctor`: the whole installation and every tenant examined, for a person or for monitoring."""

import sys
from typing import Any

from django.core.management.base import CommandParser
from django.db import Error

from accounts import audit_heads
from accounts.audit_heads import Heads
from config import doctor
from config.doctor import Finding, Level
from tenants.current import in_public
from tenants.management.kit import HouseCommand
from tenants.models import Tenant
from tenants.words import counted


class Command(HouseCommand):
    help = (
        "Examine settings, database and every tenant; list what is wrong, each with the next step. "
        "The exit status is 0, 1 for warnings or 2 for something critical."
    )
    examples = (
        "manage.py doctor",
        "manage.py doctor --quick --json",
    )
    columns = {
        "level": lambda level: str(level).lower(),
        "examination": str,
        "tenant": lambda domain: domain or "-",
        "problem": str,
        "remedy": lambda remedy: remedy or "-",
    }

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--quick", action="store_true", help="Do not read audit logs, which takes longest."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        findings: list[Finding] = []
        looks = doctor.examinations()
        for name, look in self.progress(looks.items(), "Examinations", len(looks)):
            findings += doctor.examine(name, look)
        if not options["quick"]:
            tenants, heads = self._tenants()
            for tenant in self.progress(tenants, "Audit logs", len(tenants)):
                findings += doctor.examine_audit_log(tenant, heads)
        self.print_list(map(_row, findings), options)
        worst = max((each.level for each in findings), default=Level.OK)
        number = len(findings)
        self.note(f"{counted(number, 'problem') if number else 'No problems'} found.")
        if worst:
            sys.exit(worst)

    def _tenants(self) -> tuple[list[Tenant], Heads]:
        try:
            heads = audit_heads.noted()
            with in_public():
                return list(Tenant.objects.all()), heads
        except Error:
            return [], {}  # the examinations have said so


def _row(found: Finding) -> tuple[str, ...]:
    return found.level.name, found.examination, found.tenant, found.sentence, found.remedy
