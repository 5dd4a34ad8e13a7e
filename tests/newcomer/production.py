"""`.venv/bin/python -m tests.newcomer.production`: docs/operations.md to the letter, on a Debian that has booted.

As root, with debootstrap. The section "First deployment" is followed line by line as somebody who may use
sudo, from the installation of packages to the request through nginx, with systemd's own units. Then the
repository gets a commit with migrations, and "Upgrading" is followed under load, forth and back again. Of
the load no request may fail. Then a tenant is removed, and comes back by the lines of "Backups". The document's lines are run as they are; what a person types, passwords and
settings, is typed for them. Package sources are reached as this machine does: `--copy /etc/pip.conf`.
"""

import argparse
import json
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.newcomer.__main__ import REPOSITORY, say, timed
from tests.newcomer.machine import OPERATOR, PATH, Machine, booted, bootstrap

DOCUMENT: Final = REPOSITORY / "docs" / "operations.md"
DOMAIN: Final = "mypolicies.example"
HOSTS: Final = (f"acme.{DOMAIN}", f"admin.{DOMAIN}")
ORIGIN: Final = "/srv/origin.git"
SERVICES: Final = ("mypolicies", "mypolicies-events", "mypolicies-jobs", "nginx", "postgresql")
OWNERS, SERVING = "owner-of-tables", "who-serves"
STAFF: Final = "correct horse battery staple"
# What somebody types into the editor that sudoedit opens.
EDITOR: Final = f"""#!/bin/sh
case $1 in
*recovery*) sed -i "s/^recovery_target_time.*/recovery_target_time = '$MOMENT'/" "$1" ;;
*owner*) sed -i 's/PASSWORD/{OWNERS}/' "$1" ;;
*) sed -i -e 's/PASSWORD/{SERVING}/' -e 's/^SECRET_KEY=.*/SECRET_KEY={secrets.token_urlsafe(50)}/' \\
    -e 's/^EMAIL_HOST=/#&/' "$1" ;;
esac
"""
TYPED: Final = {
    r"createuser --pwprompt mypolicies$": f"{OWNERS}\n{OWNERS}\n",
    r"createuser --pwprompt mypolicies_serving$": f"{SERVING}\n{SERVING}\n",
    r"account create-staff": f"{STAFF}\n",
}
# Package sources and indexes are outside.
_OUTSIDE: Final = re.compile(r"apt-get|make install")
_CERTIFICATE: Final = (
    *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"),
    *("-subj", f"/CN=*.{DOMAIN}", "-addext", f"subjectAltName=DNS:*.{DOMAIN}"),
    *("-keyout", f"/etc/ssl/private/{DOMAIN}.key", "-out", f"/etc/ssl/{DOMAIN}.pem"),
)
_ARCHIVED: Final = "/var/lib/mypolicies/acme.zip"
_LOOK_UP: Final = (
    f'curl --fail -H "Authorization: Bearer $TOKEN" "https://{HOSTS[0]}/scim/Users?count=1"'
)
# A release after this one: columns, indexes and a table, in the registry and in each tenant.
_MIGRATION: Final = """\
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("{app}", "{last}")]
    operations = [migrations.RunSQL(sql) for sql in {statements!r}]
"""
_STATEMENTS: Final = {
    "scim": (
        "ALTER TABLE scim_resource ADD COLUMN next_release text DEFAULT 'none' NOT NULL",
        "CREATE INDEX scim_resource_next_release ON scim_resource (next_release)",
        "ALTER TABLE scim_provisioningevent ADD COLUMN next_release text",
        "CREATE TABLE scim_next_release (id bigint PRIMARY KEY)",
    ),
    "accounts": ("ALTER TABLE accounts_secrettoken ADD COLUMN next_release text",),
    "tenants": ("ALTER TABLE tenants_tenant ADD COLUMN next_release text",),
}


