"""Redaction of secret attributes, in requests that are kept and in the past that is shown.

An attribute is secret if it is writeOnly or never returned, and so is each part of it (RFC 7643 §7).
The service accepts such a value and keeps it nowhere, as the RFC permits (decision 0030). A value
stored before its attribute became secret is taken out of resources and left out of the past.

A secret value may stand in a body, under any spelling of its attribute that is read, in the path or
the filter of a request, or in JSON within a text. A request is kept by what the schemas know: the
value of an attribute that they do not have is left out, because a misspelt password is a password.
A record of the past is shown the other way round: only secret values are left out of it.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Final

from scim.protocol.differences import Change
from scim.protocol.errors import BadRequest, InvalidSyntax
from scim.protocol.filters import MAX_LENGTH, Literals, parse_path
from scim.protocol.messages import AS_DEFINED, by_lower_name
from scim.protocol.schema import Attribute, Mutability, ResourceType, Returned, Schema, Type
from scim.protocol.text import shown
from scim.protocol.urns import PATCH_OP
from scim.protocol.values import is_nothing, read_document

REDACTED: Final = "[redacted]"

# The parameters of a query whose values are names or numbers (RFC 7644 §3.4.2, RFC 9865 §2).
_LISTS: Final = frozenset({"attributes", "excludedattributes", "schemas"})
_WORDS: Final = frozenset({"sortorder", "startindex", "count", "cursor"})
_WORD: Final = re.compile(r"[\w…=.+-]{0,40}")
# Members of an operation of a PATCH or a Bulk request that are words of the protocol.
_OF_OPERATIONS: Final = frozenset({"op", "method", "version", "bulkid"})
_OPS: Final = frozenset({"add", "replace", "remove", "Add", "Replace", "Remove"})
_MAX_WORD: Final = 200  # characters
_BLANK: Final = re.compile(r"[\s\"'=]")
_VALUE: Final = "value"
_OPENING: Final = frozenset("{[")  # JSON in a text


def without_secrets(resource_type: ResourceType, resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """The canonical resource without values of secret attributes of extensions.

    They were stored while the schema did not call them secret. Those of the core never were.
    """
    secrets = _secret_attributes(resource_type)
    if not secrets:
        return resource
    kept = dict(resource)
    for urn, attributes in secrets:
        holder = kept.get(urn)
        if not isinstance(holder, Mapping):
            continue
        values = {
            name: rest
            for name, value in holder.items()
            if (rest := without_parts(attributes.get(name.lower()), value)) is not None
        }
        if values:
            kept[urn] = values
        else:
            del kept[urn]
    return kept


@lru_cache(maxsize=256)
def _secret_attributes(resource_type: ResourceType) -> tuple[tuple[str, dict[str, Attribute]], ...]:
    """The attributes of extensions that are secret, or have a secret part, by URN and name."""
    found = []
    for schema in (extension.schema for extension in resource_type.extensions):
        attributes = {each.name.lower(): each for each in secret_attributes(schema)}
        if attributes:
            found.append((schema.id, attributes))
    return tuple(found)


def secret_attributes(schema: Schema) -> list[Attribute]:
    """The attributes of a schema that are secret or have a secret part."""
    return [
        each
        for each in schema.attributes
        if each.is_secret or any(sub.is_secret for sub in each.sub_attributes)
    ]


def secret_paths(schema: Schema) -> set[str]:
    """The secret attributes and parts of a schema, such as `pin` and `vault.code`, in lower case."""
    return {
        (each.name if each.is_secret else f"{each.name}.{sub.name}").lower()
        for each in secret_attributes(schema)
        for sub in ((each,) if each.is_secret else each.sub_attributes)
        if sub.is_secret
    }


def remembering(schema: Schema, former: Iterable[str]) -> Schema:
    """The schema with the secret attributes and parts that it once had, by their paths."""
    by_name = {each.name.lower(): each for each in schema.attributes}
    for path in sorted(former):
        name, _, part = path.partition(".")
        attribute = by_name.get(name) or Attribute(name, Type.COMPLEX if part else Type.STRING)
        if not part:
            attribute = _secret(attribute)
        elif attribute.find(part) is None:
            parts = (*attribute.sub_attributes, _secret(Attribute(part)))
            attribute = replace(attribute, type=Type.COMPLEX, sub_attributes=parts)
        by_name[name] = attribute
    return replace(schema, attributes=tuple(by_name.values()))


def _secret(attribute: Attribute) -> Attribute:
    return replace(attribute, mutability=Mutability.WRITE_ONLY, returned=Returned.NEVER)


def without_parts(attribute: Attribute | None, value: Any) -> Any:
    """The value without its secret parts; None when nothing is left."""
    if attribute is None:
        return value
    if attribute.is_secret:
        return None
    if isinstance(value, Mapping):
        rest = {
            name: part
            for name, part in value.items()
            if (sub := attribute.find(name)) is None or not sub.is_secret
        }
        return rest or None
    if isinstance(value, list):
        return [
            rest for each in value if (rest := without_parts(attribute, each)) is not None
        ] or None
    return value


@dataclass(frozen=True, eq=False)
class _Place:
    """The target of a path: a schema, or an attribute and perhaps a part of it.

    A bare name may be an attribute of several schemas or types: then it is each of them. `text` is the
    path without the values in it that are not to be kept. `parts` are None where no part is addressed,
    () for one that is unknown; `urn` is that of a schema which is addressed as a whole.
    """

    text: str
    attributes: tuple[Attribute, ...] = ()
    parts: tuple[Attribute, ...] | None = None
    urn: str | None = None

    @cached_property
    def is_secret(self) -> bool:
        return any(each.is_secret for each in (*self.attributes, *(self.parts or ())))

    @cached_property
    def is_readable(self) -> bool:
        return self.parts != () and bool(self.attributes) and not self.is_secret

    @cached_property
    def complex(self) -> "_Complex | None":
        """The complex attributes among those that are addressed as a whole."""
        found = tuple(each for each in self.attributes if each.type is Type.COMPLEX)
        return _Complex(found) if found and self.parts is None else None


class _Complex:
    """Complex attributes, mostly one, of which a name may mean a part of each."""

    def __init__(self, attributes: Sequence[Attribute]) -> None:
        self._attributes = attributes
        self._readable: dict[str, bool] = {}  # by name, as far as it is one of the schemas'

    def is_readable(self, name: str) -> bool:
        """True if each of the attributes that has a part with the name shows it, and one has it."""
        known = self._readable.get(name)
        if known is None:
            parts = [part for each in self._attributes if (part := each.find(name)) is not None]
            known = bool(parts) and not any(each.is_secret for each in parts)
            if any(name == part.name for part in parts):
                self._readable[name] = known
        return known


class Redaction:
    """Leaves out what is secret in resources of the types, which are all that a tenant has or had."""

    def __init__(self, types: Sequence[ResourceType]) -> None:
        self._types = {each.name: _Reader((each,)) for each in types}
        self._all = _Reader(tuple(types))
        self._by_endpoint = {each.endpoint.strip("/").lower(): each.name for each in types}

    def body(self, sent: Any, resource_type: str = "") -> Any:
        """The body of a request about a type, or about any, as far as it may be kept."""
        if not isinstance(sent, dict):
            return _left_out(sent)
        names = {name.lower(): name for name in sent}
        if not isinstance(sent.get(names.get("operations", "")), list):
            return self._reader(resource_type).members(sent)
        return {
            shown(name): self._operations(item, resource_type)
            if name.lower() == "operations"
            else _message_member(name, item)
            for name, item in sent.items()
        }

    def query(self, sent: Any, resource_type: str = "") -> Any:
        """The parameters of a query, from the URL or the body, as far as they may be kept."""
        if not isinstance(sent, dict):
            return _left_out(sent)
        return self._reader(resource_type).parameters(sent)

    def path(self, path: str, resource_type: str) -> str:
        """A path of the past without the values of secret attributes in its filter."""
        place = self._reader(resource_type).place(path, keeps_unknown=True)
        return place.text if place else path

    def value(self, path: str, value: Any, resource_type: str) -> Any:
        """A value of the past at a path, what is secret in it left out."""
        reader = self._reader(resource_type)
        place = reader.place(path, keeps_unknown=True)
        if place is None or value is None:
            return value
        return reader.hidden(place, value)

    def readable(self, changes: Iterable[Change], resource_type: str) -> list[Change]:
        """Changes of the past without those of secret attributes and parts."""
        reader = self._reader(resource_type)
        return [found for change in changes if (found := reader.readable(change)) is not None]

    def _reader(self, resource_type: str) -> "_Reader":
        return self._types.get(resource_type, self._all)

    def _operations(self, operations: Sequence[Any], resource_type: str) -> list[Any]:
        return [
            self._operation(each, resource_type) if isinstance(each, dict) else _left_out(each)
            for each in operations
        ]

    def _operation(self, operation: Mapping[str, Any], resource_type: str) -> dict[str, Any]:
        """An operation of a PATCH, or of a Bulk request, which is about a type of its own."""
        sent = by_lower_name(operation)
        path = sent.get("path")
        is_bulk = "method" in sent or "data" in sent
        endpoint = path.strip("/").partition("/")[0] if isinstance(path, str) and is_bulk else ""
        named = self._by_endpoint.get(endpoint.lower(), "") if is_bulk else resource_type
        reader = self._reader(named)
        place = None if is_bulk or not isinstance(path, str) else reader.place(path)

        def member(name: str, item: Any) -> Any:
            if name == "data" and is_bulk:
                return self.body(item, named)
            if name == "path" and isinstance(item, str) and item != REDACTED:
                return _endpoint(item) if is_bulk else place.text if place else reader.unknown(item)
            if name == _VALUE:
                return reader.value_of(item, place, has_path=path is not None)
            return _word(item) if name in _OF_OPERATIONS else _left_out(item)

        return {
            name if name in AS_DEFINED else shown(name): member(name.lower(), item)
            for name, item in operation.items()
        }


@dataclass(frozen=True, eq=False)
class _Reader:
    """Reads what is about resources of some types, mostly one."""

    types: tuple[ResourceType, ...]

    def members(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """The members of a resource."""
        return dict([self._member(name, name, item) for name, item in sent.items()])

    def parameters(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of a query."""
        return {
            self.unknown(name): self._parameter(name.lower(), item) for name, item in sent.items()
        }

    def unknown(self, name: str) -> str:
        """A name that is no path: what looks like a comparison in it is left out like a filter's."""
        if _BLANK.search(name):
            return self._filter(name, (), keeps_unknown=False)
        return shown(name)

    def place(self, path: str, *, keeps_unknown: bool = False) -> _Place | None:
        """The target of the path; None if the text is no path or names nothing in the schemas."""
        return _place(self, path, keeps_unknown)

    def value_of(self, value: Any, place: _Place | None, *, has_path: bool) -> Any:
        """The value of a PATCH operation."""
        if not has_path and isinstance(value, dict):
            return self.members(value)
        return self._kept(place, value)

    def hidden(self, place: _Place, value: Any) -> Any:
        """A value of the past at that place, what is secret in it left out."""
        if place.is_secret:
            return _left_out(value)
        return _each(value, lambda item: self._without_secret_parts(place.attributes, item))

    def readable(self, change: Change) -> Change | None:
        """The change without secret parts, None if nothing is left of it."""
        place = self.place(change.path, keeps_unknown=True)
        if place is None or not place.attributes:
            return change
        if place.is_secret:
            return None
        [attribute, *_] = place.attributes
        if place.parts is not None:
            return change
        before, after = (without_parts(attribute, side) for side in (change.before, change.after))
        return None if before == after else Change(change.path, before, after)

    def _member(self, path: str, name: str, item: Any) -> tuple[str, Any]:
        """A member of an object, and what of it may be kept; `path` is its whole path."""
        place = _place(self, path, False)  # lru_cache
        if name.lower() == "schemas":
            return name, _names(item)
        if place is None:
            return self.unknown(name), _left_out(item)
        text = name if place.text == path else place.text.removeprefix(path.removesuffix(name))
        return text, self._kept(place, item)

    def _kept(self, place: _Place | None, item: Any) -> Any:
        if place is not None and place.urn is not None and isinstance(item, dict):
            return dict(
                [self._member(f"{place.urn}:{name}", name, each) for name, each in item.items()]
            )
        if place is None or not place.is_readable:
            return _left_out(item)
        if place.complex is not None:
            if isinstance(item, list):
                return [self._complex(place.complex, each) for each in item]
            return self._complex(place.complex, item)
        if _is_plain(item):
            return item
        return _each(item, self._wrapped) if place.parts is None else self._simple(item)

    def _complex(self, attributes: _Complex, item: Any) -> Any:
        """A value of a complex attribute; what is no object stands for its `value` (E4, E20)."""
        if not isinstance(item, dict):
            return self._simple(item) if attributes.is_readable(_VALUE) else _left_out(item)
        kept: dict[str, Any] = {}
        for name, part in item.items():
            if not attributes.is_readable(name):
                kept[self.unknown(name)] = _left_out(part)
            else:
                kept[name] = part if _is_plain(part) else _each(part, self._wrapped)
        return kept

    def _wrapped(self, item: Any) -> Any:
        """A simple value, or an object that clients wrap it in."""
        if not isinstance(item, dict):
            return self._simple(item)
        return {
            shown(name): self._simple(part) if name.lower() == _VALUE else _left_out(part)
            for name, part in item.items()
        }

    def _simple(self, item: Any) -> Any:
        if isinstance(item, (dict, list)):
            return _each(item, _left_out) if isinstance(item, list) else _left_out(item)
        return self._text(item) if isinstance(item, str) else item

    def _text(self, text: str) -> str:
        """A text; of one that is JSON (E16) without the values of secret attributes in it."""
        if _is_plain(text):
            return text
        try:
            found = read_document(text)
        except InvalidSyntax:  # no JSON, or more of it than is read anywhere
            return text if not self._names_a_secret(text) else REDACTED
        kept = self._json(found)
        return text if kept == found else json.dumps(kept, ensure_ascii=False)

    def _json(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: _left_out(item)
                if (place := self.place(name)) is not None and place.is_secret
                else self._json(item)
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self._json(item) for item in value]
        return self._text(value) if isinstance(value, str) else value

    def _names_a_secret(self, text: str) -> bool:
        lowered = text.lower()
        return any(name in lowered for name in _secret_names(self))

    def _without_secret_parts(self, attributes: tuple[Attribute, ...], item: Any) -> Any:
        if not isinstance(item, dict):
            return item
        return {
            name: _left_out(part)
            if any((sub := each.find(name)) and sub.is_secret for each in attributes)
            else part
            for name, part in item.items()
        }

    def _parameter(self, name: str, item: Any) -> Any:
        if name == "filter" and isinstance(item, str):
            return self._filter(item, (), keeps_unknown=False)
        if name == "sortby" and isinstance(item, str):
            place = self.place(item)
            return place.text if place else self.unknown(item)
        if name in _LISTS:
            return _names(item)
        return _word(item) if name in _WORDS else _left_out(item)

    def _filter(self, text: str, within: tuple[Attribute, ...], *, keeps_unknown: bool) -> str:
        """A filter without the values that are compared with what is secret, or with nothing known.

        `within` is the attribute whose values it selects, () for a resource.
        """
        kept, end = [], 0
        for literal in Literals(text):
            holders = within
            if literal.within is not None and not within:
                found = self.place(literal.within)
                holders = found.attributes if found else ()
            if not self._is_comparable(literal.path, holders, keeps_unknown=keeps_unknown):
                kept += [text[end : literal.start], f'"{REDACTED}"']
                end = literal.end
        return "".join((*kept, text[end:]))

    def _is_comparable(
        self, path: str | None, within: tuple[Attribute, ...], *, keeps_unknown: bool
    ) -> bool:
        """True if what the path names may be seen; `within` are the attributes it is a part of."""
        if path is None:
            return False
        if within:
            parts = [part for each in within if (part := _part(each, path)) is not None]
            is_secret = any(each.is_secret for each in (*within, *parts))
            return not is_secret and (keeps_unknown or bool(parts))
        place = self.place(path)
        if place is None:
            return keeps_unknown
        # A comparison with a complex attribute looks at its value (E22).
        values = [part for each in place.attributes if (part := each.find(_VALUE)) is not None]
        looks_at = () if place.parts is not None else values
        return place.is_readable and not any(each.is_secret for each in looks_at)


