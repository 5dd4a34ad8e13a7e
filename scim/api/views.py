"""The base of every SCIM endpoint: authentication first, SCIM in and out, and the log."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, cast

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import View
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.tokens import Scope, Verified
from scim.api import bodies
from scim.api.authentication import SecretTokenAuthentication, check_scope
from scim.api.bodies import ScimParser
from scim.api.exceptions import handle, scim_error
from scim.api.log import tell
from scim.api.renderers import ScimNegotiation, ScimRenderer, put_headers
from scim.api.requests import ScimRequest, scim_request
from scim.protocol.bulk import Result
from scim.protocol.errors import InvalidSyntax, NotFound, ScimError, UnsupportedMediaType
from scim.protocol.schema import ResourceType
from scim.protocol.text import read_id
from scim.provider.bulk import parts
from scim.provider.observers import Answered
from scim.provider.requester import Requester
from tenants.current import log_with


class ScimView(APIView):
    """An endpoint. `operation` names for the log what was asked; `sent` is what came with it."""

    parser_classes = [ScimParser]
    renderer_classes = [ScimRenderer]
    content_negotiation_class = ScimNegotiation
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    operation = "unknown"
    resource_type: ResourceType | None = None
    requester: Requester | None = None
    verified: Verified | None = None
    sent: Any = None
    error: ScimError | None = None  # the refusal
    results: Sequence[Result] = ()  # of a bulk request

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        verified = cast("Verified", self.verified)  # perform_authentication has been called
        check_scope(verified, Scope.READ if self._is_read() else Scope.WRITE)

    def perform_authentication(self, request: Request) -> None:
        """Authenticate by the one way there is; DRF would try several, when its user is asked for."""
        self.requester, self.verified = SecretTokenAuthentication().authenticate(request)

    def handle_exception(self, exc: Exception) -> Response:
        self.error = scim_error(exc, self.http_request)
        allow = ", ".join(self.allowed_methods)
        return handle(exc, self.error, self.http_request, self, allow)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        put_headers(answer, ("Cache-Control", "no-store"))  # personal data (RFC 6750 §5.3)
        if not self.http_request.begins_again:
            self._tell(answer)
        return answer

    def _tell(self, answer: Response) -> None:
        request = self.http_request
        identifier = self.kwargs.get("identifier")
        answered = Answered(
            operation=self.operation,
            method=request.method or "",
            status=answer.status_code,
            reason=self.error.reason if self.error else "",
            request_id=request.request_id,
            user_agent=request.META.get("HTTP_USER_AGENT", ""),
            resource_type=self.resource_type,
            resource_id=read_id(identifier) if identifier else None,
            sent=self.sent,
            verified=self.verified,
            refusal=request.refusal,
        )
        tell(replace(answered, parts=parts(answered, self.results)) if self.results else answered)

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None: Allow belongs to 405, and answers do not vary by Accept."""
        return {}

    @property
    def http_request(self) -> ScimRequest:
        """Django's request, which DRF's wraps."""
        return scim_request(self.request._request)  # noqa: SLF001  # DRF has no public name for it

    def authenticated(self) -> Requester:
        """The requester; handlers only run when there is one."""
        if self.requester is None:
            raise RuntimeError("A SCIM handler ran before authentication.")
        return self.requester

    def _is_read(self) -> bool:
        return self.http_request.method in {"GET", "HEAD"} or self.operation == "query"

    def read_body(self) -> Any:
        """The request's JSON. Raises InvalidSyntax, ContentTooLarge."""
        request = self.http_request
        if request.parsed is None:
            request.parsed = (self._parsed(),)
        (self.sent,) = request.parsed
        return self.sent

    def _parsed(self) -> Any:
        """The body by the view's parser; DRF's request would keep it for forms and files, too."""
        request = self.http_request
        fetched = request.fetched
        stream = bodies.open_stream(request) if fetched is None else io.BytesIO(fetched)
        if stream is None:
            raise InvalidSyntax(
                "body.unreadable", "The request has no body; it must be a JSON object."
            )
        negotiator = self.get_content_negotiator()
        parser = negotiator.select_parser(self.request, self.get_parsers())
        if parser is None:
            raise UnsupportedMediaType(
                "request.media-type", "Send the body as application/scim+json."
            )
        return parser.parse(stream, parser_context={"request": request})


class JsonView(View):
    """An endpoint beside SCIM, in plain JSON; other methods are answered so too, and not logged."""

    error_names: ClassVar[tuple[str, str]]  # of the members that hold an error's code and its text
    error_headers: ClassVar[Mapping[str, str]] = {"Cache-Control": "no-store"}

    def http_method_not_allowed(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        log_with(request, refused="request.method")
        allow = ", ".join(name.upper() for name in self.http_method_names)
        body = dict(zip(self.error_names, ("invalid_request", f"Use {allow}."), strict=True))
        return JsonResponse(body, status=405, headers={**self.error_headers, "Allow": allow})


class UnknownEndpointView(ScimView):
    """Any path below /scim that is no endpoint: 404 for those who may know, 401 for others."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound(
            "request.no-endpoint", f"There is no SCIM endpoint at {request.path[:128]!r}."
        )
