"""The mail worker's rounds in a test: nothing is sent before."""

from django.core import mail
from django.core.mail import EmailMessage

from accounts import mailing
from tenants import clock


def sent() -> list[EmailMessage]:
    """The messages that the worker sends now, by the recipients' domains and names."""
    before = len(mail.outbox)
    while mailing.send_due(clock.now()).did_anything:
        pass
    return sorted(mail.outbox[before:], key=lambda message: message.to[0].split("@")[::-1])
