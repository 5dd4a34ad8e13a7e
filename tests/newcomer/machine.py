"""A minimal Debian that has booted: systemd in namespaces of its own, on a root made by debootstrap."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.newcomer.__main__ import COPIED
from tests.support.waiting import wait_until

# What a server has before anything of ours: somebody may use sudo, and it starts services.
PACKAGES: Final = "systemd,systemd-sysv,dbus,sudo,ca-certificates,openssl"
OPERATOR: Final = "operator-of-it"
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NAMESPACES: Final = ("--mount", "--pid", "--uts", "--ipc", "--cgroup", "--net")
_BOOT: Final = """
set -e
ip link set lo up
mount --bind "$0" "$0"
mount -t proc proc "$0/proc"
mount -t sysfs sysfs "$0/sys"
mount -t cgroup2 cgroup2 "$0/sys/fs/cgroup"
mount --rbind /dev "$0/dev"
mount -t tmpfs -o mode=755 tmpfs "$0/run"
mount -t tmpfs tmpfs "$0/tmp"
mkdir -p "$0/former"
cd "$0"
pivot_root . former
umount -l /former
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
"""


@dataclass(frozen=True)
class Machine:
    """A machine that runs; `process` is its init."""

    root: Path
    process: int

    def command(self, *command: str, reaches_out: bool = False) -> list[str]:
        """The command line that runs a command there; with this machine's network if it reaches out."""
        kinds = ["--mount", "--pid", "--uts", "--ipc", "--cgroup"]
        kinds += [] if reaches_out else ["--net"]
        return ["nsenter", "--target", str(self.process), *kinds, *command]

    def run(self, *command: str) -> str:
        """The output of a command of root's that has to work."""
        done = subprocess.run(
            self.command("env", "-i", f"PATH={PATH}", *command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout


def bootstrap(suite: str, root: Path) -> None:
    """A minimal Debian with systemd and somebody who may use sudo, whole or not at all."""
    draft = root.with_name(f"{root.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", suite, str(draft)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    subprocess.run(["chroot", str(draft), "useradd", "--create-home", OPERATOR], check=True)
    (draft / "etc/sudoers.d/operator").write_text(f"{OPERATOR} ALL=(ALL) NOPASSWD: ALL\n")
    draft.rename(root)


@contextmanager
def booted(pristine: Path, copied: list[str]) -> Iterator[Machine]:
    """A fresh copy of a root, booted with the names and certificates of this machine; ended at the end."""
    root = pristine.with_name(f"{pristine.name}-booted")
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run(["cp", "-a", str(pristine), str(root)], check=True)
    for file in (*COPIED, *copied):
        place = root / file.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        shutil.copy(file, place)
    with _group() as group:
        outer = subprocess.Popen(
            [
                "unshare",
                *_NAMESPACES,
                "--fork",
                "--propagation",
                "private",
                "sh",
                "-c",
                _BOOT,
                root,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: (group / "cgroup.procs").write_text(str(os.getpid())),  # noqa: PLW1509  # this program has one thread
        )
        try:
            wait_until(lambda: bool(_init(outer.pid)), "it was forked")
            machine = Machine(root, _init(outer.pid))
            wait_until(lambda: _is_up(machine), "systemd was ready")
            yield machine
        finally:
            os.kill(_init(outer.pid), signal.SIGKILL)  # and with it all processes of the machine
            outer.wait()
    shutil.rmtree(root)


@contextmanager
def _group() -> Iterator[Path]:
    """A control group of the newest kind for the machine alone."""
    groups = Path("/sys/fs/cgroup")
    own = None
    if not (groups / "cgroup.procs").exists():  # it is of the former kind here
        own = Path("/run/mypolicies-groups")
        own.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "cgroup2", "cgroup2", str(own)], check=True)
    group = (own or groups) / f"mypolicies-{os.getpid()}"
    group.mkdir()
    try:
        yield group
    finally:
        for folder in sorted(group.rglob("*"), reverse=True):
            if folder.is_dir():
                folder.rmdir()
        group.rmdir()
        if own:
            subprocess.run(["umount", str(own)], check=True)


def _init(outer: int) -> int:
    """The process that `unshare` has forked, as this machine counts; 0 before."""
    children = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
    return int(children[0]) if children else 0


def _is_up(machine: Machine) -> bool:
    asked = machine.command("systemctl", "is-system-running")
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip() in {"running", "degraded"}
