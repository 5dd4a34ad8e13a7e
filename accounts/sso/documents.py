"""The documents of an OpenID Connect provider: read by the worker, never while somebody waits.

Requests go through the guard of accounts.posting: public addresses only, briefly. Keys are read again
twice a day, and a few minutes after a token was signed with one that is not known.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings

from accounts import posting
from accounts.posting import Answer, Message, NotSent
from accounts.sso import oidc
from accounts.sso.identity import Kind, SignOnRefused
from accounts.sso.models import IdentityProvider
from tenants import clock, lifecycle, schemas
from tenants.current import in_tenant
from tenants.models import Tenant

READ_EVERY: Final = timedelta(hours=12)
TRY_AGAIN: Final = timedelta(minutes=5)
SOONEST: Final = timedelta(minutes=5)  # between two times because of an unknown key
_TIMEOUT: Final = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class _Read:
    """The documents, or a sentence why there are none."""

    documents: dict[str, Any]
    failure: str = ""


def tenants_due() -> list[Tenant]:
    """The tenants whose documents are to be read now."""
    return schemas.with_identity_due(clock.now())


def advance(tenant: Tenant) -> bool:
    """Read the documents of the tenant's provider, and note when to do so next: True.

    No transaction is open while the provider is asked.
    """
    with in_tenant(tenant):
        provider = IdentityProvider.objects.filter(kind=Kind.OIDC).first()
    if provider is None:
        lifecycle.set_identity_due(tenant, None)
        return True
    found, now = _read(provider.issuer), clock.now()
    with in_tenant(tenant):
        same = IdentityProvider.objects.filter(pk=provider.pk, issuer=provider.issuer)
        if found.failure:
            same.update(failure=found.failure)
        else:
            same.update(documents=found.documents, read_at=now, failure="")
    lifecycle.set_identity_due(tenant, now + (TRY_AGAIN if found.failure else READ_EVERY))
    return True


def read_again(tenant: Tenant, provider: IdentityProvider, now: datetime) -> None:
    """Have the worker read the keys soon: a token was signed with one that is not known."""
    if provider.read_at is None or provider.read_at <= now - SOONEST:
        lifecycle.set_identity_due(tenant, now)


def exchange(provider: IdentityProvider, form: bytes) -> Answer:
    """The answer of the token endpoint. Raises SignOnRefused when there is none."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    message = Message(provider.document("token_endpoint"), form, headers)
    return _asked(message)


def _read(issuer: str) -> _Read:
    try:
        found = oidc.read_document(_get(issuer + oidc.WELL_KNOWN), issuer)
        keys = oidc.read_keys(_get(found["jwks_uri"]))
        _check_urls(found)
    except SignOnRefused as refusal:
        return _Read({}, f"{refusal}")
    return _Read({**found, "keys": keys["keys"]})


def _check_urls(found: dict[str, str]) -> None:
    """Raise SignOnRefused for an endpoint to which nobody may be sent."""
    for name, url in found.items():
        flaw = posting.flaw(url, private_allowed=settings.DEVELOPMENT)
        if flaw is not None:
            raise SignOnRefused("sso.metadata", f"The document's {name} is not usable. {flaw}")


def _get(url: str) -> str:
    answer = _asked(Message(url, b"", {"Accept": "application/json"}, method="GET"))
    if answer.status != 200:
        raise SignOnRefused("sso.unreachable", f"{url} answered {answer.status}.")
    return answer.text


def _asked(message: Message) -> Answer:
    try:
        return posting.post(message, private_allowed=settings.DEVELOPMENT, timeout=_TIMEOUT)
    except NotSent as error:
        raise SignOnRefused(
            "sso.unreachable", f"The identity provider did not answer. {error}"
        ) from None
