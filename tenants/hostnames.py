"""Host names: what a Host header means, which custom domains there may be, and their schemas.

Pure. A custom domain is one DNS label (RFC 1123 §2.1): a tenant's own host is that label in front
of BASE_DOMAIN. Names are compared in lower case, without a port and without the root's final dot.
"""

import base64
import hashlib
import re
import string
from typing import Final
from uuid import UUID

from tenants.errors import TenantRefused

OPERATOR_CUSTOM_DOMAIN: Final = "admin"
OPERATOR_SCHEMA: Final = "support"

# RFC 1123 §2.1: letters, digits and inner hyphens, at most 63.
LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
MAX_NAME_LENGTH: Final = 253
# A name, perhaps the root's dot, perhaps a port. An IPv6 address in brackets serves nobody.
_HOST_HEADER: Final = re.compile(r"([A-Za-z0-9.-]{1,253}?)\.?(?::([0-9]{1,5}))?")
_MAX_PORT: Final = 65535
_LOWER_CASE: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

# Names at which people or programs expect myPolicies itself.
_RESERVED_FOR: Final = {
    "our own hosts, now or one day": (
        "account accounts admin api app assets auth billing blog cdn console dashboard docs entra "
        "files help login logout mypolicies oauth oidc operator ops portal public saml scim sso "
        "staff static status support tenants www www1 www2"
    ),
    "probes": "livez metrics readyz",
    "services that clients find by name": (
        "autoconfig autodiscover dns email ftp imap isatap ldap mail mx ns ns1 ns2 pop pop3 proxy "
        "sftp smtp ssh vpn webmail wpad"
    ),
    "roles that speak for a domain (RFC 2142), some to certificate authorities": (
        "abuse administrator hostmaster info noc postmaster root security ssladmin sysadmin usenet "
        "uucp webmaster"
    ),
    "the machine itself": "localdomain localhost",
}
RESERVED: Final = frozenset(" ".join(_RESERVED_FOR.values()).split())

_SCHEMA_PREFIX: Final = "t_"
_MAX_SCHEMA_LENGTH: Final = 41
_DIGEST_LENGTH: Final = 13  # characters of base32: 65 bits


def parse_host(header: str) -> str | None:
    """The host name in a Host header, in lower case, without port and final dot; None if none."""
    match = _HOST_HEADER.fullmatch(header)
    if match is None:
        return None
    name, port = match[1].lower(), match[2]
    if port is not None and not 0 < int(port) <= _MAX_PORT:
        return None
    return name if all(map(LABEL.fullmatch, name.split("."))) else None


def custom_domain_of(host: str, base_domain: str) -> str | None:
    """The label in front of the base domain; None when the host is not one label below it."""
    label, _, rest = host.partition(".")
    return label if rest == base_domain else None


def is_below(host: str, base_domain: str) -> bool:
    """True if the host is the base domain or any name below it."""
    return host == base_domain or host.endswith(f".{base_domain}")


def read_custom_domain(text: str) -> str:
    """The custom domain in lower case. Raises TenantRefused."""
    label = _lower_case(text)
    if not LABEL.fullmatch(label):
        raise TenantRefused(
            "tenant.domain-invalid",
            f"{_shown(text)} cannot be a custom domain: use 1 to 63 letters (a to z), digits and "
            "hyphens, with no hyphen first or last.",
        )
    _refuse_encoded(label, text)
    if label in RESERVED:
        raise TenantRefused(
            "tenant.domain-reserved", f"The custom domain {label} is reserved for myPolicies."
        )
    return label


def read_host_name(text: str, base_domain: str) -> str:
    """A further host name in lower case, without a final dot. Raises TenantRefused."""
    name = _lower_case(text).removesuffix(".")
    labels = name.split(".")
    if (
        len(name) > MAX_NAME_LENGTH
        or len(labels) == 1
        or labels[-1].isdigit()  # an IPv4 address
        or not all(map(LABEL.fullmatch, labels))
    ):
        raise TenantRefused(
            "tenant.host-invalid",
            f"{_shown(text)} is not a full host name: write it like scim.example.com, without "
            "https:// and without a port.",
        )
    for label in labels:
        _refuse_encoded(label, text)
    if is_below(name, base_domain):
        raise TenantRefused(
            "tenant.host-invalid",
            f"Host names below {base_domain} follow from custom domains and cannot be added.",
        )
    return name


def _lower_case(text: str) -> str:
    """Of ASCII letters only: the Kelvin sign must not become a k."""
    return text.strip().translate(_LOWER_CASE)


def _refuse_encoded(label: str, text: str) -> None:
    """RFC 5890 §2.3.1: "--" at the third place marks an encoded label (xn--), shown as another."""
    if label[2:4] == "--":
        raise TenantRefused(
            "tenant.domain-invalid",
            f"{_shown(text)} cannot be used: two hyphens after the second character mark an "
            "internationalized name.",
        )


def _shown(text: str) -> str:
    return repr(text if len(text) <= MAX_NAME_LENGTH else text[:MAX_NAME_LENGTH] + "…")


def schema_name(custom_domain: str) -> str:
    """The schema of a custom domain, at most 41 characters, another for each.

    A label that is too long is cut and followed by a digest of the whole. The "_" at the end keeps
    such names apart from those of short labels, which end in a letter or digit.
    """
    name = _SCHEMA_PREFIX + custom_domain.replace("-", "_")
    if len(name) <= _MAX_SCHEMA_LENGTH:
        return name
    return _with_tail(name, hashlib.sha256(custom_domain.encode("ascii")).digest())


def another_schema_name(custom_domain: str, distinct: UUID) -> str:
    """A schema for a custom domain whose own name a renamed tenant's schema has."""
    return _with_tail(_SCHEMA_PREFIX + custom_domain.replace("-", "_"), distinct.bytes)


def _with_tail(name: str, digest: bytes) -> str:
    tail = f"_{base64.b32encode(digest).decode()[:_DIGEST_LENGTH].lower()}_"
    return name[: _MAX_SCHEMA_LENGTH - len(tail)] + tail
