"""One HTTP request to an address that a customer chose: to the public internet only, and briefly.

The name is resolved once and every address it has must be public; the connection goes to the one
that was looked at, so that a name cannot mean another machine a moment later (DNS rebinding). No
redirect is followed, no proxy is used. The time limit holds for all of it, from the look-up of the
name on, and then the line is cut, however slowly somebody keeps answering.

A name is looked up in a thread, since `getaddrinfo` has no time limit. Nothing can end a thread that
waits for a name server, so it is left behind when the time is over. All who ask for a name meanwhile
share its look-up, and no more than MOST_LOOKUPS run in a process, so a name server that does not answer
costs a known number of threads.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from http.client import HTTPConnection, HTTPException
from threading import Lock, Thread, Timer
from typing import Final
from urllib.parse import SplitResult, urlsplit

TIMEOUT: Final = 10.0  # seconds, from the look-up of the name to the last byte of the answer
_FIRST_TRY: Final = 3.0  # seconds for an address when there is another
_MOST_ADDRESSES: Final = 4  # of a name that are tried
MAX_ANSWER: Final = 65_536  # bytes that are read of an answer
MAX_URL: Final = 500
USER_AGENT: Final = "myPolicies-SCIM-events"
# IPv6 addresses that hold an IPv4 address, to which a gateway may pass them on (RFC 6052).
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
MOST_LOOKUPS: Final = 64

_Place = tuple[str, int]
_running: Final[dict[_Place, Future[list[str]]]] = {}
_changing: Final = Lock()


class NotSent(Exception):
    """No answer came; the message is a sentence for the delivery log."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message to send: the headers may hold a credential."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(repr=False)
    method: str = "POST"  # or GET, without a body


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, as much of the body as is read, as text, and the Retry-After header, if any."""

    status: int
    text: str
    retry_after: str = ""


def flaw(url: str, *, private_allowed: bool) -> str | None:
    """A sentence why nothing is sent to the URL; None for a good one. Asks no name server.

    `private_allowed` is for development: plain HTTP, and addresses that are not public.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "The URL cannot be read."
    schemes = ("https", "http") if private_allowed else ("https",)
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        return "The URL must start with https:// and a host name."
    if "@" in parts.netloc or parts.fragment or len(url) > MAX_URL:
        return f"The URL must be without user, password and #, and at most {MAX_URL} characters."
    if not (url.isascii() and url.isprintable()) or " " in url or "\\" in url:
        return "The URL must be ASCII without blanks; write other letters percent-encoded."
    literal = _literal(parts.hostname)
    if literal is not None and not private_allowed and not is_public(literal):
        return f"{literal} is not a public address."
    return None


def is_public(address: Address) -> bool:
    """True if the address is on the public internet, an IPv4 address within it included."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address.is_site_local or address.is_reserved:
            return False
    return address.is_global and not address.is_multicast


def post(message: Message, *, private_allowed: bool, timeout: float = TIMEOUT) -> Answer:
    """The answer to the message, whatever its status. Raises NotSent."""
    found = flaw(message.url, private_allowed=private_allowed)
    if found is not None:
        raise NotSent(found)
    parts, deadline = urlsplit(message.url), time.monotonic() + timeout
    addresses = _resolve(parts, timeout, private_allowed=private_allowed)
    left = max(deadline - time.monotonic(), 0.001)  # a time-out of 0 would mean not to wait at all
    connection = _Connection(parts, addresses, left)
    try:
        with _cut_after(left, connection):
            return _exchange(connection, parts, message)
    except TimeoutError:
        raise NotSent(f"No complete answer within {timeout:g} s.") from None
    except ssl.SSLCertVerificationError as error:
        raise NotSent(f"The certificate is not accepted: {error.verify_message}.") from None
    except (OSError, HTTPException, ValueError) as error:
        reason = f"The connection failed: {_brief(error)}."
        if connection.was_cut:
            reason = f"No complete answer within {timeout:g} s."
        raise NotSent(reason) from None
    finally:
        connection.close()


def _exchange(connection: "_Connection", parts: SplitResult, message: Message) -> Answer:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request(message.method, target, message.body, _headers(message))
    response = connection.getresponse()
    text = response.read(MAX_ANSWER).decode("utf-8", "replace")
    if connection.was_cut:  # what was read until then may look like a whole answer
        raise TimeoutError
    return Answer(response.status, text, response.getheader("Retry-After", ""))


def _headers(message: Message) -> dict[str, str]:
    return {"User-Agent": USER_AGENT, "Connection": "close", **message.headers}


def _brief(error: Exception) -> str:
    """The error in the system's words, without anything that the other side has sent."""
    return getattr(error, "strerror", None) or type(error).__name__


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _resolve(parts: SplitResult, timeout: float, *, private_allowed: bool) -> list[tuple[str, int]]:
    """The addresses of the host, with its port. Raises NotSent."""
    name = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = addresses(name, port, timeout)
    except TimeoutError:
        raise NotSent(f"The name {name} was not resolved within {timeout:g} s.") from None
    except TooManyLookups:
        raise NotSent(f"The name {name} was not resolved: too many others wait for it.") from None
    except (OSError, UnicodeError):
        raise NotSent(f"The name {name} has no address.") from None
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        if not private_allowed and not is_public(address):
            raise NotSent(f"{name} is {address}, which is not a public address.")
    return [(text, port) for text in found[:_MOST_ADDRESSES]]


