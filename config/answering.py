"""The writing of an answer to its connection: headers checked at once, and the body with them.

gunicorn checks each header in eleven calls, and sends head and body in a message each: a tenth of what
Python does for a look-up, and a second time that the client is woken. What is unusual goes gunicorn's
way: other headers than ours, a body in pieces, an answer without one (decision 0129).
"""

import re
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from gunicorn import util
from gunicorn.http import wsgi

# The headers that answers below /scim have, spelled so; none is about the connection.
PLAIN: Final = frozenset(
    {
        "Allow",
        "Cache-Control",
        "Content-Length",
        "Content-Security-Policy",
        "Content-Type",
        "Cross-Origin-Opener-Policy",
        "Cross-Origin-Resource-Policy",
        "ETag",
        "Location",
        "Permissions-Policy",
        "Referrer-Policy",
        "Request-Id",
        "Retry-After",
        "Strict-Transport-Security",
        "WWW-Authenticate",
        "X-Content-Type-Options",
        "X-Frame-Options",
    }
)
# RFC 9110 §5.5, a value a line: nothing that ends a line within, no blank at either end.
_VISIBLE: Final = r"[\x21-\x7e\x80-\xff]"
_VALUES: Final = re.compile(rf"(?:{_VISIBLE}(?:[\t\x20-\x7e\x80-\xff]*{_VISIBLE})?\n)+")
_MOST_JOINED: Final = 65_536  # bytes of a body that is copied behind its head


class Response(wsgi.Response):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's, with less to do for what the API answers."""

    headers_sent: bool

    def process_headers(self, headers: Sequence[tuple[str, str]]) -> None:
        """Take the headers. Raises what gunicorn raises for one that would break the answer."""
        if not _are_plain(headers):
            super().process_headers(headers)
            return
        self.headers.extend(headers)
        length = dict(headers).get("Content-Length")
        if length is not None:
            self.response_length = int(length)

    def write(self, part: bytes) -> None:
        """Send a part of the body; the whole of it goes with its head."""
        is_whole = len(part) == self.response_length and not (self.headers_sent or self._omits_body)
        if not is_whole or len(part) > _MOST_JOINED or self.upgrade:
            super().write(part)
            return
        self.headers_sent, self.sent = True, len(part)
        util.write(self.sock, self._head() + part)

    def _head(self) -> bytes:
        major, minor = self.req.version
        lines = [
            f"HTTP/{major}.{minor} {self.status}",
            f"Server: {self.version}",
            f"Date: {_date(int(time.time()))}",  # noqa: TID251  # the time that gunicorn would write
            f"Connection: {'close' if self.should_close() else 'keep-alive'}",
            *[f"{name}: {value}" for name, value in self.headers],
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _are_plain(headers: Sequence[tuple[str, str]]) -> bool:
    """True for headers of ours, each once, whose values are whole lines."""
    names = {name for name, _ in headers}
    if len(names) != len(headers) or not PLAIN.issuperset(names):
        return False
    lines = "\n".join([value for _, value in headers]) + "\n"
    return lines.count("\n") == len(headers) and _VALUES.fullmatch(lines) is not None


@lru_cache(maxsize=4)
def _date(second: int) -> str:
    return str(util.http_date(second))


def use() -> None:
    """Have gunicorn's workers answer so; it has no setting for it."""
    wsgi.Response = Response
