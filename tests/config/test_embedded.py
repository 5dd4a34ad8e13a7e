"""The embedded PostgreSQL starts whatever a killed one has left behind, and harms no other process."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from config import embedded
from tests.support import postgres

USE_IT = """
import sys
from pathlib import Path
from config import embedded
with embedded.running(Path(sys.argv[1]), fsync=False):
    print("runs", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def data_dir():
    """One that PostgreSQL may enter even as another user, unlike pytest's `tmp_path`."""
    folder = Path(tempfile.mkdtemp(prefix="mypolicies-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def use(data_dir):
    """`use()` starts a process that uses the server until it is let go."""
    started = []

    def start(folder=data_dir):
        process = subprocess.Popen(
            [sys.executable, "-c", USE_IT, str(folder)],
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.communicate()


def ask(data_dir, question):
    host = embedded.socket_dir(data_dir)
    with psycopg.connect(host=host, user=embedded.ROLE, dbname=embedded.DATABASE) as connection:
        return connection.execute(question).fetchone()


def test_first_starts_at_once_make_one_server_and_the_last_user_stops_it(data_dir, use):
    users = [use() for _ in range(3)]
    with ThreadPoolExecutor() as pool:
        assert list(pool.map(lambda user: user.stdout.readline(), users)) == ["runs\n"] * 3

    for user in users[:2]:
        user.communicate()
    assert postgres.runs(data_dir)

    users[2].communicate()
    assert not postgres.runs(data_dir)


def test_its_role_owns_the_database_and_is_no_superuser(data_dir):
    with embedded.running(data_dir, fsync=False):
        role = "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = user"
        assert ask(data_dir, role) == (False, False, True)
        assert ask(data_dir, "SHOW timezone") == ("UTC",)
        assert ask(data_dir, "SHOW server_encoding") == ("UTF8",)


def test_it_listens_on_a_socket_only_that_no_other_user_may_reach(data_dir):
    with embedded.running(data_dir, fsync=False):
        assert ask(data_dir, "SHOW listen_addresses") == ("",)
        assert Path(embedded.socket_dir(data_dir)).stat().st_mode & 0o777 == 0o700


def test_its_log_keeps_neither_statements_nor_rows(data_dir):
    with embedded.running(data_dir, fsync=False), pytest.raises(psycopg.Error):
        ask(data_dir, "SELECT 'tara@acme.example'::int")

    log = (data_dir / "postgres" / "log").read_text()
    assert "STATEMENT" not in log
    assert "DETAIL" not in log


def test_a_user_that_was_killed_counts_no_longer(data_dir, use):
    killed = use()
    assert killed.stdout.readline() == "runs\n"
    killed.kill()
    killed.wait()

    with embedded.running(data_dir, fsync=False):
        assert postgres.runs(data_dir)

    assert not postgres.runs(data_dir)


def test_it_starts_again_after_its_postmaster_was_killed(data_dir, use):
    user = use()
    assert user.stdout.readline() == "runs\n"
    os.kill(postgres.postmaster_pid(data_dir), signal.SIGKILL)

    with embedded.running(data_dir, fsync=False):
        assert ask(data_dir, "SELECT 1") == (1,)


@pytest.mark.parametrize(
    "left", ["{pid}\n", "{pid}\n{data}\n1\n5432\n{sockets}\n\n1 2\nready\n", ""]
)
def test_a_process_that_got_a_dead_servers_id_is_left_alone(data_dir, left):
    """The package's own starter took it for the server, and ended it afterwards."""
    cluster = embedded.cluster(data_dir)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as innocent:
        with embedded.running(data_dir, fsync=False):
            pass
        text = left.format(pid=innocent.pid, data=cluster.data, sockets=cluster.sockets)
        (cluster.data / "postmaster.pid").write_text(text)

        with embedded.running(data_dir, fsync=False):
            assert ask(data_dir, "SELECT 1") == (1,)

        assert innocent.poll() is None


def test_a_first_start_that_was_killed_half_way_is_begun_anew():
    folder = Path(tempfile.mkdtemp(prefix="mypolicies-tests-"))
    folder.chmod(0o711)
    try:
        half_made = embedded.cluster(folder).home / "data.new" / "base"
        half_made.mkdir(parents=True)

        with embedded.running(folder, fsync=False):
            assert ask(folder, "SELECT 1") == (1,)
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("reached", ["data.new", "data/PG_VERSION", "data/postmaster.pid"])
def test_of_a_start_that_outlives_its_starter_comes_one_server(reached, use):
    """Two servers on one data directory would destroy it."""
    folder = Path(tempfile.mkdtemp(prefix="mypolicies-tests-"))
    folder.chmod(0o711)
    try:
        starter = use(folder)
        postgres.wait_until((folder / "postgres" / reached).exists, f"{reached} is there")
        starter.kill()
        starter.communicate()

        with embedded.running(folder, fsync=False):
            assert ask(folder, "SELECT 1") == (1,)
        assert (folder / "postgres" / "log").read_text().count("starting PostgreSQL") == 1
    finally:
        shutil.rmtree(folder)


def test_a_path_that_is_too_long_or_ambiguous_for_a_socket_gets_a_short_one(data_dir):
    for name in ("x" * 100, "a,b", 'a"b'):
        sockets = embedded.socket_dir(data_dir / name)

        assert sockets.startswith("/tmp/mypolicies-")  # noqa: S108
        assert len(sockets) < 90


def test_one_folder_is_one_cluster_by_whatever_name_it_is_reached(data_dir, tmp_path):
    (tmp_path / "link").symlink_to(data_dir)

    assert embedded.cluster(tmp_path / "link") == embedded.cluster(data_dir)


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root runs it as another user.")
def test_root_keeps_data_elsewhere_when_the_folder_is_closed_to_others():
    closed = Path(tempfile.mkdtemp(prefix="mypolicies-tests-"))

    home = embedded.cluster(closed / "data").home

    assert home.parent == Path("/var/tmp")  # noqa: S108
    assert closed.stat().st_mode & 0o777 == 0o700
    closed.rmdir()
