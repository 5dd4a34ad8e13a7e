"""SCIM JSON out: one media type, whatever the client accepts (RFC 7644 §3.1, §8.1)."""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from scim.protocol.messages import MEDIA_TYPE
from scim.protocol.representation import Written
from scim.protocol.writing import to_json_bytes

# E29: with a charset or without, under SCIM's name or plain JSON's.
_ACCEPTED: Final = frozenset({MEDIA_TYPE, "application/json", ""})


def put_headers(response: HttpResponseBase, *headers: tuple[str, str]) -> None:
    """Set headers that are ours, names and values: Django would check each of them in seven calls."""
    store = response.headers._store  # noqa: SLF001  # of Django's, by name in lower case
    for name, value in headers:
        store[name.lower()] = (name, value)


class ScimRenderer(BaseRenderer):
    media_type = MEDIA_TYPE
    format = "scim"
    charset = None  # the header is exactly the media type; JSON is UTF-8

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The JSON; in pieces when parts of it are written already."""
        if data is None:
            return b""
        written: list[Written] = []
        mark = ""

        def put_off(value: object) -> str:
            nonlocal mark
            if not isinstance(value, Written):
                raise TypeError(f"{type(value).__name__} has no form in JSON.")
            mark = mark or secrets.token_hex(16)  # stands in its place; nobody can have sent it
            written.append(value)
            return mark

        text = to_json_bytes(data, put_off)
        if not written:
            return text
        return list(_spliced(text.split(f'"{mark}"'.encode()), written))


def _spliced(between: Sequence[bytes], written: Iterable[Written]) -> Iterator[bytes]:
    """The texts with what is written between them, as arrays."""
    for text, values in zip(between, written, strict=False):
        yield text + b"["
        for number, part in enumerate(values.parts):
            if number:
                yield b","
            yield part
        yield b"]"
    yield between[-1]


class ScimResponse(Response):
    """An answer in SCIM's media type, also without a body.

    Its content may stay in pieces, each of which is let go when it has been sent. To join those of a
    large group would take its memory twice, and in one piece; and the answer itself lives on, in
    circles of references, until the garbage collector comes.
    """

    def __init__(
        self, data: Any = None, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        # DRF's own works out charset and media type anew for each answer, in 40 calls.
        SimpleTemplateResponse.__init__(self, None, None, MEDIA_TYPE, status, "utf-8")  # type: ignore[arg-type]  # no template, as DRF has it
        self.data, self.exception, self.content_type = data, False, MEDIA_TYPE
        for name, value in (headers or {}).items():
            self[name] = value

    @property
    def rendered_content(self) -> Any:
        return self.accepted_renderer.render(self.data)

    def __iter__(self) -> Iterator[bytes]:
        while self._container:
            yield self._container.pop(0)

    @property
    def content(self) -> bytes:
        return b"".join(self._container)

    @content.setter
    def content(self, value: Any) -> None:
        self._is_rendered = True
        if not isinstance(value, list):
            self._container = [value or b""]
            return
        self._container, self.data = value, None  # the data holds the same pieces
        put_headers(self, ("Content-Length", str(sum(map(len, value)))))


class ScimNegotiation(BaseContentNegotiation):
    """Answers are always SCIM; bodies must be JSON under one of its two names, or unnamed."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        sent = (request.content_type or "").split(";")[0].strip().lower()
        return next(iter(parsers)) if sent in _ACCEPTED else None

    def select_renderer(  # type: ignore[override]  # the stubs want a list of classes
        self,
        request: Request,
        renderers: Sequence[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], MEDIA_TYPE
