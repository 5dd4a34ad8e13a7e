"""Whether a tenant is connected, learned from its traffic: never, connected, silent or failing."""

from datetime import UTC, datetime, timedelta

import pytest

from tenants import connection
from tenants.connection import CONNECTED, FAILING, NEVER, SILENT, with_state
from tenants.current import in_public
from tenants.models import Tenant, Traffic

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


def minutes_ago(number):
    return NOW - timedelta(minutes=number)


@pytest.fixture
def state_of():
    """`state_of(tenant, **minutes)`: the connection of a tenant whose traffic was so long ago."""

    def connected(tenant, reach="", reason="", **minutes):
        fields = {name: minutes_ago(number) for name, number in minutes.items()}
        with in_public():
            Traffic.objects.create(
                tenant=tenant,
                failed_reach=reach,
                failed_reason=reason,
                stranger_reason=reason,
                **fields,
            )
            return connection.connection_of(tenant, NOW)

    return connected


def test_a_tenant_without_traffic_was_never_connected(acme):
    found = connection.connection_of(acme, NOW)

    assert (found.state, found.sentence, found.next_cycle_at) == (NEVER, "Never connected.", None)


def test_a_tenant_with_recent_requests_is_connected(acme, state_of):
    found = state_of(acme, last_request_at=3, last_success_at=3)

    assert (found.state, found.sentence) == (CONNECTED, "Connected, last request 3 minutes ago.")


def test_the_next_cycle_is_expected_forty_minutes_after_the_last_request(acme, state_of):
    found = state_of(acme, last_request_at=10, last_success_at=10)

    assert found.next_cycle_at == NOW + timedelta(minutes=30)


def test_no_next_cycle_is_expected_while_one_is_running(acme, state_of):
    found = state_of(acme, last_request_at=1, last_success_at=1)

    assert found.next_cycle_at is None


def test_two_hours_without_a_request_are_silence(acme, globex, state_of):
    almost = state_of(acme, last_request_at=119, last_success_at=119)
    silent = state_of(globex, last_request_at=120, last_success_at=120)

    assert almost.state is CONNECTED
    assert silent.state is SILENT
    assert silent.sentence == "Silent since 2026-11-25 08:00 UTC, 2 hours ago."
    assert silent.next_cycle_at is None


def test_a_refusal_of_everything_is_a_failure_until_a_request_succeeds(acme, globex, state_of):
    failing = state_of(
        acme, "all", "401 revoked", last_request_at=1, last_success_at=30, failed_at=1
    )
    mended = state_of(
        globex, "all", "401 revoked", last_request_at=1, last_success_at=1, failed_at=5
    )

    assert (failing.state, failing.failure) == (FAILING, "401 revoked")
    assert failing.sentence == "Failing, last request 1 minute ago."
    assert (mended.state, mended.failure) == (CONNECTED, "")


def test_a_refused_change_is_a_failure_until_a_change_succeeds_though_reading_works(
    acme, globex, state_of
):
    times = {"last_request_at": 1, "last_success_at": 1, "failed_at": 5}
    failing = state_of(acme, "changes", "409 uniqueness", last_change_at=50, **times)
    mended = state_of(globex, "changes", "409 uniqueness", last_change_at=4, **times)

    assert (failing.state, mended.state) == (FAILING, CONNECTED)


def test_a_refused_change_that_is_not_repeated_for_a_day_is_settled(acme, state_of):
    found = state_of(
        acme, "changes", "409", last_request_at=1, last_success_at=1, failed_at=24 * 60 + 1
    )

    assert found.state is CONNECTED


@pytest.mark.parametrize(
    ("success", "state"),
    [
        ({}, FAILING),
        ({"last_request_at": 50, "last_success_at": 50}, FAILING),
        ({"last_request_at": 40, "last_success_at": 40}, CONNECTED),
    ],
)
def test_an_unknown_token_is_a_failure_only_when_the_known_one_missed_a_cycle(
    success, state, acme, state_of
):
    """Anybody on the Internet can send one."""
    found = state_of(acme, "", "401 unknown", stranger_at=2, **success)

    assert found.state is state
    assert (found.failure == "401 unknown") is (state is FAILING)


def test_a_list_of_all_tenants_with_their_states_is_one_statement(
    acme, globex, operator, state_of, statements
):
    state_of(acme, last_request_at=3, last_success_at=3)

    with statements() as executed:
        found = {
            each.custom_domain: connection.read(each, NOW).state.name
            for each in with_state(Tenant.objects.all(), NOW)
        }

    assert found == {"acme": "connected", "globex": "never", "admin": "never"}
    assert len(executed) == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (7_199, "1 hour ago"),
        (172_800, "2 days ago"),
    ],
)
def test_how_long_ago_is_said_in_the_largest_unit(seconds, words):
    assert connection.ago(NOW - timedelta(seconds=seconds), NOW) == words