def _place(reader: _Reader, path: str, keeps_unknown: bool) -> _Place | None:  # noqa: FBT001  # lru_cache
    """The place of a path; None for one that is too long to be read, which is not kept either."""
    return _find_place(reader, path, keeps_unknown) if len(path) <= MAX_LENGTH else None


@lru_cache(maxsize=4_096)
def _find_place(reader: _Reader, path: str, keeps_unknown: bool) -> _Place | None:  # noqa: FBT001  # lru_cache
    try:
        parsed = parse_path(path)
    except BadRequest:
        return None
    named = parsed.attribute
    if not named.name:
        schemas = [each.find_schema(named.urn or "") for each in reader.types]
        schema = next((each for each in schemas if each is not None), None)
        return None if schema is None else _Place(path, urn=schema.id)
    attributes = tuple(
        each for type_ in reader.types for each in _named(type_, named.urn, named.name)
    )
    if not attributes:
        return None
    part = named.sub or parsed.sub
    parts = None
    if part is not None:
        parts = tuple(sub for each in attributes if (sub := each.find(part)) is not None)
    text = path
    if parsed.filter is not None:
        head, bracket, rest = path.partition("[")
        inner, closing, tail = rest.rpartition("]")
        clean = reader._filter(inner, attributes, keeps_unknown=keeps_unknown)  # noqa: SLF001  # the same module
        text = f"{head}{bracket}{clean}{closing}{tail}"
    return _Place(text, attributes, parts)


