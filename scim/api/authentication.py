"""The bearer token of a request (RFC 6750 §2.1): in the Authorization header and nowhere else.

A secret token, or an access token of an OAuth client; the prefix tells them apart.
"""

import time
from typing import Any, Final

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts import access, tokens, uses
from accounts.tokens import Scope, Sent, TokenRefused, Verified
from accounts.uses import Credential, Kind, Use
from scim.api.requests import ScimRequest, scim_request
from scim.protocol.errors import Forbidden, InsufficientScope, TooManyRequests, Unauthorized
from scim.provider.requester import Origin, Requester
from tenants import clock, rates
from tenants.backend.statements import Hot
from tenants.current import ServedRequest, TenantRequest, address_of, current_tenant, log_with
from tenants.middleware import TenantMiddleware

_SCHEME: Final = "bearer"
_CHALLENGE: Final = 'Bearer realm="myPolicies SCIM"'
_INVALID_TOKEN: Final = f'{_CHALLENGE}, error="invalid_token"'
INSUFFICIENT_SCOPE: Final = f'{_CHALLENGE}, error="insufficient_scope"'
_MISSING: Final = (
    "The request has no secret token. Send it as 'Authorization: Bearer <Secret Token>'."
)
_TOO_MANY: Final = (
    "Too many requests from this address have come without a valid secret token. A valid one is accepted at"
    " any time."
)


# For so long after a token was found good, what its scopes permit goes ahead of the next look at it
# (scim.api.foresight).
_GOOD_SECONDS: Final = 60.0
_MOST_GOOD: Final = 10_000
_good: Final[dict[bytes, tuple[float, frozenset[Scope]]]] = {}  # until when, by digest of the token
_NEVER: Final[tuple[float, frozenset[Scope]]] = (0.0, frozenset())


class SecretTokenAuthentication(BaseAuthentication):
    """Authenticates as a Requester; before the body is looked at, and again on each request."""

    def authenticate(self, request: Request) -> tuple[Requester, Verified]:
        """The requester and the token. Raises Unauthorized, Forbidden, TooManyRequests."""
        http_request = scim_request(request._request)  # noqa: SLF001  # DRF has no public name for it
        value = bearer_token(request.META.get("HTTP_AUTHORIZATION", ""))
        tenant = current_tenant()
        if value is None:
            _note_failure(http_request)
            raise Unauthorized("token.missing", _MISSING)
        try:
            sent = Sent(value, address_of(http_request))
            rows = http_request.first_rows  # TokenMiddleware
            verified = _kind(value).verify(tenant.id, sent, clock.now(), rows)
        except TokenRefused as refusal:
            _good.pop(http_request.token_digest, None)
            http_request.refusal = refusal
            log_with(http_request, token_refused=refusal.reason.value)
            _note_failure(http_request)
            error = Forbidden if refusal.reason.is_forbidden else Unauthorized
            raise error(refusal.id, refusal.detail) from None
        _note_good(http_request, verified)
        log_with(http_request, token=verified.public_id)
        requester = requester_of(http_request, verified)
        if not http_request.is_counted:
            http_request.is_counted = True
            use = Use(clock.now(), requester.address, http_request.META.get("HTTP_USER_AGENT", ""))
            uses.note(tenant, _credentials(verified), use)
            rates.note_request(tenant.id)
        return requester, verified


def was_good(request: ScimRequest, scope: Scope) -> bool:
    """True if the token of the request was good for that within the last minute.

    It is looked up again all the same.
    """
    until, scopes = _good.get(request.token_digest, _NEVER)
    return scope in scopes and time.monotonic() < until


def _note_good(request: ScimRequest, verified: Verified) -> None:
    if len(_good) >= _MOST_GOOD:
        _good.clear()
    _good[request.token_digest] = time.monotonic() + _GOOD_SECONDS, verified.scopes


def _note_failure(request: HttpRequest) -> None:
    """Raise TooManyRequests if too many have failed from the address; a good token is never refused so."""
    seconds = rates.note_failure(current_tenant().id, address_of(request))
    if seconds:
        raise TooManyRequests("token.rate", _TOO_MANY, seconds) from None


class TokenMiddleware(TenantMiddleware):
    """Looks the token up in the message that begins the transaction: a round trip less.

    Read on each request, as any other way of asking would; and refused by authentication, in order.
    """

    ends_with_last = True

    def first_statement(self, request: TenantRequest) -> Hot | None:
        value = bearer_token(request.META.get("HTTP_AUTHORIZATION", ""))
        look_up = _kind(value).look_up(request.tenant.id, value) if value else None
        digest: Any
        (digest,) = look_up.parameters if look_up else (b"",)
        scim_request(request).token_digest = digest
        return look_up

    def only_reads(self, request: TenantRequest) -> bool:
        """True for GET and HEAD: what they write to the log has a transaction of its own."""
        return request.method in {"GET", "HEAD"}


def _kind(value: str) -> tokens.Kind:
    return access.ACCESS if access.is_access_token(value) else tokens.SECRET


def bearer_token(header: str) -> str | None:
    """The token in the header, None without one; the scheme's letter case does not matter."""
    scheme, _, value = header.strip().partition(" ")
    return value.strip() or None if scheme.lower() == _SCHEME else None


def challenge_of(request: HttpRequest) -> str:
    """The challenge that a refused request is answered with (RFC 6750 §3).

    It has an error code if the request named the scheme; without credentials, and with those of another
    scheme, it has none.
    """
    scheme = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")[0]
    return _INVALID_TOKEN if scheme.lower() == _SCHEME else _CHALLENGE


def check_scope(verified: Verified, scope: Scope) -> None:
    """Raise InsufficientScope (RFC 6750 §3.1) unless the token has the scope."""
    if scope not in verified.scopes:
        raise InsufficientScope(
            "token.scope",
            f"The access token does not have the scope {scope}: request one that has it.",
            scope,
        )


def requester_of(request: ServedRequest, verified: Verified | None) -> Requester:
    """The requester behind a request; without a token when it was refused."""
    origin = Origin(
        method=request.method or "",
        path=request.path,
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
        token_id=verified.token_id if verified else None,
    )
    return Requester(
        tenant_url=current_tenant().tenant_url,
        request_id=request.request_id,
        origin=origin,
        name=f"{verified.label} ({verified.public_id})" if verified else "",
        address=address_of(request),
        started=request.started,
    )


def _credentials(verified: Verified) -> tuple[Credential, ...]:
    """The credentials in use, of which an access token itself is none: it lives for an hour."""
    if verified.is_client:
        return uses.of_client(verified.token_id, verified.secret_id)
    return (Credential(Kind.TOKEN, verified.token_id),)
