"""Acts on queued e-mail: have it tried again at once."""

from typing import Final
from uuid import UUID

from accounts import mail
from accounts.actions.performing import ActionRefused, note, performing
from accounts.audit import Actor
from tenants import clock
from tenants.current import in_public
from tenants.models import Mail

RETRY: Final = "tenants.retry_mail"
RETRIABLE: Final = (Mail.Status.WAITING, Mail.Status.FAILED)


def retry_mail(actor: Actor, mail_id: UUID) -> Mail:
    """The message, which is tried again at once and for three more days. Raises ActionRefused."""
    with in_public():
        found = Mail.objects.select_related("tenant").filter(pk=mail_id).first()
    if found is None:
        raise ActionRefused("There is no such e-mail.")
    with performing(actor, RETRY, found.tenant):
        now = clock.now()
        waiting = Mail.objects.filter(pk=mail_id, status__in=RETRIABLE, retry_at=found.retry_at)
        changed = waiting.update(
            status=Mail.Status.WAITING, retry_at=now, give_up_at=now + mail.GIVE_UP, done_at=None
        )
        if not changed:
            raise ActionRefused("It has been sent, or tried again, in the meantime.")
        note(actor, found.tenant, "e-mail queued again", str(found), {"id": str(mail_id)})
    return found
