"""Source trees of the product: this one as it stands, and those of commits, in temporary folders."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from config.environment import ROOT
from tests.support.bench.inprocess import Place

_HARNESS: Final = Path("tests", "support", "bench")
_SHOWN: Final = 2000  # characters of a log


class TreeError(RuntimeError):
    """A program of a tree failed; the message ends with what it has printed."""


@dataclass(frozen=True)
class Tree:
    """A folder with the product, run by this Python."""

    name: str
    folder: Path

    @cached_property
    def digest(self) -> str:
        """The state of what a filled database depends on: migrations, and how it is filled."""
        files = [*self.folder.rglob("migrations/*.py"), self.folder / _HARNESS / "seeding.py"]
        files += [self.folder / _HARNESS / "people.py"]
        state = sha256()
        for file in sorted(files):
            state.update(str(file.relative_to(self.folder)).encode())
            state.update(file.read_bytes())
        return state.hexdigest()[:10]

    def environment(self, database_url: str) -> dict[str, str]:
        """The variables of a process in production on that database."""
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "DATABASE_URL": database_url,
            "BASE_DOMAIN": "mypolicies.example",
            "SECRET_KEY": "a key of fifty letters that signs sessions, made up here",
            "DATA_DIR": str(self.folder / ".data" / "bench" / "tree"),
            "TENANT_RATE": "0",
            "PYTHONDONTWRITEBYTECODE": "" if self.folder == ROOT else "1",
        }

    def manage(self, database_url: str, *arguments: str) -> str:
        """The standard output of a command of `manage.py`. Raises TreeError."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.folder,
            env=self.environment(database_url),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise TreeError(f"manage.py {arguments[0]} failed:\n{done.stderr[-_SHOWN:]}")
        return done.stdout

    @contextmanager
    def worker(self, database_url: str, place: Place) -> Iterator["Worker"]:
        """A process with the application of the tree, on that database."""
        environment = self.environment(database_url) | {"BENCH_PLACE": json.dumps(asdict(place))}
        with tempfile.TemporaryFile("w+") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.bench.inprocess"],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                bufsize=1,
            )
            with process:
                yield Worker(self, process, log)


class Worker:
    """A process that runs `inprocess`, and does one thing at a time."""

    def __init__(self, tree: Tree, process: "subprocess.Popen[str]", log: Any) -> None:
        self.tree = tree
        self._process = process
        self._log = log

    def ask(self, do: str, **told: Any) -> Any:
        """The result of what it is told to do. Raises TreeError when it ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **told}) + "\n")
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise TreeError(f"{self.tree.name} failed:\n{self._log.read()[-_SHOWN:]}")
        return json.loads(line)


def here() -> Tree:
    """This tree, with what is not committed."""
    return Tree("this tree", ROOT)


@contextmanager
def of_commit(revision: str) -> Iterator[Tree]:
    """The tree of a commit, with this harness in it; its folder is gone afterwards. Raises TreeError."""
    commit = _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    folder = Path(tempfile.mkdtemp(prefix="mypolicies-bench-"))
    try:
        _git("worktree", "add", "--quiet", "--detach", str(folder / "tree"), commit)
        tree = Tree(f"{revision} ({commit[:8]})", folder / "tree")
        harness = tree.folder / _HARNESS
        shutil.rmtree(harness, ignore_errors=True)
        shutil.copytree(ROOT / _HARNESS, harness, ignore=shutil.ignore_patterns("__pycache__"))
        yield tree
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _git("worktree", "prune")


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
    )
    if done.returncode:
        raise TreeError(f"git {' '.join(arguments)} failed. {done.stderr.strip()}")
    return done.stdout
