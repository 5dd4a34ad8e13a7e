"""Lists of addresses from which a credential may be used: how they are read, and what they hold.

A list is stored as text, networks in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3) with blanks between
them. It comes with the look-up of the credential (accounts.tokens); what was made of the text is kept
in memory, so a request costs one search in a sorted list.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)
from typing import Final

MAX_NETWORKS: Final = 100  # that somebody writes down for one token
_LONGEST: Final = 50  # characters of an entry that are repeated

Network = IPv4Network | IPv6Network


class NotANetwork(ValueError):
    """A text that names no network; the message is a sentence that says what to write."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """A set of addresses, as ranges that do not overlap, in order."""

    firsts: tuple[tuple[int, int], ...]  # the version and the number of the first address
    lasts: tuple[tuple[int, int], ...]

    def __contains__(self, address: object) -> bool:
        """True if the address, a text, is one of them; what is no address is in no set."""
        key = _key(str(address))
        place = bisect_right(self.firsts, key) - 1
        return place >= 0 and key <= self.lasts[place]


def read_networks(text: str) -> tuple[Network, ...]:
    """The networks in a text that blanks, line breaks or commas separate, without doubles.

    Raises NotANetwork.
    """
    found = dict.fromkeys(map(_network, text.replace(",", " ").split()))
    if len(found) > MAX_NETWORKS:
        raise NotANetwork(f"Name at most {MAX_NETWORKS} addresses and networks.")
    return tuple(found)


def to_text(networks: Iterable[Network]) -> str:
    """The networks as they are stored, which `addresses_in` and `read_networks` read."""
    return " ".join(map(str, networks))


@lru_cache(maxsize=1024)
def addresses_in(text: str) -> Addresses | None:
    """The addresses in the networks of a stored text; None for none, which is no limit."""
    networks = [ip_network(each) for each in text.split()]
    if not networks:
        return None
    ranges = [
        ((each.version, int(each.network_address)), (each.version, int(each.broadcast_address)))
        for version in (4, 6)
        for each in collapse_addresses([n for n in networks if n.version == version])  # type: ignore[type-var]  # one version at a time
    ]
    firsts, lasts = zip(*ranges, strict=True)
    return Addresses(firsts, lasts)


def allows(text: str, address: str | None) -> bool:
    """True if the stored list has no networks, or has the address; an unknown address is in no list."""
    allowed = addresses_in(text)
    return allowed is None or (address is not None and address in allowed)


def _network(entry: str) -> Network:
    try:
        network = ip_network(entry)
    except ValueError as error:
        reason = _hint(entry) or (
            f"'{entry[:_LONGEST]}' is no address or network: write it as 203.0.113.7, "
            "203.0.113.0/24 or 2001:db8::/32."
        )
        raise NotANetwork(reason) from error
    if network.prefixlen == 0:
        raise NotANetwork(
            f"{network} has every address: leave the list empty to accept requests from anywhere."
        )
    mapped = _mapped(network)
    if mapped is not None:
        raise NotANetwork(
            f"'{entry[:_LONGEST]}' is an IPv4 network written as IPv6: write {mapped}."
        )
    return network


def _hint(entry: str) -> str:
    """The network that was probably meant by one with bits beyond its length; blank if none."""
    try:
        network = ip_network(entry, strict=False)
    except ValueError:
        return ""
    return f"'{entry[:_LONGEST]}' has bits set beyond its length: write {network}."


def _mapped(network: Network) -> IPv4Network | None:
    address = network.network_address
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    length = network.prefixlen - 96
    return IPv4Network((mapped, length)) if mapped is not None and length >= 0 else None


def _key(text: str) -> tuple[int, int]:
    """The version and the number of an address; of none, what is before all others."""
    try:
        address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    except ValueError:
        return 0, 0
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.version, int(address)