def _named(resource_type: ResourceType, urn: str | None, name: str) -> list[Attribute]:
    """The attributes that the name may mean; a bare one that the core does not have, in any extension."""
    if urn is not None:
        there = resource_type.locate(urn, name)
        return [there.attribute] if there else []
    core = resource_type.locate(None, name)
    if core is None or core.extension is None:
        return [core.attribute] if core else []
    schemas = (extension.schema for extension in resource_type.extensions)
    return [found for schema in schemas if (found := schema.find(name)) is not None]


@lru_cache(maxsize=512)
def _secret_names(reader: _Reader) -> frozenset[str]:
    """The last names of everything secret, in lower case."""
    schemas = [
        schema
        for each in reader.types
        for schema in (each.schema, *(extension.schema for extension in each.extensions))
    ]
    return frozenset(path.rpartition(".")[2] for each in schemas for path in secret_paths(each))


def _part(attribute: Attribute, name: str) -> Attribute | None:
    """A part of a complex attribute; of a simple one, which has only a `value`, itself."""
    if attribute.type is Type.COMPLEX:
        return attribute.find(name)
    return attribute if name.lower() == _VALUE else None


def _is_plain(item: Any) -> bool:
    """True for a simple value that is no text of JSON: where it may be read, it stays as it is."""
    if isinstance(item, str):
        return item.lstrip()[:1] not in _OPENING
    return not isinstance(item, (dict, list))


