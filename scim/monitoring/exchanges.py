"""The meaning of a request for the tenant's connection, handed to tenants.traffic."""

from typing import Final

from accounts.oauth import GrantRefused
from accounts.tokens import Reason, TokenRefused, Verified
from scim.monitoring.marks import marks_of
from scim.protocol import urns
from scim.provider.observers import Answered, Observer
from tenants import clock, traffic
from tenants.models import Tenant
from tenants.traffic import Bearer, Exchange, Kind

_REFUSED_FROM: Final = 400
_BROKEN_FROM: Final = 500
# Answers that belong to normal working: gone, unchanged, or changed by another meanwhile.
_PASSING: Final = frozenset({404, 412})
_NO_ACCESS: Final = frozenset({401, 403})
_READS: Final = frozenset({"GET", "HEAD"})


class Exchanges(Observer):
    """Counts the requests of a tenant: no statement, some microseconds."""

    def answered(self, tenant: Tenant, answered: Answered) -> None:
        is_user = answered.resource_type and answered.resource_type.name == urns.USER_TYPE
        exchange = Exchange(
            at=clock.now(),
            kind=_kind(answered),
            reason=answered.reason,
            request_id=answered.request_id,
            marks=marks_of(answered.method, answered.sent)
            if is_user and not _is_read(answered)
            else frozenset(),
            bearer=_bearer(answered),
        )
        traffic.note(tenant.id, exchange)


def _is_read(answered: Answered) -> bool:
    return answered.method in _READS or answered.operation == "query"


def _bearer(answered: Answered) -> Bearer | None:
    """The credential of the tenant's that a request came with, good or refused.

    A client's secrets are told from each other.
    """
    verified = _verified(answered)
    if verified is None:
        return None
    agent, label = answered.user_agent, verified.label
    if verified.secret_id is not None:
        return Bearer(
            verified.secret_id, f"client secret {label} ({verified.secret_public_id})", agent
        )
    kind = "OAuth client" if verified.is_client else "secret token"
    return Bearer(verified.token_id, f"{kind} {label} ({verified.public_id})", agent)


def _verified(answered: Answered) -> Verified | None:
    refusal = answered.refusal
    if isinstance(refusal, TokenRefused):
        return refusal.refused
    return (refusal.refused if refusal else None) or answered.verified


def _kind(answered: Answered) -> Kind:
    status, refusal, is_read = answered.status, answered.refusal, _is_read(answered)
    if status < _REFUSED_FROM:
        return Kind.READ if is_read else Kind.CHANGE
    if refusal is not None and refusal.refused is not None:
        # An access token lives for an hour: its client asks for another one then.
        is_normal = (
            isinstance(refusal, TokenRefused)
            and refusal.reason is Reason.EXPIRED
            and refusal.refused.is_client
        )
        return Kind.PASSING if is_normal else Kind.DENIED
    if answered.verified is None:
        is_strange = status in _NO_ACCESS or isinstance(refusal, GrantRefused)
        return Kind.STRANGE if is_strange else Kind.REFUSED
    if status in _PASSING:
        return Kind.PASSING
    if is_read or status in _NO_ACCESS or status >= _BROKEN_FROM or refusal is not None:
        return Kind.REFUSED
    return Kind.CHANGE_REFUSED
