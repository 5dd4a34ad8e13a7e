"""The e-mails of all tenants, on the staff site: what waits, what was sent, and why it was not."""

from typing import Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.actions.mails import RETRIABLE, RETRY, retry_mail, send_again
from accounts.console.action import Action
from accounts.console.listing import Conditions, TableFilter
from accounts.console.page import Fact, Facts, Page, State, badge
from accounts.console.screen import RecordAdmin
from accounts.models import Account
from accounts.screens.overview import tenant_link
from tenants.current import in_tenant
from tenants.models import Mail

_Status = Mail.Status
_DELAYED: Final = Q(status=_Status.WAITING, attempts__gt=0) & ~Q(error="")
_CONDITIONS: Final[Conditions] = {
    "waiting": ("Waiting", lambda: Q(status=_Status.WAITING)),
    "delayed": ("Delayed", lambda: _DELAYED),
    "failed": ("Given up", lambda: Q(status=_Status.FAILED)),
    "sent": ("Sent", lambda: Q(status=_Status.SENT)),
}


class MailFilter(TableFilter):
    title = "state"
    parameter_name = "state"
    conditions = _CONDITIONS


_RETRY: Final[Action[Mail]] = Action(
    name="retry",
    label="Send now",
    permission=RETRY,
    title="Send this e-mail now?",
    text="It is tried again at once and, if that fails, for three more days.",
    run=lambda call: retry_mail(call.actor, call.record.pk),
    done="The e-mail is tried again within a few seconds.",
    is_offered=lambda call: call.record.status in RETRIABLE,
)

_AGAIN: Final[Action[Mail]] = Action(
    name="again",
    label="Send again",
    permission=RETRY,
    title="Send this e-mail again?",
    text="The recipient gets another message like it, with what is true now. An invitation"
    " is not sent again to somebody who has a password by now.",
    submit="Send again",
    run=lambda call: send_again(call.actor, call.record.pk),
    done="Another e-mail is on its way.",
    is_offered=lambda call: call.record.status == _Status.SENT,
)


class MailAdmin(RecordAdmin[Mail]):
    list_display = ("queued_at", "subject", "recipient", "state", "attempts", "error", "done_at")
    list_display_links = ("queued_at", "subject")
    list_select_related = ("tenant", "home")
    list_filter = (MailFilter,)
    ordering = ("-queued_at", "pk")
    action_table = (_RETRY, _AGAIN)
    counted_as = ("e-mail", "e-mails")
    group = "Administration"
    icon = "mail"
    purpose = "Invitations, warnings and alarms on their way to people, and those not delivered."
    when_empty = "Invitations, expiry warnings and alarms appear here for 30 days."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Mail]:
        return super().get_queryset(request).select_related("tenant", "home")

    @admin.display(description="e-mail")
    def subject(self, mail: Mail) -> str:
        return str(mail)

    @admin.display(description="to")
    def recipient(self, mail: Mail) -> str:
        return "Staff" if mail.home.is_operator else f"Admin of {mail.home.name}"

    @admin.display(description="state")
    def state(self, mail: Mail) -> SafeString:
        if mail.status == _Status.WAITING and mail.error:
            return badge("warning", "Delayed")
        looks: dict[str, State] = {_Status.SENT: "ok", _Status.FAILED: "failing"}
        return badge(looks.get(mail.status, "unknown"), mail.get_status_display())

    def page(self, request: HttpRequest, record: Mail) -> Page:
        is_waiting = record.status == _Status.WAITING
        facts = (
            Fact("About", tenant_link(record.tenant)),
            Fact("To", f"{_address(record)} ({self.recipient(record)})"),
            Fact("State", self.state(record)),
            Fact("Queued", record.queued_at),
            Fact("Attempts", record.attempts),
            Fact("Last error", record.error or None),
            Fact("Next attempt", record.retry_at if is_waiting else None),
            Fact("Given up after", record.give_up_at if is_waiting else None),
            Fact("Done", record.done_at),
        )
        return Page(str(record), (Facts("E-mail", facts),))


def _address(mail: Mail) -> str:
    """The recipient's address, looked up now: the registry keeps none."""
    with in_tenant(mail.home):
        found = Account.objects.filter(pk=mail.account_id).values_list("email", flat=True).first()
    return found or "a deleted account"