class _Connection(HTTPConnection):
    """A connection to an address that was looked at, in the name of the host that was asked for."""

    def __init__(
        self, parts: SplitResult, addresses: list[tuple[str, int]], timeout: float
    ) -> None:
        super().__init__(parts.hostname or "", timeout=timeout)
        self.was_cut = False
        self._deadline = time.monotonic() + timeout
        self._is_secure = parts.scheme == "https"
        self._addresses = addresses
        self._line: socket.socket | None = None  # http.client forgets its own before the body
        # For the Host header, which names a port unless it is the scheme's own.
        self.default_port = 443 if self._is_secure else 80
        self.port = parts.port or self.default_port

    def connect(self) -> None:
        """Connect to the first address that can be reached before the time is over."""
        *others, last = self._addresses
        for address in others:
            try:
                self._line = socket.create_connection(address, min(_FIRST_TRY, self._remaining()))
                break
            except OSError:
                continue
        else:
            self._line = socket.create_connection(last, self._remaining())
        self._line.settimeout(self.timeout)
        if self._is_secure:
            self._line = _tls().wrap_socket(self._line, server_hostname=self.host)
        self.sock = self._line
        if self.was_cut:
            raise TimeoutError

    def _remaining(self) -> float:
        """The seconds that are left. Raises TimeoutError."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def cut(self) -> None:
        self.was_cut = True
        if self._line is not None:
            with suppress(OSError):  # it is closed already
                socket.socket.shutdown(self._line, socket.SHUT_RDWR)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


@contextmanager
def _cut_after(seconds: float, connection: _Connection) -> Iterator[None]:
    """End the connection when the time is over: socket time-outs restart with each byte."""
    timer = Timer(seconds, connection.cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class TooManyLookups(Exception):
    """As many look-ups as may run wait for a name server."""


def addresses(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of the host in the order in which to try them.

    Raises TimeoutError after so many seconds, TooManyLookups, and OSError or UnicodeError for a name
    that has none.
    """
    return _lookup((host, port)).result(timeout=max(seconds, 0))


def _lookup(place: _Place) -> "Future[list[str]]":
    """The look-up of that place: the one that runs, or a new one. Raises TooManyLookups."""
    with _changing:
        lookup = _running.get(place)
        if lookup is None:
            if len(_running) >= MOST_LOOKUPS:
                raise TooManyLookups
            lookup = _running[place] = Future()
            Thread(target=_run, args=(place, lookup), daemon=True).start()
    return lookup


def _run(place: _Place, lookup: "Future[list[str]]") -> None:
    host, port = place
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        _forget(place)
        lookup.set_exception(error)
    else:
        _forget(place)
        lookup.set_result([str(where[0]) for *_, where in found])


def _forget(place: _Place) -> None:
    """Let later questions start a new look-up."""
    with _changing:
        _running.pop(place, None)
