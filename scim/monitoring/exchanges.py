"""What a SCIM exchange tells about the tenant's connection, handed to tenants.traffic."""

from typing import Any, Final, Protocol

from django.http import HttpRequest
from rest_framework.response import Response

from accounts.oauth import GrantRefused
from accounts.tokens import Reason, TokenRefused, Verified
from scim.monitoring.marks import marks_of
from scim.protocol import urns
from scim.protocol.schema import ResourceType
from scim.provider.requester import Requester
from tenants import clock, traffic
from tenants.current import current_tenant
from tenants.traffic import Bearer, Exchange, Kind

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
    def verified(self) -> Verified | None: ...
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
        bearer=_bearer(request, _verified(request, view)),
    )
    traffic.note(current_tenant().id, exchange)


def note_grant_refused(
    request: HttpRequest, refusal: GrantRefused, proven: Verified | None
) -> None:
    """Counts a request for an access token that was refused; `proven` is the client that asked."""
    kind = Kind.STRANGE if proven is None else Kind.REFUSED
    exchange = Exchange(
        at=clock.now(),
        kind=Kind.DENIED if refusal.refused else kind,
        reason=f"token {refusal.code.value}",
        request_id=getattr(request, "request_id", ""),
        bearer=_bearer(request, refusal.refused or proven),
    )
    traffic.note(current_tenant().id, exchange)


def _bearer(request: HttpRequest, verified: Verified | None) -> Bearer | None:
    """The credential that a request came with: a client's secrets are told from each other."""
    if verified is None:
        return None
    agent, label = request.META.get("HTTP_USER_AGENT", ""), verified.label
    if verified.secret_id is not None:
        return Bearer(
            verified.secret_id, f"client secret {label} ({verified.secret_public_id})", agent
        )
    kind = "OAuth client" if verified.is_client else "secret token"
    return Bearer(verified.token_id, f"{kind} {label} ({verified.public_id})", agent)


def _kind(request: HttpRequest, view: Answered, status: int, *, is_read: bool) -> Kind:
    if status < _REFUSED_FROM:
        return Kind.READ if is_read else Kind.CHANGE
    refusal = _refusal(request)
    if refusal is not None and refusal.refused is not None:
        # An access token lives for an hour: its client asks for another one then.
        is_normal = refusal.reason is Reason.EXPIRED and refusal.refused.is_client
        return Kind.PASSING if is_normal else Kind.DENIED
    if view.requester is None:
        return Kind.STRANGE if status in _NO_ACCESS else Kind.REFUSED
    if status in _PASSING:
        return Kind.PASSING
    if is_read or status in _NO_ACCESS or status >= _BROKEN_FROM:
        return Kind.REFUSED
    return Kind.CHANGE_REFUSED


def _refusal(request: HttpRequest) -> TokenRefused | None:
    """Why the request's token was refused (scim.api.authentication); None if it was not."""
    return getattr(request, "refusal", None)


def _verified(request: HttpRequest, view: Answered) -> Verified | None:
    """The credential of the request that is the tenant's, good or refused."""
    refusal = _refusal(request)
    return refusal.refused if refusal else view.verified


def _reason(request: HttpRequest, response: Response) -> str:
    data = response.data if isinstance(response.data, dict) else {}
    refusal = _refusal(request)
    detail = refusal.reason.value if refusal else data.get("scimType", "")
    return f"{response.status_code} {detail}".strip()
