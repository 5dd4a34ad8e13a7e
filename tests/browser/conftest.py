"""A server of its own, as `manage.py up` starts it, on a database of its own; and Chromium."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from playwright.sync_api import sync_playwright
from psycopg import sql

STARTED_WITHIN = 120  # seconds; the first start makes a database
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
]


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens, and the staff account that it was started with."""

    port: int
    staff_email: str
    staff_password: str

    def url(self, custom_domain, path="/"):
        return f"http://{custom_domain}.mypolicies.localhost:{self.port}{path}"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("browser")
    made = Server(_free_port(), "olaf@mypolicies.example", "correct horse battery staple")
    url, remove = _own_database()
    environment = os.environ | {
        "BASE_DOMAIN": "mypolicies.localhost",
        "DATABASE_URL": url,
        "DATA_DIR": str(data_dir),
        "PORT": str(made.port),
        "STAFF_EMAIL": made.staff_email,
        "STAFF_PASSWORD": made.staff_password,
    }
    log = data_dir / "up.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(made.port, process, log)
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        remove()


@pytest.fixture(scope="module")
def chromium():
    """Chromium, closed after the module: while it is open Django believes to be in a coroutine."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Opens a window without cookies; one that meets a script error fails its test."""
    contexts, errors = [], []

    def new_page():
        context = chromium.new_context()
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield new_page
    for context in contexts:
        context.close()
    assert errors == []


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _own_database():
    """The URL of a new database beside the configured one, and what removes it.

    Without DATABASE_URL the server starts an embedded PostgreSQL in its own DATA_DIR.
    """
    if not settings.DATABASE_URL:
        return "", lambda: None
    name = f"browser_{os.getpid()}"
    parts = urlsplit(settings.DATABASE_URL)

    def execute(statement):
        with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))

    execute("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    execute("CREATE DATABASE {}")
    return urlunsplit(parts._replace(path=f"/{name}")), lambda: execute(
        "DROP DATABASE {} WITH (FORCE)"
    )


def _wait(port, process, log):
    until = time.monotonic() + STARTED_WITHIN
    while process.poll() is None and time.monotonic() < until:
        if _is_ready(port):
            return
        time.sleep(0.1)  # nothing tells when another process listens
    pytest.fail(f"The server did not start:\n{log.read_text()}")


def _is_ready(port):
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
