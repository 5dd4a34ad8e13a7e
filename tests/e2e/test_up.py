"""One command from nothing to the main job: it starts, prints what Entra asks for, and ends cleanly."""

import json
import os
import shlex
import shutil
import signal
import subprocess
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from config import database
from config.server import embedded
from tests.support import postgres
from tests.support.ports import free_port
from tests.support.server import new_server
from tests.support.waiting import WITHIN, wait_until

pytestmark = pytest.mark.e2e

_SERVED = f"""
SELECT bool_or(usename = '{database.SERVING}') FROM pg_stat_activity WHERE datname = 'mypolicies'
"""
_OWNERS = """
SELECT DISTINCT pg_get_userbyid(relowner)::text FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname IN ('public', 'support', 't_demo0_qa')
"""
_MAY_DELETE = "SELECT has_table_privilege('t_demo0_qa.accounts_auditentry', 'DELETE')"
NO_USERS = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
    "totalResults": 0,
    "startIndex": 1,
    "itemsPerPage": 0,
    "Resources": [],
}


def pasted(line: str):
    """The answer of the line, pasted into a shell; asked as curl would where that is missing."""
    if shutil.which("curl") is None:
        return _asked_as_by_curl(*shlex.split(line))
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return json.loads(done.stdout)


def _asked_as_by_curl(_curl, _quietly, _resolve, where, _header, header, url):
    _, port, address = where.split(":", 2)
    name, _, value = header.partition(": ")
    parts = urlsplit(url)
    headers = {"Host": parts.netloc, name: value}
    with closing(HTTPConnection(address.strip("[]"), int(port), timeout=WITHIN)) as connection:
        connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
        return json.load(connection.getresponse())


def data_dir(server) -> Path:
    return Path(server.environment["DATA_DIR"])


def test_the_first_start_prints_a_line_that_works_and_how_staff_sign_in():
    with new_server(embedded=True) as server:
        server.start()

        assert pasted(server.curl) == NO_USERS
    base = f"mypolicies.localhost:{server.port}"
    assert [line.strip() for line in server.printed[1:5]] == [
        f"Staff site     http://admin.{base}/admin/",
        "Sign in as     olaf@mypolicies.example",
        "Password       STAFF_PASSWORD, as given",
        f"Tenant URL     http://demo0-qa.{base}/scim",
    ]


def test_the_login_that_serves_owns_nothing_and_changes_no_log(server):
    assert pasted(server.curl) == NO_USERS
    host, name = database.socket_dir(data_dir(server)), database.DATABASE

    def asked(role, question):
        with psycopg.connect(host=host, user=role, dbname=name) as connection:
            return connection.execute(question).fetchall()

    assert asked(database.ROLE, _SERVED) == [(True,)]
    assert asked(database.ROLE, _OWNERS) == [(database.ROLE,)]
    for statement in (
        "CREATE TABLE public.mine (id int)",
        "DELETE FROM t_demo0_qa.accounts_auditentry",
        f"SET ROLE {database.ROLE}",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            asked(database.SERVING, statement)
    with psycopg.connect(host=host, user=database.SERVING, dbname=name) as connection:
        connection.execute("GRANT DELETE ON t_demo0_qa.accounts_auditentry TO CURRENT_USER")
    assert asked(database.SERVING, _MAY_DELETE) == [(False,)]


def test_a_restart_keeps_the_data_and_revokes_the_token_that_was_printed_before(server):
    server.manage("create_tenant", "acme", "--name", "Acme", "--admin", "tara@acme.example")
    former = server.curl
    server.stop()

    server.start()

    assert "acme" in server.manage("list_tenants").stdout
    assert pasted(server.curl) == NO_USERS
    assert "was revoked on" in pasted(former)["detail"]


HANGUP = pytest.param(
    signal.SIGHUP,
    marks=pytest.mark.skipif(
        signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, reason="Under nohup the server goes on."
    ),
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, HANGUP])
def test_a_signal_stops_everything_quietly_postgresql_included(number, server):
    assert server.stop(number) == 0

    assert server.log == ""
    assert not postgres.runs(data_dir(server))
    with pytest.raises(ConnectionRefusedError):
        server.request("GET", "/livez")


