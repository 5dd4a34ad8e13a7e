"""Uses of credentials: counted in memory, written together, never lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import time_machine
from django.db import OperationalError, connection
from django.db.backends.utils import CursorWrapper

from accounts import actions, uses
from accounts.actions import TokenRequest
from accounts.models import ClientSecret, OAuthClient, SecretToken
from accounts.permissions import Role
from accounts.uses import Credential, Kind, Use
from tenants.backend.statements import Statements
from tenants.current import in_tenant
from tests.support import citus, clients
from tests.support.waiting import WITHIN, wait_until

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
ENTRA = Use(NOW, "203.0.113.9", "Entra/1")


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def theirs(globex, gus, command):
    return actions.mint_token(command, globex, TokenRequest("Entra", gus.id, 90)).token


def note(tenant, token, use=ENTRA):
    uses.note(tenant, [Credential(Kind.TOKEN, token.id)], use)


def noted(tenant, token):
    """Time, address, user agent and number of the token's uses."""
    with in_tenant(tenant):
        row = SecretToken.objects.filter(id=token.id)
        return row.values_list(
            "last_used_at", "last_used_address", "last_used_user_agent", "use_count"
        ).get()


def test_uses_of_all_tenants_are_written_together(acme, globex, minted, theirs):
    note(acme, minted.token)
    note(acme, minted.token, Use(NOW + timedelta(seconds=3), "2001:db8::1", "Entra/2"))
    note(globex, theirs)

    uses.flush()

    later = NOW + timedelta(seconds=3)
    assert noted(acme, minted.token) == (later, "2001:db8::1", "Entra/2", 2)
    assert noted(globex, theirs) == (NOW, "203.0.113.9", "Entra/1", 1)


def test_they_are_added_to_those_before(acme, minted):
    for seconds in (0, 60):
        note(acme, minted.token, Use(NOW + timedelta(seconds=seconds), None, "Entra/2", 20))
        uses.flush()

    assert noted(acme, minted.token) == (NOW + timedelta(seconds=60), None, "Entra/2", 40)


def test_a_late_report_counts_and_hides_no_newer_use(acme, minted):
    note(acme, minted.token)
    uses.flush()
    note(acme, minted.token, Use(NOW - timedelta(minutes=1), "192.0.2.1", "old"))
    uses.flush()

    assert noted(acme, minted.token) == (NOW, "203.0.113.9", "Entra/1", 2)


def test_uses_of_a_token_that_was_revoked_meanwhile_are_written(acme, minted, command):
    note(acme, minted.token)
    actions.revoke_token(command, acme, minted.token.id)

    uses.flush()

    assert noted(acme, minted.token) == (NOW, "203.0.113.9", "Entra/1", 1)


def test_a_client_and_its_secret_are_noted_with_it(acme, created):
    uses.note(acme, uses.of_client(created.client.id, created.secret.id), ENTRA)

    uses.flush()

    with in_tenant(acme):
        assert OAuthClient.objects.get().last_used_at == NOW
        assert ClientSecret.objects.get().last_used_at == NOW


def test_a_hostile_user_agent_is_noted_as_far_as_it_fits(acme, minted):
    note(acme, minted.token, Use(NOW, None, "\0" + 1000 * "x"))

    uses.flush()

    assert noted(acme, minted.token) == (NOW, None, 200 * "x", 1)


def test_writing_costs_a_statement_a_tenant_and_one_a_credential_and_none_for_nothing(
    acme, minted, statements
):
    note(acme, minted.token)
    note(acme, minted.token)

    with statements() as first:
        uses.flush()
    with statements() as second:
        uses.flush()

    assert [len(first), len(second)] == [2, 0]


def test_writing_waits_for_no_disk_and_what_comes_after_it_does(real_tenants):
    tenant, during = real_tenants[0], []
    clients.mint(tenant)
    with in_tenant(tenant):
        token = SecretToken.objects.get()

    def look(execute, statement, *rest):
        if "use_count" in statement:
            during.append(waits_for_disk())
        return execute(statement, *rest)

    note(tenant, token)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO on")  # the tests' PostgreSQL does without
    with connection.execute_wrapper(look):
        uses.flush()
    after = waits_for_disk()
    with connection.cursor() as cursor:
        cursor.execute("RESET synchronous_commit")

    assert (during, after) == (["off"], "on")


def waits_for_disk():
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return cursor.fetchone()[0]


def test_a_transaction_that_takes_uses_along_writes_those_of_its_tenant(
    acme, globex, minted, theirs, statements
):
    note(acme, minted.token)
    note(globex, theirs)

    with statements() as executed, uses.taken_along(acme):
        pass
    with uses.taken_along(acme):
        pass

    assert len(executed) == 2  # one of them has COMMIT wait for no disk
    assert (noted(acme, minted.token)[3], noted(globex, theirs)[3]) == (1, 0)
    uses.flush()
    assert (noted(acme, minted.token)[3], noted(globex, theirs)[3]) == (1, 1)


