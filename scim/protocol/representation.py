"""A stored resource as clients see it: with `schemas`, `id` and `meta`, its version, and the
attributes that they ask for (RFC 7643 §3.1, §7 "returned"; RFC 7644 §3.9, §3.14).

A plan is made once per resource type and projection: names in the schema's order, since the
database keeps none. Projecting a resource is then one walk along the plan.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, assert_never
from uuid import UUID

from scim.protocol.errors import InvalidPath, InvalidSyntax, InvalidValue, PreconditionFailed
from scim.protocol.filters import parse_path
from scim.protocol.schema import Attribute, ResourceType, Returned, Type

# Names in one projection; a client that wants more wants everything.
MAX_NAMES: Final = 200
MAX_NAMES_LENGTH: Final = 32_768  # characters, all of them together: projections are kept

# Comes after everything else.
_LAST: Final = "meta"
_META: Final = ("resourceType", "created", "lastModified", "location", "version")

# Attributes in order, beside each the sub-attributes that are shown, None for a simple one.
_Attributes = tuple[tuple[str, tuple[str, ...] | None], ...]

# Extension (None for the core), attribute and sub-attribute; None for all of them.
_Name = tuple[str | None, str | None, str | None]


_TAG: Final = re.compile(r'(?:W/)?"([^"]*)"')
_ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class Written:
    """The values of a multi-valued attribute as JSON, which the answer holds as it is.

    The members of a group are written by the database: as objects they take ten times the memory of
    the answer. They come in parts, each some values with commas between them, since what is large
    and in one piece leaves holes in a process's memory.
    """

    parts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource as the repository returns it; `resource` is its canonical document."""

    id: UUID
    resource: Mapping[str, Any]
    version: int
    created: datetime
    last_modified: datetime
    # Attributes that are rows, if loaded; members are `Written`, with the sub-attributes loaded.
    related: Mapping[str, Any] = field(default_factory=dict)


def represent(resource_type: ResourceType, stored: Stored, tenant_url: str) -> dict[str, Any]:
    """The whole representation; `tenant_url` is the SCIM base, such as https://acme.…/scim."""
    identifier, created, modified = str(stored.id), stored.created, stored.last_modified
    written = date_time(created)
    return {
        "schemas": schemas(resource_type, stored.resource),
        "id": identifier,
        **stored.resource,
        **stored.related,
        "meta": {
            "resourceType": resource_type.name,
            "created": written,
            "lastModified": written if modified == created else date_time(modified),
            "location": location(resource_type, identifier, tenant_url),
            "version": entity_tag(stored.version),
        },
    }


def schemas(resource_type: ResourceType, resource: Mapping[str, Any]) -> list[str]:
    """The core URN and those of the extensions the resource has values of (RFC 7643 §3)."""
    extensions = resource_type.extensions
    given = [each.schema.id for each in extensions if each.schema.id in resource]
    return [resource_type.schema.id, *given]


def location(resource_type: ResourceType, identifier: UUID | str, tenant_url: str) -> str:
    """The resource's own URI; never built from a request (docs/security.md)."""
    return f"{tenant_url}{resource_type.endpoint}/{identifier}"