def test_ctrl_c_reaches_the_workers_too_and_stops_everything_quietly(server):
    os.killpg(server.process.pid, signal.SIGINT)

    assert server.wait() == 0
    assert server.log == ""


def test_after_kill_minus_nine_it_starts_again_on_the_same_port(server):
    server.stop(signal.SIGKILL)

    server.start()

    assert pasted(server.curl) == NO_USERS


def test_after_kill_minus_nine_of_everything_it_starts_again(server):
    postmaster = postgres.postmaster_pid(data_dir(server))
    server.kill()
    os.kill(postmaster, signal.SIGKILL)

    server.start()

    assert pasted(server.curl) == NO_USERS


def wait_until_ready(server):
    """Return when it is: a probe is answered within a second, in which a busy machine may not be ready."""
    wait_until(lambda: server.request("GET", "/readyz").status == 200, "it was ready")


def test_without_its_database_it_answers_503_and_recovers_by_itself(server):
    os.kill(postgres.postmaster_pid(data_dir(server)), signal.SIGKILL)
    wait_until(lambda: postgres.is_gone(data_dir(server)), "PostgreSQL was gone")

    refused = server.scim("GET", "/Users")
    assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
    assert refused.headers["Content-Type"] == "application/scim+json"
    assert refused.json["status"] == "503"
    assert server.request("GET", "/readyz").status == 503
    assert server.request("GET", "/livez").status == 200

    with embedded.running(data_dir(server)):
        wait_until_ready(server)
        assert [server.scim("GET", "/Users").status for _ in range(9)] == [200] * 9


def test_a_token_minted_meanwhile_stands_alone_on_standard_output(server):
    minted = server.manage("mint_token", "demo0-qa", "--label", "Entra", "--days", "3")

    [value] = minted.stdout.splitlines()
    assert value.startswith("mypscim_")
    assert value != server.token
    wait_until_ready(server)


def test_a_busy_port_is_said_before_anything_else_is_done(server):
    with new_server(embedded=True, PORT=str(server.port)) as second:
        refused = second.manage("up")

        assert refused.returncode == 1
        assert f"Port {server.port} cannot be had: in use." in refused.stderr
        assert not (data_dir(second) / "postgres").exists()


def test_no_log_line_holds_a_token_a_query_string_or_a_body(server):
    body = '{"userName": "secret-name", "externalId": "secret-id"}'

    server.scim("GET", "/Users?filter=userName+eq+%22secret-filter%22")
    server.scim("POST", "/Users", body)
    server.request("GET", "/admin/?next=secret-next")
    server.stop()

    lines = [json.loads(line) for line in server.log.splitlines()]
    requests = [line for line in lines if line["message"] == "request"]
    assert [(line["method"], line["path"], line["status"]) for line in requests] == [
        ("GET", "/scim/Users", 200),
        ("POST", "/scim/Users", 400),
        ("GET", "/admin/", 302),
    ]
    assert "secret" not in server.log
    assert server.token not in server.log


def test_settings_that_cannot_be_are_refused_in_one_line():
    with new_server(embedded=True) as server:
        for name, value in {
            "PORT": "http",
            "DATABASE_URL": "mysql://h/d",
            "LOG_LEVEL": "x",
        }.items():
            server.environment |= {"PORT": str(free_port()), "DATABASE_URL": "", name: value}

            refused = server.manage("up")

            assert refused.returncode == 1
            assert refused.stderr.startswith(f"{name} must ")
            assert refused.stderr.count("\n") == 1


def test_it_listens_where_bind_says():
    with new_server(embedded=True, BIND="::") as server:
        server.start()

        assert f":{server.port}:[::1]" in server.curl
        assert pasted(server.curl) == NO_USERS


def test_with_database_url_it_uses_that_server():
    with new_server(embedded=True) as other, embedded.running(data_dir(other), fsync=False):
        url = f"postgresql://mypolicies@/mypolicies?host={database.socket_dir(data_dir(other))}"
        with new_server(embedded=True, DATABASE_URL=url) as server:
            server.start()

            assert pasted(server.curl) == NO_USERS
            assert server.stop() == 0
            assert not (data_dir(server) / "postgres").exists()
        assert postgres.runs(data_dir(other))
