"""SCIM events of a change of a resource (RFC 9967 §2), in the claims of a
Security Event Token (RFC 8417 §2.2).

One change is one token, which may hold several events: a PATCH that disables a user is `patch` and
`deactivate`. `notice` names the attributes that changed, `full` holds what became of them; a
receiver gets one of the two.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from scim.protocol import urns
from scim.protocol.definitions import MEMBERS, RESOURCE_TYPES
from scim.protocol.differences import Change
from scim.protocol.representation import date_time, entity_tag

PREFIX: Final = "urn:ietf:params:scim:event:prov:"
MEDIA_TYPE: Final = "application/secevent+jwt"  # RFC 8417 §7.3
TOKEN_TYPE: Final = "secevent+jwt"  # noqa: S105  # RFC 8417 §2.3
SUBJECT_FORMAT: Final = "scim"  # RFC 9967 §2.1


class Kind(StrEnum):
    """The kind of a change of a resource (RFC 9967 §2.4)."""

    CREATE = "create"
    PATCH = "patch"
    PUT = "put"
    DELETE = "delete"
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"


# The kinds that say what changed, by names (notice) or with the values (full).
DETAILED: Final = (Kind.CREATE, Kind.PATCH, Kind.PUT)
NOTICE: Final = "notice"
FULL: Final = "full"


def uris_of(kind: Kind) -> tuple[str, ...]:
    """The event URIs of a kind, notice before full."""
    if kind in DETAILED:
        return tuple(f"{PREFIX}{kind}:{flavor}" for flavor in (NOTICE, FULL))
    return (f"{PREFIX}{kind}",)


EVENT_URIS: Final = tuple(uri for kind in Kind for uri in uris_of(kind))
_ENDPOINTS: Final = {each.name: each.endpoint for each in RESOURCE_TYPES}


@dataclass(frozen=True, slots=True)
class Happening:
    """A change of a resource, as it was recorded with it.

    `document` is the canonical resource after the change, `schemas` its schemas. `members` are those
    of a group that was created or replaced, as {"value": id, "type": name}; else None. `uri` is the
    resource's path below the SCIM base.
    """

    id: UUID
    at: datetime
    kinds: tuple[Kind, ...]
    resource_type: str
    uri: str
    version: int
    schemas: tuple[str, ...]
    document: Mapping[str, Any]
    changes: tuple[Change, ...] = ()
    members: Sequence[Mapping[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class Addressed:
    """From whom a token is and to whom; `issuer` is the SCIM base, `event_uris` what is wanted."""

    jti: UUID
    issuer: str
    audience: str
    event_uris: Collection[str] = field(default=EVENT_URIS)


def kinds(change: Kind, changes: Iterable[Change]) -> tuple[Kind, ...]:
    """The change, and whether it switched the resource on or off.

    Only `active: false` is off (RFC 7643 §4.1.1). A new user is neither activated nor deactivated:
    the event of the creation has the state.
    """
    if change not in {Kind.PATCH, Kind.PUT}:
        return (change,)
    switched = (
        Kind.DEACTIVATE if each.after is False else Kind.ACTIVATE
        for each in changes
        if each.path == "active" and (each.before is False) != (each.after is False)
    )
    return (change, *switched)


def claims(happening: Happening, addressed: Addressed) -> dict[str, Any]:
    """The claims of the token; `txn` is the same for all who get the change (RFC 9967 §2.2)."""
    subject = {"format": SUBJECT_FORMAT, "uri": happening.uri}
    if "externalId" in happening.document:
        subject["externalId"] = happening.document["externalId"]
    wanted = [
        (kind, uri)
        for kind in happening.kinds
        for uri in uris_of(kind)
        if uri in addressed.event_uris
    ]
    return {
        "jti": str(addressed.jti),
        "iat": int(happening.at.timestamp()),
        "iss": addressed.issuer,
        "aud": [addressed.audience],
        "txn": str(happening.id),
        "sub_id": subject,
        "events": {uri: _payload(happening, kind, uri, addressed.issuer) for kind, uri in wanted},
    }


def _payload(happening: Happening, kind: Kind, uri: str, issuer: str) -> dict[str, Any]:
    if kind not in DETAILED:
        return {}  # RFC 9967 §2.4.4: no attributes
    version = {"version": entity_tag(happening.version)}
    if uri.endswith(NOTICE):
        return {**version, "attributes": _attributes(happening, kind)}
    match kind:
        case Kind.PATCH:
            body = _patch(happening)
            # A PatchOp has an operation (RFC 7644 §3.5.2); what is never returned makes none.
            if not body["Operations"]:
                return {**version, "attributes": _attributes(happening, kind)}
            return {**version, "data": body}
        case Kind.PUT:
            return {**version, "data": _representation(happening, issuer)}
        case _:
            moment = date_time(happening.at)
            meta = {
                "resourceType": happening.resource_type,
                "created": moment,
                "lastModified": moment,
                "location": f"{issuer}{happening.uri}",
                **version,
            }
            return {**version, "data": {**_representation(happening, issuer), "meta": meta}}


def _attributes(happening: Happening, kind: Kind) -> list[str]:
    """The paths of what changed, each once; of values in an attribute, the attribute."""
    names = (_attribute_of(change) for change in happening.changes)
    created = ("id",) if kind is Kind.CREATE else ()
    return list(dict.fromkeys((*created, *names)))


def _attribute_of(change: Change) -> str:
    return change.path.partition("[")[0]


def _representation(happening: Happening, issuer: str) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "schemas": list(happening.schemas),
        "id": happening.uri.rpartition("/")[2],
        **happening.document,
    }
    if happening.members:
        whole[MEMBERS.name] = [
            {**each, "$ref": f"{issuer}{_ENDPOINTS[each['type']]}/{each['value']}"}
            for each in happening.members
        ]
    return whole


def _patch(happening: Happening) -> dict[str, Any]:
    """The shortest PATCH with the same effect, whatever shape the one had that was sent.

    A multi-valued attribute is replaced whole, so that applying the event twice does no harm;
    members, of whom there may be many, are added and removed one by one.
    """
    operations: list[dict[str, Any]] = []
    for name in _attributes(happening, Kind.PATCH):
        if name == MEMBERS.name:
            operations += _member_operations(happening.changes)
            continue
        value = _value_at(happening.document, name)
        if value is not None:
            operations.append({"op": "replace", "path": name, "value": value})
        elif not _has_hidden_value(happening.changes, name):
            operations.append({"op": "remove", "path": name})
    return {"schemas": [urns.PATCH_OP], "Operations": operations}


def _has_hidden_value(changes: Iterable[Change], name: str) -> bool:
    """True if an attribute that the document does not show has a value (`returned: never`)."""
    return any(change.after is not None for change in changes if _attribute_of(change) == name)


def _member_operations(changes: Iterable[Change]) -> list[dict[str, Any]]:
    moved = [change for change in changes if _attribute_of(change) == MEMBERS.name]
    removals: list[dict[str, Any]] = [
        {"op": "remove", "path": change.path} for change in moved if change.after is None
    ]
    added = [{"value": change.after} for change in moved if change.after is not None]
    return [*removals, *([{"op": "add", "path": MEMBERS.name, "value": added}] if added else [])]


def _value_at(document: Mapping[str, Any], path: str) -> Any:
    """The value at `title`, `name.familyName` or `urn:…:User:manager.value`; None without one."""
    urn, _, within = path.rpartition(":")
    value: Any = document.get(urn) if urn else document
    for name in within.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value