def lines_of(section: str, text: str) -> list[str]:
    """The lines to type in a section of the document, those of a heredoc or continued ones together.

    Blocks of lines that begin with `.venv/bin` are for machines without systemd.
    """
    [part] = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    typed: list[str] = []
    for kind, block in re.findall(r"^```(console|sh)\n(.*?)^```", part, re.MULTILINE | re.DOTALL):
        if kind == "console":
            typed += [line[2:] for line in block.splitlines() if line.startswith("$ ")]
        elif not block.startswith(".venv/bin/"):
            typed += block.splitlines()
    return typed


@dataclass
class Person:
    """The person who follows the document, with their folder and what was printed that is needed later."""

    machine: Machine
    folder: str = f"/home/{OPERATOR}"
    variables: dict[str, str] = field(default_factory=dict)

    def follow(self, lines: list[str]) -> None:
        """Type the lines. Raises AssertionError at the first one that fails."""
        for line in lines:
            timed(f"$ {line}", lambda: self._type(line))  # noqa: B023  # called at once

    def _type(self, line: str) -> None:
        if line.startswith("cd "):
            self.folder = line.removeprefix("cd ")
            return
        environment = {
            "PATH": PATH,
            "HOME": f"/home/{OPERATOR}",
            "SUDO_EDITOR": "/usr/local/bin/typing",
            "CURL_CA_BUNDLE": f"/etc/ssl/{DOMAIN}.pem",
            **self.variables,
        }
        given = (f"{name}={value}" for name, value in environment.items())
        shell = ("setpriv", f"--reuid={OPERATOR}", f"--regid={OPERATOR}", "--init-groups")
        inside = ("bash", "-c", f"cd {self.folder} && {line}")
        outside = bool(_OUTSIDE.search(line))
        command = self.machine.command("env", "-i", *given, *shell, *inside, reaches_out=outside)
        typed = next((text for found, text in TYPED.items() if re.search(found, line)), "")
        done = subprocess.run(
            command,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )
        good = {0, 1} if line.endswith("doctor") else {0}  # 1 for warnings
        assert done.returncode in good, f"{line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        if "token mint" in line:
            self.variables["TOKEN"] = done.stdout.strip()
        elif "curl" in line or "check " in line:
            say((done.stdout + done.stderr).strip()[:600])


def prepare(machine: Machine) -> None:
    """Provide the repository, names, a certificate and an editor, which the document takes for granted."""
    origin = machine.root / ORIGIN.lstrip("/")
    subprocess.run(["git", "clone", "-q", "--bare", str(REPOSITORY), str(origin)], check=True)
    with (machine.root / "etc/hosts").open("a") as hosts:
        hosts.write(f"127.0.0.1 {' '.join(HOSTS)}\n")
    typing = machine.root / "usr/local/bin/typing"
    typing.write_text(EDITOR)
    typing.chmod(0o755)
    machine.run(*_CERTIFICATE)


def release(machine: Machine) -> None:
    """Push a commit with migrations to the repository."""
    work = machine.root / "srv/work"
    git = ("git", "-C", str(work), "-c", "user.name=n", "-c", "user.email=n@example.com")
    origin = machine.root / ORIGIN.lstrip("/")
    subprocess.run(["git", "clone", "-q", str(origin), str(work)], check=True)
    for app, statements in _STATEMENTS.items():
        folder = work / app / "migrations"
        last = max(folder.glob("0*.py")).stem
        text = _MIGRATION.format(app=app, last=last, statements=statements)
        (folder / "9001_next_release.py").write_text(text)
    for command in (("add", "-A"), ("commit", "-qm", "The next release."), ("push", "-q")):
        subprocess.run([*git, *command], check=True)


def examine(machine: Machine) -> None:
    """All services run, the timers' ones end well, and the doctor finds nothing critical."""
    machine.run("systemctl", "is-active", *(f"{name}.service" for name in SERVICES))
    for name in ("mypolicies-warnings", "mypolicies-sessions"):
        machine.run("systemctl", "start", f"{name}.service")
    failed = machine.run("systemctl", "--failed", "--plain", "--no-legend")
    assert not failed.strip(), failed
    found = subprocess.run(
        machine.command("/srv/mypolicies-scim/deploy/manage", "doctor"),
        capture_output=True,
        text=True,
        check=False,
    )
    say(found.stdout.strip() + found.stderr.strip())
    assert found.returncode < 2, found.returncode


