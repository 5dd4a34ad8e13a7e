"""The bytes of a request's body, whole and bounded (RFC 9110 §8.4, RFC 9112 §6).

A client that sends its body in chunks announces no length, and Django takes it for empty. gunicorn
has decoded the chunks, and its stream ends where the body ends; it says so as
`wsgi.input_terminated`. A request with both a length and chunks never comes here: gunicorn refuses it.
"""

import io
from collections.abc import Mapping
from typing import IO, Any, Final

from django.http import HttpRequest, UnreadablePostError

from scim.protocol.errors import ContentTooLarge, InvalidSyntax, UnsupportedCoding

_PLAIN: Final = frozenset({"", "identity"})


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