def _left_out(value: Any) -> Any:
    """A mark in place of a value; what is no value stays."""
    return value if is_nothing(value) else REDACTED


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    """The change of a value, or of each in an array."""
    return [change(item) for item in value] if isinstance(value, list) else change(value)


def _message_member(name: str, item: Any) -> Any:
    if name.lower() == "schemas":
        return _names(item)
    is_limit = name.lower() == "failonerrors" and isinstance(item, int)
    return item if is_limit else _left_out(item)


def _names(item: Any) -> Any:
    """Names of schemas or attributes: text, or an array of texts."""
    if item == PATCH_OP:
        return item
    if isinstance(item, str):
        return ",".join(shown(name) if name.strip() else name for name in item.split(","))
    return (
        [_names(name) if isinstance(name, str) else _left_out(name) for name in item]
        if (isinstance(item, list))
        else _left_out(item)
    )


def _word(item: Any) -> Any:
    """A word of the protocol or a number."""
    if isinstance(item, str):
        if item in _OPS:
            return item
        is_tag = item.startswith(('W/"', '"')) and len(item) <= _MAX_WORD
        return item if is_tag or _WORD.fullmatch(item) else shown(item)
    return item if isinstance(item, (int, float)) else _left_out(item)


def _endpoint(path: str) -> str:
    """The path of a Bulk operation without a query, whose filter would hold values."""
    head, mark, _ = path.partition("?")
    return f"{head}?…" if mark else head
