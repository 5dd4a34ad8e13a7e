"""Cursors as clients carry them (RFC 9865 §2, §5.2): signed, and worth nothing anywhere else.

A cursor is signed with a key that includes its tenant, secret token, resource types, filter and order.
Under any other a cursor is as invalid as an invented one, and the client cannot tell the difference.
It grants nothing: the query is authorized and compiled again for each page.
Nothing is kept on the server, so cursors cannot exhaust it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.core.signing import BadSignature, SignatureExpired, TimestampSigner

from scim.protocol.cursor import neighbors, read_value, to_value
from scim.protocol.errors import ExpiredCursor, InvalidCount, InvalidCursor
from scim.protocol.schema import ResourceType
from scim.provider.catalog import CAPABILITIES
from scim.provider.requester import Requester
from scim.repository.base import Page, Query

# Says how a cursor's value is written; another version's cursors are not ours.
_VERSION: Final = "scim.cursor.1"
_SEPARATOR: Final = "~"
# RFC 9865 table 1: unreserved characters only, and as many as fit into a request line.
_CURSOR: Final = re.compile(r"[A-Za-z0-9._~-]{1,8000}")


@dataclass(frozen=True, slots=True)
class Sealed:
    """The cursors of a page's neighbors as clients get them; None where there is no page."""

    previous: str | None
    next: str | None


@dataclass(frozen=True, slots=True)
class Seal:
    """Signs and checks the cursors of one requester's query."""

    requester: Requester
    resource_types: Sequence[ResourceType]

    def opened(self, query: Query, text: str) -> Query:
        """The query, directed to the page that the cursor leads to.

        Raises InvalidCursor, ExpiredCursor, InvalidCount.
        """
        cursor = None
        if _CURSOR.fullmatch(text):
            try:
                value = self._signer(query).unsign_object(text, max_age=CAPABILITIES.cursor_timeout)
                cursor = read_value(value)
            except SignatureExpired:
                raise ExpiredCursor(
                    "list.cursor",
                    f"The cursor is older than {CAPABILITIES.cursor_timeout} seconds. Begin again"
                    " with an empty cursor.",
                ) from None
            except BadSignature:
                cursor = None
        if cursor is None:
            raise InvalidCursor(
                "list.cursor",
                "The cursor does not belong to this query. Send nextCursor or previousCursor of the"
                " last page with the same parameters and secret token, or an empty cursor.",
            )
        if cursor.count != query.count:
            raise InvalidCount(
                "list.cursor", f"count must stay {cursor.count}, as it was for the first page."
            )
        return replace(query, cursor=cursor)

    def sealed(self, query: Query, page: Page) -> Sealed:
        """The cursors to hand out with the page; none when the client pages by index."""
        if query.cursor is None:
            return Sealed(None, None)
        positions = [item.position for item in page.items]
        beside = neighbors(query.cursor, page.total, positions, has_more=page.has_more)
        signer = self._signer(query)
        previous, following = (
            signer.sign_object(to_value(each), compress=True) if each else None
            for each in (beside.previous, beside.next)
        )
        return Sealed(previous, following)

    def _signer(self, query: Query) -> TimestampSigner:
        bound_to = (
            _VERSION,
            self.requester.tenant_url,
            str(self.requester.token_id),
            [resource_type.name for resource_type in self.resource_types],
            query.filter,
            query.sort_by,
            query.descending,
        )
        return TimestampSigner(salt=repr(bound_to), sep=_SEPARATOR)
