"""`python3 -m tests.newcomer [bookworm trixie …]`: a clean clone on minimal Debian, from `make run` on.

As root, with debootstrap. Each suite gets a root of its own with python3, make, git and certificates, and
nothing else of Python's. In fresh copies of it, as root and as a plain user, HEAD is cloned, `make run`
started, the main job done over HTTP, the server stopped, the database seeded, the server started again and
an account of the seed signed in. It prints how long each took. With `--test` the plain user runs `make test` too.

The caller provides access to package sources: `--keep NAME` passes on an environment variable,
`--copy /etc/pip.conf` a file; name resolution and certificates are copied.
"""

import argparse
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from tests.support.ports import free_port

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = "python3,make,git,ca-certificates"
COPIED: Final = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt")
PLAIN: Final = "newcomer"
WITHIN: Final = 900  # seconds, for a start; the first one downloads
TEST_WITHIN: Final = 5_400
HOST: Final = "demo0-qa.mypolicies.localhost"
SEEDED: Final = 20  # people; the log of six weeks is most of the work
SIGN_IN: Final = {"username": "tara@acme.example", "password": "correct horse battery staple"}
USER: Final = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName": "bjensen@demo0-qa.example",
    "externalId": "0f1c40a4-6f1c-40a4-8d0c-4ee4a5c6b6bb",
    "emails": [{"type": "work", "primary": True, "value": "bjensen@demo0-qa.example"}],
}
DISABLE: Final = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "Replace", "path": "active", "value": "False"}],
}


@dataclass(frozen=True)
class Machine:
    """A root that somebody works in, with the environment that a fresh log-in has."""

    root: Path
    person: str
    variables: dict[str, str]

    @property
    def home(self) -> str:
        return "/root" if self.person == "root" else f"/home/{self.person}"

    @property
    def clone(self) -> Path:
        return self.root / self.home.lstrip("/") / "mypolicies-scim"

    def start(self, *command: str, log: Path) -> "subprocess.Popen[bytes]":
        """A process in the clone, in a group of its own as at a terminal."""
        environment = {
            "HOME": self.home,
            "USER": self.person,
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            **self.variables,
        }
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=self._enter,  # noqa: PLW1509  # this program has one thread
            )

    def _enter(self) -> None:
        os.chroot(self.root)
        who = pwd.getpwnam(self.person)
        os.chdir(f"{self.home}/mypolicies-scim")
        os.initgroups(self.person, who.pw_gid)
        os.setgid(who.pw_gid)
        os.setuid(who.pw_uid)


def main() -> None:
    """Try each suite as root and as a plain user; the exit status tells whether all went well."""
    arguments = read_arguments()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    failed = []
    for suite in arguments.suites:
        pristine = arguments.folder / suite
        if not pristine.exists():
            timed(f"{suite}: debootstrap", lambda: bootstrap(suite, pristine))  # noqa: B023  # now
        for person in ("root", PLAIN):
            with machine(pristine, person, arguments) as made:
                try:
                    try_out(f"{suite}, {person}", made, with_tests=arguments.test)
                except (AssertionError, OSError) as error:
                    failed.append(f"{suite}, {person}: {error}")
                    say(failed[-1])
    sys.exit(1 if failed else 0)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m tests.newcomer")
    parser.add_argument("suites", nargs="*", default=["bookworm", "trixie"])
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp/mypolicies-newcomer"))  # noqa: S108
    parser.add_argument("--keep", action="append", default=[], metavar="NAME")
    parser.add_argument("--copy", action="append", default=[], metavar="FILE")
    parser.add_argument("--test", action="store_true", help="run make test as the plain user, too")
    return parser.parse_args()


def bootstrap(suite: str, root: Path) -> None:
    """A minimal Debian, whole or not at all; from where debootstrap finds it."""
    draft = root.with_name(f"{root.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    done = subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", suite, str(draft)],
        check=False,
        stdout=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"debootstrap {suite} failed; {draft}/debootstrap has its log."
    subprocess.run(["chroot", str(draft), "useradd", "--create-home", PLAIN], check=True)
    draft.rename(root)


@contextmanager
def machine(pristine: Path, person: str, arguments: argparse.Namespace) -> Iterator[Machine]:
    """A fresh copy of the root with a clone of HEAD; removed afterwards."""
    root = pristine.with_name(f"{pristine.name}-{person}")
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run(["cp", "-a", str(pristine), str(root)], check=True)
    for file in (*COPIED, *arguments.copy):
        (root / file.lstrip("/")).unlink(missing_ok=True)
        shutil.copy(file, root / file.lstrip("/"))
    kept = {name: os.environ[name] for name in arguments.keep if name in os.environ}
    made = Machine(root, person, kept | {"PORT": str(free_port())})
    subprocess.run(["git", "clone", "-q", str(REPOSITORY), str(made.clone)], check=True)
    subprocess.run(["chroot", str(root), "chown", "-R", f"{person}:", made.home], check=True)
    with mounted(root):
        yield made
    shutil.rmtree(root)


