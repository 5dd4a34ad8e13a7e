"""Passwords that have leaked somewhere are refused, by a file that the operator keeps (decision 0141).

The file is what "Have I Been Pwned" lets everybody download, and whatever has its form: a line for each
password, sorted, with the SHA-1 digest in hexadecimal digits, a colon and a count. It has some 40 GB, so it
stays on disk, and a password costs some thirty places that are looked at; nobody is asked over the network.
"""

import hashlib
import logging
import os
import re
from pathlib import Path
from typing import Final

from django.core.exceptions import ValidationError

logger = logging.getLogger(__name__)

_LINE: Final = re.compile(rb"[0-9A-Fa-f]{40}(?::\d+)?\r?")
_LONGEST: Final = 80  # bytes of a line


class LeakedPasswordValidator:
    """Refuses passwords of the file; in force where there is one (config.settings)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def validate(self, password: str, _user: object = None) -> None:
        """Raise ValidationError for a password that has leaked, and for each while the file cannot be read."""
        try:
            is_listed = holds(self._path, password)
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
        """The rule for the person who chooses."""
        return "Your password must not be on a list of leaked passwords."


def holds(path: Path, password: str) -> bool:
    """True if the file has the password's digest."""
    read = hashlib.sha1(password.encode(errors="surrogatepass"), usedforsecurity=False)
    digest = read.hexdigest().upper().encode()
    with path.open("rb", buffering=0) as file:
        return _is_among(digest, file.fileno())


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


def _is_among(digest: bytes, file: int) -> bool:
    """Halve the part of the file in which the digest's line begins, until none is left. Raises OSError."""
    low, high = 0, os.fstat(file).st_size
    while low < high:
        middle = (low + high) // 2
        start = max(low, middle - _LONGEST)
        part = os.pread(file, middle - start + _LONGEST, start)
        begin, end = _line_around(middle - start, part, begins=start == low)
        found = part[begin : min(begin + len(digest), end)].upper()
        if found == digest:
            return True
        low, high = (start + end + 1, high) if found < digest else (low, start + begin)
    return False


def _line_around(place: int, part: bytes, *, begins: bool) -> tuple[int, int]:
    """The beginning and end of the line at a place of that part of the file; `begins` if a line begins with it.

    Raises OSError.
    """
    if place >= len(part):
        raise OSError("the file has become shorter")
    begin, end = part.rfind(b"\n", 0, place) + 1, part.find(b"\n", place)
    if not (begin or begins) or (end < 0 and len(part) - place == _LONGEST):
        raise OSError("a line is longer than a digest and a count")
    return begin, end if end >= 0 else len(part)
