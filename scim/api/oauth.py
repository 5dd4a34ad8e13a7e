"""The token endpoint (RFC 6749 §3.2) and what it says about itself (RFC 8414), in plain JSON.

A form comes in, an access token or an error of RFC 6749 §5.2 goes out. No SCIM here: clients use an
OAuth library for this part. Credentials are read from the header and the body, never from the URL.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt

from accounts import assertions, oauth, tokens
from accounts.oauth import ErrorCode, GrantRefused, Issued, Proven
from scim.api import bodies
from scim.api.authentication import requester_of
from scim.api.log import Asked, log_read, log_refusal, tell
from scim.api.requests import ScimRequest, scim_request
from scim.api.views import JsonView
from scim.protocol.errors import BadRequest, ScimError, TooManyRequests, Unauthorized
from scim.provider.catalog import CAPABILITIES
from scim.provider.observers import Answered
from tenants import clock, rates
from tenants.current import address_of, current_tenant
from tenants.models import Tenant

GRANT: Final = "client_credentials"
FORM: Final = "application/x-www-form-urlencoded"
CHALLENGE: Final = 'Basic realm="myPolicies SCIM", charset="UTF-8"'
MAX_BODY: Final = 32_768  # bytes
MAX_FIELDS: Final = 20
UNAVAILABLE: Final = "temporarily_unavailable"  # RFC 6749 has no code of its own for 429
_TOO_MANY: Final = (
    "Too many requests from this address have come without valid client credentials. Valid ones are accepted"
    " at any time."
)
_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}  # RFC 6749 §5.1


@dataclass(frozen=True, slots=True)
class _Credentials:
    """The client's credentials in a request; absent and empty are the same (RFC 6749 §3.2)."""

    client_id: str | None
    secret: str | None = field(repr=False)
    assertion: str | None = field(repr=False, default=None)


class _JsonView(JsonView):
    error_names = ("error", "error_description")
    error_headers = _NO_STORE


