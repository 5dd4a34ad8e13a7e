"""Transactions that meet: started in threads, each on a connection of its own, and waiting for others."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import sleep
from typing import Any, Final

from django.db import connection

from tenants import placement
from tenants.current import in_tenant
from tenants.models import Tenant
from tests.support import database
from tests.support.waiting import wait_until

_WAITING: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0
"""
# In a cluster they wait on the node that has the rows.
_WAITING_ON_NODES: Final = "SELECT count(DISTINCT waiting_gpid) FROM citus_lock_waits"


@contextmanager
def starting() -> Iterator[Callable[..., Future[Any]]]:
    """`start(work, …)`: the future of a call in a thread, which closes its connection at the end.

    After an error none of them waits on for a lock, which may be the caller's.
    """
    started: list[Future[Any]] = []

    def run(work: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return work(*arguments)
        finally:
            connection.close()

    def start(*call: Any) -> Future[Any]:
        started.append(pool.submit(run, *call))
        return started[-1]

    with ThreadPoolExecutor() as pool:
        try:
            yield start
        except BaseException:
            while not all(each.done() for each in started):
                _cancel_waiting()
            raise


def _cancel_waiting() -> None:
    """End what waits for a lock of the database, over a connection of its own."""
    with database.beside() as other:
        other.execute(_WAITING.replace("count(*)", "pg_cancel_backend(pid)"))
    sleep(0.1)


def impatiently(tenant: Tenant, work: Callable[..., Any], *arguments: Any) -> Any:
    """The work's answer, from a transaction of its own that fails if it has to wait for a lock."""
    with in_tenant(tenant):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL citus.propagate_set_commands = 'local'")
            cursor.execute("SET LOCAL lock_timeout = '100ms'")
        return work(*arguments)


def until_waiting(number: int) -> None:
    """Return when that many transactions of the database wait for others."""
    waiting = _WAITING_ON_NODES if placement.is_sharded() else _WAITING

    def is_so() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(waiting)
            return bool(cursor.fetchone()[0] >= number)

    wait_until(is_so, f"{number} transactions wait")
