"""The way to an identity provider and back: a request in the browser's session, its answer, once.

The session knows the one request that its browser has open, for ten minutes. Whatever comes back uses
it up, also what is refused. An answer by POST comes from another site, without the session's cookie
(SameSite=Lax): it waits in the tenant's schema until the browser returns by GET.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from django.db import connection
from django.http import HttpRequest

from accounts.sealing import SealBroken, seal, unseal
from accounts.signed_in import lock_session
from accounts.sso import documents, oidc, saml
from accounts.sso.identity import LEEWAY, Identity, Kind, Request, SignOnRefused
from accounts.sso.models import SECRET_USE, IdentityProvider, SignOnAnswer
from accounts.sso.places import client_of, saml_provider_of, service_of
from tenants import clock
from tenants.models import Tenant

OPEN_FOR: Final = timedelta(minutes=10)
_ANSWER_USE: Final = "single sign-on answer"
_KEY: Final = "single_sign_on"
_NO_REQUEST: Final = (
    "This browser has no sign-in open that the answer belongs to: it was used, is older than ten"
    " minutes, or began in another browser."
)
_STORE: Final = """
    INSERT INTO accounts_signonanswer (digest, identity, expires_at) VALUES (%s, %s, %s)
    ON CONFLICT (digest) DO NOTHING
"""


class Purpose(StrEnum):
    """The use that is made of the person who comes back."""

    SIGN_IN = "sign-in"
    ACCEPT = "accept"  # an invitation
    LINK = "link"  # with the account that is signed in
    TEST = "test"
    RENEW = "renew"  # the proof of who is signed in


@dataclass(frozen=True, slots=True)
class Open:
    """A request that a browser has open."""

    kind: str
    purpose: str
    request: Request
    since: str  # ISO time
    next_path: str = ""
    account: str = ""  # the id of the one that was signed in
    invitation: str = field(default="", repr=False)


def new(kind: str, purpose: Purpose, **more: str) -> Open:
    """A request to open, from now on."""
    return Open(kind, purpose, Request.new(), clock.now().isoformat(), **more)


def begin(request: HttpRequest, tenant: Tenant, asked: Open) -> str:
    """The provider's URL for the request, which the session keeps. Raises SignOnRefused."""
    provider = provider_for(asked.kind, asked.purpose)
    request.session[_KEY] = asdict(asked)
    again = asked.purpose == Purpose.RENEW
    if asked.kind == Kind.OIDC:
        return oidc.authorization_url(client_of(tenant, provider), asked.request, again=again)
    service, known = service_of(tenant), saml_provider_of(provider)
    return saml.authentication_url(service, known, asked.request.id, clock.now(), again=again)


def provider_for(kind: str, purpose: str) -> IdentityProvider:
    """The current tenant's provider, good for that purpose. Raises SignOnRefused."""
    provider = IdentityProvider.objects.filter(kind=kind).first()
    if provider is None or not (provider.is_enabled or purpose == Purpose.TEST):
        raise SignOnRefused("sso.off", "Single sign-on by this protocol is not enabled here.")
    if not provider.is_read:
        raise SignOnRefused(
            "sso.unreachable", provider.failure or "The provider's documents are being read."
        )
    return provider


def take(request: HttpRequest, kind: Kind) -> Open:
    """The request that the session has open, which is used up by that. Raises SignOnRefused."""
    row = lock_session(request)
    stored: Any = row.get_decoded().get(_KEY) if row else None
    request.session.pop(_KEY, None)
    opened = _read(stored) if stored else None
    if opened is None or opened.kind != kind:
        raise SignOnRefused("sso.state", _NO_REQUEST)
    if datetime.fromisoformat(opened.since) + OPEN_FOR < clock.now():
        raise SignOnRefused("sso.state", _NO_REQUEST)
    return opened


def _read(stored: Mapping[str, Any]) -> Open:
    return Open(**{**stored, "request": Request(**stored["request"])})


def answer_by_code(tenant: Tenant, opened: Open, query: Mapping[str, str]) -> Identity:
    """The person in an answer of OpenID Connect to the open request. Raises SignOnRefused."""
    if not hmac.compare_digest(opened.request.id.encode(), query.get("state", "").encode()):
        raise SignOnRefused("sso.state", _NO_REQUEST)
    provider = provider_for(opened.kind, opened.purpose)
    if query.get("iss", provider.issuer) != provider.issuer:  # RFC 9207 §2.4
        raise SignOnRefused("sso.issuer", "The answer comes from another issuer.", query["iss"])
    if "code" not in query:
        detail = "The identity provider did not sign the person in."
        raise SignOnRefused("sso.provider", detail, query.get("error", ""))
    client = client_of(tenant, provider)
    try:
        secret = unseal(tenant.id, SECRET_USE, provider.secret)
    except SealBroken as error:
        raise SignOnRefused("sso.exchange", str(error)) from None
    form = oidc.token_form(client, opened.request, query["code"], secret)
    answer = documents.exchange(provider, form)
    now = clock.now()
    try:
        return oidc.check(
            client, opened.request, oidc.read_token_answer(answer.status, answer.text), now
        )
    except SignOnRefused as refusal:
        if refusal.reason == "sso.signature":
            documents.read_again(tenant, provider, now)
        raise


def keep(tenant: Tenant, response: str, now: datetime) -> None:
    """Check a SAML response and keep the person in it for the browser that has the request open.

    Raises SignOnRefused.
    """
    provider = provider_for(Kind.SAML, Purpose.TEST)
    proof = saml.check(service_of(tenant), saml_provider_of(provider), response, now)
    person = json.dumps(asdict(proof.identity), default=datetime.isoformat)
    sealed = seal(tenant.id, _ANSWER_USE, person)
    SignOnAnswer.objects.filter(expires_at__lte=now).delete()
    with connection.cursor() as cursor:
        ends_at = proof.ends_at + LEEWAY
        cursor.execute(_STORE, [_digest(proof.request_id), sealed, ends_at])
        if not cursor.rowcount:
            raise SignOnRefused("sso.replay", "The SAML response has been used before.")


def answer_kept(tenant: Tenant, opened: Open) -> Identity:
    """The person in the response to the open request, once. Raises SignOnRefused."""
    kept = (
        SignOnAnswer.objects.select_for_update().filter(digest=_digest(opened.request.id)).first()
    )
    if kept is None or not kept.identity:
        raise SignOnRefused("sso.state", _NO_REQUEST)
    try:
        stored = json.loads(unseal(tenant.id, _ANSWER_USE, kept.identity))
    except SealBroken:  # SECRET_KEY was changed a moment ago
        raise SignOnRefused("sso.state", _NO_REQUEST) from None
    SignOnAnswer.objects.filter(pk=kept.pk).update(identity="")
    provider = provider_for(opened.kind, opened.purpose)
    if stored["issuer"] != provider.issuer:
        raise SignOnRefused("sso.issuer", "The identity provider has been changed meanwhile.")
    at = stored["authenticated_at"]
    moment = datetime.fromisoformat(at) if at else None
    return Identity(**{**stored, "kind": Kind(stored["kind"]), "authenticated_at": moment})


def check_renewed(opened: Open, person: Identity) -> None:
    """Raise SignOnRefused when the person proved themselves before they were asked to anew."""
    since = datetime.fromisoformat(opened.since)
    if person.authenticated_at is not None and person.authenticated_at < since - LEEWAY:
        raise SignOnRefused(
            "sso.not-renewed", "The identity provider did not ask the person to sign in again."
        )


def _digest(request_id: str) -> bytes:
    return sha256(request_id.encode()).digest()
