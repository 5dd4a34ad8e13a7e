"""Entity tags and preconditions (RFC 7644 §3.14, RFC 9110 §13.1)."""

import re
from dataclasses import dataclass
from typing import Final

from scim.protocol.errors import PreconditionFailed

_TAG: Final = re.compile(r'(?:W/)?"([^"]*)"')
_ANY: Final = "*"


def entity_tag(version: int) -> str:
    """The weak entity tag of a version; it is `meta.version` and the ETag header."""
    return f'W/"{version}"'


@dataclass(frozen=True, slots=True)
class Precondition:
    """The headers If-Match and If-None-Match as they were sent; None when absent.

    Tags compare weakly (RFC 7644 §3.14 allows weak tags in If-Match): only what stands between the
    quotes counts. A header without any tag matches nothing.
    """

    if_match: str | None = None
    if_none_match: str | None = None

    def check(self, version: int) -> None:
        """Raises PreconditionFailed when a resource of that version must not be changed."""
        if self.if_match is not None and not _names(self.if_match, version):
            raise PreconditionFailed(
                f"The resource is at version {entity_tag(version)}, which is not what If-Match"
                " asks for. Read it again and repeat the change."
            )
        if self.is_not_modified(version):
            raise PreconditionFailed(
                f"The resource is at version {entity_tag(version)}, which If-None-Match excludes."
            )

    def is_not_modified(self, version: int) -> bool:
        """True when the client already has that version (304 on a read)."""
        return self.if_none_match is not None and _names(self.if_none_match, version)


def _names(header: str, version: int) -> bool:
    return header.strip() == _ANY or str(version) in _TAG.findall(header)
