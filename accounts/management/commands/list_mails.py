"""`manage.py list_mails`: the e-mails that wait or were given up, oldest first."""

from typing import Any, Final

from django.core.management.base import CommandParser

from accounts.management.administration import AdministrativeCommand
from tenants.models import Mail

HEADINGS: Final = ("ID", "QUEUED", "ABOUT", "E-MAIL", "TO", "STATE", "ATTEMPTS", "LAST ERROR")
_UNSENT: Final = (Mail.Status.WAITING, Mail.Status.FAILED)


class Command(AdministrativeCommand):
    help = "List the e-mails that wait or were given up, oldest first, with the reason."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--all", action="store_true", help="Those sent in the last 30 days too."
        )

    def perform(self, options: dict[str, Any]) -> None:
        mails = Mail.objects.select_related("tenant", "home").order_by("queued_at", "pk")
        found = mails if options["all"] else mails.filter(status__in=_UNSENT)
        self.print_table([HEADINGS, *(_row(mail) for mail in found.iterator())])


def _row(mail: Mail) -> tuple[str, ...]:
    return (
        str(mail.pk),
        f"{mail.queued_at:%Y-%m-%d %H:%M}",
        mail.tenant.custom_domain,
        mail.template.removesuffix(".txt"),
        "staff" if mail.home.is_operator else "tenant admin",
        mail.status,
        str(mail.attempts),
        mail.error or "-",
    )
