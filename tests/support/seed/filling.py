"""Fills a migrated database: staff, acme and four small tenants."""

from datetime import datetime
from unittest.mock import patch

from django.conf import settings
from django.core.management import CommandError, call_command

from accounts import actions, uses
from accounts.actions import ActionRefused
from accounts.models import Account
from scim.api import log
from scim.api.log import Summaries
from scim.problems import ledger as problems
from tenants import lifecycle, traffic
from tenants.current import in_public, in_tenant
from tenants.models import Tenant
from tests.support.people import COMMAND, PASSWORD
from tests.support.seed import story
from tests.support.seed.accounts import ACME, OTHERS, STAFF
from tests.support.seed.traveling import Progress, traveling


def fill(people: int, now: datetime) -> bool:
    """Staff and tenants with what happened in six weeks up to `now`; False if all of it is there.

    Raises CommandError for a database that holds a part of it, or that is no developer's.
    """
    if not settings.DEVELOPMENT:
        raise CommandError("Made-up data belong on BASE_DOMAIN=….localhost only.")
    progress = Progress()
    progress.tell("Migrating")
    call_command("migrate", verbosity=0)
    if is_filled():
        return False
    # The log gathers reads by the steady clock, which does not travel: each of the past is its own.
    apart = patch.multiple(log, _reads=Summaries(window=0), _strangers=Summaries(window=0))
    with apart, traveling(now) as travel:
        story.tell_others(now, travel, progress)
        story.tell_acme(people, now, travel, progress)
        travel.move_to(now)
        add_staff()
        traffic.flush()  # as the thread of a worker does
        uses.flush()
        problems.flush()
    progress.end()
    return True


def is_filled() -> bool:
    """True if a former run came to its end. Raises CommandError if one was interrupted."""
    names = [custom_domain for custom_domain, _, _ in (ACME, *OTHERS)]
    with in_public():
        found = set(
            Tenant.objects.filter(custom_domain__in=names).values_list("custom_domain", flat=True)
        )
    if not found:
        return False
    last, _, _ = STAFF[-1]
    with in_tenant(lifecycle.create_operator_tenant()):
        is_whole = len(found) == len(names) and Account.objects.filter(email=last).exists()
    if not is_whole:
        raise CommandError(
            f"There is a tenant {min(found)} already, and it is not of a whole seed: nothing was "
            f"changed. Take an empty database: remove {settings.DATA_DIR}, or set another DATA_DIR."
        )
    return True


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
