"""SCIM JSON out: one media type, whatever the client accepts (RFC 7644 §3.1, §8.1)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from scim.protocol.messages import MEDIA_TYPE

# E29: with a charset or without, under SCIM's name or plain JSON's.
_ACCEPTED: Final = frozenset({MEDIA_TYPE, "application/json", ""})


class ScimRenderer(BaseRenderer):
    media_type = MEDIA_TYPE
    format = "scim"
    charset = None  # the header is exactly the media type; JSON is UTF-8

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


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