@contextmanager
def mounted(root: Path) -> Iterator[None]:
    places = [root / "proc", root / "dev"]
    subprocess.run(["mount", "-t", "proc", "proc", str(places[0])], check=True)
    subprocess.run(["mount", "--rbind", "/dev", str(places[1])], check=True)
    try:
        yield
    finally:
        for place in places:
            subprocess.run(["umount", "--lazy", str(place)], check=True)


def try_out(name: str, made: Machine, *, with_tests: bool) -> None:
    """The newcomer's way; raises AssertionError where it ends early."""
    for start in ("first", "second"):
        log = made.root / f"{start}.log"
        process = made.start("make", "run", log=log)
        try:
            printed = timed(f"{name}: {start} make run", lambda: wait_for_token(process, log))  # noqa: B023
            timed(f"{name}: main job", lambda: do_main_job(made, printed))  # noqa: B023
            if start == "second":
                timed(f"{name}: sign in", lambda: sign_in(made))
        finally:
            timed(f"{name}: Ctrl-C", lambda: stop(process))  # noqa: B023
        if start == "first":
            timed(f"{name}: make seed, {SEEDED} people", lambda: seed(made))
    left = sorted(each.name for each in made.clone.glob(".venv*"))
    assert left == [".venv", ".venv.lock"], f"there is {left}"
    if with_tests and made.person == PLAIN:
        timed(f"{name}: make test", lambda: run_tests(made))


def wait_for_token(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """The secret token, when the server has printed it and listens."""
    until = time.monotonic() + WITHIN
    while time.monotonic() < until:
        lines = log.read_text(errors="replace").splitlines()
        if any(line.strip().startswith("curl ") for line in lines):
            return next(
                line.split()[2] for line in lines if line.strip().startswith("Secret Token")
            )
        assert process.poll() is None, "make run ended:\n" + "\n".join(lines[-20:])
        time.sleep(0.2)
    raise AssertionError(f"make run took more than {WITHIN} s.")


def do_main_job(made: Machine, token: str) -> None:
    """Test Connection, create, disable, read; and staff's page to sign in."""
    port = int(made.variables["PORT"])

    def ask(method: str, path: str, body: Any = None, host: str = HOST) -> tuple[int, Any]:
        headers = {"Host": f"{host}:{port}", "Content-Type": "application/scim+json"}
        if host == HOST:
            headers["Authorization"] = f"Bearer {token}"
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request(method, path, body and json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        is_scim = "scim" in answer.headers["Content-Type"]
        return answer.status, json.loads(content) if is_scim else content

    status, found = ask("GET", "/scim/Users?filter=userName%20eq%20%22nobody%22")
    assert (status, found["totalResults"]) == (200, 0), found
    name = f"{time.time_ns()}@demo0-qa.example"  # each start has a user of its own
    status, created = ask("POST", "/scim/Users", USER | {"userName": name, "externalId": name})
    assert (status, created["active"]) == (201, True), created
    path = f"/scim/Users/{created['id']}"
    status, disabled = ask("PATCH", path, DISABLE)
    assert (status, disabled["active"]) == (200, False), disabled
    status, read = ask("GET", path)
    assert (status, read["active"], read["userName"]) == (200, False, name), read
    status, page = ask("GET", "/admin/login/", host="admin.mypolicies.localhost")
    assert status == 200, page


def seed(made: Machine) -> None:
    log = made.root / "seed.log"
    status = made.start("make", "seed", f"PEOPLE={SEEDED}", log=log).wait(WITHIN)
    printed = log.read_text(errors="replace")
    assert status == 0, f"make seed failed:\n{printed[-2_000:]}"
    assert SIGN_IN["username"] in printed, printed[-2_000:]
    assert SIGN_IN["password"] in printed, printed[-2_000:]


def sign_in(made: Machine) -> None:
    """The page of an account that the seed has printed."""
    port = int(made.variables["PORT"])
    host = {"Host": f"acme.mypolicies.localhost:{port}"}
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/admin/login/", headers=host)
    page = connection.getresponse()
    form = page.read().decode()
    cookie = (page.headers["Set-Cookie"] or "").partition(";")[0]
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    fields = urlencode(SIGN_IN | {"csrfmiddlewaretoken": token, "next": "/admin/"})
    headers = host | {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/admin/login/", fields, headers)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (302, "/admin/"), answer.status


def stop(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    process.wait(120)


def run_tests(made: Machine) -> None:
    log = made.root / "test.log"
    status = made.start("make", "test", log=log).wait(TEST_WITHIN)
    lines = log.read_text(errors="replace").splitlines()
    assert status == 0, "make test failed:\n" + "\n".join(lines[-40:])
    say(lines[-1])


def timed(what: str, function: Callable[[], Any]) -> Any:
    began = time.monotonic()
    result = function()
    say(f"{what}: {time.monotonic() - began:.1f} s")
    return result


def say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201  # for the person who runs it


if __name__ == "__main__":
    main()
