"""A thread of each worker writes what the worker counts, and what is left when it ends."""

from dataclasses import replace
from datetime import UTC, datetime

from accounts import actions, uses
from accounts.actions import TokenRequest
from accounts.models import SecretToken
from accounts.uses import Credential, Kind, Use
from config.flushing import COUNTS, Flusher
from scim.provider.features import Round
from tenants import traffic
from tenants.current import in_public, in_tenant
from tenants.models import TrafficDay
from tenants.traffic import Exchange
from tests.support import people
from tests.support.waiting import wait_until

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


def count(tenant):
    """A request of the tenant, as the API notes it, with a token."""
    admin = people.tenant_admin(tenant)
    request = TokenRequest("Entra", admin.email, days=90)
    token = actions.mint_token(people.COMMAND, tenant, request).token
    traffic.note(tenant.id, Exchange(NOW, traffic.Kind.READ))
    uses.note(tenant, [Credential(Kind.TOKEN, token.id)], Use(NOW))


def written(tenant):
    """Requests of the tenant, uses of its token."""
    with in_public():
        requests = list(TrafficDay.objects.filter(tenant=tenant).values_list("requests", flat=True))
    with in_tenant(tenant):
        return requests, list(SecretToken.objects.values_list("use_count", flat=True))


def test_it_writes_what_no_further_request_writes(real_tenants):
    initech, _ = real_tenants
    count(initech)
    flusher = Flusher(replace(COUNTS, seconds=0.01))
    flusher.start()
    try:
        wait_until(lambda: written(initech) == ([1], [1]), "the thread wrote")
    finally:
        flusher.stop()


def test_a_worker_that_ends_writes_what_it_has(real_tenants):
    initech, _ = real_tenants
    flusher = Flusher(replace(COUNTS, seconds=3600))
    flusher.start()
    count(initech)

    flusher.stop()

    assert written(initech) == ([1], [1])


def test_a_round_that_fails_does_not_end_the_thread(caplog):
    rounds = []

    def work():
        rounds.append(1)
        if len(rounds) == 1:
            raise RuntimeError("on purpose")

    flusher = Flusher(Round(0.001, work, lambda: None))
    flusher.start()
    wait_until(lambda: len(rounds) > 1, "the second round")
    flusher.stop()

    assert "A round of a background thread failed." in caplog.text
