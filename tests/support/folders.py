"""Folders that other users may enter, unlike pytest's `tmp_path`: started by root, PostgreSQL is another user."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A new folder, removed at the end."""
    with TemporaryDirectory(prefix="mypolicies-tests-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder
