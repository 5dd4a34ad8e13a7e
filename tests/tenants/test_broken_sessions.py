"""Sessions end at any moment while threads share them: nobody reads or writes another tenant's rows.

What was acknowledged is there once, what was rolled back is not; what failed is unknown.
"""

import random
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import uuid4

import psycopg
import pytest
from django.db import Error, connection, transaction

from config.database import look_after
from tenants.backend.base import execute, execute_last, execute_late
from tenants.backend.statements import Hot, reading
from tenants.current import in_public, in_tenant, in_tenant_from_start
from tenants.models import Tenant

SECONDS = 3
CHANCE = random.Random()  # noqa: S311  # another course each time
THREADS = 5  # of a worker, with one that does what no request does
WHERE = Hot("SELECT current_schema()::text")
WRITE = "INSERT INTO written (id) VALUES (%s::uuid) RETURNING current_schema()::text"


@pytest.fixture
def tables(real_tenants):
    """A table in each of the two schemas; `tables()`: the rows of each, with the schema that wrote them."""
    for tenant in real_tenants:
        with in_tenant(tenant), connection.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE written (id uuid PRIMARY KEY, by text DEFAULT current_schema())"
            )

    def read():
        found = {}
        for tenant in real_tenants:
            with in_tenant(tenant), connection.cursor() as cursor:
                cursor.execute("SELECT id, by FROM written")
                found[tenant.schema_name] = dict(cursor.fetchall())
        return found

    return read


class Work:
    """The work of threads, and the rows that they know to be written or rolled back, by schema."""

    def __init__(self, tenants):
        self.tenants = tenants
        self.written, self.undone = defaultdict(set), defaultdict(set)
        self.astray = []  # schemas in which somebody was who should have been in another
        self.done = defaultdict(int)
        self.ends = threading.Event()

    def run(self):
        kinds = (
            self.end_with_last,
            self.write,
            self.roll_back,
            self.read_ahead,
            self.write_in_both,
        )
        while not self.ends.is_set():
            kind, (tenant, other) = CHANCE.choice(kinds), CHANCE.sample(self.tenants, 2)
            try:
                kind(tenant, other)
                self.done[kind.__name__] += 1
            except Error:
                self.done["error"] += 1
            look_after()
            connection.close_if_unusable_or_obsolete()
            connection.give_back()
        connection.close()

    def check(self, tenant, rows):
        if rows[0][0] != tenant.schema_name:
            self.astray.append((tenant.schema_name, rows))

    def end_with_last(self, tenant, _):
        ids = [uuid4(), uuid4()]
        with in_tenant_from_start(tenant, WHERE, ends_with_last=True) as rows:
            self.check(tenant, rows)
            late = execute_late(WRITE, [ids[0]])
            self.check(tenant, execute_last(WRITE, [ids[1]]))
            self.check(tenant, late.rows())
        self.written[tenant.schema_name].update(ids)

    def write(self, tenant, _):
        made = uuid4()
        with in_public():
            list(Tenant.objects.all())
        with in_tenant(tenant), connection.cursor() as cursor:
            cursor.execute(WRITE, [made])
            self.check(tenant, cursor.fetchall())
        self.written[tenant.schema_name].add(made)

    def roll_back(self, tenant, _):
        made = uuid4()
        with in_tenant_from_start(tenant, WHERE, ends_with_last=True):
            self.check(tenant, execute(WRITE, [made]))
            transaction.set_rollback(True)
        self.undone[tenant.schema_name].add(made)

    def read_ahead(self, tenant, _):
        with in_tenant_from_start(tenant, WHERE, only_reads=True, foreseen=reading(WHERE)):
            self.check(tenant, execute(*WHERE))
            self.check(tenant, execute(*WHERE))

    def write_in_both(self, tenant, other):
        ids = [uuid4(), uuid4()]
        with in_tenant(tenant):
            with in_tenant(other):
                self.check(other, execute(WRITE, [ids[0]]))
            self.check(tenant, execute(WRITE, [ids[1]]))
        self.written[other.schema_name].add(ids[0])
        self.written[tenant.schema_name].add(ids[1])


def break_sessions(sessions):
    """End one or all of them every few hundredths of a second, by PostgreSQL or by the network."""
    where = {"host": connection.settings_dict["HOST"], "dbname": connection.settings_dict["NAME"]}
    until = time.monotonic() + SECONDS
    with psycopg.connect(**where, user=connection.settings_dict["USER"], autocommit=True) as killer:
        while time.monotonic() < until:
            time.sleep(CHANCE.uniform(0, 0.08))
            present = list(sessions)
            for each in CHANCE.sample(present, min(len(present), CHANCE.choice((1, 1, 1, 9)))):
                if CHANCE.random() < 0.3:
                    each.line.cut()
                    continue
                process = None
                with suppress(psycopg.OperationalError):  # its thread has closed it meanwhile
                    process = each.connection.info.backend_pid
                killer.execute("SELECT pg_terminate_backend(%s)", [process])


def test_sessions_that_end_at_any_moment_lead_nobody_astray(real_tenants, tables, shared):
    work = Work(real_tenants)
    with ThreadPoolExecutor(THREADS) as pool:
        threads = [pool.submit(work.run) for _ in range(THREADS)]
        try:
            break_sessions(shared)
        finally:
            work.ends.set()
        for each in threads:
            each.result()
    shared.close_idle()
    found = tables()

    assert work.astray == []
    assert min(work.done.values()) > 0
    assert len(work.done) == 6
    for schema, rows in found.items():
        assert set(rows.values()) == {schema}
        assert work.written[schema] - set(rows) == set()
        assert work.undone[schema] & set(rows) == set()
