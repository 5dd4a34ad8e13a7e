"""An installation in production: gunicorn and commands in an environment that holds nothing else.

PostgreSQL is reached by DATABASE_URL, as a role that owns the database and is no superuser.
"""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from config import database
from config.server import embedded
from tests.support.clients import MEDIA_TYPE, Answer
from tests.support.folders import shared_folder
from tests.support.ports import free_port
from tests.support.server import send
from tests.support.waiting import WITHIN, wait_until

BASE_DOMAIN = "mypolicies.example"
SERVE = "gunicorn config.wsgi -c config/gunicorn.py"


class Deployment:
    """The settings of one installation, its gunicorn while it runs, and what that has logged."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: Any = None
        programs = Path(sys.executable).parent
        self.environment = {
            "PATH": f"{programs}:/usr/bin:/bin",
            "DATABASE_URL": database_url,
            "BASE_DOMAIN": BASE_DOMAIN,
            "SECRET_KEY": "a key of fifty letters that signs sessions, made up here",
            "PORT": str(self.port),
            "DATA_DIR": str(folder / "data"),
        }

    @property
    def log(self) -> str:
        """The standard error of gunicorn and its workers."""
        return (self.folder / "log").read_text()

    def run(
        self, line: str, given: str = "", **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """A line of shell; `given` is its standard input."""
        return subprocess.run(
            ["/bin/bash", "-c", line],
            cwd=settings.BASE_DIR,
            env=self.environment | environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )

    def manage(self, line: str, given: str = "") -> str:
        """The standard output of a `manage.py` command that has to work."""
        done = self.run(f"python manage.py {line}", given)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def beside(self, **environment: str) -> Iterator["Deployment"]:
        """A second gunicorn on the same database meanwhile, with other settings."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        second = Deployment(folder, self.environment["DATABASE_URL"])
        second.environment |= environment
        second.start()
        try:
            yield second
        finally:
            second.stop()

    def start(self, line: str = SERVE) -> None:
        """Return when the server answers."""
        self.process = self.open(line, "log")
        wait_until(self._answers, "gunicorn answered")

    def open(self, line: str, log: str) -> "subprocess.Popen[bytes]":
        """The process of a line of shell that goes on; what it writes goes to a file of that name."""
        with (self.folder / log).open("w") as file:
            return subprocess.Popen(
                ["/bin/bash", "-c", f"exec {line}"],
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    def stop(self) -> int:
        """The exit status after SIGTERM; 0 when it was not running."""
        if self.process is None:
            return 0
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        status: int = process.wait(WITHIN)
        return status

    def request(
        self,
        custom_domain: str,
        method: str,
        path: str,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to what a proxy hands on of a request to a tenant's host."""
        host = {"Host": f"{custom_domain}.{BASE_DOMAIN}"}
        return send(self.port, method, path, body, host | dict(headers or {}))

    def scim(
        self, custom_domain: str, token: str, method: str, path: str, body: str | None = None
    ) -> Answer:
        """The answer to a SCIM request with a secret token."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": MEDIA_TYPE}
        return self.request(custom_domain, method, f"/scim{path}", body, headers)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log
        try:
            return self.request("admin", "GET", "/livez").status == 200
        except ConnectionRefusedError:
            return False


@contextmanager
def new_deployment() -> Iterator[Deployment]:
    """An installation on an empty database of its own; stopped and removed at the end."""
    with shared_folder() as folder, embedded.running(folder / "postgresql", fsync=False):
        sockets = database.socket_dir(folder / "postgresql")
        url = f"postgresql://{database.ROLE}@/{database.DATABASE}?host={sockets}"
        deployment = Deployment(folder, url)
        try:
            yield deployment
        finally:
            deployment.stop()
