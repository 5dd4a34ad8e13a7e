"""The bearer token of a request (RFC 6750 §2.1): in the Authorization header and nowhere else.

A secret token, or an access token of an OAuth client; the prefix tells them apart.
"""

import ipaddress
import time
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts import access, tokens
from accounts.tokens import Reason, Scope, TokenRefused, Verified
from scim.protocol.errors import Forbidden, InsufficientScope, Unauthorized
from scim.provider.requester import Requester
from scim.provider.summaries import Summaries
from tenants import clock
from tenants.current import after_response, current_tenant

CHALLENGE: Final = 'Bearer realm="myPolicies SCIM"'
INVALID_TOKEN: Final = f'{CHALLENGE}, error="invalid_token"'
INSUFFICIENT_SCOPE: Final = f'{CHALLENGE}, error="insufficient_scope"'
_MISSING: Final = (
    "The request has no secret token. Send it as 'Authorization: Bearer <Secret Token>'."
)

# A token's use is written at most once a minute and process (product.md, "Tokens").
_uses: Final = Summaries()


class SecretTokenAuthentication(BaseAuthentication):
    """Authenticates as a Requester; before the body is read, and again on each request."""

    def authenticate(self, request: Request) -> tuple[Requester, Verified]:
        """The requester and the token. Raises Unauthorized, Forbidden."""
        http_request = request._request  # noqa: SLF001  # DRF has no public name for it
        # `log_fields` are for the line that config.outermost logs, and for scim.api.traffic.
        value = bearer_token(request.META.get("HTTP_AUTHORIZATION", ""))
        if value is None:
            raise Unauthorized(_MISSING)
        try:
            kind = access if access.is_access_token(value) else tokens
            verified = kind.verify(current_tenant().id, value, clock.now())
        except TokenRefused as refusal:
            http_request.log_fields = {"token_refused": refusal.reason.value}  # type: ignore[attr-defined]
            error = Forbidden if refusal.reason is Reason.NOT_ADMIN else Unauthorized
            raise error(refusal.detail) from None
        begins = not hasattr(http_request, "log_fields")  # and not once more, after a conflict
        http_request.log_fields = {"token": verified.public_id}  # type: ignore[attr-defined]
        requester = requester_of(http_request, verified)
        # A client's use is noted when it asks for an access token.
        if kind is tokens and begins:
            _note_use(http_request, requester, verified)
        return requester, verified


def bearer_token(header: str) -> str | None:
    """The token in the header, None without one; the scheme's letter case does not matter."""
    scheme, _, value = header.strip().partition(" ")
    return value.strip() or None if scheme.lower() == "bearer" else None


def check_scope(verified: Verified, scope: Scope) -> None:
    """Raises InsufficientScope (RFC 6750 §3.1) unless the token has the scope."""
    if scope not in verified.scopes:
        raise InsufficientScope(
            f"The access token does not have the scope {scope}: request one that has it.", scope
        )


def requester_of(request: HttpRequest, verified: Verified | None) -> Requester:
    """Who sent the request; without a token when it was refused."""
    return Requester(
        tenant_url=current_tenant().tenant_url,
        request_id=getattr(request, "request_id", ""),
        method=request.method or "",
        path=request.path,
        started=getattr(request, "started", time.perf_counter()),
        address=_address(request.META.get("REMOTE_ADDR", "")),
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
        token_id=verified.token_id if verified else None,
        token_label=f"{verified.label} ({verified.public_id})" if verified else "",
        account_email=verified.account_email if verified else "",
    )


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:  # a Unix socket has no address
        return None


def _note_use(request: HttpRequest, requester: Requester, verified: Verified) -> None:
    uses = _uses.note(verified.token_id, time.monotonic())
    if not uses:
        return
    after_response(request, partial(_record_use, requester, verified.token_id, clock.now(), uses))


def _record_use(requester: Requester, token_id: UUID, at: datetime, uses: int) -> None:
    """Notes the uses; while another process is just doing so they wait for the next ones."""
    if not tokens.record_use(token_id, at, requester.address, requester.user_agent, uses):
        _uses.give_back(token_id, uses)
