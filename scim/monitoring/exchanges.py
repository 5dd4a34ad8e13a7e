"""The meaning of a request for the tenant's connection and set-up, handed to tenants.traffic.

The tutorial's mapping has nine attributes (step 10). Which of them arrive, and in which of Entra's
two formats of PATCH, is kept as marks from the closed set below: names, never values.
"""

from functools import lru_cache
from itertools import islice, product
from typing import Any, Final

from accounts.oauth import GrantRefused
from accounts.tokens import Reason, TokenRefused, Verified
from scim.protocol import sent, urns
from scim.protocol.definitions import USER
from scim.protocol.sent import Place
from scim.provider.observers import Answered, Observer
from tenants import clock, traffic
from tenants.models import Tenant
from tenants.traffic import Bearer, Exchange, Kind

USER_NAME: Final = "userName"
ACTIVE: Final = "active"
WORK_EMAIL: Final = 'emails[type eq "work"].value'
EXTERNAL_ID: Final = "externalId"
WORK_COUNTRY: Final = 'addresses[type eq "work"].country'
MANAGER: Final = f"{urns.ENTERPRISE_USER}:manager"
# The attribute mapping of the tutorial, in its order.
MAPPING: Final = (
    USER_NAME,
    ACTIVE,
    WORK_EMAIL,
    "name.givenName",
    "name.familyName",
    "name.formatted",
    EXTERNAL_ID,
    WORK_COUNTRY,
    MANAGER,
)
CREATE: Final = "user created"
LEGACY: Final = "legacy PATCH"  # operations capitalized, booleans as strings
COMPLIANT: Final = "compliant PATCH"  # aadOptscim062020
LIMITED: Final = "limit exceeded"

_WORK: Final = '"type": "work"'
_MAX_PATH: Final = 200  # characters; those of the marks are shorter, and they are remembered
_MAX_READ: Final = 500  # values of a body; what is configured shows in the first ones
_MAX_KNOWN: Final = 1_024  # outlines
# The names of texts that marks follow from, in any letter case where that counts not.
_TELLING: Final = frozenset(
    map("".join, (*product("oO", "pP"), *product("pP", "aA", "tT", "hH"), ("type",)))
)
_FORMATS: Final = dict.fromkeys(("Add", "Replace", "Remove"), LEGACY) | dict.fromkeys(
    ("add", "replace", "remove"), COMPLIANT
)
_MARKS: Final = {
    Place("", USER_NAME): USER_NAME,
    Place("", ACTIVE): ACTIVE,
    Place("", EXTERNAL_ID): EXTERNAL_ID,
    Place("", "name", "givenName"): "name.givenName",
    Place("", "name", "familyName"): "name.familyName",
    Place("", "name", "formatted"): "name.formatted",
    Place("", "emails", "value", _WORK): WORK_EMAIL,
    Place("", "addresses", "country", _WORK): WORK_COUNTRY,
    Place(urns.ENTERPRISE_USER, "manager"): MANAGER,
    Place(urns.ENTERPRISE_USER, "manager", "value"): MANAGER,
}

_known: dict[int, frozenset[str]] = {}  # marks by the hash of what they follow from

_REFUSED_FROM: Final = 400
_BROKEN_FROM: Final = 500
_NO_ACCESS: Final = frozenset({401, 403})
_READS: Final = frozenset({"GET", "HEAD"})
# Refusals that tell nothing of how the tenant's credentials and mapping work.
_LIMITS: Final = {"tenant.rate": Kind.PASSING, "token.rate": Kind.STRANGE}


def marks_of(method: str, body: Any) -> frozenset[str]:
    """The marks of a POST, PUT or PATCH of a user, whether or not it was accepted.

    Bodies of one outline have the same marks, and clients send few: the marks are remembered by its hash,
    with no name and no value of a body.
    """
    key = hash((method, _outline(body)))
    known = _known.get(key)
    if known is None:
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        known = _known[key] = _read_marks(method, body)
    return known


def _outline(value: Any) -> Any:
    """All of a body that its marks follow from: names, what is nothing, paths, operations, types."""
    kind = value.__class__
    if kind is dict:
        return tuple(
            [
                (name, _outline(item))
                if item.__class__ is not str
                else (name, item if name in _TELLING else item == "")
                for name, item in value.items()
            ]
        )
    if kind is list:
        return (list, *map(_outline, value))
    return value is None or value == ""


def _read_marks(method: str, body: Any) -> frozenset[str]:
    found = {CREATE} if method == "POST" and isinstance(body, dict) else set()
    for value in islice(sent.values(USER, body), _MAX_READ):
        found.add(_FORMATS.get(value.op, ""))
        if value.value not in (None, "", []) and len(value.path) <= _MAX_PATH:
            found.add(_mark(value.path))
    return frozenset(found - {""})


@lru_cache(maxsize=512)
def _mark(path: str) -> str:
    """The mark of an attribute; empty for others."""
    place = sent.place_of(USER, path)
    selected = _WORK if _WORK in place.selected else ""  # whatever else the filter says
    return _MARKS.get(place._replace(selected=selected), "")


class Exchanges(Observer):
    """Counts the requests of a tenant: no statement, some microseconds."""

    def answered(self, tenant: Tenant, answered: Answered) -> None:
        exchange = Exchange(
            at=clock.now(),
            kind=_LIMITS.get(answered.reason) or _kind(answered),
            reason=answered.reason,
            request_id=answered.request_id,
            marks=_marks(answered),
            bearer=_bearer(answered),
        )
        traffic.note(tenant.id, exchange)


def _marks(answered: Answered) -> frozenset[str]:
    if answered.reason == "tenant.rate":
        return frozenset({LIMITED})
    is_user = answered.resource_type and answered.resource_type.name == urns.USER_TYPE
    if is_user and not _is_read(answered):
        return marks_of(answered.method, answered.sent)
    return frozenset()


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
    if status in _NO_ACCESS or status >= _BROKEN_FROM or refusal is not None:
        return Kind.REFUSED
    return Kind.PASSING  # what is wrong with it is a problem (scim.problems), not the connection's
