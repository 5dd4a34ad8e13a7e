"""Passwords that have leaked somewhere are refused, by a file that the operator keeps (decision 0141).

The file is what "Have I Been Pwned" lets everybody download, and whatever has its form: a line for each
password, sorted, with the SHA-1 digest in hexadecimal digits, a colon and a count. It has some 40 GB, so it
stays on disk, and a password costs some thirty places that are looked at; nobody is asked over the network.
"""

import hashlib
import logging
import mmap
import os
import re
from pathlib import Path
from typing import Final

from django.core.exceptions import ValidationError

logger = logging.getLogger(__name__)

_LINE: Final = re.compile(rb"[0-9A-Fa-f]{40}(?::\d+)?\r?")
_LONGEST: Final = 80  # bytes of a line


class LeakedPasswordValidator:
    """Refuses passwords of the file; without a file, none."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    def validate(self, password: str, _user: object = None) -> None:
        """Raise ValidationError for a password that has leaked, and for each while the file cannot be read."""
        try:
            is_listed = self._path is not None and holds(self._path, password)
        except OSError:
            logger.exception("the list of leaked passwords cannot be read")
            raise ValidationError(
                "No password can be set at the moment: the server's list of leaked passwords cannot be"
                " read. Tell the operator of this server."
            ) from None
        if is_listed:
            raise ValidationError(
                "This password has leaked from some service, so it is on lists that attackers try."
                " Choose another one."
            )

    def get_help_text(self) -> str:
        """The rule for the person who chooses; "" where there is no file."""
        return "It must not be on lists of leaked passwords." if self._path is not None else ""


def holds(path: Path, password: str) -> bool:
    """True if the file has the password's digest."""
    read = hashlib.sha1(password.encode(errors="surrogatepass"), usedforsecurity=False)
    digest = read.hexdigest().upper().encode()
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as lines:
            return _is_among(digest, lines)


def why_unusable(path: Path) -> str:
    """The reason why the file cannot be used, as a sentence; "" for none."""
    try:
        with path.open("rb") as file:
            first = file.readline(_LONGEST).removesuffix(b"\n")
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}."
    return (
        "" if _LINE.fullmatch(first) else f"{path} does not begin with a SHA-1 digest and a count."
    )


def _is_among(digest: bytes, lines: mmap.mmap) -> bool:
    """Halve the part of the file in which the digest's line begins, until none is left."""
    low, high = 0, len(lines)
    while low < high:
        middle = (low + high) // 2
        begin = lines.rfind(b"\n", low, middle) + 1 or low
        end = lines.find(b"\n", begin)
        end = len(lines) if end < 0 else end
        found = lines[begin : min(begin + len(digest), end)].upper()
        if found == digest:
            return True
        low, high = (end + 1, high) if found < digest else (low, begin)
    return False
