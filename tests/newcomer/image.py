"""`.venv/bin/python -m tests.newcomer.image`: the steps of deploy/Dockerfile in minimal roots of Debian.

As root, with debootstrap, where no registry of images is reached. Of the Dockerfile's instructions those are
understood that it uses; each stage gets a root of its own. Then the last stage's command is started as its
user, against a PostgreSQL that nobody answers for: it has to say so and to answer `/livez`.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.newcomer.__main__ import COPIED, REPOSITORY, mounted, say, timed
from tests.support.ports import free_port
from tests.support.waiting import wait_until

DOCKERFILE: Final = REPOSITORY / "deploy" / "Dockerfile"
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Stage:
    """A root with the state that the instructions so far have left."""

    root: Path
    folder: str = "/"
    user: str = "root"
    variables: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)

    def run(self, command: list[str], **variables: str) -> "subprocess.Popen[bytes]":
        """A process in the root, as its user and in its folder."""
        line = ["chroot", f"--userspec={self.user}:{self.user}", str(self.root)]
        inside = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', self.folder, *command]
        environment = {"PATH": _PATH, "HOME": "/", **self.variables, **variables}
        return subprocess.Popen([*line, *inside], env=environment, stdin=subprocess.DEVNULL)

    def inside(self, place: str) -> Path:
        return self.root / os.path.join(self.folder, place).lstrip("/")  # noqa: PTH118  # a path of the root


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile with their arguments, comments left out and lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    split = (line.split(None, 1) for line in joined.splitlines() if line.strip())
    return [(word.upper(), rest.strip()) for word, rest in split]


class Build:
    """The stages of one Dockerfile, made one after another."""

    def __init__(self, folder: Path, copied: list[str]) -> None:
        self._folder = folder
        self._copied = copied
        self._stages: dict[str, Stage] = {}
        self.stage = Stage(folder)

    def follow(self, word: str, rest: str) -> None:
        """Do what one instruction says. Raises AssertionError for one that fails or is unknown."""
        match word:
            case "FROM":
                self._begin(*rest.split())
            case "RUN":
                self._give_access()
                status = self.stage.run(["/bin/sh", "-c", rest]).wait()
                assert status == 0, f"RUN {rest} ended with {status}"
            case "COPY":
                self._copy(rest)
            case "WORKDIR":
                self.stage.folder = rest
                self.stage.inside(".").mkdir(parents=True, exist_ok=True)
            case "ENV":
                name, value = rest.split("=", 1)
                self.stage.variables[name] = value
            case "USER":
                self.stage.user = rest
            case "CMD":
                self.stage.command = json.loads(rest)
            case "EXPOSE":
                pass
            case _:
                raise AssertionError(f"{word} is not understood here.")

    def _begin(self, image: str, _as: str = "AS", name: str = "last") -> None:
        distribution, _, tag = image.partition(":")
        assert distribution == "debian", f"{image} is not Debian's."
        suite = tag.removesuffix("-slim")
        pristine = self._folder / f"{suite}-image"
        if not pristine.exists():
            command = ["debootstrap", "--variant=minbase", suite, str(pristine)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        root = self._folder / f"{suite}-image-{name}"
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run(["cp", "-a", str(pristine), str(root)], check=True)
        kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        self.stage = self._stages[name] = Stage(root, variables=kept)

    def _give_access(self) -> None:
        """Have the root reach package sources as this machine does: names, certificates, settings."""
        for file in (*COPIED, *self._copied):
            place = self.stage.root / file.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            shutil.copy(file, place)

    def _copy(self, rest: str) -> None:
        *words, target = rest.split()
        source = REPOSITORY
        if words[0].startswith("--from="):
            source = self._stages[words.pop(0).removeprefix("--from=")].root
        for word in words:
            place = source / word.lstrip("/")
            goal = self.stage.inside(target)
            if place.is_dir():
                ignored = shutil.ignore_patterns("__pycache__") if source == REPOSITORY else None
                shutil.copytree(place, goal, symlinks=True, dirs_exist_ok=True, ignore=ignored)
            else:
                goal = goal / place.name if target.endswith("/") or goal.is_dir() else goal
                shutil.copy(place, goal)


def serves(stage: Stage) -> bool:
    """True once the last stage's command answers /livez in its root, though no database is there."""
    port = free_port()
    settings = {
        "PORT": str(port),
        "BASE_DOMAIN": "mypolicies.example",
        "SECRET_KEY": "a key of fifty letters that signs sessions, made up here",
        "DATABASE_URL": "postgresql://mypolicies@127.0.0.1:1/mypolicies",
    }
    process = stage.run(stage.command, **settings)
    ask = ["curl", "-sf", "-o", "/dev/null", f"http://127.0.0.1:{port}/livez"]
    try:
        wait_until(lambda: subprocess.run(ask, check=False).returncode == 0, "/livez answered")
    finally:
        process.terminate()
        process.wait()
    return True


def main() -> None:
    """Build and start; the exit status tells whether all went well."""
    parser = argparse.ArgumentParser(prog="python -m tests.newcomer.image")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp/mypolicies-newcomer"))  # noqa: S108
    parser.add_argument("--copy", action="append", default=[], metavar="FILE")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    build = Build(arguments.folder, arguments.copy)
    try:
        for word, rest in instructions(DOCKERFILE.read_text()):
            if word == "RUN":
                with mounted(build.stage.root):
                    timed(f"{word} {rest[:60]}", lambda: build.follow(word, rest))  # noqa: B023
            else:
                build.follow(word, rest)
        with mounted(build.stage.root):
            timed("the server answers", lambda: serves(build.stage))
        size = subprocess.run(
            ["du", "-sm", str(build.stage.root)], capture_output=True, text=True, check=True
        )
        say(f"user {build.stage.user}, {size.stdout.split()[0]} MB in all")
    except AssertionError as error:
        say(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