@method_decorator(csrf_exempt, name="dispatch")  # no cookie counts here
class TokenView(_JsonView):
    """POST: the client credentials grant (RFC 6749 §4.4)."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        request, asked = scim_request(request), Asked("issue token")
        try:
            issued = _grant(request, asked)
            rates.note_request(current_tenant().id)
        except GrantRefused as refusal:
            return _refusal(request, asked, refusal)
        log_read(request, asked, 200)
        body = {
            "access_token": issued.value,
            "token_type": "Bearer",
            "expires_in": issued.seconds,
            "scope": issued.scope,
        }
        return JsonResponse(body, headers=_NO_STORE)


class MetadataView(_JsonView):
    """GET: authorization server metadata (RFC 8414 §3), open to all.

    The issuer is the one that the client put the well-known path in front of: the host, or the
    Tenant URL.
    """

    http_method_names = ["get", "head"]
    below = ""  # "/scim" for the Tenant URL

    def get(self, request: HttpRequest) -> HttpResponse:
        tenant = current_tenant()
        body = {
            "issuer": tenant.base_url + self.below,
            "token_endpoint": tenant.token_endpoint,
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post",
                "private_key_jwt",
            ],
            "token_endpoint_auth_signing_alg_values_supported": list(assertions.ALGORITHMS),
            "grant_types_supported": [GRANT],
            "response_types_supported": [],
            # E33: "scim" is the one name that the IPSIE profile has for all of it.
            "scopes_supported": sorted(tokens.Scope),
            "service_documentation": CAPABILITIES.documentation,
        }
        return JsonResponse(body)


def _grant(request: ScimRequest, asked: Asked) -> Issued:
    form = _read_form(request)
    now, tenant = clock.now(), current_tenant()
    grant = form.get("grant_type")
    if grant is None:
        raise GrantRefused(
            ErrorCode.INVALID_REQUEST, "oauth.request", "The parameter grant_type is missing."
        )
    proven = _prove(_read_credentials(request, form), tenant, address_of(request))
    asked.verified = proven.verified
    asked.requester = requester_of(request, proven.verified)
    if grant != GRANT:
        raise GrantRefused(
            ErrorCode.UNSUPPORTED_GRANT_TYPE, "oauth.grant-type", f"The grant type here is {GRANT}."
        )
    return oauth.issue(tenant.id, proven, oauth.read_scopes(form.get("scope")), now)


def _prove(credentials: _Credentials, tenant: Tenant, address: str | None) -> Proven:
    if credentials.assertion is not None:
        audiences = frozenset({tenant.token_endpoint, tenant.base_url, tenant.tenant_url})
        return oauth.by_assertion(
            credentials.client_id, credentials.assertion, audiences, clock.now(), address
        )
    if credentials.client_id is None or credentials.secret is None:
        raise GrantRefused(
            ErrorCode.INVALID_CLIENT,
            "oauth.request",
            "The request does not say client id and client secret.",
        )
    return oauth.by_secret(
        tenant.id, credentials.client_id, credentials.secret, clock.now(), address
    )


def _read_form(request: HttpRequest) -> dict[str, str]:
    """The parameters that have a value. Raises GrantRefused."""
    if (request.content_type or "").lower() != FORM:
        raise GrantRefused(
            ErrorCode.INVALID_REQUEST, "oauth.request", f"Send the parameters as {FORM}."
        )
    try:
        body = bodies.read_all(request, MAX_BODY)
        pairs = parse_qsl(body.decode("ascii"), errors="strict", max_num_fields=MAX_FIELDS)
    except (ValueError, UnreadablePostError):
        raise GrantRefused(
            ErrorCode.INVALID_REQUEST, "oauth.request", "The body is not a form."
        ) from None
    except ScimError as error:  # its length, or how it is coded
        raise GrantRefused(ErrorCode.INVALID_REQUEST, error.reason, error.detail) from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise GrantRefused(
            ErrorCode.INVALID_REQUEST, "oauth.request", "A parameter is there twice."
        )
    return form


def _read_credentials(request: HttpRequest, form: Mapping[str, str]) -> _Credentials:
    """The credentials that the request carries, in one way only. Raises GrantRefused."""
    header = request.META.get("HTTP_AUTHORIZATION", "").strip()
    secret, assertion = form.get("client_secret"), form.get("client_assertion")
    if sum((bool(header), secret is not None, assertion is not None)) > 1:
        raise GrantRefused(
            ErrorCode.INVALID_REQUEST,
            "oauth.request",
            "The request authenticates in more than one way.",
        )
    if header:
        client_id, secret = _read_basic(header)
        if form.get("client_id", client_id) != client_id:
            raise GrantRefused(
                ErrorCode.INVALID_REQUEST, "oauth.request", "The request names two client ids."
            )
        return _Credentials(client_id, secret)
    if assertion is not None and form.get("client_assertion_type") != assertions.TYPE:
        raise GrantRefused(
            ErrorCode.INVALID_CLIENT,
            "oauth.request",
            f"The client_assertion_type here is {assertions.TYPE}.",
        )
    return _Credentials(form.get("client_id"), secret, assertion)


def _read_basic(header: str) -> tuple[str, str]:
    """Client id and secret, each form-encoded before Basic joins them (RFC 6749 §2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("ascii")
    except ValueError:
        text = ""
    client_id, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise GrantRefused(
            ErrorCode.INVALID_CLIENT, "oauth.request", "The Authorization header is not HTTP Basic."
        )
    return unquote_plus(client_id), unquote_plus(secret)


def _refusal(request: ScimRequest, asked: Asked, refusal: GrantRefused) -> HttpResponse:
    transaction.set_rollback(True)
    error = _too_many(request, refusal) or _as_scim_error(refusal)
    log_refusal(request, asked, error)
    answered = Answered(
        operation=asked.operation,
        method=request.method or "",
        status=error.status,
        reason=error.reason,
        request_id=request.request_id,
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
        verified=asked.verified,
        refusal=refusal,
    )
    tell(answered)
    headers = dict(_NO_STORE)
    code = refusal.code.value
    match error:
        case Unauthorized():
            headers["WWW-Authenticate"] = CHALLENGE
        case TooManyRequests():
            headers["Retry-After"], code = str(error.seconds), UNAVAILABLE
    body = {"error": code, "error_description": error.detail}
    return JsonResponse(body, status=error.status, headers=headers)


def _too_many(request: HttpRequest, refusal: GrantRefused) -> TooManyRequests | None:
    """The refusal of a client that has not proved who it is or is elsewhere, if too many of its address do."""
    if refusal.code is not ErrorCode.INVALID_CLIENT and refusal.reason != oauth.ADDRESS:
        return None
    seconds = rates.note_failure(current_tenant().id, address_of(request))
    return TooManyRequests("token.rate", _TOO_MANY, seconds) if seconds else None


def _as_scim_error(refusal: GrantRefused) -> ScimError:
    """The refusal in the words of the provisioning log."""
    error = Unauthorized if refusal.code is ErrorCode.INVALID_CLIENT else BadRequest
    return error(refusal.reason, refusal.detail)
