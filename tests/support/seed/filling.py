"""Fills a migrated database: staff, acme and four small tenants."""

from datetime import datetime
from typing import Final
from unittest.mock import patch

import time_machine
from django.conf import settings
from django.core.management import CommandError, call_command

from accounts import actions
from accounts.actions import ActionRefused
from accounts.models import Account
from accounts.permissions import Role
from scim.api import log
from scim.provider.summaries import Summaries
from tenants import lifecycle
from tenants.current import in_public, in_tenant
from tenants.models import Tenant
from tests.support.people import COMMAND, PASSWORD
from tests.support.seed import story

STAFF: Final = (
    ("olaf@mypolicies.example", "Olaf Brandt", Role.OPERATOR),
    ("lena@mypolicies.example", "Lena Vogt", Role.SUPPORT_LEAD),
    ("alice@mypolicies.example", "Alice Moreno", Role.SUPPORT),
    ("aude@mypolicies.example", "Aude Girard", Role.AUDITOR),
)


def fill(people: int, now: datetime) -> None:
    """Staff and tenants with what happened in six weeks up to `now`. Raises CommandError."""
    if not settings.DEVELOPMENT:
        raise CommandError("Made-up data belong on BASE_DOMAIN=….localhost only.")
    call_command("migrate", verbosity=0)
    with in_public():
        if Tenant.objects.filter(custom_domain="acme").exists():
            raise CommandError("The tenant acme is there already: take an empty database.")
    # The log gathers reads by the steady clock, which does not travel: each of the past is its own.
    apart = patch.multiple(log, _reads=Summaries(window=0), _strangers=Summaries(window=0))
    with apart, time_machine.travel(now, tick=False) as clock:
        story.tell_others(now, clock)
        story.tell_acme(people, now, clock)
        clock.move_to(now)
        add_staff()


def add_staff() -> None:
    """An account for each staff role; olaf may be there already."""
    operator = lifecycle.create_operator_tenant()
    for email, name, role in STAFF:
        with in_tenant(operator):
            if Account.objects.filter(email=email).exists():
                continue
        try:
            actions.create_account(COMMAND, operator, email, name, role)
            actions.set_password(COMMAND, operator, email, PASSWORD)
        except ActionRefused as error:
            raise CommandError(str(error)) from error
