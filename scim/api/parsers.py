"""SCIM JSON in: strict about what could hurt, before anything interprets it (docs/security.md)."""

from collections.abc import Mapping
from typing import IO, Any, Final

from rest_framework.parsers import BaseParser

from scim.api import bodies
from scim.protocol import values
from scim.protocol.errors import InvalidSyntax
from scim.protocol.messages import MEDIA_TYPE
from scim.protocol.values import MAX_NAMES
from scim.provider.catalog import CAPABILITIES

MAX_BULK_NAMES: Final = 100_000  # object members in a BulkRequest, which holds many


class ScimParser(BaseParser):
    media_type = MEDIA_TYPE
    max_names = MAX_NAMES

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request = (parser_context or {})["request"]
        return parse(bodies.read(stream, request.META, CAPABILITIES.max_body), self.max_names)


class BulkParser(ScimParser):
    max_names = MAX_BULK_NAMES


def parse(body: bytes, max_names: int = MAX_NAMES) -> Any:
    """The JSON document in the body. Raises InvalidSyntax."""
    if not body.strip():
        raise InvalidSyntax("body.unreadable", "The request has no body; it must be a JSON object.")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidSyntax("body.unreadable", "The body is not UTF-8.") from None
    return values.read_document(text, max_names)
