"""Microsoft Entra ID's own networks, from which its provisioning service sends (docs/entra.md).

Microsoft publishes them weekly in a file, "Azure IP Ranges and Service Tags"; the ones of Entra ID have
the tag AzureActiveDirectory. None are shipped: what an operator loads has the date of its file, which
stands wherever the ranges are used.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from ipaddress import ip_network
from typing import Any, Final

from accounts import addresses
from accounts.addresses import Network
from tenants.current import in_public
from tenants.errors import Refused
from tenants.models import AddressPreset

ENTRA: Final = "entra"
TAG: Final = "AzureActiveDirectory"
SOURCE: Final = "https://www.microsoft.com/en-us/download/details.aspx?id=56519"
# After which the ranges are probably not all any more: Microsoft announces changes weeks before.
STALE: Final = timedelta(days=60)
_DATE: Final = re.compile(r"ServiceTags_\w+_(\d{4})(\d{2})(\d{2})\.json", re.ASCII)
_FEWEST: Final = 5  # fewer cannot be all of them
_MOST: Final = 5_000


@dataclass(frozen=True, slots=True)
class Ranges:
    """The networks of a file, and the day on which it was published."""

    published_on: date
    networks: tuple[Network, ...]


def read_file(name: str, content: bytes) -> Ranges:
    """The networks of the tag in a file of Microsoft's; its name tells the day. Raises Refused."""
    found = _DATE.fullmatch(name)
    if found is None:
        raise _refused(
            "The name of the file tells its date: keep Microsoft's, such as ServiceTags_Public_20251124.json."
        )
    try:
        published_on = date(*map(int, found.groups()))
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _refused(f"{name} is not JSON, or its name has no date.") from error
    return Ranges(published_on, tuple(_networks(_prefixes(document))))


def entra() -> AddressPreset | None:
    """The ranges that were loaded; None before."""
    with in_public():
        return AddressPreset.objects.filter(name=ENTRA).first()


def _prefixes(document: Any) -> list[str]:
    """The prefixes of the tag. Raises Refused."""
    match document:
        case {"values": [*tags]}:
            for tag in tags:
                match tag:
                    case {"name": name, "properties": {"addressPrefixes": [*prefixes]}}:
                        if name == TAG and _FEWEST <= len(prefixes) <= _MOST:
                            return prefixes
    raise _refused(
        f"The file has no tag {TAG} with {_FEWEST} to {_MOST} address prefixes: is it Microsoft's?"
    )


def _networks(prefixes: list[Any]) -> Iterator[Network]:
    for prefix in prefixes:
        try:
            network = ip_network(prefix) if isinstance(prefix, str) else None
        except ValueError:
            network = None
        if network is None or not network.prefixlen:
            raise _refused(f"{str(prefix)[:50]!r} is no network.")
        yield network


def as_text(ranges: Ranges) -> str:
    """The networks of a file as they are stored."""
    return addresses.to_text(ranges.networks)


def _refused(sentence: str) -> Refused:
    return Refused("preset.file", sentence)
