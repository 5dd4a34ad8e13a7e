"""DATABASE_URL becomes Django's settings as libpq reads it; serving processes do not wait for ever."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connection, connections

from config import database
from config.environment import EnvironmentVariableError
from tenants.backend.sessions import Sessions


def test_a_url_is_read_with_its_percent_encoding_and_options(tmp_path):
    url = "postgresql://us%65r:p%40ss%2Fword@db.example:5433/policies?sslmode=require"

    assert database.database_settings(url, tmp_path) == {
        "ENGINE": "tenants.backend",
        "CONN_MAX_AGE": None,
        "NAME": "policies",
        "USER": "user",
        "PASSWORD": "p@ss/word",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"connect_timeout": 3, "sslmode": "require"},
        "POOLER": "detect",
        "LIMITS": {},
    }


def test_the_short_scheme_a_socket_and_own_options_are_understood(tmp_path):
    url = "postgres:///policies?host=/run/postgresql&connect_timeout=9&options=-c%20jit%3Doff"

    found = database.database_settings(url, tmp_path)

    assert found["HOST"] == "/run/postgresql"
    assert found["OPTIONS"] == {"connect_timeout": "9", "options": "-c jit=off"}


def test_without_a_url_the_embedded_server_of_the_data_dir_is_meant(tmp_path):
    found = database.database_settings("", tmp_path)

    assert found["HOST"] == database.socket_dir(tmp_path)
    assert (found["NAME"], found["USER"], found["PORT"]) == (
        "mypolicies",
        "mypolicies_serving",
        "5432",
    )


def test_the_embedded_server_has_a_login_that_serves_and_one_that_owns(tmp_path):
    owner = database.owner_settings("", tmp_path, is_embedded=True)
    serving = database.database_settings("", tmp_path)

    assert owner is not None
    assert {**owner, "USER": ""} == {**serving, "USER": ""}
    assert (owner["USER"], serving["USER"]) == ("mypolicies", "mypolicies_serving")


def test_a_database_elsewhere_has_one_login_unless_a_second_one_is_named(tmp_path):
    url = "postgresql://owner@db.example/policies"

    assert database.owner_settings("", tmp_path, is_embedded=False) is None
    assert database.owner_settings(url, tmp_path, is_embedded=False)["USER"] == "owner"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:secret@db.example/policies",
        "postgresql://me:secret@db.example",
        "postgresql://me:secr%4zet@db.example/policies",
        "postgresql://me:secret@[::1/policies",
        "postgresql://me:secret@db.example/policies?sslmod=require",
        "dbname=policies password=secret",
    ],
)
def test_a_wrong_url_is_refused_without_repeating_it(tmp_path, url):
    with pytest.raises(EnvironmentVariableError) as refused:
        database.database_settings(url, tmp_path)

    expected = "DATABASE_URL must look like postgresql://user:password@host:5432/name."
    assert str(refused.value) == expected


def test_a_serving_process_limits_statements_locks_idle_transactions_and_silence(monkeypatch):
    options = {"keepalives_count": 9}
    default = connections.settings["default"]
    monkeypatch.setitem(default, "OPTIONS", options)
    monkeypatch.setitem(default, "LIMITS", {})

    database.limit_waiting()

    assert default["LIMITS"] == {
        "statement_timeout": "8s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "15s",
    }
    assert default["OPTIONS"] == {
        "tcp_user_timeout": 1500,
        "keepalives_idle": 2,
        "keepalives_interval": 1,
        "keepalives_count": 9,
    }


def test_commands_and_migrations_may_take_their_time():
    assert settings.DATABASES["default"]["LIMITS"] == {}


def test_the_threads_of_a_serving_process_share_their_sessions_and_no_other_process_does(
    monkeypatch,
):
    told = []
    default = connections.settings["default"]
    monkeypatch.setattr(os, "register_at_fork", lambda **when: told.append(when))
    monkeypatch.setitem(default, "SESSIONS", None)

    database.share_sessions()

    sessions = default["SESSIONS"]
    assert isinstance(sessions, Sessions)
    assert told == [{"before": sessions.close_idle}]


def test_each_thread_keeps_its_own_connections(db, monkeypatch):
    mine, found = connection.connection, []
    monkeypatch.setattr(connections, "_connections", connections._connections)

    database.keep_by_thread()
    with ThreadPoolExecutor(2) as threads:
        found += threads.map(lambda _: (connections["default"], connection.connection), range(2))

    assert connection.connection is mine
    assert connections["default"] is connections["default"]
    assert all(each is not connections["default"] for each, _ in found)
    assert [opened for _, opened in found] == [None, None]
