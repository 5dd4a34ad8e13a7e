"""A request's body: its bytes, whole and bounded (RFC 9110 §8.4, RFC 9112 §6), and the SCIM JSON in them.

A client that sends its body in chunks announces no length, and Django takes it for empty. gunicorn
has decoded the chunks, and its stream ends where the body ends; it says so as
`wsgi.input_terminated`. A request with both a length and chunks never comes here: gunicorn refuses it.
The parser is strict about what could hurt, before anything interprets the JSON (docs/security.md).
"""

import io
from collections.abc import Mapping
from typing import IO, Any, Final

from django.http import HttpRequest, UnreadablePostError
from rest_framework.parsers import BaseParser

from scim.protocol import values
from scim.protocol.errors import ContentTooLarge, InvalidSyntax, UnsupportedCoding
from scim.protocol.messages import MEDIA_TYPE
from scim.protocol.values import MAX_NAMES
from scim.provider.catalog import CAPABILITIES

_PLAIN: Final = frozenset({"", "identity"})

MAX_FETCHED: Final = 65_536  # bytes
MAX_BULK_NAMES: Final = 100_000  # object members in a BulkRequest, which holds many


def open_stream(request: HttpRequest) -> Any:
    """The object with a `read` to read the body from, None when there is no body."""
    announced = _announced(request.META)
    if announced is not None:
        return request if announced else None
    # E31: chunks. Without both headers the stream of gunicorn is empty.
    return request.META["wsgi.input"] if request.META.get("wsgi.input_terminated") else None


def read(stream: IO[Any], meta: Mapping[str, Any], limit: int) -> bytes:
    """The body, of at most `limit` bytes; the limit counts while chunks are read.

    Raises ContentTooLarge, InvalidSyntax, UnsupportedCoding, UnreadablePostError.
    """
    _check_coding(meta.get("HTTP_CONTENT_ENCODING", ""))
    if meta.get("HTTP_TRANSFER_ENCODING", "chunked").strip().lower() != "chunked":
        # gunicorn takes compressed chunks, and leaves them compressed.
        raise UnsupportedCoding(
            "request.compressed", "Send the body in chunks that are not compressed."
        )
    announced = _announced(meta)
    if announced is not None and announced > limit:
        raise _too_large(limit)
    body = _read(stream, limit + 1)
    if len(body) > limit:
        raise _too_large(limit)
    if announced is not None and len(body) < announced:
        raise InvalidSyntax(
            "body.unreadable", "The body ends before the length that Content-Length announces."
        )
    return body


def read_all(request: HttpRequest, limit: int) -> bytes:
    """The body of a request that no parser of DRF reads, b"" without one; refused as `read` does."""
    return read(open_stream(request) or io.BytesIO(), request.META, limit)


def fetch(request: HttpRequest) -> bytes | None:
    """The body before anything looks at it, None if none of at most MAX_FETCHED bytes is announced and comes."""
    announced = _announced(request.META)
    if not announced or announced > MAX_FETCHED:
        return None
    try:
        return _read(open_stream(request), announced)
    except UnreadablePostError:  # whoever asks for the body meets it, too
        return None


def _announced(meta: Mapping[str, Any]) -> int | None:
    """The Content-Length, 0 for one that is no number, None without one."""
    length = meta.get("CONTENT_LENGTH")
    if length is None or length == "":
        return None
    return int(length) if length.isascii() and length.isdigit() else 0


def _check_coding(codings: str) -> None:
    if not _PLAIN.issuperset(each.strip().lower() for each in codings.split(",")):
        raise UnsupportedCoding(
            "request.compressed", "Send the body as it is, without Content-Encoding."
        )


def _read(stream: IO[Any], size: int) -> bytes:
    try:
        body: bytes = stream.read(size)
    except Exception as error:  # the server's own: a chunk that is none, a client that hung up
        raise UnreadablePostError("The body ended early, or its chunks are malformed.") from error
    return body


def _too_large(limit: int) -> ContentTooLarge:
    return ContentTooLarge("request.too-large", f"The body is larger than {limit} bytes.")


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
        return parse(read(stream, request.META, CAPABILITIES.max_body), self.max_names)


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
