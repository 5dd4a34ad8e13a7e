"""The state of a tenant: never connected, connected, silent, failing, or in need of attention."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tenants import connectivity, lifecycle
from tenants.connectivity import ATTENTION, CONNECTED, FAILING, NEVER, SILENT, SUSPENDED, with_state
from tenants.current import in_public
from tenants.models import Alarm, CredentialTraffic, Problem, Tenant, Traffic

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
            return connectivity.connection_of(tenant, NOW)

    return connected


def test_a_tenant_without_traffic_was_never_connected(acme):
    found = connectivity.connection_of(acme, NOW)

    assert (found.state, found.sentence, found.next_cycle_at) == (NEVER, "Never connected.", None)


def test_a_tenant_with_recent_requests_is_connected(acme, state_of):
    found = state_of(acme, last_request_at=3, last_success_at=3)

    assert (found.state, found.sentence) == (CONNECTED, "Connected, last request 3 minutes ago.")


@pytest.fixture
def credential():
    """`credential(tenant, name, **minutes)`: the traffic of one of the tenant's credentials."""

    def used(tenant, name, reach="", reason="", **minutes):
        fields = {moment: minutes_ago(number) for moment, number in minutes.items()}
        with in_public():
            CredentialTraffic.objects.create(
                id=uuid4(),
                tenant=tenant,
                name=name,
                failed_reach=reach,
                failed_reason=reason,
                **fields,
            )

    return used


REVOKED = ("credential", "token.revoked")


@pytest.mark.parametrize(
    ("entra", "other", "state", "beside"),
    [
        # The only credential is refused: at once, and until another works.
        ({"last_success_at": 5}, None, CONNECTED, ""),
        ({"last_success_at": 5, "failed_at": 1}, None, FAILING, ""),
        # The other works, or worked within a cycle of the refusal, before or after it.
        ({"failed_at": 1}, {"last_success_at": 3}, CONNECTED, "Entra"),
        ({"failed_at": 1}, {"last_success_at": 44}, CONNECTED, "Entra"),
        ({"failed_at": 10}, {"last_success_at": 3}, CONNECTED, "Entra"),
        ({"last_success_at": 5, "failed_at": 1}, {"last_success_at": 3}, CONNECTED, "Entra"),
        # It did not.
        ({"failed_at": 1}, {"last_success_at": 47}, FAILING, ""),
        ({"failed_at": 1}, {"last_success_at": 3, "failed_at": 2}, FAILING, ""),
        # It succeeded since; it was a day ago.
        ({"last_success_at": 1, "failed_at": 2}, {"last_success_at": 3}, CONNECTED, ""),
        ({"failed_at": 1441}, {"last_success_at": 3}, CONNECTED, ""),
    ],
)
def test_a_credential_that_is_refused_is_told_beside_another_that_works(
    entra, other, state, beside, acme, globex, state_of, credential
):
    credential(acme, "Entra", *REVOKED, **entra)
    credential(globex, "Theirs", last_success_at=1)
    if other is not None:
        credential(acme, "HR export", *REVOKED, **other)

    found = state_of(acme, last_request_at=3, last_success_at=3)

    told = found.beside.credential if found.beside else ""
    if state is FAILING:
        assert (found.state, found.failure.credential) == (FAILING, "Entra")
    else:
        assert (found.state, found.failure, told) == (state, None, beside)


def test_a_good_credential_fails_by_itself(acme, state_of, credential):
    credential(acme, "Entra", "all", "filter.unfit", last_success_at=5, failed_at=1)
    credential(acme, "HR export", last_success_at=0)

    found = state_of(acme, last_request_at=0, last_success_at=0)

    assert (found.state, found.failure.credential) == (FAILING, "Entra")


def test_a_suspended_tenant_is_suspended_whatever_its_traffic_was(
    acme, globex, state_of, credential
):
    for tenant in (acme, globex):
        lifecycle.suspend(tenant)
    credential(acme, "Entra", *REVOKED, failed_at=1)

    silent = state_of(acme, last_request_at=300, last_success_at=300)
    never = connectivity.connection_of(globex, NOW)

    assert (silent.state, silent.sentence) == (SUSPENDED, "Suspended, last request 5 hours ago.")
    assert (silent.failure, silent.beside, silent.next_cycle_at) == (None, None, None)
    assert (never.state, never.sentence) == (SUSPENDED, "Suspended.")


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (1, "About 40 minutes after the current one"),
        (10, "About 2026-11-25 10:30 UTC"),
        (46, "Overdue: it was expected 6 minutes ago"),
        (120, "Unknown"),
    ],
)
def test_the_next_cycle_is_said_in_words(minutes, words, acme, state_of):
    found = state_of(acme, last_request_at=minutes, last_success_at=minutes)

    assert connectivity.next_cycle(found, NOW) == words


