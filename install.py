"""`python3 install.py runtime|dev|uv|bench|audit`: the packages of a lock in an environment, whole or not at all.

For `make`, on machines with a bare Python: the standard library only, and any Python 3 can read this
far enough to be told which one is needed. The environment is made aside and put in place when it is
whole; its stamp says of which locks, of which Python and where it is, so that a later run does nothing,
repairs what was interrupted, and makes it anew where the clone was moved or Python replaced.

The packages come from where the machine's own uv or pip is configured to look, and each has to have
a hash of the lock. Without either, Debian's pip is fetched by apt, which checks its signature and needs
no root for that; nothing is installed outside of the environment.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent
NEEDED = (3, 11)
# What is installed, from which lock, into which folder; a dev environment serves as a runtime too.
LOCKS = {
    "runtime": ("requirements.lock", ".venv"),
    "dev": ("requirements-dev.lock", ".venv"),
    "uv": ("requirements-uv.lock", ".venv-uv"),
    "bench": ("requirements-bench.lock", ".venv-bench"),
    "audit": ("requirements-audit.lock", ".venv-audit"),
}
HELD = {
    "runtime": ("runtime",),
    "dev": ("dev", "runtime"),
    "uv": ("uv",),
    "bench": ("bench",),
    "audit": ("audit",),
}
# The system's own list of certificate authorities, where it may be.
AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
# Where distributions keep the pip that new environments get.
WHEELS = Path(sysconfig.get_config_var("WHEEL_PKG_DIR") or "/usr/share/python-wheels")
PIP_PACKAGE = "python3-pip-whl"
# apt asks no longer than a person waits, writes where we are, and translates nothing.
APT = (
    *("-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none"),
    *("-o", "Acquire::http::Timeout=15", "-o", "Acquire::https::Timeout=15"),
)
NO_PIP = (
    "This Python has no pip, and none could be fetched. Install one package, then repeat: "
    "python3-venv on Debian and Ubuntu, python3-pip elsewhere."
)


class NotInstalledError(Exception):
    """The message is for the person at the terminal."""


def main(kind: str) -> None:
    """Have the environment of that kind whole."""
    prefer_newer_python()
    _, folder = LOCKS[kind]
    with one_at_a_time(ROOT / (folder + ".lock")):
        if is_whole(kind):
            return
        if kind == "runtime" and (ROOT / folder / "dev.stamp").exists():
            kind = "dev"  # who has the tests' packages keeps them
        say(f"Installing the packages of {LOCKS[kind][0]} into {folder}, once …")
        build(kind)


def prefer_newer_python() -> None:
    """Go on in a newer Python of this machine where this one is too old, or say what is needed."""
    if sys.version_info >= NEEDED:
        return
    for minor in range(20, NEEDED[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            os.execv(newer, [newer, *sys.argv])  # noqa: S606  # a program of the machine's
    found = ".".join(map(str, sys.version_info[:3]))
    raise NotInstalledError(
        f"Python 3.11 or newer is needed, and {sys.executable} is {found}. "
        "Where there is another: make PYTHON=/path/to/python3 …"
    )


@contextlib.contextmanager
def one_at_a_time(lock: Path) -> "Iterator[None]":
    """Of two runs at once the second finds what the first has made."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def is_whole(kind: str) -> bool:
    """True if the environment is there, made of today's lock, for this place and this Python."""
    folder = ROOT / LOCKS[kind][1]
    python = folder / "bin" / "python"
    stamp = folder / f"{kind}.stamp"
    return python.exists() and stamp.exists() and stamp.read_text() == mark(kind, python)


def mark(kind: str, python: Path) -> str:
    """The content of a stamp."""
    digest = hashlib.sha256((ROOT / LOCKS[kind][0]).read_bytes()).hexdigest()
    return f"{digest}\n{python.resolve()}\n{ROOT}\n"


def build(kind: str) -> None:
    """Make the environment aside, then put it in place of the present one."""
    lock, folder = LOCKS[kind]
    place, draft, former = (ROOT / (folder + end) for end in ("", ".new", ".old"))
    for left in (draft, former):
        remove(left)
    try:
        run([sys.executable, "-m", "venv", "--without-pip", "--prompt", folder, str(draft)])
        fill(draft, ROOT / lock)
        settle(draft, place)
        for each in HELD[kind]:
            (draft / f"{each}.stamp").write_text(mark(each, draft / "bin" / "python"))
    except BaseException:
        remove(draft)
        raise
    if os.path.lexists(str(place)):
        place.rename(former)
    draft.rename(place)
    remove(former)