def date_time(moment: datetime) -> str:
    """UTC with milliseconds, such as 2026-11-25T10:53:26.123Z (RFC 7643 §2.3.5)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def entity_tag(version: int) -> str:
    """The weak entity tag of a version; it is `meta.version` and the ETag header."""
    return f'W/"{version}"'


@dataclass(frozen=True, slots=True)
class Precondition:
    """The headers If-Match and If-None-Match as they were sent; None when absent.

    Tags compare weakly (RFC 7644 §3.14 allows weak tags in If-Match): only what stands between the
    quotes counts. A header without any tag matches nothing.
    """

    if_match: str | None = None
    if_none_match: str | None = None

    def check(self, version: int) -> None:
        """Raise PreconditionFailed if a resource of that version must not be changed."""
        if self.if_match is not None and not _names(self.if_match, version):
            raise PreconditionFailed(
                "version.changed",
                f"The resource is at version {entity_tag(version)}, which is not what If-Match"
                " asks for. Read it again and repeat the change.",
            )
        if self.is_not_modified(version):
            raise PreconditionFailed(
                "version.changed",
                f"The resource is at version {entity_tag(version)}, which If-None-Match excludes.",
            )

    def is_not_modified(self, version: int) -> bool:
        """True when the client already has that version (304 on a read)."""
        return self.if_none_match is not None and _names(self.if_none_match, version)


def _names(header: str, version: int) -> bool:
    return header.strip() == _ANY or str(version) in _TAG.findall(header)


@dataclass(frozen=True, slots=True)
class Projection:
    """Names as clients write them in `attributes` or `excludedAttributes`, in lower case.

    None where the parameter was not given.
    """

    attributes: tuple[str, ...] | None = None
    excluded: tuple[str, ...] | None = None


EVERYTHING: Final = Projection()


@dataclass(frozen=True, slots=True)
class _Plan:
    core: _Attributes
    extensions: tuple[tuple[str, _Attributes], ...]
    meta: _Attributes
    has_whole_meta: bool  # as `represent` makes it

    def project(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        seen = _walk(self.core, resource)
        for urn, attributes in self.extensions:
            if urn in resource and (members := _walk(attributes, resource[urn])):
                seen[urn] = members
        if _LAST in resource:
            if self.has_whole_meta:
                seen[_LAST] = resource[_LAST]
            else:
                seen.update(_walk(self.meta, resource))
        return seen


def read_projection(attributes: object = None, excluded: object = None) -> Projection:
    """The projection that two parameters ask for: comma-separated text, a list of names, or None.

    An empty parameter counts as not given. Raises InvalidValue, also if both are given: RFC 7644
    §3.9 has them exclude each other and does not say which one would win.
    """
    wanted = _read_names("attributes", attributes)
    unwanted = _read_names("excludedAttributes", excluded)
    if wanted and unwanted:
        raise InvalidValue(
            "list.parameters", "attributes and excludedAttributes exclude each other; send one."
        )
    return Projection(wanted, unwanted)


def _read_names(parameter: str, raw: object) -> tuple[str, ...] | None:
    names = raw.split(",") if isinstance(raw, str) else raw
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidSyntax("list.parameters", f"{parameter} must be a list of attribute names.")
    found = tuple(dict.fromkeys(name.strip().lower() for name in names if name.strip()))
    if len(found) > MAX_NAMES:
        raise InvalidValue("list.parameters", f"{parameter} has more than {MAX_NAMES} names.")
    if sum(map(len, found)) > MAX_NAMES_LENGTH:
        raise InvalidValue(
            "list.parameters", f"{parameter} is longer than {MAX_NAMES_LENGTH} characters."
        )
    return found or None


def project(
    resource_type: ResourceType,
    resource: Mapping[str, Any],
    projection: Projection = EVERYTHING,
) -> dict[str, Any]:
    """The part of a representation that the client sees, in the schema's order, `meta` last.

    Names that the resource type does not know are passed over: Entra and others ask for attributes
    of their own (E27).
    """
    return projecting(resource_type, projection)(resource)


def projecting(
    resource_type: ResourceType, projection: Projection
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """`project` for many resources of a type, whose plan is asked for once."""
    return _plan(resource_type, projection).project


@lru_cache(maxsize=256)
def relations_shown(resource_type: ResourceType, projection: Projection) -> tuple[Attribute, ...]:
    """The attributes that are rows and that the client gets to see, each with the sub-attributes that
    are shown; nothing else need be loaded.
    """
    shown = dict(_plan(resource_type, projection).core)
    return tuple(
        replace(each, sub_attributes=_named(each.sub_attributes, shown[each.name] or ()))
        for each in resource_type.relations
        if each.name in shown
    )


def _named(attributes: Iterable[Attribute], names: Sequence[str]) -> tuple[Attribute, ...]:
    return tuple(each for each in attributes if each.name in names)


def _walk(attributes: _Attributes, holder: Mapping[str, Any]) -> dict[str, Any]:
    seen = {}
    for name, subs in attributes:
        if name in holder:  # most of the attributes there are, a resource has not
            value = holder[name]
            if value is not None and subs is not None:
                value = _pick(subs, value)
            if value is not None:
                seen[name] = value
    return seen


def _pick(subs: tuple[str, ...], value: Any) -> Any:
    """The sub-attributes of one complex value or of many, None if there are none of them.

    A written value already has them: it was loaded for the same projection (`relations_shown`).
    """
    if isinstance(value, dict):
        return {sub: value[sub] for sub in subs if sub in value} or None
    if isinstance(value, Written):
        return value
    picked = [{sub: each[sub] for sub in subs if sub in each} for each in value]
    return [each for each in picked if each] or None


@lru_cache(maxsize=256)
def _plan(resource_type: ResourceType, projection: Projection) -> _Plan:
    choice = _Choice(
        _locate(resource_type, projection.attributes),
        _locate(resource_type, projection.excluded) or frozenset(),
    )
    common = resource_type.common
    schemas = (extension.schema for extension in resource_type.extensions)
    meta = choice.of(None, (attribute for attribute in common if attribute.name == _LAST))
    return _Plan(
        choice.of(None, (*common, *resource_type.schema.attributes), leave_out=_LAST),
        tuple((schema.id, choice.of(schema.id, schema.attributes)) for schema in schemas),
        meta,
        meta == ((_LAST, _META),),
    )


def _locate(resource_type: ResourceType, names: Iterable[str] | None) -> frozenset[_Name] | None:
    """The attributes that the names address, without unknown ones; None for None."""
    if names is None:
        return None
    return frozenset(found for name in names if (found := _locate_one(resource_type, name)))


def _locate_one(resource_type: ResourceType, name: str) -> _Name | None:
    try:
        path = parse_path(name)
    except InvalidPath:
        return None
    named = path.attribute
    if not named.name:
        schema = resource_type.find_schema(named.urn or "")
        if schema is None:
            return None
        return (None if schema is resource_type.schema else schema.id, None, None)
    located = resource_type.locate(named.urn, named.name, named.sub or path.sub)
    if located is None:
        return None
    sub = located.sub.name if located.sub else None
    return (located.extension, located.attribute.name, sub)


@dataclass(frozen=True, slots=True)
class _Choice:
    """The selection of one projection: all there is by default, or the attributes in `wanted`."""

    wanted: frozenset[_Name] | None
    unwanted: frozenset[_Name]

    def of(
        self,
        extension: str | None,
        attributes: Iterable[Attribute],
        *,
        leave_out: str = "",
    ) -> _Attributes:
        """The attributes that are shown, less the one with the name to leave out."""
        found = (
            (attribute.name, self._subs(extension, attribute))
            for attribute in attributes
            if attribute.name != leave_out
        )
        return tuple((name, subs) for name, subs in found if subs != ())

    def _subs(self, extension: str | None, attribute: Attribute) -> tuple[str, ...] | None:
        """The sub-attributes to show, None for a simple attribute, () to leave it out."""
        if attribute.is_secret:
            return ()
        whole = ((extension, None, None), (extension, attribute.name, None))
        is_shown = self._shows(attribute, whole, is_default=self.wanted is None)
        if attribute.type is not Type.COMPLEX:
            return None if is_shown else ()
        subs = [(sub, (extension, attribute.name, sub.name)) for sub in attribute.sub_attributes]
        is_asked = self.wanted is not None and any(name in self.wanted for _, name in subs)
        if not (is_shown or is_asked):
            return ()
        return tuple(
            sub.name for sub, name in subs if self._shows(sub, (name,), is_default=is_shown)
        )

    def _shows(self, attribute: Attribute, names: Sequence[_Name], *, is_default: bool) -> bool:
        """RFC 7643 §7, "returned"; `names` are those under which the attribute may be asked for."""
        if attribute.is_secret:
            return False
        is_named = self.wanted is not None and any(name in self.wanted for name in names)
        is_refused = any(name in self.unwanted for name in names)
        match attribute.returned:
            case Returned.ALWAYS:
                return True
            case Returned.NEVER:
                return False
            case Returned.REQUEST:
                return is_named
            case Returned.DEFAULT:
                return (is_named or is_default) and not is_refused
            case _:
                assert_never(attribute.returned)
