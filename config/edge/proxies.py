"""The sender of a request: address as reported by trusted proxies, and scheme.

A proxy appends the address of its peer, so a chain is read from its right end, past the proxies that
are trusted; everything left of the first address that is not was written by a sender we do not trust
(decision 0021). An unreadable address ends the chain, and never the request.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import islice
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from config.environment import EnvironmentVariableError

UNIX: Final = "unix"  # the peer of a Unix socket, which has no address
MOST_PROXIES: Final = 20  # in a row; a header of 8 KB would cost 6 ms
_Address = IPv4Address | IPv6Address

# RFC 7239 §4: pairs of a token and a token or quoted string. A list is split at its commas before, so
# a quoted comma, which no address needs, makes an element that cannot be read.
_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR: Final = re.compile(rf'\s*({_WORD})=({_WORD}|"[^"\\]*")\s*')
# A node with its port: RFC 7239 §6, and what proxies write into X-Forwarded-For.
_IPV4_AND_PORT: Final = re.compile(r"([0-9.]+)(?::[0-9]{1,5})?")
_IPV6_AND_PORT: Final = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?")
_IPV6: Final = re.compile(r"[0-9A-Fa-f:.]+")


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The proxies whose word about the client's address counts; none by default."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    unix: bool = False  # whoever may open our Unix socket

    def hold(self, address: _Address) -> bool:
        """True if the address is one of theirs."""
        return any(address in network for network in self.networks)


def read_trusted_proxies(text: str) -> TrustedProxies:
    """The value of TRUSTED_PROXIES. Raises EnvironmentVariableError."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    networks = tuple(_read_network(name) for name in names if name.lower() != UNIX)
    return TrustedProxies(networks, unix=len(networks) < len(names))


def _read_network(name: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(name)
    except ValueError:
        raise EnvironmentVariableError(
            "TRUSTED_PROXIES must be IP addresses or networks such as 10.0.0.0/8, or the word "
            f"{UNIX}, with commas between, and {name!r} is none of these."
        ) from None
    if network.prefixlen == 0:
        raise EnvironmentVariableError(
            f"TRUSTED_PROXIES must not hold {name}: everybody could claim any address."
        )
    return network


class ClientMiddleware:
    """Puts the client's address in place of the peer's, and our scheme in place of the proxy's.

    Scheme and host of this installation are settings: no header changes them. A peer without an
    address keeps an empty one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        meta["REMOTE_ADDR"] = client_address(
            meta.get("REMOTE_ADDR", ""),
            meta.get("HTTP_X_FORWARDED_FOR", ""),
            meta.get("HTTP_FORWARDED", ""),
            settings.TRUSTED_PROXIES,
        )
        meta["wsgi.url_scheme"] = settings.PUBLIC_SCHEME
        return self.get_response(request)


def client_address(peer: str, x_forwarded_for: str, forwarded: str, trusted: TrustedProxies) -> str:
    """The address of the client as text, empty when there is none.

    X-Forwarded-For counts before Forwarded: nearly every proxy appends to the former and hands the
    latter on as the client sent it.
    """
    address = _read_peer(peer)
    if trusted.unix if not peer else address and trusted.hold(address):
        nodes = _x_forwarded_for(x_forwarded_for) if x_forwarded_for else _forwarded(forwarded)
        address = _last_untrusted(nodes, trusted) or address
    return "" if address is None else str(address)


def _last_untrusted(nodes: Iterable[_Address | None], trusted: TrustedProxies) -> _Address | None:
    """The first node that is no trusted proxy, else the last that is read; None: not even one."""
    reached = None
    for node in islice(nodes, MOST_PROXIES):
        if node is None:
            break
        reached = node
        if not trusted.hold(node):
            break
    return reached


def _x_forwarded_for(header: str) -> Iterator[_Address | None]:
    """The addresses from right to left, None for what is none."""
    return (_read_node(element) for element in _from_the_right(header))


def _forwarded(header: str) -> Iterator[_Address | None]:
    """The same of RFC 7239 §4, where an element is a set of pairs."""
    return (_read_element(element) for element in _from_the_right(header))


def _from_the_right(header: str) -> Iterator[str]:
    """The elements of a list; RFC 9110 §5.6.1.2 lets empty ones pass."""
    return (element for element in map(str.strip, reversed(header.split(","))) if element)


def _read_element(element: str) -> _Address | None:
    pairs = [_PAIR.fullmatch(pair) for pair in element.split(";") if pair.strip()]
    values = [pair[2] for pair in pairs if pair and pair[1].lower() == "for"]
    if None in pairs or len(values) != 1:
        return None
    return _read_node(values[0].strip('"'))


def _read_node(node: str) -> _Address | None:
    for form in (_IPV4_AND_PORT, _IPV6_AND_PORT, _IPV6):
        match = form.fullmatch(node)
        if match:
            return _read_address(match[match.lastindex or 0])
    return None  # a name, or "unknown" (RFC 7239 §6)


@lru_cache(maxsize=1024)
def _read_peer(peer: str) -> _Address | None:
    return _read_address(peer.partition("%")[0])  # without a zone, which PostgreSQL does not know


def _read_address(text: str) -> _Address | None:
    """The address; an IPv4 client of a socket for both kinds is one, not an IPv6 one."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