def fill(environment: Path, lock: Path) -> None:
    """Install what the lock lists; Raises NotInstalledError."""
    python = str(environment / "bin" / "python")
    locked = ["--require-hashes", "-r", str(lock)]
    by_pip = ["install", "-qq", *locked]  # errors, but no warnings
    with tempfile.TemporaryDirectory() as scratch:
        uv = shutil.which("uv")
        if uv:
            run([uv, "pip", "install", "--quiet", "--python", python, *locked])
        elif find_spec("pip"):
            run([sys.executable, "-m", "pip", "--python", python, *by_pip])
        else:
            wheel = present_wheel() or fetched_wheel(Path(scratch))
            if wheel is None:
                raise NotInstalledError(NO_PIP)
            run([python, f"{wheel}/pip", *by_pip])


def present_wheel() -> "Path | None":
    """The pip that the system keeps for new environments: ensurepip's, or the distribution's."""
    ensurepip = find_spec("ensurepip")
    bundled = Path(ensurepip.origin).parent / "_bundled" if ensurepip and ensurepip.origin else None
    for folder in (bundled, WHEELS):
        found = sorted(folder.glob("pip-*.whl")) if folder else []
        if found:
            return found[-1]
    return None


def fetched_wheel(scratch: Path) -> "Path | None":
    """Debian's pip, from where apt is configured to look; None where there is no apt, or no answer."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return None
    say(f"This Python has no pip: fetching Debian's {PIP_PACKAGE}, for this installation only …")
    lists = scratch / "lists"
    (lists / "partial").mkdir(parents=True)
    own = (*APT, "-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={scratch / 'cache'}")
    download = ("download", PIP_PACKAGE)
    # The machine's own list of packages may be missing or old.
    attempts = ([(*APT, *download)], [(*own, "update"), (*own, *download)])
    for commands in attempts:
        if all(quietly(["apt-get", *command], scratch) for command in commands):
            break
    for package in scratch.glob("*.deb"):
        quietly(["dpkg-deb", "-x", package.name, "unpacked"], scratch)
    return next(iter((scratch / "unpacked").rglob("pip-*.whl")), None)


def settle(draft: Path, place: Path) -> None:
    """Write the place that the environment will have into its programs."""
    for file in [*(draft / "bin").iterdir(), draft / "pyvenv.cfg"]:
        if file.is_symlink() or not file.is_file():
            continue
        content = file.read_bytes()
        if b"\0" not in content and str(draft).encode() in content:
            file.write_bytes(content.replace(str(draft).encode(), str(place).encode()))


def remove(folder: Path) -> None:
    """Remove a folder, or the link to one."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(str(folder))


def run(command: "list[str]") -> None:
    """Run a program whose output the person sees. Raises NotInstalledError."""
    if subprocess.run(command, check=False, env=variables()).returncode:
        raise NotInstalledError(
            "The packages could not be installed; nothing was changed. Repeat the command when the "
            "reason above is out of the way."
        )


def quietly(command: "list[str]", folder: Path) -> bool:
    """True if the program, which works in that folder, succeeded."""
    silent = subprocess.DEVNULL
    done = subprocess.run(command, check=False, cwd=str(folder), stdout=silent, stderr=silent)
    return done.returncode == 0


def variables() -> "dict[str, str]":
    """The environment of uv and pip: the system's certificates count, whatever a proxy's are."""
    chosen = {
        # uv brings a list of its own; one name for it is newer than the other.
        "UV_SYSTEM_CERTS": "true",
        "UV_NATIVE_TLS": "true",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    authorities = next(filter(os.path.exists, AUTHORITIES), None)
    if authorities:
        chosen["REQUESTS_CA_BUNDLE"] = authorities  # gives way to pip's own `cert`
    return {**chosen, **os.environ, "PIP_USER": "0"}


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201  # for the person at the terminal


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except NotInstalledError as reason:
        sys.exit(str(reason))
    except KeyboardInterrupt:
        sys.exit(130)
