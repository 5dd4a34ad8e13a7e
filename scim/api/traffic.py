"""What a SCIM exchange tells about the tenant's connection, handed to tenants.traffic."""

from typing import Any, Final, Protocol

from django.http import HttpRequest
from rest_framework.response import Response

from scim.protocol import urns
from scim.protocol.schema import ResourceType
from scim.provider.marks import marks_of
from scim.provider.requester import Requester
from tenants import clock, traffic
from tenants.current import current_tenant
from tenants.traffic import Exchange, Kind

_REFUSED_FROM: Final = 400
_BROKEN_FROM: Final = 500
# Answers that belong to normal working: gone, unchanged, or changed by another meanwhile.
_PASSING: Final = frozenset({404, 412})
_NO_ACCESS: Final = frozenset({401, 403})
_READS: Final = frozenset({"GET", "HEAD"})


class Answered(Protocol):
    """What is asked of a view that has answered."""

    @property
    def requester(self) -> Requester | None: ...
    @property
    def resource_type(self) -> ResourceType | None: ...
    @property
    def operation(self) -> str: ...
    @property
    def sent(self) -> Any: ...


def note(request: HttpRequest, view: Answered, response: Response) -> None:
    """Counts the exchange: no statement, some microseconds."""
    status, method = response.status_code, request.method or ""
    is_read = method in _READS or view.operation == "query"
    is_user = view.resource_type is not None and view.resource_type.name == urns.USER_TYPE
    exchange = Exchange(
        at=clock.now(),
        kind=_kind(request, view, status, is_read=is_read),
        reason=_reason(request, response) if status >= _REFUSED_FROM else "",
        request_id=getattr(request, "request_id", ""),
        marks=frozenset() if is_read or not is_user else marks_of(method, view.sent),
    )
    traffic.note(current_tenant().id, exchange)


def note_grant_refused(request: HttpRequest, requester: Requester | None, code: str) -> None:
    """Counts a request for an access token that was refused, with its error code (RFC 6749 §5.2)."""
    kind = Kind.STRANGE if requester is None else Kind.REFUSED
    request_id = getattr(request, "request_id", "")
    exchange = Exchange(clock.now(), kind, f"token {code}", request_id)
    traffic.note(current_tenant().id, exchange)


def _kind(request: HttpRequest, view: Answered, status: int, *, is_read: bool) -> Kind:
    if status < _REFUSED_FROM:
        return Kind.READ if is_read else Kind.CHANGE
    if view.requester is None and not _names_a_token(request):
        return Kind.STRANGE if status in _NO_ACCESS else Kind.REFUSED
    if status in _PASSING:
        return Kind.PASSING
    if is_read or status in _NO_ACCESS or status >= _BROKEN_FROM:
        return Kind.REFUSED
    return Kind.CHANGE_REFUSED


def _names_a_token(request: HttpRequest) -> bool:
    """Whether a token of the tenant was sent that is revoked, expired or without an admin."""
    return refused_token(request) in {"revoked", "expired", "account is no active admin"}


def refused_token(request: HttpRequest) -> str:
    """Why the request's token was refused (accounts.tokens.Reason); "" if it was not."""
    fields: dict[str, str] = getattr(request, "log_fields", {})
    return fields.get("token_refused", "")


def _reason(request: HttpRequest, response: Response) -> str:
    data = response.data if isinstance(response.data, dict) else {}
    detail = refused_token(request) or data.get("scimType", "")
    return f"{response.status_code} {detail}".strip()
