"""Attributes, schemas and resource types with their characteristics (RFC 7643 §2, §6, §7).

Schemas are data: the same objects validate bodies, interpret filters and paths, compile to SQL and
are served at /Schemas. Names are compared without regard to case (RFC 7643 §2.1).
"""

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from scim.protocol.urns import DRAFTS


class Type(Enum):
    """RFC 7643 §2.3."""

    __hash__ = object.__hash__  # by identity, as they are compared; Enum hashes names, in Python

    STRING = "string"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    INTEGER = "integer"
    DATE_TIME = "dateTime"
    BINARY = "binary"
    REFERENCE = "reference"
    COMPLEX = "complex"


class Mutability(Enum):
    READ_ONLY = "readOnly"
    READ_WRITE = "readWrite"
    IMMUTABLE = "immutable"
    WRITE_ONLY = "writeOnly"


class Returned(Enum):
    ALWAYS = "always"
    NEVER = "never"
    DEFAULT = "default"
    REQUEST = "request"


class Uniqueness(Enum):
    NONE = "none"
    SERVER = "server"
    GLOBAL = "global"


class Relation(Enum):
    """The kind of an attribute whose values are rows instead of a part of the document."""

    MEMBERS = "members"  # resources that belong to this one; written through it
    MEMBER_OF = "memberOf"  # resources that this one belongs to, directly or not; computed


@dataclass(frozen=True)
class Attribute:
    """One attribute and its characteristics (RFC 7643 §7)."""

    name: str
    type: Type = Type.STRING
    description: str = ""
    multi_valued: bool = False
    required: bool = False
    canonical_values: tuple[str, ...] = ()
    case_exact: bool = False
    mutability: Mutability = Mutability.READ_WRITE
    returned: Returned = Returned.DEFAULT
    uniqueness: Uniqueness = Uniqueness.NONE
    reference_types: tuple[str, ...] = ()
    sub_attributes: tuple["Attribute", ...] = ()
    relation: Relation | None = None
    max_values: int = 100  # what a multi-valued attribute may hold
    default: bool | None = None  # with one it is always there: what gives it nothing is ignored

    @cached_property
    def _by_name(self) -> dict[str, "Attribute"]:
        return {sub.name.lower(): sub for sub in self.sub_attributes}

    @cached_property
    def parts(self) -> dict[str, "Attribute"]:
        """The sub-attributes by their canonical names."""
        return {sub.name: sub for sub in self.sub_attributes}

    @cached_property
    def folds(self) -> bool:
        """True if a text of the attribute is compared without regard to letter case."""
        return self.type is not Type.DATE_TIME and not self.case_exact

    @cached_property
    def is_secret(self) -> bool:
        """True if nobody gets to see a value of the attribute: it is accepted and kept nowhere."""
        return self.mutability is Mutability.WRITE_ONLY or self.returned is Returned.NEVER

    def find(self, name: str) -> "Attribute | None":
        """The sub-attribute with that name in any letter case."""
        return self._by_name.get(name.lower())


@dataclass(frozen=True)
class Schema:
    """A named set of attributes (RFC 7643 §7)."""

    id: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]

    @cached_property
    def _by_name(self) -> dict[str, Attribute]:
        return {attribute.name.lower(): attribute for attribute in self.attributes}

    def find(self, name: str) -> Attribute | None:
        """The attribute with that name in any letter case."""
        return self._by_name.get(name.lower())

    @cached_property
    def unique_attributes(self) -> tuple[Attribute, ...]:
        """The attributes whose value only one resource may have."""
        return tuple(a for a in self.attributes if a.uniqueness is not Uniqueness.NONE)


@dataclass(frozen=True)
class Extension:
    """A schema that extends a resource type; its attributes live under its URN (RFC 7643 §3.3)."""

    schema: Schema
    required: bool = False


@dataclass(frozen=True)
class Located:
    """An attribute and where it lives in a canonical resource.

    `extension` is the URN of the extension that holds it, None for the core schema and the common
    attributes. `sub` is the addressed sub-attribute, if one was addressed.
    """

    attribute: Attribute
    extension: str | None = None
    sub: Attribute | None = None

    @property
    def leaf(self) -> Attribute:
        """The innermost attribute that is addressed."""
        return self.sub or self.attribute

    @property
    def is_secret(self) -> bool:
        """True if the attribute is secret, or the part of it that is addressed."""
        return self.attribute.is_secret or self.leaf.is_secret

    @property
    def keys(self) -> tuple[str, ...]:
        """The dictionary keys from the resource's root to the attribute, without the `sub`."""
        own = (self.attribute.name,)
        return (self.extension, *own) if self.extension else own


@dataclass(frozen=True, eq=False)
class ResourceType:
    """A kind of resource and its endpoint (RFC 7643 §6); the key of caches, so it equals itself only."""

    name: str
    endpoint: str
    description: str
    schema: Schema
    extensions: tuple[Extension, ...] = ()
    common: tuple[Attribute, ...] = field(default=())  # id, externalId, meta, schemas (§3.1)

    @cached_property
    def _by_urn(self) -> dict[str, Schema]:
        schemas = (self.schema, *(extension.schema for extension in self.extensions))
        drafts = {urn: schema for schema in schemas for urn in DRAFTS.get(schema.id, ())}
        return drafts | {schema.id.lower(): schema for schema in schemas}

    @cached_property
    def _common_by_name(self) -> dict[str, Attribute]:
        return {attribute.name.lower(): attribute for attribute in self.common}

    @cached_property
    def relations(self) -> tuple[Attribute, ...]:
        """The core attributes whose values are rows."""
        return tuple(a for a in self.schema.attributes if a.relation is not None)

    @cached_property
    def defaults(self) -> dict[str, bool]:
        """The core attributes that are always there, with what they are when nobody says."""
        return {a.name: a.default for a in self.schema.attributes if a.default is not None}

    @cached_property
    def unique_attribute(self) -> Attribute | None:
        """The core attribute whose value only one resource of this type may have."""
        return next(iter(self.schema.unique_attributes), None)

    def find_schema(self, urn: str) -> Schema | None:
        """The core or extension schema with that URN, or a draft's for it, in any letter case."""
        return self._by_urn.get(urn.lower())

    def locate(self, urn: str | None, name: str, sub: str | None = None) -> Located | None:
        """The attribute that `[urn:]name[.sub]` addresses, None when there is no such attribute.

        A bare name that the core schema does not define is looked for in the extensions, because
        Entra filters by bare `manager` and patches bare `department` (E12).
        """
        found = self._locate_attribute(urn, name)
        if found is None or sub is None:
            return found
        sub_attribute = found.attribute.find(sub)
        if sub_attribute is None:
            return None
        return Located(found.attribute, found.extension, sub_attribute)

    def _locate_attribute(self, urn: str | None, name: str) -> Located | None:
        if urn is not None:
            schema = self.find_schema(urn)
            attribute = schema.find(name) if schema else None
            if schema is self.schema:
                attribute = attribute or self._common_by_name.get(name.lower())
                return Located(attribute) if attribute else None
            return Located(attribute, schema.id) if schema and attribute else None
        core = self._common_by_name.get(name.lower()) or self.schema.find(name)
        if core:
            return Located(core)
        for extension in self.extensions:
            attribute = extension.schema.find(name)
            if attribute:
                return Located(attribute, extension.schema.id)
        return None