@contextmanager
def under_load(machine: Machine, token: str) -> Iterator[dict[str, Any]]:
    """Clients write meanwhile; afterwards the answers they have met are in the dictionary."""
    load = subprocess.Popen(
        [
            *("nsenter", "--target", str(machine.process), "--net"),
            *(sys.executable, "-m", "tests.newcomer.load", HOSTS[0]),
        ],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    met: dict[str, Any] = {}
    assert load.stdin
    load.stdin.write(f"{token}\n")
    load.stdin.flush()
    try:
        yield met
    finally:
        printed, _ = load.communicate()
        met |= json.loads(printed)


def change(person: Person, what: str, lines: list[str]) -> None:
    """Follow the lines under load. Raises AssertionError if a request failed or the server stayed."""
    machine = person.machine
    former = machine.run("systemctl", "show", "-P", "MainPID", "mypolicies")
    with under_load(machine, person.variables["TOKEN"]) as met:
        person.follow(lines)
        for _ in range(100):
            if machine.run("systemctl", "show", "-P", "MainPID", "mypolicies") != former:
                break
            machine.run("sleep", "0.2")
        else:
            raise AssertionError(f"{what}: the server was not replaced.")
        machine.run("sleep", "2")
    say(f"{what} under load: {met}")
    assert set(met["answers"]) <= {"200", "201", "204"}, met


@contextmanager
def explained(machine: Machine) -> Iterator[None]:
    """Tell what the services have logged last, if something inside fails."""
    try:
        yield
    except AssertionError:
        lines = machine.run("journalctl", "--no-pager", "-n", "2000", "-o", "short").splitlines()
        say("\n".join([line for line in lines if '"message": "request"' not in line][-60:]))
        raise


def recover(person: Person, lines: list[str]) -> None:
    """Back up, remove the tenant by mistake, and go back to the moment before. Raises AssertionError."""
    machine = person.machine
    at = next(index for index, line in enumerate(lines) if "stop mypolicies" in line)
    person.follow(lines[:at])
    moment = machine.run("sudo", "-u", "postgres", "psql", "-Atc", "SELECT now()").strip()
    person.variables["MOMENT"] = moment
    machine.run("/srv/mypolicies-scim/deploy/manage", "tenant", "archive", "acme", _ARCHIVED)
    machine.run("sudo", "-u", "postgres", "psql", "-Atc", "SELECT pg_switch_wal()")
    person.follow(lines[at:])
    person.follow([_LOOK_UP])


def main() -> None:
    """The exit status tells whether all went well."""
    parser = argparse.ArgumentParser(prog="python -m tests.newcomer.production")
    parser.add_argument("--suite", default="bookworm")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp/mypolicies-newcomer"))  # noqa: S108
    parser.add_argument("--copy", action="append", default=[], metavar="FILE")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    pristine = arguments.folder / f"{arguments.suite}-machine"
    if not pristine.exists():
        timed("debootstrap", lambda: bootstrap(arguments.suite, pristine))
    text = DOCUMENT.read_text().replace("REPOSITORY", ORIGIN)
    upgrading = lines_of("Upgrading", text)
    forth = upgrading[: next(at for at, line in enumerate(upgrading) if "ORIG_HEAD" in line)]
    try:
        with booted(pristine, arguments.copy) as machine, explained(machine):
            prepare(machine)
            person = Person(machine)
            person.follow(lines_of("First deployment", text))
            examine(machine)
            release(machine)
            change(person, "The upgrade", forth)
            examine(machine)
            change(person, "The way back", upgrading[len(forth) :])
            examine(machine)
            recover(person, lines_of("Backups", text))
            examine(machine)
    except AssertionError as error:
        say(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
