"""`manage.py mail`: the queue of e-mails."""

from typing import Any, Final

from django.core.management.base import CommandParser

from accounts.management.administration import AdministrativeCommand
from tenants.management.kit import Group, minute
from tenants.models import Mail

_UNSENT: Final = (Mail.Status.WAITING, Mail.Status.FAILED)


class List(AdministrativeCommand):
    help = "List the e-mails that wait or were given up, oldest first, with the reason."
    examples = ("manage.py mail list", "manage.py mail list --all --json")
    alias = "list_mails"
    columns = {
        "id": str,
        "queued": minute,
        "about": str,
        "e-mail": str,
        "to": str,
        "state": str,
        "attempts": str,
        "last error": lambda error: error or "-",
    }

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--all", action="store_true", help="Those sent in the last 30 days too."
        )

    def perform(self, options: dict[str, Any]) -> None:
        mails = Mail.objects.select_related("tenant", "home").order_by("queued_at", "pk")
        found = mails if options["all"] else mails.filter(status__in=_UNSENT)
        self.print_list(map(_row, found.iterator()), options)


def _row(mail: Mail) -> tuple[Any, ...]:
    return (
        mail.pk,
        mail.queued_at,
        mail.tenant.custom_domain,
        mail.template.removesuffix(".txt"),
        "staff" if mail.home.is_operator else "tenant admin",
        mail.status,
        mail.attempts,
        mail.error,
    )


class Command(Group):
    help = "The queue of e-mails."
    verbs = {"list": List}