def test_uses_that_a_failed_transaction_took_along_are_counted_on(acme, minted):
    note(acme, minted.token)
    with pytest.raises(ZeroDivisionError), uses.taken_along(acme):
        raise ZeroDivisionError
    note(acme, minted.token)

    uses.flush()

    assert noted(acme, minted.token)[3] == 2


def test_a_locked_token_keeps_no_transaction_that_takes_its_uses_along(real_tenants):
    initech, _ = real_tenants
    clients.mint(initech)
    with in_tenant(initech):
        token = SecretToken.objects.get()
    note(initech, token)

    def take_along():
        try:
            with uses.taken_along(initech):
                pass
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, in_tenant(initech):  # the lock ends first
        SecretToken.objects.select_for_update(no_key=True).get()
        pool.submit(take_along).result(timeout=30)
    assert noted(initech, token)[3] == 0

    uses.flush()
    assert noted(initech, token)[3] == 1


def test_uses_are_kept_while_the_database_does_not_answer(
    acme, globex, minted, theirs, monkeypatch, caplog
):
    note(acme, minted.token)
    note(globex, theirs)
    with monkeypatch.context() as patched:
        patched.setattr(CursorWrapper, "execute", failing(OperationalError("gone")))
        uses.flush()
    note(acme, minted.token)

    uses.flush()

    assert "they are kept" in caplog.text
    assert noted(acme, minted.token)[3] == 2
    assert noted(globex, theirs)[3] == 1


def test_a_tenant_whose_node_of_the_database_is_down_keeps_no_other_waiting(
    acme, globex, minted, theirs, caplog
):
    citus.install_catalog()
    name = citus.lose(acme, "accounts_secrettoken")
    for _ in range(2):
        note(globex, theirs)
        note(acme, minted.token)
        uses.flush()

    assert noted(globex, theirs)[3] == 2

    citus.bring_back(acme, "accounts_secrettoken", name)
    uses.flush()
    assert noted(acme, minted.token)[3] == 2


def test_one_tenant_that_cannot_be_written_costs_no_other(
    acme, globex, minted, theirs, monkeypatch, caplog
):
    note(acme, minted.token)
    note(globex, theirs)
    send = Statements.send_all

    def broken(statements, commands):
        if any(minted.token.id.bytes in (each.values or ()) for each in commands):
            raise psycopg.ProgrammingError("no such table")
        return send(statements, commands)

    with monkeypatch.context() as patched:
        patched.setattr(Statements, "send_all", broken)

        uses.flush()

    assert "could not be written" in caplog.text
    assert (noted(acme, minted.token)[3], noted(globex, theirs)[3]) == (0, 1)


def test_uses_that_cannot_be_written_for_an_hour_are_dropped(acme, minted, clock, monkeypatch):
    note(acme, minted.token)
    clock.shift(timedelta(hours=1, seconds=1))
    with monkeypatch.context() as patched:
        patched.setattr(CursorWrapper, "execute", failing(OperationalError("gone")))
        uses.flush()

    uses.flush()

    assert noted(acme, minted.token)[3] == 0


def test_a_locked_token_is_left_for_the_next_round_and_nobody_waits(real_tenants, command):
    initech, _ = real_tenants
    tokens = {}
    for tenant in real_tenants:
        ina = actions.create_account(command, tenant, "ina@initech.example", "", Role.ADMIN)
        tokens[tenant] = actions.mint_token(
            command, tenant, TokenRequest("Entra", ina.id, 90)
        ).token
        note(tenant, tokens[tenant])

    def flush():
        try:
            uses.flush()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, in_tenant(initech):  # the lock ends first
        SecretToken.objects.select_for_update(no_key=True).get()
        pool.submit(flush).result(WITHIN)
    counts = [noted(tenant, token)[3] for tenant, token in tokens.items()]
    uses.flush()

    assert counts == [0, 1]
    assert noted(initech, tokens[initech])[3] == 1


def test_a_process_that_ends_waits_for_the_others_and_loses_nothing(real_tenants, command):
    initech, _ = real_tenants
    ina = actions.create_account(command, initech, "ina@initech.example", "", Role.ADMIN)
    token = actions.mint_token(command, initech, TokenRequest("Entra", ina.id, 90)).token
    note(initech, token)

    def end():
        try:
            uses.flush(waits=True)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with in_tenant(initech):
            SecretToken.objects.select_for_update(no_key=True).get()
            ended = pool.submit(end)
            wait_until(somebody_waits_for_us, "it waited")
        ended.result()

    assert noted(initech, token)[3] == 1


def somebody_waits_for_us():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return cursor.fetchone()[0] > 0


def test_processes_that_write_at_once_lose_nothing(real_tenants, command):
    initech, _ = real_tenants
    ina = actions.create_account(command, initech, "ina@initech.example", "", Role.ADMIN)
    token = actions.mint_token(command, initech, TokenRequest("Entra", ina.id, 90)).token

    def work(_number):
        left, once = {Credential(Kind.TOKEN, token.id): ENTRA}, 0
        try:
            while once < 20:
                once += not uses.write(initech, left)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    assert noted(initech, token)[3] == 80


def failing(error):
    """A cursor's `execute` that raises the error."""

    def execute(self, statement, parameters=None):
        raise error

    return execute