def test_the_next_cycle_of_a_tenant_that_never_connected_is_unknown(acme, globex):
    lifecycle.suspend(globex)
    words = [
        connectivity.next_cycle(connectivity.connection_of(each, NOW), NOW)
        for each in (acme, globex)
    ]

    assert words == ["Unknown", "None while the tenant is suspended"]


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
        acme, "all", "token.revoked", last_request_at=1, last_success_at=30, failed_at=1
    )
    recovered = state_of(
        globex, "all", "token.revoked", last_request_at=1, last_success_at=1, failed_at=5
    )

    assert (failing.state, failing.failure.reason) == (FAILING, "token.revoked")
    assert failing.sentence == "Failing, last request 1 minute ago."
    assert (recovered.state, recovered.failure) == (CONNECTED, None)


@pytest.fixture
def problem():
    """`problem(tenant, **fields)`: a refusal about one user, last repeated ten minutes ago."""

    def refused(tenant, last_minutes=10, **fields):
        last = minutes_ago(last_minutes)
        with in_public():
            Problem.objects.create(
                id=uuid4(),
                tenant=tenant,
                subject="User:1",
                reason="user.name-taken",
                operation="create",
                status=409,
                request_id="r-17",
                first_at=last,
                last_at=last,
                times=1,
                **fields,
            )

    return refused


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, ATTENTION),
        # Entra repeats it once a day by then.
        ({"last_minutes": 26 * 60}, ATTENTION),
        ({"last_minutes": 7 * 24 * 60}, CONNECTED),
        ({"settled_at": minutes_ago(1)}, CONNECTED),
        ({"muted_at": minutes_ago(1)}, CONNECTED),
    ],
)
def test_a_tenant_with_an_open_problem_needs_attention_whatever_else_succeeds(
    fields, state, acme, globex, state_of, problem
):
    problem(acme, **fields)
    times = {"last_request_at": 1, "last_success_at": 1, "last_change_at": 1}

    found, theirs = state_of(acme, **times), state_of(globex, **times)

    assert (found.state, found.failure, theirs.state) == (state, None, CONNECTED)


@pytest.mark.parametrize(("outcome", "state"), [("open", ATTENTION), ("passed", CONNECTED)])
def test_a_tenant_with_an_open_alarm_needs_attention(outcome, state, acme, globex, state_of):
    with in_public():
        Alarm.objects.create(
            tenant=acme, since=NOW, noticed_at=NOW, users=34, active_before=75, outcome=outcome
        )

    found = [state_of(each, last_request_at=1, last_success_at=1) for each in (acme, globex)]

    assert [each.state for each in found] == [state, CONNECTED]


def test_a_connection_that_fails_or_is_silent_comes_before_problems(
    acme, globex, state_of, problem
):
    for tenant in (acme, globex):
        problem(tenant)

    failing = state_of(acme, "all", "server.failed", last_request_at=1, failed_at=1)
    silent = state_of(globex, last_request_at=120, last_success_at=120)

    assert (failing.state, silent.state) == (FAILING, SILENT)


def test_a_failure_of_changes_from_before_problems_were_kept_is_none(acme, state_of):
    """Rows that an older release wrote, and writes while it is replaced."""
    found = state_of(
        acme, "changes", "user.name-taken", last_request_at=1, last_success_at=9, failed_at=1
    )

    assert (found.state, found.failure) == (CONNECTED, None)


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
    found = state_of(acme, "", "token.unknown", stranger_at=2, **success)

    assert found.state is state
    assert (found.failure and found.failure.reason) == (
        "token.unknown" if state is FAILING else None
    )


def test_a_list_of_all_tenants_with_their_states_is_one_statement(
    acme, globex, operator, state_of, statements
):
    state_of(acme, last_request_at=3, last_success_at=3)

    with statements() as executed:
        found = {
            each.custom_domain: connectivity.read(each, NOW).state.name
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
def test_the_age_of_a_moment_is_in_the_largest_unit(seconds, words):
    assert connectivity.ago(NOW - timedelta(seconds=seconds), NOW) == words
