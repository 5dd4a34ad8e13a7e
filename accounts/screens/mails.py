"""The e-mails of all tenants, on the staff site: what waits, what was sent, and why it was not."""

from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.safestring import SafeString

from accounts.actions.mails import RETRIABLE, RETRY, retry_mail
from accounts.console.asked import Asked, ask, done
from accounts.console.listing import Conditions, TableFilter
from accounts.console.page import Fact, Facts, Page, State, badge
from accounts.console.screen import RecordAdmin
from accounts.models import Account
from accounts.screens.overview import tenant_link
from accounts.signed_in import actor, may
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


class MailAdmin(RecordAdmin[Mail]):
    list_display = ("queued_at", "subject", "recipient", "state", "attempts", "error", "done_at")
    list_display_links = ("queued_at", "subject")
    list_select_related = ("tenant", "home")
    list_filter = (MailFilter,)
    ordering = ("-queued_at", "pk")
    counted_as = ("e-mail", "e-mails")
    group = "Administration"
    purpose = "Invitations, warnings and alarms on their way to people, and those not delivered."
    when_empty = "Invitations, expiry warnings and alarms appear here for 30 days."

    def get_urls(self) -> list[URLPattern]:
        retry = self.act_url("<uuid:mail_id>/retry/", self.retry_view, "retry")
        return [retry, *super().get_urls()]

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
        is_offered = record.status in RETRIABLE and may(request, RETRY)
        acts = (self.act("Send now", "retry", record.pk),) if is_offered else ()
        return Page(str(record), (Facts("E-mail", facts),), acts)

    def retry_view(self, request: HttpRequest, mail_id: UUID) -> HttpResponse:
        """The page that says what happens; its POST has the message tried again at once."""
        mail = self.get_record(request, mail_id)

        def retry(_form: Any) -> HttpResponse:
            retry_mail(actor(request), mail.pk)
            sentence = "The e-mail is tried again within a few seconds."
            return done(request, self.record_path(mail.pk), sentence)

        asked = Asked(
            title="Send this e-mail now?",
            act_label="Send now",
            permission=RETRY,
            cancel_path=self.record_path(mail.pk),
            run=retry,
            sentences=("It is tried again at once, and for three more days if that fails.",),
        )
        return ask(self, request, asked)


def _address(mail: Mail) -> str:
    """Where it goes, looked up now: the registry keeps no address."""
    with in_tenant(mail.home):
        found = Account.objects.filter(pk=mail.account_id).values_list("email", flat=True).first()
    return found or "an account that is gone"
