"""Serving opens no more connections than PostgreSQL allows, and the remedy is named when it would."""

from types import SimpleNamespace

import pytest
from django.db import connection

from config import starting
from config.starting import OTHERS, Serving
from tests.support import database


def test_every_thread_every_process_and_everything_else_need_a_connection():
    assert Serving(processes=16, threads=4).connections == 16 * 4 + 16 + OTHERS


@pytest.mark.parametrize("processes", [1, 17])
def test_connections_within_the_limit_are_no_problem(processes):
    assert Serving(processes, threads=4).why_too_many(97) == ""


def test_one_process_too_many_is_a_sentence_with_the_remedy():
    assert Serving(processes=18, threads=4).why_too_many(97) == (
        "PostgreSQL allows 97 connections, and 100 are needed: 5 for each of 18 worker processes, "
        "and 10 for everything else. Set WEB_CONCURRENCY to 17 at most, or raise max_connections."
    )


def test_without_room_for_one_process_the_database_has_to_be_changed():
    sentence = Serving(processes=1, threads=4).why_too_many(14)

    assert sentence.endswith(" for everything else. Raise max_connections.")


def setting(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting(%s, true), '0')::int", [name])
        return cursor.fetchone()[0]


def test_the_room_is_what_postgresql_keeps_for_no_superuser(db):
    reserved = setting("superuser_reserved_connections") + setting("reserved_connections")

    assert starting.room() == setting("max_connections") - reserved


def test_a_limit_of_the_role_counts_too(db):
    with database.owned(), connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        [role] = cursor.fetchone()
        cursor.execute(f"ALTER DATABASE {connection.settings_dict['NAME']} CONNECTION LIMIT 12")

    assert (role, starting.room()) == (connection.settings_dict["USER"], 12)


def test_behind_a_pooler_the_room_is_unknown(db, monkeypatch):
    """PgBouncer gives its clients process ids that no process of PostgreSQL has."""
    connection.ensure_connection()
    pooled = SimpleNamespace(backend_pid=0)
    monkeypatch.setattr(type(connection.connection), "info", pooled)

    assert starting.room() is None
