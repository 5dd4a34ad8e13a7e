"""A write whose COMMIT was answered is done, whatever becomes of its session afterwards."""

from unittest.mock import patch

import pytest
from django.db import OperationalError, connection

from tenants.backend.base import execute, execute_last, execute_late
from tenants.current import in_tenant, in_tenant_from_start
from tests.support import cutting

ADD = "INSERT INTO written VALUES (%s) RETURNING current_schema()::text, length(word)"
ENDS = {"told": cutting.error(cutting.SAID), "hung up": b""}


@pytest.fixture
def way(real_tenants):
    """The way of this thread's connections, each of which it can end."""
    with in_tenant(real_tenants[0]), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE written (word text UNIQUE)")
    connection.close()
    with cutting.leading(connection.settings_dict["HOST"]) as made:
        with patch.dict(connection.settings_dict, HOST=str(made.folder)):
            yield made
        connection.close()


def last(tenant, word):
    with in_tenant_from_start(tenant, ends_with_last=True):
        execute_late("SELECT 1")
        return execute_last(ADD, [word])


def late(tenant, word):
    with in_tenant(tenant):
        waiting = execute_late(ADD, [word])
    return waiting.rows()


def words(tenant):
    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT word FROM written ORDER BY word")
        return [word for (word,) in cursor.fetchall()]


@pytest.mark.parametrize("write", [last, late])
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_write_is_done_once_its_commit_is_answered(write, end, way, real_tenants):
    """PostgreSQL ends a session that was told to end while it commits as soon as it has."""
    initech, _ = real_tenants
    write(initech, "before")

    way.last_words = end
    assert write(initech, "committed") == [("t_initech", 9)]

    assert way.last_words is None  # it ended
    assert write(initech, "next") == [("t_initech", 4)]
    assert words(initech) == ["before", "committed", "next"]


def test_a_write_whose_commit_is_not_answered_is_none_that_is_done(way, real_tenants):
    initech, _ = real_tenants

    def break_before():
        with in_tenant_from_start(initech, ends_with_last=True):
            execute(ADD, ["early"])
            execute_last("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(OperationalError):
        break_before()

    assert words(initech) == []
